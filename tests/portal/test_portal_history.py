"""The dialog with a host's past: what it draws, how it is read without a mouse, and that it stops."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from accessibility import violations
from playwright.sync_api import Page, Request, expect
from standin_visit import StandinVisit

pytestmark = pytest.mark.browser

Open = Callable[..., Page]
HISTORY = "/api/v1/history"


def open_history(page: Page, host: str = "monk") -> None:
    page.locator(f'[data-host="{host}"] .more').click()
    expect(chart(page, "CPU")).to_be_visible()


def chart(page: Page, measure: str) -> Any:
    return page.get_by_role("slider", name=measure, exact=True)


def test_all_eight_measures_of_a_host_are_drawn(visit: StandinVisit, open_page: Open) -> None:
    page = open_page()
    assert HISTORY not in visit.asked
    open_history(page)
    assert page.locator(".chart:visible .measure").all_text_contents() == [
        *("CPU", "Memory", "Load", "Temperature"),
        *("Network in", "Network out", "Disk read", "Disk written"),
    ]
    assert visit.times(HISTORY) == 1
    assert page.locator(".chart:visible .line").count() == 8


@pytest.mark.parametrize(("name", "last"), [("5 min", 299), ("1 h", 359), ("24 h", 1439)])
def test_each_range_has_its_values(open_page: Open, name: str, last: int) -> None:
    page = open_page()
    open_history(page)
    page.get_by_role("radio", name=name).check(force=True)
    expect(chart(page, "CPU")).to_have_attribute("aria-valuemax", str(last))
    ticks = page.locator(".plot").first.locator(".tick-x").all_text_contents()
    assert 3 <= len(ticks) <= 6
    assert all(re.fullmatch(r"\d\d?:\d\d", tick) for tick in ticks), ticks


def test_arrow_keys_move_one_cursor_through_all_charts(open_page: Open) -> None:
    page = open_page()
    open_history(page)
    slider = chart(page, "CPU")
    slider.focus()
    page.keyboard.press("Home")
    expect(slider).to_have_attribute("aria-valuenow", "0")
    expect(slider).to_have_attribute("aria-valuetext", "13:42:00: monk 16%")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("PageUp")
    expect(slider).to_have_attribute("aria-valuenow", "37")
    expect(slider).to_have_attribute("aria-valuetext", re.compile("^13:48:10: monk "))
    expect(chart(page, "Network in")).to_have_attribute("aria-valuenow", "37")
    expect(page.locator(".moment")).to_have_text("13:48:10")
    page.keyboard.press("End")
    page.keyboard.press("ArrowLeft")
    expect(slider).to_have_attribute("aria-valuenow", "358")
    page.keyboard.press("Tab")
    expect(page.locator(".moment")).to_have_text("14:41:50")


def test_two_hosts_lie_over_each_other_and_one_always_stays(visit: StandinVisit, open_page: Open) -> None:
    page = open_page()
    open_history(page)
    both = page.get_by_role("group", name="Hosts that are shown")
    both.get_by_role("button", name="kscloud1").click()
    expect(page.locator(".plot").first.locator(".line")).to_have_count(2)
    looks = page.locator(".plot").first.locator(".line")
    dashes = [looks.nth(number).evaluate("line => getComputedStyle(line).strokeDasharray") for number in (0, 1)]
    assert dashes[0] != dashes[1], "colour alone does not tell hosts apart"
    expect(page.locator(".chart").first.locator(".key")).to_have_count(2)
    both.get_by_role("button", name="monk").click()
    both.get_by_role("button", name="kscloud1").click()
    expect(both.get_by_role("button", name="kscloud1")).to_have_attribute("aria-pressed", "true")
    expect(chart(page, "CPU")).to_have_attribute("aria-valuetext", re.compile("kscloud1"))


def test_a_gap_is_a_gap_and_is_told(open_page: Open) -> None:
    page = open_page()
    open_history(page)
    expect(page.locator(".gap")).to_have_count(0)
    expect(page.locator(".gaps")).to_be_hidden()
    page.keyboard.press("Escape")
    open_history(page, "kscloud1")
    assert (page.locator(".plot .line").first.get_attribute("d") or "").count("M") == 2
    gap = page.locator(".plot").first.locator(".gap").bounding_box()
    field = page.locator(".plot").first.locator(".field").bounding_box()
    assert gap is not None
    assert field is not None
    assert gap["width"] / field["width"] == pytest.approx(0.2, abs=0.01)
    expect(page.locator(".gaps")).to_contain_text("no figures of kscloud1")
    expect(page.locator(".gaps")).to_contain_text("14:12:00\N{EN DASH}14:24:00")
    expect(page.locator(".chart", has_text="Temperature")).to_be_hidden()


def test_the_same_figures_stand_in_a_table(open_page: Open) -> None:
    page = open_page()
    open_history(page)
    assert page.locator("#history table").count() == 0
    page.get_by_text("The same as a table").click()
    table = page.get_by_role("table", name="monk, means, newest first")
    expect(table.locator("tbody tr")).to_have_count(30)
    assert table.locator("thead th").all_text_contents()[:4] == ["From", "CPU", "Memory", "Load"]
    first, last = (table.locator("tbody th").nth(number).text_content() for number in (0, -1))
    assert (first, last) == ("14:40:00", "13:42:00")


def test_it_speaks_the_language_of_the_page(open_page: Open) -> None:
    page = open_page(locale="de-DE", cookies={"lang": "de"})
    open_history(page)
    expect(page.get_by_role("heading", name="Verlauf")).to_be_visible()
    assert page.locator(".plot").first.locator(".tick-y").first.text_content() == "0\N{NO-BREAK SPACE}%"
    assert "0,5" in page.locator(".chart", has_text="Last").locator(".tick-y").all_text_contents()


def test_an_api_that_does_not_answer_is_told_and_what_was_drawn_stays(visit: StandinVisit, open_page: Open) -> None:
    page = open_page()
    open_history(page)
    visit.down.add(HISTORY)
    page.get_by_role("radio", name="5 min").check(force=True)
    expect(page.locator("#history [role=status]")).to_have_text("No answer about monk; the next try follows.")
    expect(chart(page, "CPU")).to_be_visible()
    visit.down.clear()
    page.get_by_role("radio", name="24 h").check(force=True)
    expect(chart(page, "CPU")).to_have_attribute("aria-valuemax", "1439")
    expect(page.locator("#history [role=status]")).to_be_empty()


def test_closing_stops_what_is_under_way(visit: StandinVisit, open_page: Open) -> None:
    page = open_page()
    failed: list[Request] = []
    page.on("requestfailed", lambda request: failed.append(request))
    visit.held.add(HISTORY)
    page.locator('[data-host="monk"] .more').click()
    expect(page.locator("#history")).to_have_attribute("aria-busy", "true")
    with page.expect_event("requestfailed"):
        page.keyboard.press("Escape")
    assert [HISTORY in request.url for request in failed] == [True]
    expect(page.locator("#history")).to_have_count(0)
    expect(page.locator('[data-host="monk"] .more')).to_be_focused()


def test_figures_are_renewed_while_it_is_open_and_not_after(visit: StandinVisit, open_page: Open) -> None:
    page = open_page()
    page.clock.install()
    open_history(page)
    with page.expect_response(lambda answer: HISTORY in answer.url):
        page.clock.run_for(10_500)
    page.keyboard.press("Escape")
    page.clock.run_for(60_000)
    assert visit.times(HISTORY) == 2


@pytest.mark.parametrize("theme", ["cyberpunk", "calm", "light"])
def test_it_is_clean_for_those_who_cannot_see_it(open_page: Open, theme: str) -> None:
    page = open_page(cookies={"theme": theme})
    open_history(page)
    page.get_by_role("button", name="kscloud1", exact=True).click()
    page.get_by_text("The same as a table").click()
    page.wait_for_function("() => document.getAnimations().length === 0")
    assert violations(page, "#history") == []


@pytest.mark.parametrize("width", [320, 390, 820, 1440])
def test_no_width_scrolls_sideways(open_page: Open, width: int) -> None:
    page = open_page(viewport={"width": width, "height": 800})
    open_history(page)
    page.get_by_text("The same as a table").click()
    assert page.locator("#history").evaluate("dialog => dialog.scrollWidth - dialog.clientWidth") == 0
