"""The portal's page: tiles, hosts, links and words written into portal/index.html, so that they work without scripts.

The portal document (the page itself never asks for it, because it names tiles that not everybody may know):

    {lab, title, theme, language, domain, docs?: url, signin?: {url, sign_out}, hosts: [{name, place}],
     own?: {css: path or null, widgets: [path]}, tunnel, database,
     groups: [{name, apps: [{name, title, summary, url, icon, colour, groups, services, state, promise, hosts, needs,
                             sso, kind}]}]}

`hosts` of an app serve it: one is enough. `needs` are hosts without whose database it does not work. `groups` may see
the tile; none means everybody. `state` is the contract's word; `promise` says what happens when a host dies, as
[[key, {parameter: text or list of texts}], ...] with keys of messages.json. `icon` is one or two letters (empty: the
first of the title), `colour` one of COLOURS, `sso` oidc, forward-auth or none, `kind` app or link.

nginx finishes the page for each visitor by server-side includes: the theme, and which limited tiles are in it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from html import escape
from typing import Any
from urllib.parse import urlsplit

THEMES = ("cyberpunk", "calm", "light")
LANGUAGES = ("en", "de")
COLOURS = ("cyan", "magenta", "yellow", "green", "orange", "red", "violet", "blue")
MARKERS = ("title", "style", "links", "tiles", "hosts", "own", "messages")

Messages = Mapping[str, Mapping[str, str]]

# So many tiles are drawn at once; those after them come a moment later, so that the first of them come sooner.
FIRST = 24

# Figures of a host: those with a meter, those with a line over the last minutes, how many lines.
FIGURES = (
    ("cpu", True, 1),
    ("memory", True, 1),
    ("network", False, 2),
    ("disk", True, 0),
    ("temperature", False, 0),
    ("uptime", False, 0),
)


def page_html(template: str, portal: Mapping[str, Any], messages: Messages, language: str) -> str:
    """Given portal/index.html, a portal document, messages.json and a language, return the page for nginx to finish.

    Raise ValueError when the template lacks a marker or names an unknown message.
    """
    words = Words(messages, language)
    parts = {
        "title": escape(str(portal["title"])),
        "style": _style(portal),
        "links": links_html(portal, words),
        "tiles": tiles_html(portal, words),
        "hosts": hosts_html(portal, words),
        "own": _own(portal, words),
        "messages": f'<template id="messages">{words.for_scripts()}</template>',
    }
    found: set[str] = set()

    # One pass over the template, so that what a title says is never taken for a marker.
    def fill(match: re.Match[str]) -> str:
        marker, key = match.groups()
        if marker:
            found.add(marker)
            return parts[marker]
        return words.language if key == "language" else words.html(key)

    page = re.sub(rf"<!-- abbey:({'|'.join(MARKERS)}) -->|{{{{([a-z.-]+)}}}}", fill, template)
    for marker in MARKERS:
        if marker not in found:
            raise ValueError(f"the page lacks <!-- abbey:{marker} -->")
    return page


def limits(portal: Mapping[str, Any]) -> tuple[tuple[str, ...], ...]:
    """Given a portal document, return who may see limited tiles: the distinct tuples of groups, in its order.

    The tuple number N, from 1, belongs to nginx's variable `$may_N`.
    """
    apps = (app for group in portal["groups"] for app in group["apps"])
    return tuple(dict.fromkeys(groups for app in apps if (groups := tuple(app.get("groups", ())))))


class Words:
    """The messages in one language, and lists and sentences of them."""

    def __init__(self, messages: Messages, language: str) -> None:
        """Raise ValueError when a message is not there in that language."""
        self.language = language
        try:
            self._texts = {key: texts[language] for key, texts in messages.items()}
        except KeyError:
            raise ValueError(f"not every message is there in the language {language!r}") from None

    def text(self, key: str, **parameters: object) -> str:
        """Given a key and its parameters, texts or lists of texts, return the message. Raise ValueError without it."""
        if key not in self._texts:
            raise ValueError(f"no message {key!r}")
        known = {name: self._listed(value) for name, value in parameters.items()}
        return re.sub(r"{(\w+)}", lambda match: known.get(match[1], match[0]), self._texts[key])

    def html(self, key: str, **parameters: object) -> str:
        """Return the message as `text` does, for a place in a page."""
        return escape(self.text(key, **parameters))

    def sentences(self, said: Iterable[tuple[str, Mapping[str, object]]]) -> str:
        """Given keys with their parameters, return the sentences one after the other."""
        return " ".join(self.text(key, **parameters) for key, parameters in said)

    def for_scripts(self) -> str:
        """Return what scripts say as JSON that can stand in a page."""
        chosen = {
            key: text for key, text in self._texts.items() if not key.startswith(("page.", "contract.", "promise."))
        }
        text = json.dumps(chosen, ensure_ascii=False, separators=(",", ":"))
        return text.replace("&", r"\u0026").replace("<", r"\u003c").replace(">", r"\u003e")

    def _listed(self, value: object) -> str:
        if not isinstance(value, list | tuple):
            return str(value)
        *some, last = (str(part) for part in value)
        return self.text("page.and", some=", ".join(some), last=last) if some else last


def links_html(portal: Mapping[str, Any], words: Words) -> str:
    """Given a portal document, return the links of the header: documentation, account, sign out."""
    signin = portal.get("signin") or {}
    links = (
        ("page.documentation", portal.get("docs")),
        ("page.account", signin.get("url")),
        ("page.sign-out", signin.get("sign_out")),
    )
    return "\n".join(f'<a href="{_address(url)}">{words.html(key)}</a>' for key, url in links if url)


def tiles_html(portal: Mapping[str, Any], words: Words) -> str:
    """Given a portal document, return a section per group with its apps as plain links."""
    numbers = {groups: f"$may_{number}" for number, groups in enumerate(limits(portal), 1)}
    lab = [str(host["name"]) for host in portal["hosts"]]
    sections, before = [], 0
    for number, group in enumerate(portal["groups"], 1):
        sections.append(_group(number, group, lab, numbers, words, first=max(0, FIRST - before)))
        before += len(group["apps"])
    empty = "" if sections else words.html("page.empty")
    return "\n".join((*sections, f'<p id="nothing"{"" if empty else " hidden"}>{empty}</p>'))


def hosts_html(portal: Mapping[str, Any], words: Words) -> str:
    """Given a portal document, return a card per host whose figures the page fills in later."""
    return "\n".join(_host(host, words) for host in portal["hosts"])


def _group(
    number: int, group: Mapping[str, Any], lab: list[str], numbers: Mapping[Any, str], words: Words, *, first: int
) -> str:
    head = (
        f'<section class="group" aria-labelledby="group-{number}">\n'
        f'<h2 id="group-{number}">{escape(str(group["name"]))}</h2>\n<ul class="tiles">'
    )
    foot = "</ul>\n</section>"
    may = [numbers.get(tuple(app.get("groups", ())), "") for app in group["apps"]]
    tiles = [_tile(app, lab, words, later=place >= first) for place, app in enumerate(group["apps"])]
    if len(set(may)) == 1:
        return _if(may[0], "\n".join((head, *tiles, foot)))
    tiles = [_if(condition, tile) for condition, tile in zip(may, tiles, strict=True)]
    if "" in may:
        return "\n".join((head, *tiles, foot))
    # nginx knows no `or` and no condition inside another: any of the conditions is the text of all of them.
    any_of = f'<!--# set var="any" value="{"".join(dict.fromkeys(may))}" -->'
    return "\n".join((any_of + _if("$any", head), *tiles, _if("$any", foot)))


def _if(condition: str, text: str) -> str:
    return f'<!--# if expr="{condition}" -->{text}<!--# endif -->' if condition else text


def _tile(app: Mapping[str, Any], lab: list[str], words: Words, *, later: bool) -> str:
    name, title = escape(str(app["name"])), str(app["title"])
    promise = escape(words.sentences(app.get("promise", ())))
    attributes = {
        "class": "tile",
        "href": _address(app["url"]),
        "data-app": name,
        "data-hosts": _names(app["hosts"]),
        "data-needs": _names(app.get("needs", ())),
        "data-colour": app["colour"] if app.get("colour") in COLOURS else COLOURS[0],
        "title": promise,
        "aria-labelledby": f"app-{name}",
        "aria-describedby": f"app-{name}-about app-{name}-promise app-{name}-on",
    }
    tag = " ".join(f'{key}="{value}"' for key, value in attributes.items() if value)
    item = '<li class="later">' if later else "<li>"
    favourite = words.html("page.favourite", app=title)
    foreign = "" if words.language == "en" else ' lang="en"'
    facts = " · ".join(filter(None, _facts(app, lab, words)))
    hosts = "".join(f'<span data-on="{escape(host)}">{escape(host)} <b>&ndash;</b></span>' for host in app["hosts"])
    return (
        f"{item}<a {tag}>"
        f'<span class="icon" aria-hidden="true">{escape(str(app.get("icon") or title[:1].upper())[:2])}</span>'
        f'<span class="name" id="app-{name}">{escape(title)}</span>'
        f'<span class="summary" id="app-{name}-about"{foreign}>{escape(str(app.get("summary", "")))}</span>'
        f'<span class="promise" id="app-{name}-promise">{promise}</span>'
        f'<span class="on" id="app-{name}-on"><span class="facts">{escape(facts)}</span>{hosts}</span></a>'
        f'<button class="star" type="button" aria-pressed="false" aria-label="{favourite}"></button></li>'
    )


def _facts(app: Mapping[str, Any], lab: list[str], words: Words) -> tuple[str, ...]:
    """Return what is special about it. That it asks for the lab's login goes without saying."""
    if app.get("kind") == "link":
        return (urlsplit(str(app["url"])).hostname or "",)
    state = str(app["state"]) if len(app["hosts"]) > 1 or app["state"] == "owner" else "alone"
    contract = words.text(f"contract.{state}", hosts=app["hosts"]) if len(lab) > 1 else ""
    return contract, words.text("page.own-login") if app.get("sso") == "none" else ""


def _host(host: Mapping[str, Any], words: Words) -> str:
    name = escape(str(host["name"]))
    cells = "".join(_cell(name, *figure, words) for figure in FIGURES)
    return (
        f'<article class="host panel" data-host="{name}" data-state="unknown" aria-labelledby="host-{name}">\n'
        f'<h3 id="host-{name}">{name} <span class="place">{escape(str(host.get("place", "")))}</span></h3>\n'
        f'<button class="more" type="button" aria-label="{words.html("page.more", host=name)}">'
        f"{words.html('page.history')}</button>\n"
        f'<p class="state">{words.html("page.waiting")}</p>\n<dl>{cells}</dl>\n</article>'
    )


def _cell(host: str, figure: str, meter: bool, lines: int, words: Words) -> str:
    label = words.html(f"page.{figure}")
    value = '<span class="value">&ndash;</span>'
    if lines:
        paths = '<path class="area"></path>' + '<path class="line"></path>' * lines
        value += f'<svg class="spark" viewBox="0 0 59 20" preserveAspectRatio="none" aria-hidden="true">{paths}</svg>'
    if meter:
        about = words.html("page.meter", what=words.text(f"page.{figure}"), host=host)
        value += (
            '<span class="bar" role="meter" aria-valuemin="0" aria-valuemax="100" aria-valuenow="0"'
            f' aria-valuetext="{words.html("page.unknown")}" aria-label="{about}"></span>'
        )
    return f'<div class="cell" data-figure="{figure}"><dt>{label}</dt><dd>{value}</dd></div>'


def _style(portal: Mapping[str, Any]) -> str:
    css = (portal.get("own") or {}).get("css")
    return f'<link rel="stylesheet" href="{_address(css)}">' if css else ""


def _own(portal: Mapping[str, Any], words: Words) -> str:
    widgets = (portal.get("own") or {}).get("widgets") or ()
    addresses = " ".join(_address(widget) for widget in widgets)
    heading = f'<h2 id="own-heading">{words.html("page.own")}</h2>'
    return f'<section id="own" aria-labelledby="own-heading" data-widgets="{addresses}" hidden>\n{heading}\n</section>'


def _names(names: Iterable[str]) -> str:
    return escape(" ".join(names))


def _address(url: object) -> str:
    text = str(url)
    if not text.startswith(("https://", "http://", "/")):
        raise ValueError(f"not an address of the web: {text!r}")
    return escape(text)
