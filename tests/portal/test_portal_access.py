"""The portal as everybody gets to it: axe finds nothing in any theme, width or state, and targets are large enough."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # it ships no types
from playwright.sync_api import Browser, Page, expect
from standin_lab import StandinGateway, all_well, forge, forty_apps, lab, past, portal, serving

from abbey.render.tiles import THEMES

pytestmark = pytest.mark.browser

State = Callable[[StandinGateway], None]
WIDTHS = (320, 820, 1440)
SMALL = """[...document.querySelectorAll("a, button, input, summary")].filter((target) => {
    const { width, height } = target.getBoundingClientRect();
    const inline = target.closest("p, li")?.textContent.trim().length > target.textContent.trim().length;
    return target.checkVisibility() && !inline && !target.matches(".skip") && Math.min(width, height) < 24;
}).map((target) => target.outerHTML)"""


def faults(page: Page, *, without: str = "") -> list[str]:
    rules = {"rules": {without: {"enabled": False}}} if without else {}
    found = Axe().run(page, options={"resultTypes": ["violations"], **rules}).response["violations"]
    return [f"{fault['id']}: {[node['html'] for node in fault['nodes']][:4]}" for fault in found]


def well(gateway: StandinGateway) -> None:
    now = all_well()
    now["forgejo"] = forge(heat=True)
    gateway.past = past(now["at"])
    gateway.show(now)


def away(gateway: StandinGateway) -> None:
    gateway.show(lab(away="monk", app00={"monk": "up", "kscloud1": "unhealthy"}))


def down(gateway: StandinGateway) -> None:
    gateway.show(None)


STATES: dict[State, str] = {well: "#platform", away: "#banner p", down: "#banner p"}
Open = Callable[..., Page]


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Open]:
    """Open the portal of a lab in a state, and wait until that is seen."""
    closing: list[Any] = []

    def open_(state: State, theme: str, language: str = "en", **options: Any) -> Page:
        gateway = StandinGateway(portal(*forty_apps(), theme=theme), language)
        state(gateway)
        running = serving(gateway)
        running.__enter__()
        context = browser.new_context(service_workers="block", **options)
        closing.extend([lambda: running.__exit__(None, None, None), context.close])
        page = context.new_page()
        page.goto(gateway.url)
        expect(page.locator(STATES[state]).first).to_be_visible()
        return page

    yield open_
    for close in reversed(closing):
        close()


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("state", STATES, ids=("well", "away", "down"))
def test_axe_finds_nothing(open_page: Open, state: State, theme: str, width: int) -> None:
    page = open_page(state, theme, viewport={"width": width, "height": 900})
    if state is well:
        page.locator("details summary").first.click()
        expect(page.locator("#platform tbody tr").first).to_be_visible()
    assert faults(page) == []


@pytest.mark.parametrize("theme", THEMES)
def test_axe_finds_nothing_while_searching_or_in_german(open_page: Open, theme: str) -> None:
    page = open_page(well, theme, "de")
    page.locator("#query").fill("app1")
    page.keyboard.press("ArrowDown")
    assert faults(page) == []
    page.keyboard.press("Escape")
    page.locator("#query").fill("no such thing")
    expect(page.locator("#nothing")).to_be_visible()
    assert faults(page) == []


@pytest.mark.parametrize("opens", ["#settings-button", ".more"])
def test_axe_finds_nothing_in_a_dialog(open_page: Open, opens: str) -> None:
    page = open_page(well, "cyberpunk")
    page.locator(opens).first.click()
    expect(page.locator("dialog")).to_be_visible()
    assert faults(page) == []


@pytest.mark.parametrize("touch", [False, True])
def test_targets_are_large_enough(open_page: Open, touch: bool) -> None:
    page = open_page(well, "light", has_touch=touch, viewport={"width": 390, "height": 800})
    assert page.evaluate(SMALL) == []


def test_only_the_banner_and_the_count_of_a_search_are_read_out_by_themselves(open_page: Open) -> None:
    page = open_page(well, "calm")
    spoken = "elements => elements.map((element) => element.id)"
    assert page.locator("[role=status], [role=alert], [aria-live]").evaluate_all(spoken) == ["found", "banner"]


def test_a_tile_says_its_name_what_it_is_and_how_it_does(open_page: Open) -> None:
    page = open_page(well, "calm")
    tile = page.locator('.tile[data-app="kavita"]')
    expect(tile.locator("[data-on]")).to_have_text("monk up")
    expect(tile).to_have_accessible_name("Kavita")
    said = "What kavita is good for Lives on monk; away while monk is away. Lives on monk monk up"
    expect(tile).to_have_accessible_description(said)


def test_what_is_read_from_right_to_left_is_laid_out_so(open_page: Open) -> None:
    page = open_page(well, "cyberpunk", viewport={"width": 1440, "height": 900})
    page.evaluate("document.documentElement.dir = 'rtl'")
    main, aside = page.locator("main").bounding_box(), page.locator("aside").bounding_box()
    assert main
    assert aside
    assert main["x"] > aside["x"]
    page.locator('.tile[data-app="app00"]').focus()
    page.keyboard.press("ArrowLeft")
    expect(page.locator('.tile[data-app="app01"]')).to_be_focused()
    assert page.evaluate("document.documentElement.scrollWidth") <= 1440


@pytest.mark.parametrize("options", [{"forced_colors": "active"}, {"contrast": "more"}, {"reduced_motion": "reduce"}])
def test_what_the_visitor_set_in_the_system_is_kept_to(open_page: Open, options: dict[str, Any]) -> None:
    page = open_page(well, "cyberpunk", **options)
    # axe reckons with the page's own colours where the system's are forced.
    assert faults(page, without="color-contrast" if "forced_colors" in options else "") == []
    moving = (
        "[...document.querySelectorAll('*')].some((one) => parseFloat(getComputedStyle(one).transitionDuration) > 0)"
    )
    assert page.evaluate(moving) is ("reduced_motion" not in options)
