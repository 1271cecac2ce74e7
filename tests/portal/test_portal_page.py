"""The portal in a real browser, under the strict policy, with and without its API."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request, expect
from standin_lab import (
    StandinGateway,
    all_well,
    app,
    container,
    forge,
    forty_apps,
    grouped,
    lab,
    link,
    lives_on,
    past,
    portal,
    serving,
)

pytestmark = pytest.mark.browser

NOISE = "Service Worker registration blocked by Playwright"
LIVE = "Live, every second."
FIRST_VIEW = {"/", "/style.css", "/portal.js", "/live.js", "/now.js", "/api/v1/stream"}


@pytest.fixture
def gateway() -> Iterator[StandinGateway]:
    with serving(StandinGateway(portal(*forty_apps()))) as gateway:
        gateway.show(all_well())
        yield gateway


class Visit:
    """A page that was opened, what it wrote to the console, and what it asked of other places."""

    def __init__(self, context: BrowserContext, gateway: StandinGateway) -> None:
        self.page: Page = context.new_page()
        self._console: list[str] = []
        self.elsewhere: list[str] = []
        self.page.on("console", lambda message: self._console.append(message.text))
        self.page.on("pageerror", lambda error: self._console.append(str(error)))
        self.page.on("request", lambda request: self._note(request, gateway.url))
        context.route("https://*.example.com/**", lambda route: route.fulfill(body="the app"))
        self.page.goto(gateway.url)

    @property
    def console(self) -> list[str]:
        return [text for text in self._console if NOISE not in text]

    def _note(self, request: Request, home: str) -> None:
        if not request.url.startswith(home):
            self.elsewhere.append(request.url)


Open = Callable[..., Visit]


@pytest.fixture
def open_page(browser: Browser, gateway: StandinGateway) -> Iterator[Open]:
    contexts: list[BrowserContext] = []

    def open_(at: StandinGateway = gateway, **options: Any) -> Visit:
        given = {"locale": "en-GB", "timezone_id": "Europe/Berlin", "service_workers": "block", **options}
        contexts.append(browser.new_context(**given))
        return Visit(contexts[-1], at)

    yield open_
    for context in contexts:
        context.close()


def live(visit: Visit) -> Page:
    expect(visit.page.locator("#freshness")).to_have_text(LIVE)
    return visit.page


def tile(page: Page, name: str) -> Any:
    return page.locator(f'.tile[data-app="{name}"]')


# ---------------------------------------------------------------- the first view


def test_forty_apps_are_shown_and_nothing_is_asked_elsewhere(gateway: StandinGateway, open_page: Open) -> None:
    visit = open_page()
    page = live(visit)
    expect(page.locator(".tile")).to_have_count(40)
    expect(page.locator('[data-figure="cpu"] .value').first).to_have_text("37 %")
    expect(page.locator("#platform")).to_be_visible()
    assert visit.console == []
    assert visit.elsewhere == []


def test_the_first_figures_need_six_requests(gateway: StandinGateway, open_page: Open) -> None:
    page = live(open_page())
    expect(page.locator('[data-figure="cpu"] .value').first).to_have_text("37 %")
    first = [path for path in gateway.asked if path not in ("/icon.svg", "/manifest.webmanifest")][:6]
    assert set(first) == FIRST_VIEW


def test_without_javascript_the_tiles_are_links_all_the_same(gateway: StandinGateway, open_page: Open) -> None:
    page = open_page(java_script_enabled=False).page
    expect(page.locator(".tile")).to_have_count(40)
    for hidden in ("#search", "#settings-button", ".star", ".more", "#pulse"):
        expect(page.locator(hidden).first).to_be_hidden()
    expect(page.locator("noscript p")).to_be_visible()
    expect(page.get_by_role("heading", name="kscloud1")).to_be_visible()
    tile(page, "kavita").click()
    assert page.url == "https://kavita.example.com/"


@pytest.mark.parametrize("width", [320, 390, 820, 1440])
def test_no_width_scrolls_sideways(open_page: Open, width: int) -> None:
    page = live(open_page(viewport={"width": width, "height": 800}))
    expect(page.locator("#platform")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("width", [390, 1440])
def test_nothing_moves_once_it_is_seen(open_page: Open, width: int) -> None:
    page = live(open_page(viewport={"width": width, "height": 800}))
    expect(tile(page, "app00").locator('[data-on="monk"]')).to_contain_text("up")
    moved = page.evaluate("""new Promise(resolve => {
        let sum = 0;
        const add = list => { for (const entry of list) sum += entry.value; };
        const shifts = new PerformanceObserver(list => add(list.getEntries()));
        shifts.observe({ type: "layout-shift", buffered: true });
        const frames = left => left ? requestAnimationFrame(() => frames(left - 1)) : resolve(sum);
        frames(10);
    })""")
    assert moved < 0.01


def test_small_groups_share_a_row(browser: Browser, open_page: Open) -> None:
    names = {"AI": 1, "Code": 1, "Files": 2, "Media": 6}
    document = grouped({name: [app(f"{name.lower()}{n}") for n in range(count)] for name, count in names.items()})
    with serving(StandinGateway(document)) as gateway:
        page = live(open_page(gateway, viewport={"width": 1440, "height": 900}))
        tops = page.locator(".group").evaluate_all("groups => groups.map(group => group.offsetTop)")
        assert tops[0] == tops[1] == tops[2] < tops[3]
        widths = page.locator(".tile").evaluate_all("tiles => tiles.map(tile => Math.round(tile.offsetWidth))")
        assert max(widths) - min(widths) <= 1


# ---------------------------------------------------------------- search and keyboard


def test_a_search_and_enter_open_the_first_match(open_page: Open) -> None:
    page = open_page().page
    page.keyboard.press("/")
    page.keyboard.type("kav")
    expect(page.locator(".tile:visible")).to_have_count(1)
    expect(page.locator("#found")).to_have_text("1 of 40 applications match")
    page.keyboard.press("Enter")
    page.wait_for_url("https://kavita.example.com/")


def test_enter_opens_what_begins_with_the_words_before_what_only_mentions_them(open_page: Open) -> None:
    apps = [app("one", summary="Not the wiki"), app("two", title="The Wiki"), app("three", title="Wiki.js")]
    with serving(StandinGateway(portal(*apps))) as gateway:
        page = open_page(gateway).page
        page.locator("#query").fill("WÍKI")
        expect(page.locator(".tile:visible")).to_have_count(3)
        expect(page.locator(".tile.first .name")).to_have_text("Wiki.js")
        page.locator("#query").fill("home wiki")
        expect(page.locator(".tile:visible .name")).to_have_text(["Wiki.js"])


def test_everything_is_reached_by_keyboard(open_page: Open) -> None:
    page = open_page().page
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.locator("#query")).to_be_focused()
    page.keyboard.type("app0")
    for key in ("ArrowDown", "ArrowRight"):
        page.keyboard.press(key)
    focused = tile(page, "app01")
    expect(focused).to_be_focused()
    assert focused.evaluate("tile => getComputedStyle(tile).outlineStyle") == "solid"
    page.keyboard.press("Escape")
    expect(page.locator("#query")).to_be_focused()
    expect(page.locator(".tile:visible")).to_have_count(40)
    page.keyboard.type("no such thing")
    expect(page.locator("#nothing")).to_have_text("No application matches “no such thing”.")
    page.keyboard.press("Enter")
    expect(page.locator("#query")).to_be_focused()


def test_arrows_go_where_they_point(open_page: Open) -> None:
    page = open_page(viewport={"width": 1440, "height": 900}).page  # four tiles in a row, twenty in a group
    tile(page, "app01").focus()
    moves = [
        ("ArrowDown", "app05"),
        ("ArrowLeft", "app04"),
        ("ArrowLeft", "app03"),
        ("ArrowUp", None),
        ("ArrowDown", "app00"),
    ]
    for key, name in moves:
        page.keyboard.press(key)
        expect(tile(page, name) if name else page.locator("#query")).to_be_focused()
    tile(page, "app18").focus()
    page.keyboard.press("ArrowDown")
    expect(tile(page, "app22")).to_be_focused()


def test_a_slash_that_is_typed_into_a_field_is_a_slash(open_page: Open) -> None:
    page = open_page().page
    page.keyboard.press("/")
    page.keyboard.type("a/b")
    expect(page.locator("#query")).to_have_value("a/b")


# ---------------------------------------------------------------- what is told


def test_both_hosts_weather_and_activity_are_shown(open_page: Open) -> None:
    page = live(open_page())
    for host in ("monk", "kscloud1"):
        card = page.locator(f'[data-host="{host}"]')
        expect(card.locator(".state")).to_have_text("up")
        expect(card.locator('[data-figure="cpu"] .value')).to_have_text("37 %")
        expect(card.locator('[data-figure="temperature"] .value')).to_have_text("47 °C")
        expect(card.locator('[data-figure="disk"] [role=meter]')).to_have_attribute("aria-valuenow", "93")
        expect(card.locator('[data-figure="disk"] [role=meter]')).to_have_attribute("aria-valuetext", "93 % of /")
        expect(card.locator('[data-figure="memory"] .value')).to_have_text("9.6 of 16 GB")
        expect(card.locator('[data-figure="network"] .value')).to_have_text("↓ 1.3 MB/s ↑ 83 kB/s")
        expect(card.locator('[data-figure="uptime"] .value')).to_have_text("14 d 6 h")
    expect(page.locator("#weather .sky-now")).to_contain_text("12° light rain in Berlin, feels like 9°")
    expect(page.locator("#weather .days li")).to_have_count(5)
    expect(page.locator("#weather .days li").first).to_contain_text("Mon")
    expect(page.locator("#weather a")).to_have_text("Weather data by Open-Meteo.com (CC BY 4.0)")
    entries = page.locator("#activity li")
    expect(entries.first).to_contain_text("brother pushed to brother/lab: <b>Mend the gate</b>")
    expect(entries.nth(1)).to_contain_text("brother worked on brother/notes")
    expect(page.locator("#activity a")).to_have_count(1)
    expect(page.locator("#answered")).to_have_text("Answered by kscloud1.")
    expect(page.locator("#summary")).to_have_text("2 of 2 hosts up · 40 of 40 applications well")


def test_the_page_and_its_news_speak_german(open_page: Open) -> None:
    with serving(StandinGateway(portal(*forty_apps()), "de")) as gateway:
        gateway.show(lab(away="monk"))
        page = open_page(gateway, locale="de-DE").page
        expect(page.locator("#freshness")).to_have_text("Live, jede Sekunde.")
        expect(page.locator("#banner")).to_contain_text("39 von 40 Anwendungen gehen; nicht erreichbar: Kavita.")
        memory = page.locator('[data-host="kscloud1"] [data-figure="memory"] .value')
        expect(memory).to_have_text("9,6 von 16 GB")
        expect(page.locator("#weather .sky-now")).to_contain_text("leichter Regen in Berlin, gefühlt 9°")
        expect(page.locator("#activity li").first).to_contain_text("brother hat in brother/lab eingespielt: ")


def test_each_tile_says_how_its_app_does_on_each_host(gateway: StandinGateway, open_page: Open) -> None:
    gateway.show(lab(app00={"monk": "starting", "kscloud1": "up"}, app01={"monk": "nonsense", "kscloud1": "unhealthy"}))
    page = live(open_page())
    expect(tile(page, "app00").locator("[data-on]")).to_have_text(["monk starting", "kscloud1 up"])
    expect(tile(page, "app01").locator("[data-on]")).to_have_text(["monk unknown", "kscloud1 unwell"])
    expect(tile(page, "app02").locator("[data-on]")).to_have_text(["monk unknown", "kscloud1 unknown"])
    shapes = page.locator(".tile [data-on]").evaluate_all(
        "all => new Set(all.map(one => getComputedStyle(one, '::before').content)).size"
    )
    assert shapes == 4, "a shape for each state, so that no colour is needed"
    gateway.show(lab(app00={"monk": "up", "kscloud1": "up"}))
    expect(tile(page, "app00").locator("[data-on]")).to_have_text(["monk up", "kscloud1 up"])


def test_lines_begin_with_the_past_and_go_on(gateway: StandinGateway, open_page: Open) -> None:
    now = all_well()
    for host in now["hosts"]:
        host["figures"]["at"] = time.time()
    gateway.past = past(time.time() - 5)
    gateway.show(now)
    page = live(open_page())
    line = page.locator('[data-host="monk"] [data-figure="cpu"] .line')
    expect(line).to_have_attribute("d", re.compile(r"M0 .*L59 12\.5$"))
    now["hosts"][0]["figures"]["cpu"]["percent"] = 100.0
    now["hosts"][0]["figures"]["at"] += 5
    gateway.show(now)
    expect(line).to_have_attribute("d", re.compile(r"L58 12\.5L59 0\.0$"))


def test_a_break_is_filled_with_what_was_missed(gateway: StandinGateway, open_page: Open) -> None:
    gateway.past = past(time.time() - 60)
    page = live(open_page())
    line = page.locator('[data-host="monk"] [data-figure="memory"] .line')
    expect(line).to_have_attribute("d", re.compile("L59"))
    before = line.get_attribute("d")
    gateway.past = past(time.time(), count=60, step=1.0)
    gateway.cut()
    expect(line).not_to_have_attribute("d", before or "")
    expect(line).to_have_attribute("d", re.compile("^M0 .*L59 "))


def test_the_platform_is_told_and_containers_to_those_who_may_know(gateway: StandinGateway, open_page: Open) -> None:
    now = all_well()
    now["platforms"][0]["platform"]["containers"]["list"].append(container("<b>sick</b>", "unhealthy"))
    gateway.show(now)
    page = live(open_page())
    platform = page.locator("#platform")
    expect(platform.locator('[data-part="tunnel"] dd span')).to_have_text(["monk up", "kscloud1 up"])
    database = platform.locator('[data-part="database"] dd span')
    expect(database.nth(0)).to_have_text("kscloud1 primary, 12 of 100 connections")
    expect(database.nth(1)).to_have_text("monk standby, up to date, 1 of 100 connections")
    expect(platform.locator('[data-part="backups"] dd')).to_have_text("monk 1 of 1 well, oldest 5 h, restored 2 d ago")
    expect(platform.locator('[data-part="containers"] dd span').first).to_have_text("monk 3 of 4 well")
    expect(platform.locator("table")).to_have_count(0)
    platform.locator("summary").click()
    expect(platform.locator("tbody tr")).to_have_count(7)
    expect(platform.locator("tbody tr").nth(3)).to_have_text("<b>sick</b>monk unwell2 %120 MB")
    for view in now["platforms"]:
        view["platform"]["containers"] = None
    gateway.show(now)
    expect(platform.locator("details")).to_have_count(0)
    expect(platform.locator('[data-part="containers"]')).to_be_hidden()


def test_the_year_is_drawn_for_who_scrolls_to_it(gateway: StandinGateway, open_page: Open) -> None:
    now = all_well()
    now["forgejo"] = forge(heat=True)
    gateway.show(now)
    page = live(open_page(viewport={"width": 1440, "height": 600}))
    expect(page.locator("#activity li").first).to_be_attached()
    assert "/heat.js" not in gateway.asked
    page.locator("#activity").scroll_into_view_if_needed()
    expect(page.locator("#activity .heat svg")).to_be_visible()


# ---------------------------------------------------------------- what is away


def test_a_host_that_goes_away_is_told_with_what_still_works(gateway: StandinGateway, open_page: Open) -> None:
    page = live(open_page())
    banner = page.locator("#banner")
    expect(banner).to_be_hidden()
    gateway.show(lab(away="monk"))
    expect(banner).to_contain_text("monk has been away since ")
    expect(banner).to_contain_text("39 of 40 applications work; out of reach: Kavita.")
    expect(page.locator('[data-host="monk"] .state')).to_contain_text("away since ")
    expect(tile(page, "kavita").locator(".promise")).to_have_text("Lives on monk; away while monk is away.")
    expect(tile(page, "kavita").locator(".promise")).to_be_visible()
    expect(tile(page, "app00").locator(".promise")).to_be_hidden()
    expect(tile(page, "app00").locator("[data-on]").first).to_have_text("monk away")
    gateway.show(all_well())
    expect(banner).to_be_hidden()
    expect(tile(page, "kavita").locator(".promise")).to_be_hidden()


def test_an_app_that_needs_the_database_of_a_host_which_is_away_is_out_of_reach(open_page: Open) -> None:
    document = portal(app("grafana", needs=["kscloud1"]), app("portainer"), link("router"))
    with serving(StandinGateway(document)) as gateway:
        now = lab(away="kscloud1")
        now["platforms"] = []
        gateway.show(now)
        banner = open_page(gateway).page.locator("#banner")
        expect(banner).to_contain_text("1 of 2 applications work; out of reach: Grafana.")


def test_a_copy_of_the_database_that_took_over_brings_its_apps_back(open_page: Open) -> None:
    with serving(StandinGateway(portal(app("grafana", needs=["kscloud1"]), app("portainer")))) as gateway:
        now = lab(away="kscloud1")
        for server in now["platforms"][0]["platform"]["databases"]:
            server.update({"state": "up", "role": "primary"} if server["host"] == "monk" else {"state": "down"})
        gateway.show(now)
        banner = open_page(gateway).page.locator("#banner")
        expect(banner).to_contain_text("All 2 applications work without that.")


def test_what_else_is_wrong_is_told_by_name(gateway: StandinGateway, open_page: Open) -> None:
    document = portal(app("grafana", needs=["kscloud1"]), app("wiki"), app("kavita", **lives_on("monk")))
    with serving(StandinGateway(document)) as gateway:
        now = lab(wiki={"monk": "up", "kscloud1": "restarting"}, kavita={"monk": "unhealthy"})
        monk, cloud = (view["platform"] for view in now["platforms"])
        for server in (*monk["databases"], *cloud["databases"]):
            if server["host"] == "kscloud1":
                server.update(state="down", role=None)
        monk["tunnel"]["state"] = "down"
        cloud["tailnet"]["state"] = "down"
        receipt = monk["backups"]["list"][0]
        monk["backups"]["list"] = [
            {**receipt, "name": "wiki", "ok": False},
            {**receipt, "at": time.time() - 3 * 86_400},
        ]
        gateway.show(now)
        page = live(open_page(gateway))
        expect(page.locator("#banner p")).to_have_text(
            [
                "The database does not answer. 2 of 3 applications work; out of reach: Grafana.",
                re.compile(r"^Not well: Wiki on kscloud1 \(restarting\) and Kavita on monk \(unwell\)\.$"),
                "The tunnel of monk is down; visitors from the internet come in through kscloud1.",
                "kscloud1 is cut off from the private network.",
                "The last backup of wiki failed.",
                "The last backup of forgejo is more than two days old.",
            ]
        )
        expect(page.locator("#summary")).to_have_text("2 of 2 hosts up · 0 of 3 applications well")
        cloud["tunnel"]["state"] = "down"
        gateway.show(now)
        expect(page.locator("#banner")).to_contain_text("Every tunnel is down")
        gateway.show(lab(names=("grafana", "wiki", "kavita")))
        expect(page.locator("#banner")).to_be_hidden()


# ---------------------------------------------------------------- streams, polling, trouble


def test_an_api_that_is_down_is_told_and_its_return_is_noticed(gateway: StandinGateway, open_page: Open) -> None:
    gateway.show(None)
    page = open_page().page
    expect(page.locator("#banner")).to_have_text("The figures do not answer; the links work without them.")
    expect(page.locator(".tile:visible")).to_have_count(40)
    gateway.show(all_well())
    expect(page.locator("#freshness")).to_have_text(LIVE)
    expect(page.locator("#banner")).to_be_hidden()


def test_figures_that_stop_are_called_old(gateway: StandinGateway, open_page: Open) -> None:
    page = live(open_page())
    gateway.show(None)
    expect(page.locator("#banner")).to_contain_text("the ones shown are from")
    expect(page.locator("#freshness")).to_have_text("The figures do not answer.")


def test_a_stream_that_is_cut_is_taken_up_where_it_was(gateway: StandinGateway, open_page: Open) -> None:
    page = live(open_page())
    expect(tile(page, "app00").locator("[data-on]").first).to_have_text("monk up")
    gateway.lab = lab(away="monk")
    gateway.cut()
    expect(page.locator("#banner")).to_contain_text("monk has been away since ")
    assert re.fullmatch(r"e\d+", gateway.resumed[0])
    assert "/api/v1/lab" not in gateway.asked


def test_where_no_stream_gets_through_it_polls(gateway: StandinGateway, open_page: Open) -> None:
    gateway.streams = False
    page = open_page().page
    expect(page.locator("#freshness")).to_have_text("Refreshed every two seconds.")
    expect(page.locator("#platform")).to_be_visible()
    gateway.streams = True
    expect(page.locator("#freshness")).to_have_text(LIVE)


def test_garbage_is_no_news(gateway: StandinGateway, open_page: Open) -> None:
    gateway.garbage = [
        "",
        "no json",
        "null",
        "[]",
        "{}",
        '{"hosts": 7}',
        '{"hosts": [null]}',
        '{"hosts": [{"name": 1}]}',
    ]
    visit = open_page()
    page = live(visit)
    expect(page.locator('[data-figure="cpu"] .value').first).to_have_text("37 %")
    assert visit.console == []


def test_a_session_that_ended_is_told(gateway: StandinGateway, open_page: Open) -> None:
    gateway.streams, gateway.signed_out = False, True
    page = open_page().page
    expect(page.locator("#banner")).to_contain_text("You are signed out")
    gateway.streams, gateway.signed_out = True, False
    page.get_by_role("link", name="Sign in again").click()
    expect(page.locator("#freshness")).to_have_text(LIVE)


def test_nothing_is_asked_while_nobody_looks(gateway: StandinGateway, open_page: Open) -> None:
    page = live(open_page())
    hide = "Object.defineProperty(document, 'hidden', { value: %s, configurable: true });"
    page.evaluate(hide % "true" + "document.dispatchEvent(new Event('visibilitychange'))")
    streams = gateway.asked.count("/api/v1/stream")
    gateway.cut()
    gateway.lab = lab(away="monk")
    page.evaluate("new Promise(resolve => setTimeout(resolve, 500))")
    assert gateway.asked.count("/api/v1/stream") == streams
    expect(page.locator("#banner")).to_be_hidden()
    page.evaluate(hide % "false" + "document.dispatchEvent(new Event('visibilitychange'))")
    expect(page.locator("#banner")).to_contain_text("monk has been away since ")
