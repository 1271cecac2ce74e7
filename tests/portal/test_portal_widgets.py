"""Own widgets: what they are given, and that a bad one disturbs nobody."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect
from standin_visit import PORTAL, StandinVisit, portal, visiting

pytestmark = pytest.mark.browser

EXAMPLE = "".join(
    line.removeprefix("//     ")
    for line in (PORTAL / "widgets.js").read_text().splitlines(keepends=True)
    if line.startswith("//     ")
)
WIDGETS = {
    "clock": EXAMPLE,
    "hello": """export default { title: "<b>Hello</b>", async start(element, { lab, language, t }) {
        lab().hosts.length = 0;
        element.textContent = `${language} ${lab().hosts.length} ${t("sheet.close")}`;
    } };""",
    "throws": "export default { title: 'Throws', start() { throw new Error('no such luck'); } };",
    "rejects": "export default { title: 'Rejects', async start() { throw new Error('later'); } };",
    "listens": """export default { title: 'Listens', start(element, { onLab }) {
        let calls = 0;
        onLab(() => { element.textContent = `call ${++calls}`; if (calls === 2) throw new Error('second call'); });
    } };""",
    "hangs": "await new Promise(() => {}); export default {};",
    "breaks": "export default {",
    "empty": "export default {};",
}


@pytest.fixture
def visit() -> Iterator[StandinVisit]:
    names = [*WIDGETS, "missing"]
    visit = StandinVisit(portal({"Work": ["forgejo"]}, widgets=[f"/own/{name}.js" for name in names]))
    visit.files = {f"/own/{name}.js": text.encode() for name, text in WIDGETS.items()}
    with visiting(visit):
        yield visit


@pytest.fixture
def page(visit: StandinVisit, chromium: Path, person: Callable[..., BrowserContext]) -> Page:
    page = person().new_page()
    page.clock.install()
    page.goto(visit.url)
    expect(page.locator(".widget")).to_have_count(len(WIDGETS) + 1)
    return page


def panel(page: Page, title: str) -> Locator:
    return page.get_by_role("article", name=title, exact=True)


def test_the_example_of_the_documentation_works(page: Page) -> None:
    expect(panel(page, "Clock")).to_contain_text("2 hosts")


def test_a_widget_gets_copies_words_and_the_language(page: Page) -> None:
    expect(panel(page, "<b>Hello</b>").locator(".widget-body")).to_have_text("en-GB 2 Close")
    expect(page.locator('[data-host="monk"] .state')).to_contain_text("up")


@pytest.mark.parametrize(
    ("title", "line"),
    [
        ("Throws", "This panel does not work: no such luck"),
        ("Rejects", "This panel does not work: later"),
        ("Listens", "This panel does not work: second call"),
        ("empty", "This panel does not work: the module exports no start function"),
    ],
)
def test_a_widget_that_fails_says_so_in_one_line(page: Page, title: str, line: str) -> None:
    for _ in range(3):
        page.clock.run_for(1_000)
    expect(panel(page, title).locator(".widget-body > *")).to_have_text([line])


@pytest.mark.parametrize("title", ["missing", "breaks"])
def test_a_module_that_cannot_be_had_says_so_in_one_line(page: Page, title: str) -> None:
    expect(panel(page, title).locator(".widget-body > *")).to_contain_text(["This panel does not work: "])


def test_a_module_that_never_ends_loading_says_so_in_one_line(page: Page) -> None:
    expect(panel(page, "hangs").locator(".widget-body")).to_be_empty()
    page.clock.run_for(10_500)
    expect(panel(page, "hangs").locator(".widget-body > *")).to_have_text(
        ["This panel does not work: it took too long to begin"]
    )


def test_the_page_goes_on_beside_bad_widgets(page: Page) -> None:
    page.clock.run_for(10_500)
    expect(page.locator("#freshness")).to_have_text("Live, every second.")
    page.locator("#settings-button").click()
    expect(page.locator("#settings")).to_be_visible()
