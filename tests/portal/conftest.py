"""One Chromium for the tests of a file, and the portal as one visitor meets it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from standin_visit import NOISE, StandinVisit, portal, visiting

QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"]
QUIET += ["--disable-background-networking", "--disable-component-update"]
GROUPS = {
    "Work": ["forgejo", "nextcloud", "vikunja"],
    "Home": ["jellyfin", "kavita", "immich"],
    "Platform": ["portainer", "authentik"],
}


@pytest.fixture(scope="module")
def browser(chromium: Path) -> Iterator[Browser]:
    expect.set_options(timeout=20_000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture
def visit() -> Iterator[StandinVisit]:
    with visiting(StandinVisit(portal(GROUPS))) as visit:
        yield visit


@pytest.fixture
def person(browser: Browser, visit: StandinVisit) -> Iterator[Callable[..., BrowserContext]]:
    """Make a person's own cookies, storage and service worker; `cookies` are there from the beginning."""
    contexts: list[BrowserContext] = []

    def make(cookies: dict[str, str] | None = None, **options: Any) -> BrowserContext:
        given = {"locale": "en-GB", "timezone_id": "Europe/Berlin", "service_workers": "block", **options}
        context = browser.new_context(**given)
        context.add_cookies([{"name": name, "value": text, "url": visit.url} for name, text in (cookies or {}).items()])
        contexts.append(context)
        return context

    yield make
    for context in contexts:
        context.close()


@pytest.fixture
def open_page(visit: StandinVisit, person: Callable[..., BrowserContext]) -> Iterator[Callable[..., Page]]:
    """Open the portal, in a context or as a new person. At the end nothing may have been written to a console."""
    console: list[str] = []

    def open_(context: BrowserContext | None = None, **options: Any) -> Page:
        page = (context or person(**options)).new_page()
        page.on("console", lambda message: console.append(message.text))
        page.on("pageerror", lambda error: console.append(str(error)))
        page.goto(visit.url)
        expect(page.locator("#freshness")).to_have_text(re.compile("Live, (every second|jede Sekunde)"))
        expect(page.locator("html")).to_have_class(re.compile("personal"))
        return page

    yield open_
    assert [text for text in console if not any(noise in text for noise in NOISE)] == []
