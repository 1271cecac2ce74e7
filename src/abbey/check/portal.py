"""Rules about the portal: links, files of one's own, and tiles that are limited to groups."""

from __future__ import annotations

import re

from abbey.check.registry import Rule, Seen
from abbey.model.lab import Lab
from abbey.report import Severity

_ELSEWHERE = r"\s*[\"'`]?(?:https?:)?//"
_REACHES_OUT = {
    ".css": re.compile(rf"(?:@import|\burl\(){_ELSEWHERE}", re.IGNORECASE),
    ".js": re.compile(rf"(?:\bfrom|\bimport|\bimport\(|\bfetch\(|\bEventSource\(|\bWebSocket\(){_ELSEWHERE}"),
}


def _open_link(lab: Lab) -> Seen:
    for link in lab.portal.links:
        if link.url.startswith("http://"):
            yield link.title, f"the link {link.title} leads to {link.url}"


def _empty_file(lab: Lab) -> Seen:
    for file in lab.portal.own:
        if not file.text.strip():
            yield file.name, f"{file.name} is empty"


def _reaches_out(lab: Lab) -> Seen:
    for file in lab.portal.own:
        for kind, pattern in _REACHES_OUT.items():
            if file.name.endswith(kind) and (found := pattern.search(file.text)):
                line = file.text.count("\n", 0, found.start()) + 1
                yield file.name, f"{file.name} asks for something from elsewhere in line {line}"


def _for_all(lab: Lab) -> Seen:
    if lab.app("portal").login == "forward-auth":
        return
    limited = [(app.name, app.entry.title, app.groups) for app in lab.apps if app.groups]
    limited += [(link.title, link.title, link.groups) for link in lab.portal.links if link.groups]
    for subject, title, groups in limited:
        yield subject, f"every visitor of the portal sees the tile of {title}, which is for {' and '.join(groups)}"


RULES: tuple[Rule, ...] = (
    Rule(
        "own-file-reaches-out",
        Severity.WARNING,
        why="the portal's policy lets browsers load nothing from elsewhere, so that part of it does not work",
        fix="put what it needs beside it; figures of the lab are below /api/v1 of the portal",
        look=_reaches_out,
    ),
    Rule(
        "own-file-empty",
        Severity.WARNING,
        why="visitors load it and nothing comes of it",
        fix="fill it, or take it out of `portal:`",
        look=_empty_file,
    ),
    Rule(
        "tile-for-all",
        Severity.NOTE,
        why="without a login in front of it the portal cannot tell people apart; the app itself still asks",
        fix="leave `portal.login` at its default",
        look=_for_all,
    ),
    Rule(
        "open-link",
        Severity.NOTE,
        why="whoever is on the way can read and change what is sent without https",
        fix="https:// where the other end can do it",
        look=_open_link,
    ),
)
