"""A year of contributions: where a day stands, how it is told, and what nonsense in it does."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import pytest
from accessibility import violations
from playwright.sync_api import BrowserContext, Locator, Page, expect
from standin_visit import StandinVisit, lab, year

pytestmark = pytest.mark.browser

Open = Callable[..., Page]
Person = Callable[..., BrowserContext]
TODAY = date(2026, 11, 23)  # a Monday


@pytest.fixture
def open_map(visit: StandinVisit, person: Person, open_page: Open) -> Callable[..., Page]:
    """Open the portal on a Monday, with a year of contributions or with those given."""

    def open_(heat: list[dict[str, Any]] | None = None, **options: Any) -> Page:
        visit.lab = lab(heat=year(TODAY) if heat is None else heat)
        context = person(**options)
        context.clock.set_fixed_time(datetime(TODAY.year, TODAY.month, TODAY.day, 12))
        page = open_page(context)
        page.locator("#activity").scroll_into_view_if_needed()  # it is drawn when it is seen
        expect(page.locator(".heat")).not_to_be_empty()
        return page

    return open_


def day(page: Page, *, ago: int) -> Locator:
    count = page.locator(".heat .day").count()
    return page.locator(f'.heat [data-at="{count - 1 - ago}"]')


def middle(square: Locator) -> tuple[float, float]:
    box = square.bounding_box()
    assert box
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_a_year_is_told_in_one_sentence_and_drawn_day_by_day(open_map: Open) -> None:
    page = open_map()
    expect(page.locator(".heat p")).to_have_text(
        "Contributions in a year: 1,237; days with any: 222; most on Monday, 23 November 2026: 20."
    )
    assert page.locator(".heat .day").count() == 52 * 7 + 1
    sizes = [page.locator(f".heat .level-{level}").first.bounding_box() for level in range(5) if level != 3]
    widths = [size["width"] for size in sizes if size]
    assert widths == sorted(set(widths)), "a level shows in the size, not in the colour alone"


@pytest.mark.parametrize(
    ("locale", "monday", "names"), [("de-DE", 0, ["Mo", "Mi", "Fr"]), ("en-US", 1, ["Sun", "Tue", "Thu"])]
)
def test_weeks_begin_as_they_do_where_the_visitor_is(
    open_map: Open, locale: str, monday: int, names: list[str]
) -> None:
    page = open_map(locale=locale, cookies={"lang": locale[:2]})
    rows = sorted({round(middle(day(page, ago=ago))[1]) for ago in range(monday, monday + 7)})
    assert [round(middle(day(page, ago=ago))[1]) for ago in (0, 7)] == [rows[monday]] * 2
    assert page.locator(".heat text").all_text_contents()[:3] == names


def test_arrow_keys_walk_through_the_days(open_map: Open) -> None:
    page = open_map()
    slider = page.get_by_role("slider", name="Contributions by day")
    expect(slider).to_have_attribute("aria-valuetext", page.locator(".heat p").text_content() or "")
    slider.focus()
    for key, said in (
        ("ArrowUp", "Contributions on Monday, 23 November 2026: 20"),
        ("ArrowUp", "Contributions on Sunday, 22 November 2026: 7"),
        ("ArrowLeft", "Contributions on Sunday, 15 November 2026: 1"),
        ("Home", "Contributions on Monday, 24 November 2025: 7"),
        ("ArrowUp", "Contributions on Monday, 24 November 2025: 7"),
    ):
        page.keyboard.press(key)
        expect(slider).to_have_attribute("aria-valuetext", said)
        expect(page.locator(".heat p")).to_have_text(said)
        expect(page.locator(".heat .chosen")).to_have_count(1)
    page.keyboard.press("Tab")
    expect(page.locator(".heat p")).to_contain_text("Contributions in a year")


def test_the_newest_day_is_where_reading_ends(visit: StandinVisit, open_map: Open) -> None:
    page = open_map()
    assert middle(day(page, ago=0))[0] > middle(day(page, ago=300))[0]
    visit.pages["en"] = visit.pages["en"].replace('<html lang="en"', '<html lang="en" dir="rtl"')
    page = open_map()
    assert middle(day(page, ago=0))[0] < middle(day(page, ago=300))[0]
    slider = page.get_by_role("slider", name="Contributions by day")
    slider.focus()
    page.keyboard.press("End")
    page.keyboard.press("ArrowRight")
    expect(slider).to_have_attribute("aria-valuetext", "Contributions on Monday, 16 November 2026: 5")


def test_a_narrow_page_shows_the_year_in_two_rows(open_map: Open) -> None:
    page = open_map(viewport={"width": 320, "height": 800})
    first, last = middle(page.locator('.heat [data-at="0"]')), middle(day(page, ago=0))
    assert last[1] - first[1] > 7 * 8
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    page.set_viewport_size({"width": 900, "height": 800})
    expect(page.locator(".heat .map")).to_have_attribute("data-width", re.compile(r"^[4-9]\d\d$"))
    assert middle(day(page, ago=0))[0] - middle(page.locator('.heat [data-at="0"]'))[0] > 300


def test_what_is_no_day_and_no_count_is_left_out(open_map: Open) -> None:
    nonsense: list[dict[str, Any]] = [
        {"date": "2026-11-20", "count": 3},
        {"date": "2026-02-30T00:00", "count": 5},
        {"date": "<b>yesterday</b>", "count": 5},
        {"date": "2026-11-19", "count": -4},
        {"date": "2026-11-18", "count": "many"},
        {"date": None, "count": None},
    ]
    page = open_map(nonsense)
    expect(page.locator(".heat p")).to_have_text(
        "Contributions in a year: 3; days with any: 1; most on Friday, 20 November 2026: 3."
    )


def test_a_year_without_anything_is_told(open_map: Open) -> None:
    expect(open_map([]).locator(".heat p")).to_have_text("No contributions in a year.")


def test_months_stand_in_a_table(open_map: Open) -> None:
    page = open_map()
    page.get_by_text("By month").click()
    rows = page.locator(".heat tbody tr")
    expect(rows).to_have_count(13)
    expect(rows.first).to_contain_text("November 2026")


@pytest.mark.parametrize("theme", ["cyberpunk", "calm", "light"])
def test_it_is_clean_for_those_who_cannot_see_it(open_map: Open, theme: str) -> None:
    page = open_map(cookies={"theme": theme})
    assert violations(page, "#activity") == []
