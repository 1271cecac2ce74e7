"""The page as it is rendered: tiles, words in each language, and what nginx is told to cut out."""

from __future__ import annotations

import json
import re
from html import unescape
from html.parser import HTMLParser
from typing import Any

import pytest
from standin_lab import CSP, MESSAGES, PORTAL, app, forty_apps, grouped, link, lives_on, portal

from abbey.render.tiles import LANGUAGES, THEMES, Words, hosts_html, limits, links_html, page_html, tiles_html

TEMPLATE = (PORTAL / "index.html").read_text()
ENGLISH = Words(MESSAGES, "en")
SCRIPTS = sorted(PORTAL.glob("*.js"))


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


def page_of(document: dict[str, Any], language: str = "en") -> str:
    return page_html(TEMPLATE, document, MESSAGES, language)


# ---------------------------------------------------------------- tiles


def test_every_app_is_a_plain_link_with_a_state_per_host() -> None:
    tiles = Reader(tiles_html(portal(*forty_apps()), ENGLISH))
    links = tiles.all("a")
    assert [link["href"] for link in links] == [entry["url"] for entry in forty_apps()]
    assert links[37]["data-hosts"] == "monk"
    assert len(tiles.all("span", **{"data-on": "monk"})) == 40
    assert len(tiles.all("span", **{"data-on": "kscloud1"})) == 39
    assert len(tiles.all("button", **{"class": "star"})) == 40


def test_words_of_the_file_stay_words() -> None:
    page = Reader(page_of(portal(*forty_apps(), title="</title><script>alert(1)</script>")))
    assert [script["src"] for script in page.all("script")] == ["/portal.js"]
    assert page.all("img") == []


@pytest.mark.parametrize("title", ["<!-- abbey:tiles -->", "{{page.skip}}", '<!--# echo var="http_cookie" -->'])
def test_a_title_that_looks_like_a_marker_is_only_a_title(title: str) -> None:
    page = page_of(portal(app("kavita"), title=title))
    assert page.count('id="app-kavita"') == 1
    assert unescape(page).count(title) == 2
    assert page.count("<!--#") == 1, "the theme"


def test_colours_outside_the_palette_fall_back() -> None:
    page = page_of(portal(app("kavita", colour='x" onclick="y')))
    assert Reader(page).all("a", **{"data-app": "kavita"})[0]["data-colour"] == "cyan"


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, "Any host answers"),
        ({"state": "stateless"}, "Any host answers"),
        ({"hosts": ["monk"]}, "Runs on monk"),
        (lives_on("monk") | {"sso": "none"}, "Lives on monk · own login"),
        ({"state": "split"}, "Each host has its own data"),
    ],
)
def test_what_an_app_promises_is_said_in_words(fields: dict[str, Any], said: str) -> None:
    assert re.findall(r'class="facts">([^<]*)<', tiles_html(portal(app("a", **fields)), ENGLISH)) == [said]


def test_a_link_says_where_it_leads_and_has_no_host() -> None:
    tiles = tiles_html(portal(link("router", url="http://router.lan/admin")), ENGLISH)
    assert 'class="facts">router.lan<' in tiles
    assert "data-on" not in tiles
    assert "data-hosts" not in tiles


def test_where_there_is_one_host_nobody_is_told_which() -> None:
    document = portal(app("a", **lives_on("monk"))) | {"hosts": [{"name": "monk", "place": "home"}]}
    assert 'class="facts"><' in tiles_html(document, ENGLISH)


def test_an_address_that_runs_code_is_refused() -> None:
    with pytest.raises(ValueError, match="not an address"):
        tiles_html(portal(app("x", url="javascript:alert(1)")), ENGLISH)


def test_a_lab_without_apps_says_how_to_get_one() -> None:
    assert "abbey up" in tiles_html(grouped({}), ENGLISH)


def test_each_host_has_a_card_and_each_link_is_optional() -> None:
    document = portal(app("x"))
    assert re.findall(r'data-host="(\w+)"', hosts_html(document, ENGLISH)) == ["monk", "kscloud1"]
    assert links_html(document, ENGLISH).count("<a ") == 3
    assert links_html({}, ENGLISH) == ""


def test_what_is_ones_own_is_named_on_the_page() -> None:
    own = {"css": "/own/mine.css", "widgets": ["/own/a.js", "/own/b.js"]}
    page = Reader(page_of(portal(app("x")) | {"own": own}))
    assert [sheet["href"] for sheet in page.all("link", rel="stylesheet")] == ["/style.css", "/own/mine.css"]
    assert page.all("section", id="own")[0]["data-widgets"] == "/own/a.js /own/b.js"


# ---------------------------------------------------------------- who may see what


def seen_by(text: str, may: set[int]) -> str:
    """Return what nginx makes of the includes that tiles use. Like nginx, know no condition inside another."""
    shown, set_to, out = True, "", []
    inside = False
    for number, piece in enumerate(re.split(r"<!--# (.*?) -->", text)):
        if not number % 2:
            out.append(piece if shown else "")
        elif found := re.fullmatch(r'set var="any" value="(.*)"', piece):
            assert not inside
            set_to = re.sub(r"\$may_(\d+)", lambda match: "1" if int(match[1]) in may else "", found[1])
        elif found := re.fullmatch(r'if expr="\$(?:may_(\d+)|any)"', piece):
            assert not inside
            inside, shown = True, int(found[1]) in may if found[1] else bool(set_to)
        else:
            assert (piece, inside) == ("endif", True)
            inside, shown = False, True
    return "".join(out)


LIMITED = {
    "Open": [app("wiki"), app("board", groups=["family"])],
    "Family": [app("photos", groups=["family"]), app("films", groups=["family"])],
    "Mixed": [app("logs", groups=["admin"]), app("money", groups=["admin", "family"]), app("pets", groups=["family"])],
}


def test_the_tuples_of_groups_are_numbered_in_the_order_of_the_page() -> None:
    assert limits(grouped(LIMITED)) == (("family",), ("admin",), ("admin", "family"))
    assert limits(portal(*forty_apps())) == ()


@pytest.mark.parametrize(
    ("may", "apps", "sections"),
    [
        (set(), ["wiki"], 1),
        ({1}, ["wiki", "board", "photos", "films", "pets"], 3),
        ({2, 3}, ["wiki", "logs", "money"], 2),
        ({1, 2, 3}, ["wiki", "board", "photos", "films", "logs", "money", "pets"], 3),
    ],
)
def test_tiles_and_headings_of_others_are_cut_out(may: set[int], apps: list[str], sections: int) -> None:
    page = Reader(seen := seen_by(tiles_html(grouped(LIMITED), ENGLISH), may))
    assert [tile["data-app"] for tile in page.all("a")] == apps
    assert len(page.all("section")) == seen.count("</section>") == seen.count("</ul>") == sections


def test_without_groups_nothing_is_cut_out() -> None:
    assert "<!--#" not in tiles_html(portal(*forty_apps()), ENGLISH)


# ---------------------------------------------------------------- words


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_is_whole_in_each_language(language: str) -> None:
    page = page_of(portal(*forty_apps()), language)
    assert f'<html lang="{language}" data-theme="' in page
    assert "{{" not in page
    assert "<!-- abbey:" not in page
    assert re.findall(r"[a-z]+\.[a-z-]+(?=<)", re.sub(r"<template.*?</template>", "", page)) == []


def test_summaries_are_marked_where_the_page_speaks_another_language() -> None:
    assert 'class="summary" id="app-x-about">' in page_of(portal(app("x")))
    german = page_of(portal(app("x")), "de")
    assert 'class="summary" id="app-x-about" lang="en">' in german
    assert "steht in der Datenbank auf kscloud1" in german
    assert "Zu den Anwendungen springen" in german


def test_lists_in_a_promise_are_joined_in_the_language() -> None:
    told = [("promise.absent", {"hosts": ["a", "b", "c"]})]
    assert Words(MESSAGES, "en").sentences(told) == "Does not run on a, b and c."
    assert Words(MESSAGES, "de").sentences(told) == "Läuft nicht auf a, b und c."


def test_a_message_or_language_that_is_not_there_is_refused() -> None:
    with pytest.raises(ValueError, match=r"no message 'promise\.never'"):
        ENGLISH.sentences([("promise.never", {})])
    with pytest.raises(ValueError, match="'fr'"):
        Words(MESSAGES, "fr")


@pytest.mark.parametrize("marker", ["tiles", "hosts", "messages", "own"])
def test_a_template_without_its_markers_is_refused(marker: str) -> None:
    with pytest.raises(ValueError, match=f"abbey:{marker}"):
        page_html(TEMPLATE.replace(f"<!-- abbey:{marker} -->", ""), portal(app("x")), MESSAGES, "en")


def test_every_message_says_the_same_parameters_in_both_languages() -> None:
    for key, texts in MESSAGES.items():
        assert set(texts) == set(LANGUAGES), key
        english, german = (sorted(set(re.findall(r"{\w+}", texts[language]))) for language in ("en", "de"))
        assert english == german, key


def test_every_message_is_used_and_every_use_has_its_message() -> None:
    scripts = "\n".join(script.read_text() for script in SCRIPTS)
    used = set(re.findall(r"""\bt\(\s*["'`]([a-z]+\.[\w.-]+)["'`]""", scripts))
    assert used - set(MESSAGES) == set()
    beginnings = set(re.findall(r"[`\"]([a-z]+\.)(?=\$\{)", scripts))
    said = set(re.findall(r"""["'`]([a-z]+\.[\w.-]+)["'`]""", scripts))
    server = ("page.", "contract.", "promise.")
    unused = {key for key in MESSAGES if not key.startswith((*server, *beginnings)) and key not in said}
    assert unused == set()


# ---------------------------------------------------------------- policy and themes


def test_the_page_obeys_the_strict_policy() -> None:
    elements = Reader(page_of(portal(*forty_apps())))
    assert "unsafe" not in CSP
    assert all("style" not in attributes and "onclick" not in attributes for _, attributes in elements.seen)
    assert elements.all("style") == []
    for script in SCRIPTS:
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(", script.read_text())


def test_scripts_stay_small() -> None:
    assert {script.name: lines for script in SCRIPTS if (lines := script.read_text().count("\n")) > 300} == {}


def test_the_portal_document_is_plain_json() -> None:
    assert page_of(json.loads(json.dumps(portal(*forty_apps())))).count('class="tile"') == 40


def test_tiles_that_are_far_down_are_drawn_later() -> None:
    tiles = tiles_html(portal(*forty_apps()), ENGLISH)
    assert tiles.count('<li class="later">') == 16
    assert tiles.index('data-app="app23"') < tiles.index('<li class="later">') < tiles.index('data-app="app24"')


def _luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(digit * 2 for digit in colour[1:])
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _themes() -> dict[str, dict[str, str]]:
    sheet = (PORTAL / "style.css").read_text()
    blocks = re.findall(r'^(?::root, )?\[data-theme="(\w+)"\] \{\n(.*?)^\}', sheet, re.M | re.S)
    return {name: dict(re.findall(r"--(\w+): (#\w+);", body)) for name, body in blocks}


@pytest.mark.parametrize("theme", THEMES)
def test_every_colour_of_a_theme_can_be_read(theme: str) -> None:
    colours = _themes()[theme]
    texts = ("text", "muted", "accent", "warn", "cyan", "magenta", "yellow", "green", "orange", "red", "violet", "blue")
    for text in texts:
        for ground in ("ground", "panel", "raised"):
            light, dark = sorted((_luminance(colours[text]), _luminance(colours[ground])), reverse=True)
            assert (light + 0.05) / (dark + 0.05) >= 4.5, f"{text} on {ground}"
    light, dark = sorted((_luminance(colours["edge"]), _luminance(colours["panel"])), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 3, "the edge of the search box"
