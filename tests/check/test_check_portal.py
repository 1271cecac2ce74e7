"""Each rule about the portal beside a portal in which it finds something and one in which it does not."""

from __future__ import annotations

from typing import Any

import pytest

from abbey.check.portal import RULES
from abbey.check.registry import run
from labs import lab_of, text_of, two_hosts

ROUTER = {"title": "Router", "url": "https://router.example.org/"}
WIDGET = {"widgets": ["clock.js"]}
STYLE = {"css": "own.css"}
LIMITED = [ROUTER | {"groups": ["family"]}]


def found(portal: dict[str, Any], apps: dict[str, Any] | None = None, **own: str) -> list[tuple[str, str, str]]:
    files = {name.replace("_", "."): text for name, text in own.items()}
    lab = lab_of(text_of(two_hosts(portal=portal, apps=apps or {"kavita": {}})), own=files)
    return [(finding.rule, finding.subject, finding.message) for finding in run(RULES, lab)]


def test_a_portal_without_anything_of_ones_own_is_right() -> None:
    assert found({}) == []


def test_a_link_without_https_is_noted() -> None:
    assert found({"links": [ROUTER]}) == []
    assert found({"links": [ROUTER | {"url": "http://router.lan/"}]}) == [
        ("open-link", "Router", "the link Router leads to http://router.lan/")
    ]


@pytest.mark.parametrize("text", ["", " \n\t\n"])
def test_an_empty_file_is_told(text: str) -> None:
    assert found(WIDGET, clock_js=text) == [("own-file-empty", "clock.js", "clock.js is empty")]
    assert found(STYLE, own_css=text) == [("own-file-empty", "own.css", "own.css is empty")]


@pytest.mark.parametrize(
    "text",
    [
        "import x from 'https://cdn.example/x.js';",
        'import"//cdn.example/x.js";',
        "const x = await import(`https://cdn.example/x.js`);",
        "fetch('http://api.example/')",
        "new EventSource( 'https://api.example/')",
    ],
)
def test_a_script_that_asks_elsewhere_is_told_with_its_line(text: str) -> None:
    told = "clock.js asks for something from elsewhere in line 2"
    assert found(WIDGET, clock_js=f"// a clock\n{text}") == [("own-file-reaches-out", "clock.js", told)]


@pytest.mark.parametrize(
    "text", ["import x from './x.js';", "fetch('/api/v1/lab')", "a.href = 'https://example.org/'", "// from https: no"]
)
def test_a_script_that_stays_is_right(text: str) -> None:
    assert found(WIDGET, clock_js=text) == []


@pytest.mark.parametrize(
    ("text", "reaches"),
    [
        ("@import url(https://fonts.example/x.css);", True),
        ("@IMPORT 'https://fonts.example/x.css';", True),
        ("body { background: url( '//x.example/a.png' ) }", True),
        ("body { background: url(/own/a.png) }", False),
        ("/* https://example.org/ */", False),
    ],
)
def test_a_stylesheet_that_asks_elsewhere_is_told(text: str, reaches: bool) -> None:
    assert [rule for rule, _, _ in found(STYLE, own_css=text)] == (["own-file-reaches-out"] if reaches else [])


def test_a_limited_tile_that_everybody_sees_is_noted() -> None:
    apps = {"kavita": {"groups": ["family"]}}
    assert found({"links": LIMITED}, apps) == []
    assert found({"links": LIMITED, "login": False}, apps) == [
        ("tile-for-all", "Router", "every visitor of the portal sees the tile of Router, which is for family"),
        ("tile-for-all", "kavita", "every visitor of the portal sees the tile of Kavita, which is for family"),
    ]
