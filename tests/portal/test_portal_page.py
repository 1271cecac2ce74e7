"""The portal in a real browser, under the strict policy, with and without its API."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request, expect, sync_playwright
from standin_lab import StandinGateway, app, forty_apps, lab, portal, serving

QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"]
QUIET += ["--disable-background-networking", "--disable-component-update"]

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser(chromium: Path) -> Iterator[Browser]:
    expect.set_options(timeout=20_000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture
def gateway() -> Iterator[StandinGateway]:
    with serving(StandinGateway(portal(*forty_apps()))) as gateway:
        yield gateway


class Visit:
    """A page that was opened, what it wrote to the console, and what it asked of other places."""

    def __init__(self, context: BrowserContext, gateway: StandinGateway) -> None:
        self.page: Page = context.new_page()
        self.console: list[str] = []
        self.elsewhere: list[str] = []
        self.page.on("console", lambda message: self.console.append(message.text))
        self.page.on("pageerror", lambda error: self.console.append(str(error)))
        self.page.on("request", lambda request: self._note(request, gateway.url))
        context.route("https://*.example.com/**", lambda route: route.fulfill(body="the app"))
        self.page.goto(gateway.url)

    def _note(self, request: Request, home: str) -> None:
        if not request.url.startswith(home):
            self.elsewhere.append(request.url)


Open = Callable[..., Visit]


@pytest.fixture
def open_page(browser: Browser, gateway: StandinGateway) -> Iterator[Open]:
    contexts: list[BrowserContext] = []

    def open_(**options: Any) -> Visit:
        contexts.append(browser.new_context(**options))
        return Visit(contexts[-1], gateway)

    yield open_
    for context in contexts:
        context.close()


def test_forty_apps_are_shown_and_nothing_is_asked_elsewhere(gateway: StandinGateway, open_page: Open) -> None:
    visit = open_page()
    expect(visit.page.locator(".tile")).to_have_count(40)
    expect(visit.page.locator("#freshness")).to_have_text("Live, every second.")
    assert visit.console == []
    assert visit.elsewhere == []
    assert len([path for path in gateway.asked if path != "/icon.svg"]) <= 5
    assert sorted(set(gateway.asked) - {"/icon.svg"}) == ["/", "/api/v1/stream", "/live.js", "/portal.js", "/style.css"]


def test_without_javascript_the_tiles_are_links_all_the_same(gateway: StandinGateway, open_page: Open) -> None:
    page = open_page(java_script_enabled=False).page
    expect(page.locator(".tile")).to_have_count(40)
    expect(page.locator("#search")).to_be_hidden()
    expect(page.locator("noscript p")).to_be_visible()
    page.locator('[data-app="kavita"]').click()
    assert page.url == "https://kavita.example.com/"


def test_a_search_and_enter_open_the_first_match(open_page: Open) -> None:
    page = open_page().page
    page.keyboard.press("/")
    page.keyboard.type("kav")
    expect(page.locator(".tile:visible")).to_have_count(1)
    expect(page.locator("#found")).to_have_text("1 of 40 applications match")
    page.keyboard.press("Enter")
    page.wait_for_url("https://kavita.example.com/")


def test_everything_is_reached_by_keyboard(open_page: Open) -> None:
    page = open_page().page
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.locator("#query")).to_be_focused()
    page.keyboard.type("app0")
    for key in ("ArrowDown", "ArrowDown", "ArrowRight", "ArrowUp"):
        page.keyboard.press(key)
    focused = page.locator('[data-app="app01"]')
    expect(focused).to_be_focused()
    assert focused.evaluate("tile => getComputedStyle(tile).outlineStyle") == "solid"
    page.keyboard.press("Escape")
    expect(page.locator("#query")).to_be_focused()
    expect(page.locator(".tile:visible")).to_have_count(40)
    page.keyboard.type("no such thing")
    expect(page.locator("#nothing")).to_have_text("No application matches “no such thing”.")
    page.keyboard.press("Enter")
    expect(page.locator("#query")).to_be_focused()


def test_both_hosts_weather_and_activity_are_shown(open_page: Open) -> None:
    page = open_page(locale="de-DE", timezone_id="Europe/Berlin").page
    for host in ("monk", "kscloud1"):
        card = page.locator(f'[data-host="{host}"]')
        expect(card.locator(".state")).to_have_text("up")
        expect(card.locator('[data-figure="cpu"] .value')).to_have_text("37 % · 47 °C")
        expect(card.locator('[data-figure="disk"] [role=meter]')).to_have_attribute("aria-valuenow", "93")
        expect(card.locator('[data-figure="memory"] .value')).to_have_text("9.6 of 16 GB")
    expect(page.locator("#weather")).to_contain_text("12° light rain in Berlin, feels like 9°")
    expect(page.locator("#weather a")).to_have_text("Weather data by Open-Meteo.com (CC BY 4.0)")
    expect(page.locator("#activity li")).to_contain_text("brother pushed to brother/lab: <b>Mend the gate</b>")
    expect(page.locator("#answered")).to_have_text("Answered by kscloud1.")


def test_a_host_that_goes_away_is_told_with_what_still_works(gateway: StandinGateway, open_page: Open) -> None:
    page = open_page(timezone_id="Europe/Berlin").page
    expect(page.locator("#freshness")).to_have_text("Live, every second.")
    expect(page.locator("#banner")).to_be_hidden()
    gateway.show(lab(away="monk"))
    expect(page.locator("#banner")).to_contain_text("monk has been away since ")
    expect(page.locator("#banner")).to_contain_text("39 of 40 applications work without it; out of reach: Kavita.")
    expect(page.locator('[data-host="monk"] .state')).to_contain_text("away since ")
    assert page.locator('[data-app="kavita"] .promise').evaluate("promise => promise.offsetHeight") > 10
    gateway.show(lab())
    expect(page.locator("#banner")).to_be_hidden()


def test_an_app_that_needs_a_host_which_is_away_is_out_of_reach(browser: Browser) -> None:
    document = portal(app("grafana", needs=["kscloud1"]), app("portainer"))
    gateway = StandinGateway(document)
    gateway.lab = lab(away="kscloud1")
    with serving(gateway), browser.new_context() as context:
        page = Visit(context, gateway).page
        expect(page.locator("#banner")).to_contain_text("1 of 2 applications work without it; out of reach: Grafana.")


def test_an_api_that_is_down_is_told_and_its_return_is_noticed(gateway: StandinGateway, open_page: Open) -> None:
    gateway.show(None)
    page = open_page().page
    expect(page.locator("#banner")).to_have_text("The figures do not answer; the links work without them.")
    expect(page.locator(".tile:visible")).to_have_count(40)
    gateway.show(lab())
    expect(page.locator("#freshness")).to_have_text("Live, every second.")
    expect(page.locator("#banner")).to_be_hidden()


def test_figures_that_stop_are_called_old(gateway: StandinGateway, open_page: Open) -> None:
    page = open_page().page
    expect(page.locator("#freshness")).to_have_text("Live, every second.")
    gateway.show(None)
    expect(page.locator("#banner")).to_contain_text("the ones shown are from")


def test_where_no_stream_gets_through_it_polls(gateway: StandinGateway, open_page: Open) -> None:
    gateway.streams = False
    page = open_page().page
    expect(page.locator("#freshness")).to_have_text("Refreshed every two seconds.")


def test_a_session_that_ended_is_told(gateway: StandinGateway, open_page: Open) -> None:
    gateway.streams, gateway.signed_out = False, True
    page = open_page().page
    expect(page.locator("#banner")).to_contain_text("You are signed out")


@pytest.mark.parametrize("width", [320, 390, 820, 1440])
def test_no_width_scrolls_sideways(open_page: Open, width: int) -> None:
    page = open_page(viewport={"width": width, "height": 800}).page
    expect(page.locator("#freshness")).to_have_text("Live, every second.")
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("width", [390, 1440])
def test_nothing_moves_once_it_is_seen(open_page: Open, width: int) -> None:
    page = open_page(viewport={"width": width, "height": 800}).page
    expect(page.locator("#freshness")).to_have_text("Live, every second.")
    moved = page.evaluate("""new Promise(resolve => {
        let sum = 0;
        const add = list => { for (const entry of list) sum += entry.value; };
        const shifts = new PerformanceObserver(list => add(list.getEntries()));
        shifts.observe({ type: "layout-shift", buffered: true });
        const frames = left => left ? requestAnimationFrame(() => frames(left - 1)) : resolve(sum);
        frames(10);
    })""")
    assert moved < 0.01
