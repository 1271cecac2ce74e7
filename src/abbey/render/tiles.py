"""The portal's page: tiles, hosts and links written into portal/index.html, so that they work without JavaScript.

The portal document (also written as portal.json; the page itself never asks for it):

    {lab, title, theme, domain, docs?: url, signin?: {url, sign_out},
     hosts: [{name, place}],
     groups: [{name, apps: [{name, title, summary, url, icon, colour, state, promise, hosts, needs?, sso}]}]}

`hosts` of an app serve it: one is enough. `needs` are hosts without which it does not work at all, such as the
one of its database. `state` is the contract's word, `promise` one sentence on what happens when a host dies,
`icon` one or two letters (empty: the first of the title), `colour` one of COLOURS, `sso` oidc, forward-auth or none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

THEMES = ("cyberpunk", "calm", "light")
COLOURS = ("cyan", "magenta", "yellow", "green", "orange", "red", "violet", "blue")

TITLE = "<title>Abbey</title>"
HEADING = "<h1>Abbey</h1>"
THEME = 'data-theme="cyberpunk"'
TILES = "<!-- abbey:tiles -->"
HOSTS = "<!-- abbey:hosts -->"
LINKS = "<!-- abbey:links -->"

METERS = (("cpu", "CPU"), ("memory", "Memory"), ("disk", "Disk"))
WORDS = (("in", "Network in"), ("out", "Network out"), ("uptime", "Uptime"))


def page_html(template: str, portal: Mapping[str, Any]) -> str:
    """Given portal/index.html and a portal document, return the page. Raise ValueError when a marker is missing."""
    title = escape(str(portal["title"]))
    theme = portal.get("theme") if portal.get("theme") in THEMES else THEMES[0]
    parts = {
        THEME: f'data-theme="{theme}"',
        TITLE: f"<title>{title}</title>",
        HEADING: f"<h1>{title}</h1>",
        LINKS: links_html(portal),
        TILES: tiles_html(portal),
        HOSTS: hosts_html(portal),
    }
    page: list[str] = []
    rest = template
    # In the order of the page and each once, so that a marker inside a title is never taken for one.
    for marker, text in parts.items():
        before, found, rest = rest.partition(marker)
        if not found:
            raise ValueError(f"the page lacks {marker}")
        page += (before, text)
    return "".join((*page, rest))


def tiles_html(portal: Mapping[str, Any]) -> str:
    """Given a portal document, return a section per group with its apps as plain links."""
    lab = {host["name"] for host in portal["hosts"]}
    return "\n".join(_group(number, group, lab) for number, group in enumerate(portal["groups"], 1))


def hosts_html(portal: Mapping[str, Any]) -> str:
    """Given a portal document, return a card per host whose figures the page fills in later."""
    return "\n".join(_host(host) for host in portal["hosts"])


def links_html(portal: Mapping[str, Any]) -> str:
    """Given a portal document, return the links of the header: documentation, sign in, sign out."""
    signin = portal.get("signin") or {}
    links = (
        ("Documentation", portal.get("docs")),
        ("Account", signin.get("url")),
        ("Sign out", signin.get("sign_out")),
    )
    return "\n".join(f'<a href="{_address(url)}">{name}</a>' for name, url in links if url)


def _group(number: int, group: Mapping[str, Any], lab: set[str]) -> str:
    apps = "\n".join(_tile(app, lab) for app in group["apps"])
    heading = f'<h2 id="group-{number}">{escape(str(group["name"]))}</h2>'
    return (
        f'<section class="group" aria-labelledby="group-{number}">\n{heading}\n'
        f'<ul class="tiles">\n{apps}\n</ul>\n</section>'
    )


def _tile(app: Mapping[str, Any], lab: set[str]) -> str:
    name, title = escape(str(app["name"])), str(app["title"])
    # What is the rule goes without saying: one login, and every host serves.
    where = "" if set(app["hosts"]) == lab else ", ".join(app["hosts"])
    facts = (app.get("state"), where, "own login" if app.get("sso") == "none" else "")
    attributes = {
        "class": "tile",
        "href": _address(app["url"]),
        "data-app": name,
        "data-hosts": _names(app["hosts"]),
        "data-needs": _names(app.get("needs", ())),
        "data-colour": app["colour"] if app.get("colour") in COLOURS else COLOURS[0],
        "title": escape(str(app.get("promise", ""))),
        "aria-labelledby": f"app-{name}",
        "aria-describedby": f"app-{name}-about",
    }
    words = " ".join(f'{key}="{value}"' for key, value in attributes.items() if value)
    return (
        f"<li><a {words}>"
        f'<span class="icon" aria-hidden="true">{escape(str(app.get("icon") or title[:1].upper())[:2])}</span>'
        f'<span class="name" id="app-{name}">{escape(title)}</span>'
        f'<span class="about" id="app-{name}-about">'
        f'<span class="summary">{escape(str(app.get("summary", "")))}</span> '
        f'<span class="promise">{escape(str(app.get("promise", "")))}</span></span>'
        f'<span class="facts">{escape(" · ".join(str(fact) for fact in facts if fact))}</span>'
        "</a></li>"
    )


def _host(host: Mapping[str, Any]) -> str:
    name = escape(str(host["name"]))
    meter = 'role="meter" aria-valuemin="0" aria-valuemax="100" aria-valuenow="0"'
    rows = [
        _row(key, label, f'<span class="bar" {meter} aria-label="{label} of {name}"></span>') for key, label in METERS
    ]
    rows += [_row(key, label, "") for key, label in WORDS]
    return (
        f'<article class="host" data-host="{name}" data-state="unknown">\n'
        f'<h3>{name} <span class="place">{escape(str(host.get("place", "")))}</span></h3>\n'
        f'<p class="state">no figures yet</p>\n<dl>{"".join(rows)}</dl>\n</article>'
    )


def _row(key: str, label: str, bar: str) -> str:
    value = f'<dd><span class="value">&ndash;</span>{bar}</dd>'
    return f'<div class="row" data-figure="{key}"><dt>{label}</dt>{value}</div>'


def _names(names: Iterable[str]) -> str:
    return escape(" ".join(names))


def _address(url: object) -> str:
    text = str(url)
    if not text.startswith(("https://", "http://", "/")):
        raise ValueError(f"not an address of the web: {text!r}")
    return escape(text)
