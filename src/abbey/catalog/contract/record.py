"""Rules about the file as a record: its tile, what it needs, where its facts are from, what its steps prove."""

from __future__ import annotations

import re

from abbey.catalog.contract.rule import Rule, Seen
from abbey.catalog.schema import App
from abbey.catalog.step import Step
from abbey.report import Severity

# Few and broad, so that a common lab has two tiles or more under each heading.
GROUPS = ("Home", "Library", "Media", "Monitoring", "Tools", "Work")
_LONGEST_SUMMARY = 100
_SOURCE = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+|https?://|documentation", re.IGNORECASE)
_CAN_FAIL = re.compile(
    r"\b(?:grep|test|cmp|diff|jq -e|exit [1-9$]|assert|raise|throw|die|sys\.exit|process\.exit|abort)\b|\[ |exit\("
)
_CANNOT_FAIL = re.compile(r"(?:\|\|\s*(?:true|:)|^\s*(?:echo\b.*|printf\b.*|true|:|exit 0))\s*$")


def _tile(name: str, app: App) -> Seen:
    if app.summary.endswith("."):
        yield ("summary",), "the summary ends with a dot"
    if len(app.summary) > _LONGEST_SUMMARY:
        yield ("summary",), f"the summary is longer than {_LONGEST_SUMMARY} characters"
    if app.kind == "part":
        return
    if app.tile and not app.route:
        yield ("tile",), "a tile leads to an app without a web page"
    if app.tile is None:
        if app.route:
            yield (), "people find the app on the portal by its tile, and there is none"
        return
    if app.tile.group not in GROUPS:
        yield ("tile", "group"), f"no other app is in the group {app.tile.group}; known here: {', '.join(GROUPS)}"
    if not re.fullmatch(r"[A-Za-z0-9]{1,2}", app.tile.icon):
        yield ("tile",), "its icon is not one or two letters"
    if "colour" not in app.tile.model_fields_set:
        yield ("tile",), "nobody chose its colour"


def _resources(name: str, app: App) -> Seen:
    if app.kind == "part":
        return
    if app.uses is None:
        yield (), "nothing says what the app needs in ordinary use"
        return
    limits = sum(_megabytes(service.memory) for service in app.services.values())
    if limits < _megabytes(app.uses.memory):
        yield ("uses", "memory"), f"it needs {app.uses.memory} in ordinary use, and may have {limits}m"


def _megabytes(size: str) -> int:
    return int(size[:-1]) * (1024 if size.endswith("g") else 1)


def _sources(name: str, app: App) -> Seen:
    if not app.sources:
        yield (), "nothing says where these facts are from"
    elif app.kind == "app" and not any(_SOURCE.search(source) for source in app.sources):
        yield ("sources",), "none is a repository with a path or a documentation"


def _steps(name: str, app: App) -> Seen:
    for index, step in enumerate(app.steps):
        yield from _read_back(index, step)


def _read_back(index: int, step: Step) -> Seen:
    if step.calls:
        last = step.calls[-1]
        if not last.check:
            yield ("steps", index, "calls", len(step.calls) - 1), "the last call reads nothing back"
        elif not last.says:
            yield ("steps", index, "calls", len(step.calls) - 1), "it does not say what is wrong when the check fails"
        return
    lines = [line for line in (step.run or "").splitlines() if line.strip() and not line.lstrip().startswith("#")]
    if not lines or _CANNOT_FAIL.search(lines[-1]):
        yield ("steps", index, "run"), "the script ends with something that cannot fail"
    elif not _CAN_FAIL.search("\n".join(lines[-8:])):
        yield ("steps", index, "run"), "the script ends without looking at what it changed"


RULES: tuple[Rule, ...] = (
    Rule(
        "steps",
        Severity.WARNING,
        why="a change that was not taken must be an error, not a surprise at the first login",
        fix="end `calls` with one that has `check` and `says`, and `run` with a test of what was changed",
        look=_steps,
    ),
    Rule(
        "tile-complete",
        Severity.NOTE,
        why="the portal shows every app in the same few words",
        fix="`tile: {group, icon, colour}` with one or two letters, and a summary of one short line without a dot",
        look=_tile,
    ),
    Rule(
        "resources",
        Severity.NOTE,
        why="whether an app fits on a host is worth knowing before it is there",
        fix="`uses: {memory, known}`, not above the limits of its services together",
        look=_resources,
    ),
    Rule(
        "sources",
        Severity.NOTE,
        why="whoever doubts a fact must be able to look it up",
        fix="name `owner/repository path`, or a documentation with its address",
        look=_sources,
    ),
)
