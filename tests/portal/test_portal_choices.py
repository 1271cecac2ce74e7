"""Favourites and order: kept here and by the lab, for one person and never for another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from accessibility import violations
from playwright.sync_api import BrowserContext, Locator, Page, expect
from standin_visit import StandinVisit

pytestmark = pytest.mark.browser

Open = Callable[..., Page]
Person = Callable[..., BrowserContext]
ME, PREFERENCES = "/api/v1/me", "/api/v1/me/preferences"


def star(page: Page, app: str) -> Locator:
    return page.locator("li", has=page.locator(f'[data-app="{app}"]')).locator(".star")


def favourites(page: Page) -> Locator:
    return page.locator("#favourites .tile .name")


def chosen(*favourites: str, at: float) -> dict[str, Any]:
    return {"at": at, "favourites": list(favourites), "order": [], "theme": "", "language": ""}


def sent(page: Page) -> Any:
    return page.expect_response(lambda answer: answer.request.method == "PUT")


def settle(page: Page) -> None:
    """Let every question that the page has begun arrive, and what follows from its answer."""
    for _ in range(3):
        page.evaluate(f"() => fetch('{ME}').then(answer => answer.text())")


def test_a_star_moves_a_tile_to_the_favourites_on_top_and_back(open_page: Open) -> None:
    page = open_page()
    star(page, "kavita").click()
    expect(favourites(page)).to_have_text(["Kavita"])
    expect(star(page, "kavita")).to_have_attribute("aria-pressed", "true")
    expect(star(page, "kavita")).to_be_focused()
    expect(page.locator("#apps .group h2").first).to_have_text("Favourites")
    expect(page.locator(".tile")).to_have_count(8)
    star(page, "portainer").click()
    star(page, "authentik").click()
    expect(favourites(page)).to_have_text(["Kavita", "Portainer", "Authentik"])
    expect(page.get_by_role("heading", name="Platform")).to_be_hidden()
    star(page, "kavita").click()
    expect(favourites(page)).to_have_text(["Portainer", "Authentik"])
    names = page.locator("#apps .group", has_text="Home").locator(".name").all_text_contents()
    assert names == ["Jellyfin", "Kavita", "Immich"], "it is back in its place"


def test_what_was_chosen_is_there_next_time_and_is_sent_once(visit: StandinVisit, open_page: Open) -> None:
    page = open_page()
    with sent(page):
        star(page, "kavita").click()
        star(page, "forgejo").click()
    assert visit.kept["brother"]["favourites"] == ["kavita", "forgejo"]
    assert visit.times(f"PUT {PREFERENCES}") == 1
    page.reload()
    expect(favourites(page)).to_have_text(["Kavita", "Forgejo"])
    assert visit.times(f"PUT {PREFERENCES}") == 1


def test_stars_wait_until_it_is_known_who_this_is(visit: StandinVisit, person: Person) -> None:
    visit.held.add(ME)
    page = person().new_page()
    page.goto(visit.url)
    expect(page.locator("#freshness")).to_have_text("Live, every second.")
    expect(star(page, "kavita")).to_be_hidden()
    visit.let_go()
    star(page, "kavita").click()
    expect(favourites(page)).to_have_text(["Kavita"])


def test_a_page_of_somebody_else_sends_nothing(visit: StandinVisit, open_page: Open) -> None:
    page = open_page()
    visit.me |= {"name": "sister"}
    with page.expect_navigation():
        star(page, "kavita").click()
    expect(favourites(page)).to_have_count(0)
    assert visit.kept == {}


def test_of_two_versions_the_later_one_holds(visit: StandinVisit, open_page: Open) -> None:
    page = open_page()
    with sent(page):
        star(page, "kavita").click()
    visit.kept["brother"] = chosen("immich", at=4_000_000_000)
    page.reload()
    expect(favourites(page)).to_have_text(["Immich"])
    visit.kept["brother"] = chosen("forgejo", at=1)
    with sent(page):
        page.reload()
    expect(favourites(page)).to_have_text(["Immich"])
    assert visit.kept["brother"]["favourites"] == ["immich"]


def test_another_tab_follows(person: Person, open_page: Open) -> None:
    context = person()
    one, other = open_page(context), open_page(context)
    star(one, "kavita").click()
    expect(favourites(other)).to_have_text(["Kavita"])
    star(other, "kavita").click()
    expect(favourites(one)).to_have_count(0)


def test_nobody_sees_what_another_chose_in_the_same_browser(
    visit: StandinVisit, person: Person, open_page: Open
) -> None:
    context = person()
    page = open_page(context)
    star(page, "kavita").click()
    expect(favourites(page)).to_have_count(1)
    page.evaluate("() => (document.cookie = 'theme=light; path=/')")
    for someone in ({"known": True, "name": "sister"}, {"known": False, "name": ""}):
        visit.me |= someone
        page.reload()
        star(page, "forgejo").click()
        expect(favourites(page)).to_have_text(["Forgejo"])
        assert context.cookies() == []
    visit.me |= {"known": True, "name": "brother"}
    page.reload()
    expect(favourites(page)).to_have_text(["Kavita"])


def test_nothing_is_sent_for_a_visitor_without_a_login(visit: StandinVisit, open_page: Open) -> None:
    visit.me = {"known": False, "name": "", "groups": [], "admin": False}
    page = open_page()
    page.clock.install()
    star(page, "kavita").click()
    expect(favourites(page)).to_have_text(["Kavita"])
    page.clock.run_for(60_000)
    settle(page)
    page.reload()
    expect(favourites(page)).to_have_text(["Kavita"])
    assert visit.times(f"PUT {PREFERENCES}") == 0


def test_what_could_not_be_sent_is_sent_later(visit: StandinVisit, open_page: Open) -> None:
    page = open_page()
    visit.down.add(PREFERENCES)
    page.clock.install(time=0)
    page.clock.pause_at(1_000)  # so that no next try comes by itself
    star(page, "kavita").click()
    with sent(page):
        page.clock.run_for(1_000)
    expect(favourites(page)).to_have_text(["Kavita"])
    assert visit.kept == {}
    visit.down.clear()
    page.evaluate("() => dispatchEvent(new Event('online'))")
    with sent(page):
        page.clock.run_for(1_000)
    assert visit.kept["brother"]["favourites"] == ["kavita"]


def test_one_version_is_under_way_at_a_time(visit: StandinVisit, open_page: Open) -> None:
    page = open_page()
    visit.held.add(PREFERENCES)
    with page.expect_request(lambda request: request.method == "PUT"):
        star(page, "kavita").click()
    page.clock.install()
    star(page, "forgejo").click()
    star(page, "immich").click()
    page.clock.run_for(3_000)
    settle(page)
    assert visit.most_writing == 1
    with sent(page):
        visit.let_go()
    with sent(page):
        page.clock.run_for(2_000)
    assert visit.kept["brother"]["favourites"] == ["kavita", "forgejo", "immich"]


def test_nonsense_in_the_browsers_storage_does_no_harm(visit: StandinVisit, person: Person, open_page: Open) -> None:
    context = person()
    nonsense = '{"at": 9e9, "favourites": [1, null, "kavita", "<b>", "gone"], "order": "x", "theme": "\\"><script>", "language": 4}'
    context.add_init_script(f"localStorage.setItem('abbey:choices:brother', {nonsense!r})")
    page = open_page(context)
    expect(favourites(page)).to_have_text(["Kavita"])
    expect(page.locator("html")).to_have_attribute("data-theme", "cyberpunk")


def test_favourites_are_clean_for_those_who_cannot_see_them(open_page: Open) -> None:
    page = open_page()
    star(page, "kavita").click()
    expect(favourites(page)).to_have_count(1)
    assert violations(page, "#apps") == []
