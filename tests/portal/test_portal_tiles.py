from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import pytest
from standin_lab import CSP, PORTAL, app, forty_apps, portal

from abbey.render.tiles import THEMES, hosts_html, links_html, page_html, tiles_html

TEMPLATE = (PORTAL / "index.html").read_text()


class Reader(HTMLParser):
    """Collects what a browser would see: elements with their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    def all(self, tag: str, **attributes: str) -> list[dict[str, str | None]]:
        return [found for name, found in self.seen if name == tag and attributes.items() <= found.items()]


def test_every_app_is_a_plain_link() -> None:
    document = portal(*forty_apps())
    links = Reader(tiles_html(document)).all("a")
    assert [link["href"] for link in links] == [entry["url"] for entry in forty_apps()]
    assert links[37]["data-hosts"] == "monk"


def test_words_of_the_file_stay_words() -> None:
    page = Reader(page_html(TEMPLATE, portal(*forty_apps(), title="</title><script>alert(1)</script>")))
    assert [script["src"] for script in page.all("script")] == ["/portal.js"]
    assert page.all("img") == []


def test_a_title_that_looks_like_a_marker_is_only_a_title() -> None:
    page = page_html(TEMPLATE, portal(app("kavita"), title="<!-- abbey:tiles -->"))
    assert page.count('id="app-kavita"') == 1


def test_colours_and_themes_outside_the_palette_fall_back() -> None:
    page = page_html(TEMPLATE, portal(app("kavita", colour='x" onclick="y'), theme="neon"))
    assert 'data-theme="cyberpunk"' in page
    assert Reader(page).all("a", **{"data-app": "kavita"})[0]["data-colour"] == "cyan"


@pytest.mark.parametrize("theme", THEMES)
def test_each_theme_is_set_before_the_first_paint(theme: str) -> None:
    assert f'<html lang="en" data-theme="{theme}">' in page_html(TEMPLATE, portal(app("kavita"), theme=theme))


def test_only_exceptions_are_said() -> None:
    tiles = tiles_html(portal(app("a"), app("b", state="owner", hosts=["monk"], sso="none")))
    assert re.findall(r'class="facts">([^<]*)<', tiles) == ["shared", "owner · monk · own login"]


def test_an_address_that_runs_code_is_refused() -> None:
    with pytest.raises(ValueError, match="not an address"):
        tiles_html(portal(app("x", url="javascript:alert(1)")))


def test_a_template_without_its_markers_is_refused() -> None:
    with pytest.raises(ValueError, match="abbey:tiles"):
        page_html(TEMPLATE.replace("<!-- abbey:tiles -->", ""), portal(app("x")))


def test_each_host_has_a_card_and_each_link_is_optional() -> None:
    document = portal(app("x"))
    assert re.findall(r'data-host="(\w+)"', hosts_html(document)) == ["monk", "kscloud1"]
    assert links_html(document).count("<a ") == 3
    assert links_html({}) == ""


def test_the_page_obeys_the_strict_policy_and_its_budget() -> None:
    page = page_html(TEMPLATE, portal(*forty_apps()))
    elements = Reader(page)
    assert "unsafe" not in CSP
    assert all("style" not in attributes and "onclick" not in attributes for _, attributes in elements.seen)
    assert elements.all("style") == []
    for source in (PORTAL / name for name in ("portal.js", "live.js")):
        assert "innerHTML" not in source.read_text()


def test_the_portal_document_is_plain_json() -> None:
    assert page_html(TEMPLATE, json.loads(json.dumps(portal(*forty_apps())))).count("<li>") == 40


def _luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(digit * 2 for digit in colour[1:])
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _themes() -> dict[str, dict[str, str]]:
    sheet = (PORTAL / "style.css").read_text()
    blocks = re.findall(r'^(:root|\[data-theme="(\w+)"\]) \{\n(.*?)^\}', sheet, re.M | re.S)
    return {name or "cyberpunk": dict(re.findall(r"--(\w+): (#\w+);", body)) for _, name, body in blocks}


@pytest.mark.parametrize("theme", THEMES)
def test_every_colour_of_a_theme_can_be_read(theme: str) -> None:
    colours = _themes()[theme]
    texts = (
        "text",
        "muted",
        "accent",
        "warn",
        *("cyan", "magenta", "yellow", "green"),
        "orange",
        "red",
        "violet",
        "blue",
    )
    for text in texts:
        for ground in ("ground", "panel", "raised"):
            light, dark = sorted((_luminance(colours[text]), _luminance(colours[ground])), reverse=True)
            assert (light + 0.05) / (dark + 0.05) >= 4.5, f"{text} on {ground}"
    light, dark = sorted((_luminance(colours["edge"]), _luminance(colours["panel"])), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 3, "the edge of the search box"
