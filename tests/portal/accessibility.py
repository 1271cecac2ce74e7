"""What axe, the usual accessibility checker, finds in a part of a page."""

from __future__ import annotations

from typing import Any

from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # it ships no types
from playwright.sync_api import Page


def violations(page: Page, region: str) -> list[Any]:
    """Given a selector, return axe's findings in it."""
    found: list[Any] = Axe().run(page, context=region).response["violations"]
    return found
