"""The settings: theme, language, order, and beginning again."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from accessibility import violations
from playwright.sync_api import BrowserContext, Page, expect
from standin_visit import StandinVisit

pytestmark = pytest.mark.browser

Open = Callable[..., Page]
Person = Callable[..., BrowserContext]
PUT = "PUT /api/v1/me/preferences"


def open_settings(page: Page) -> None:
    page.locator("#settings-button").click()
    expect(page.locator("#settings")).to_be_visible()


def apps(page: Page) -> list[str]:
    return [str(tile.get_attribute("data-app")) for tile in page.locator("#apps .tile").all()]


def cookies(page: Page) -> dict[str, str]:
    return {str(cookie.get("name")): str(cookie.get("value")) for cookie in page.context.cookies()}


def saved(visit: StandinVisit, page: Page, work: Callable[[], None]) -> dict[str, object]:
    """Do the work, wait until what was chosen is sent, and return what the lab has then."""
    with page.expect_response(lambda answer: answer.request.method == "PUT"):
        work()
    return visit.kept["brother"]


def test_a_theme_holds_at_once_and_from_then_on(visit: StandinVisit, open_page: Open) -> None:
    page = open_page()
    page.evaluate("() => (window.same = true)")
    open_settings(page)
    radio = page.get_by_role("radio", name="Light")
    chosen = saved(visit, page, lambda: radio.check(force=True))
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
    assert page.evaluate("window.same")
    assert cookies(page) == {"theme": "light"}
    assert chosen["theme"] == "light"
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "light")


def test_what_is_chosen_before_it_is_known_who_this_is_holds(visit: StandinVisit, person: Person) -> None:
    visit.kept["brother"] = {"at": 1.0, "favourites": ["kavita"], "order": [], "theme": "calm", "language": ""}
    visit.held.add("/api/v1/me")
    page = person().new_page()
    page.goto(visit.url)
    open_settings(page)
    page.get_by_role("radio", name="Light").check(force=True)
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
    chosen = saved(visit, page, visit.let_go)
    assert (chosen["theme"], chosen["favourites"]) == ("light", ["kavita"])
    expect(page.locator("html")).to_have_attribute("data-theme", "light")


def test_every_theme_shows_what_it_looks_like(open_page: Open) -> None:
    page = open_page()
    open_settings(page)
    radios = page.get_by_role("radio")
    assert [radio.get_attribute("value") for radio in radios.all()] == ["cyberpunk", "calm", "light"]
    looks = [
        preview.evaluate("one => getComputedStyle(one).backgroundImage") for preview in page.locator(".preview").all()
    ]
    assert len(set(looks)) == 3
    expect(page.get_by_role("radio", name="Cyberpunk")).to_be_checked()


def test_a_theme_is_chosen_with_arrow_keys(open_page: Open) -> None:
    page = open_page()
    open_settings(page)
    page.get_by_role("radio", name="Cyberpunk").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("html")).to_have_attribute("data-theme", "calm")


def test_a_language_holds_from_the_page_that_follows(visit: StandinVisit, open_page: Open) -> None:
    page = open_page()
    open_settings(page)
    expect(page.get_by_role("button", name="Automatic")).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="Deutsch").click()
    expect(page.locator("html")).to_have_attribute("lang", "de")
    assert cookies(page)["lang"] == "de"
    page.locator("#settings-button").click()
    expect(page.get_by_role("heading", name="Einstellungen")).to_be_visible()
    expect(page.get_by_role("button", name="Deutsch")).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="Automatisch").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    assert "lang" not in cookies(page)


def test_tiles_and_groups_are_moved_by_buttons_and_keys(visit: StandinVisit, open_page: Open) -> None:
    page = open_page()
    before = apps(page)
    assert before[:4] == ["forgejo", "nextcloud", "vikunja", "jellyfin"]
    open_settings(page)
    page.get_by_text("Applications in Work: 3").click()
    page.get_by_role("button", name="Move Forgejo down").click()
    expect(page.locator("#settings [role=status]")).to_have_text("Forgejo is number 2 of 3 now.")
    assert apps(page)[:3] == ["nextcloud", "forgejo", "vikunja"]
    button = page.get_by_role("button", name="Move Home up")
    button.focus()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    expect(button).to_be_focused()
    assert apps(page) == ["jellyfin", "kavita", "immich", "nextcloud", "forgejo", "vikunja", "portainer", "authentik"]
    chosen = saved(visit, page, lambda: page.get_by_role("button", name="Move Platform up").click())
    assert chosen["order"] == [*before[3:6], "portainer", "authentik", "nextcloud", "forgejo", "vikunja"]
    page.reload()
    expect(page.locator("#apps .tile").first).to_have_attribute("data-app", "jellyfin")
    assert apps(page) == chosen["order"]


def test_a_tile_is_dragged_to_its_place(open_page: Open) -> None:
    page = open_page()
    open_settings(page)
    page.get_by_text("Applications in Home: 3").click()
    rows = [page.locator(f'#settings [data-app="{name}"]') for name in ("jellyfin", "immich")]
    start, end = (row.locator(".grip").bounding_box() for row in rows)
    assert start
    assert end
    page.mouse.move(start["x"] + 8, start["y"] + 8)
    page.mouse.down()
    page.mouse.move(end["x"] + 8, end["y"] + 28, steps=8)
    expect(rows[0]).to_have_class("dragged")
    page.mouse.up()
    expect(page.locator("#settings .dragged")).to_have_count(0)
    assert apps(page)[3:6] == ["kavita", "immich", "jellyfin"]


def test_beginning_again_asks_first_and_forgets_everything(visit: StandinVisit, open_page: Open) -> None:
    visit.kept["brother"] = {"at": 1.0, "favourites": ["kavita"], "order": [], "theme": "calm", "language": ""}
    page = open_page()
    expect(page.locator("#favourites .tile")).to_have_count(1)
    open_settings(page)
    page.get_by_role("button", name="Reset everything").click()
    expect(page.get_by_role("button", name="Keep it")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#favourites .tile")).to_have_count(1)
    page.get_by_role("button", name="Reset everything").click()
    with page.expect_response(lambda answer: answer.request.method == "PUT"):
        page.get_by_role("button", name="Yes, reset").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "cyberpunk")
    expect(page.locator("#freshness")).to_have_text("Live, every second.")
    expect(page.locator("#favourites")).to_be_hidden()
    assert cookies(page) == {}
    assert visit.kept["brother"]["favourites"] == []


CLOSE: dict[str, Callable[[Page], None]] = {
    "escape": lambda page: page.keyboard.press("Escape"),
    "its button": lambda page: page.get_by_role("button", name="Close").click(),
    "beside itself": lambda page: page.mouse.click(3, 3),
}


@pytest.mark.parametrize("way", CLOSE)
def test_a_dialog_closes_and_gives_the_focus_back(open_page: Open, way: str) -> None:
    page = open_page()
    open_settings(page)
    CLOSE[way](page)
    expect(page.locator("#settings")).to_have_count(0)
    expect(page.locator("#settings-button")).to_be_focused()


@pytest.mark.parametrize("theme", ["cyberpunk", "calm", "light"])
def test_it_is_clean_for_those_who_cannot_see_it(open_page: Open, theme: str) -> None:
    page = open_page(cookies={"theme": theme, "lang": "de"})
    open_settings(page)
    page.locator("#settings summary").first.click()
    page.wait_for_function("() => document.getAnimations().length === 0")
    assert violations(page, "#settings") == []


@pytest.mark.parametrize("width", [320, 390, 820, 1440])
def test_no_width_scrolls_sideways(open_page: Open, width: int) -> None:
    page = open_page(viewport={"width": width, "height": 800})
    open_settings(page)
    page.locator("#settings summary").first.click()
    assert page.locator("#settings").evaluate("dialog => dialog.scrollWidth - dialog.clientWidth") == 0
