"""The page without its lab: what is kept, for whom, and when it is forgotten."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable
from http.cookies import SimpleCookie
from xml.etree import ElementTree

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from standin_visit import PORTAL, StandinVisit

pytestmark = pytest.mark.browser

Open = Callable[..., Page]
Person = Callable[..., BrowserContext]
# Whether what was kept is gone, or goes within ten seconds.
FORGOTTEN = """async () => {
    for (let turn = 0; turn < 500; turn++) {
        if (!(await (await caches.open("abbey-kept")).match("/"))) return true;
        await new Promise(resolve => setTimeout(resolve, 20));
    }
    return false;
}"""
KEPT = """async () => {
    const cache = await caches.open("abbey-kept");
    const sizes = {};
    for (const request of await cache.keys()) {
        sizes[new URL(request.url).pathname] = (await (await cache.match(request)).blob()).size;
    }
    return sizes;
}"""


@pytest.fixture
def page(person: Person, open_page: Open) -> Page:
    """A page whose service worker is ready."""
    return controlled(open_page(person(service_workers="allow")))


def controlled(page: Page) -> Page:
    """Wait until the service worker answers for the page."""
    page.evaluate("async () => { await navigator.serviceWorker.ready; }")
    page.wait_for_function("() => navigator.serviceWorker.controller")
    return page


def kept(page: Page) -> dict[str, int]:
    sizes: dict[str, int] = page.evaluate(KEPT)
    return sizes


def test_little_is_kept_and_nothing_of_the_api(page: Page) -> None:
    sizes = kept(page)
    assert {"/", "/style.css", "/portal.js", "/live.js", "/icon.svg"} <= sizes.keys()
    assert not [path for path in sizes if path.startswith("/api/")]
    page.locator('[data-host="monk"] .more').click()
    expect(page.get_by_role("slider", name="CPU")).to_be_visible()
    assert not [path for path in kept(page) if path.startswith("/api/")]
    assert "/history.js" in kept(page)


def test_the_shell_is_small_on_the_wire(visit: StandinVisit, page: Page) -> None:
    shell = re.search(r"const SHELL = (\[.*?\]);", (PORTAL / "sw.js").read_text(), re.S)
    assert shell
    assert "/" in kept(page)
    files = [(PORTAL / path.removeprefix("/")).read_bytes() for path in json.loads(shell[1])]
    assert sum(len(gzip.compress(text)) for text in (*files, visit.page(SimpleCookie()))) < 30_000


def test_without_a_lab_the_page_is_there_and_says_from_when(visit: StandinVisit, page: Page) -> None:
    page.context.set_offline(True)
    page.reload()
    expect(page.locator("#offline")).to_contain_text(re.compile(r"Offline; what you see is from \d\d:\d\d\."))
    expect(page.locator(".tile:visible")).to_have_count(8)
    assert page.evaluate("getComputedStyle(document.querySelector('.tile')).display") == "grid"
    page.context.set_offline(False)
    expect(page.locator("#offline")).to_contain_text("The lab answers again", timeout=60_000)
    page.get_by_role("button", name="Load again").click()
    expect(page.locator("#offline")).to_have_count(0)


def test_a_gateway_without_a_lab_behind_it_is_no_page(visit: StandinVisit, page: Page) -> None:
    visit.down.add("/")
    page.reload()
    expect(page.locator("#offline")).to_be_visible()
    expect(page.locator(".tile:visible")).to_have_count(8)


def test_a_slow_lab_does_not_keep_a_visitor_waiting(visit: StandinVisit, page: Page) -> None:
    visit.held.add("/")
    page.reload()
    expect(page.locator("#offline")).to_be_visible()
    visit.let_go()


def test_favourites_are_there_offline_and_are_sent_later(visit: StandinVisit, page: Page) -> None:
    page.context.set_offline(True)
    page.reload()
    star = page.get_by_role("button", name="Favourite: Kavita")
    star.click()
    expect(page.locator("#favourites .name")).to_have_text(["Kavita"])
    with page.expect_response(lambda answer: answer.request.method == "PUT"):
        page.context.set_offline(False)
    assert visit.kept["brother"]["favourites"] == ["kavita"]


def test_a_login_makes_it_forget(visit: StandinVisit, page: Page) -> None:
    page.context.route("https://auth.example.com/**", lambda route: route.fulfill(body="sign in here"))
    visit.signed_out = True
    page.reload()
    expect(page.locator("body")).to_have_text("sign in here")
    visit.signed_out = False
    page.goto(f"{visit.url}icon.svg")
    assert page.evaluate(FORGOTTEN)


@pytest.mark.parametrize("way", ["a link elsewhere", "an address here", "the API"])
def test_signing_out_makes_it_forget(visit: StandinVisit, page: Page, way: str) -> None:
    assert "/" in kept(page)
    if way == "the API":
        visit.signed_out = True
        page.get_by_role("button", name="Favourite: Kavita").click()
    elif way == "an address here":
        page.goto(f"{visit.url}outpost.goauthentik.io/sign_out")
    else:
        page.context.route("https://auth.example.com/**", lambda route: route.fulfill(body="signed out"))
        link = page.get_by_role("link", name="Sign out")
        link.evaluate("link => (link.href = 'https://auth.example.com/flows/-/logout/')")
        link.click()
        expect(page.locator("body")).to_have_text("signed out")
    if way != "the API":
        page.goto(f"{visit.url}icon.svg")
    assert page.evaluate(FORGOTTEN)


def test_what_was_kept_for_somebody_else_is_forgotten(visit: StandinVisit, page: Page) -> None:
    assert "/" in kept(page)
    visit.me |= {"name": "sister"}
    visit.pages["en"] = visit.pages["en"].replace("Jellyfin", "Hers alone")
    visit.held.add("/")  # so slow that the kept page is shown first
    beside = page.context.new_page()
    beside.goto(f"{visit.url}icon.svg")
    with page.expect_event("framenavigated"):
        page.evaluate("() => location.reload()")
    assert beside.evaluate(FORGOTTEN)
    visit.let_go()
    expect(page.locator('[data-app="jellyfin"] .name')).to_have_text("Hers alone")
    expect(page.locator("html")).to_have_class(re.compile("personal"))
    page.context.set_offline(True)
    page.reload()
    expect(page.locator('[data-app="jellyfin"] .name')).to_have_text("Hers alone")


def test_new_files_hold_together_from_the_next_visit_on(visit: StandinVisit, person: Person, open_page: Open) -> None:
    worker = (PORTAL / "sw.js").read_text()
    assert "const GRACE = 1_000;" in worker
    visit.files["/sw.js"] = worker.replace("const GRACE = 1_000;", "const GRACE = 60_000;").encode()
    page = controlled(open_page(person(service_workers="allow")))
    visit.files["/style.css"] = (PORTAL / "style.css").read_bytes() + b"\nhtml { --version: 2; }"
    visit.files["/live.js"] = (PORTAL / "live.js").read_bytes() + b"\ndocument.documentElement.dataset.version = 2;"
    visit.held.add("/portal.js")
    with page.expect_request(visit.url):
        page.evaluate("() => location.reload()")
    visit.let_go()
    expect(page.locator("html")).to_have_attribute("data-version", "2")
    assert page.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--version')") == "2"


def test_an_unchanged_file_costs_a_question_and_no_bytes(visit: StandinVisit, page: Page) -> None:
    page.reload()
    expect(page.locator("#freshness")).to_have_text("Live, every second.")
    visit.statuses.clear()
    page.reload()
    expect(page.locator("#freshness")).to_have_text("Live, every second.")
    statuses = {status for path, status in visit.statuses if path in {"/style.css", "/portal.js", "/live.js"}}
    assert statuses == {304}


def test_the_page_can_be_installed(page: Page) -> None:
    session = page.context.new_cdp_session(page)
    found = session.send("Page.getAppManifest")
    assert found["errors"] == []
    manifest = json.loads(found["data"])
    assert {icon["purpose"] for icon in manifest["icons"]} == {"any", "maskable", "monochrome"}
    for icon in manifest["icons"]:
        ElementTree.fromstring((PORTAL / icon["src"].removeprefix("/")).read_text())
    faults = session.send("Page.getInstallabilityErrors")["installabilityErrors"]
    assert [fault["errorId"] for fault in faults if fault["errorId"] != "in-incognito"] == []
