"""A Plan as text that a person confirms, as JSON, and as one line per action. Never a file's content or digest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any, assert_never

from abbey.plan.action import (
    Act,
    Action,
    BuildImages,
    ComposeRemove,
    ComposeUp,
    FileChange,
    Plan,
    PullImages,
    Reload,
    Run,
    ServiceChange,
    WriteFiles,
)

JSON_VERSION = 1
NOTHING = "nothing to do"
MANY = 5  # files of one folder, from which on they share a line
SIGNS = {"create": "+", "build": "+", "pull": "+", "remove": "-"}  # everything else changes what is there: ~


@dataclass(frozen=True, slots=True)
class _Line:
    sign: str
    kind: str
    name: str
    cause: str


def to_text(plan: Plan, *, warnings: Sequence[str] = (), width: int = 100) -> str:
    """Return the plan, host by host, one line per file, image, service and step; then one that sums up, and warnings.

    Signs: `+` is new, `~` changes, `-` goes. A cause that does not fit into `width` stands on its own line below.
    """
    if not plan:
        return NOTHING
    hosts = {action.host: list(_lines_of(plan, action.host)) for action in plan.actions}
    lines = [line for found in hosts.values() for line in found]
    kinds = max(len(line.kind) for line in lines)
    names = min(max(len(line.name) for line in lines), 48)
    blocks = []
    for host in sorted(hosts):
        rows = [_row(line, kinds=kinds, names=names, width=width) for line in hosts[host]]
        blocks.append("\n".join([host, *rows]))
    warned = "\n".join(f"warning: {text}" for text in warnings)
    return "\n\n".join(filter(None, [*blocks, summary(plan), warned]))


def _row(line: _Line, *, kinds: int, names: int, width: int) -> str:
    start = f"  {line.sign} {line.kind:<{kinds}}  {line.name:<{names}}"
    if len(start) + 2 + len(line.cause) <= width:
        return f"{start}  {line.cause}"
    return f"{start.rstrip()}\n{'':>{kinds + 6}}{line.cause}"


def _lines_of(plan: Plan, host: str) -> Iterator[_Line]:
    for action in plan.actions:
        if action.host == host:
            yield from _lines(action.act)


def _lines(act: Act) -> Iterator[_Line]:
    match act:
        case WriteFiles(changes=changes):
            yield from _file_lines(changes)
        case BuildImages(services=services) | PullImages(services=services):
            yield from (_service_line("image", change) for change in services)
        case ComposeUp(services=services) | ComposeRemove(services=services):
            yield from (_service_line("service", change) for change in services)
        case Reload(title=title, cause=cause):
            yield _Line("~", "reload", title, cause)
        case Run(step=step, cause=cause):
            yield _Line("~", "step", step.title, cause)
        case _:
            assert_never(act)


def _file_lines(changes: Sequence[FileChange]) -> Iterator[_Line]:
    """Yield a line per file; many files of one folder that change alike (sources of an image) share one."""
    for folder, found in groupby(changes, key=lambda change: "/".join(change.path.split("/")[:2])):
        together = list(found)
        alike = {(change.change, change.cause, change.secret) for change in together}
        if len(together) >= MANY and len(alike) == 1:
            first = together[0]
            yield replace(_file_line(first), name=f"{folder}/ ({len(together)} files)")
        else:
            yield from (_file_line(change) for change in together)


def _file_line(change: FileChange) -> _Line:
    return _Line(SIGNS.get(change.change, "~"), "secret" if change.secret else "file", change.path, change.cause)


def _service_line(kind: str, change: ServiceChange) -> _Line:
    cause = change.cause if change.change in ("create", "remove") else f"{change.change}: {change.cause}"
    return _Line(SIGNS.get(change.change, "~"), kind, change.title, cause)


def summary(plan: Plan) -> str:
    """Return the plan in one line: how many hosts, files, images, services to create, recreate, start and remove."""
    if not plan:
        return NOTHING
    counts = counted(plan)
    parts = [_count(counts["files"], "file"), _count(counts["images"], "image")]
    verbs = [verb for verb in ("create", "recreate", "start", "remove") if counts[verb]]
    for at, verb in enumerate(verbs):
        noun = _count(counts[verb], "service") if at == 0 else str(counts[verb])
        parts.append(f"{noun} to {verb}")
    parts += [_count(counts["reloads"], "reload"), _count(counts["steps"], "step")]
    return f"{_count(counts['hosts'], 'host')}: {', '.join(part for part in parts if part)}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}" if number else ""


def counted(plan: Plan) -> Counter[str]:
    """Return how many hosts, files, images, services (by change), reloads and steps the plan touches."""
    counts: Counter[str] = Counter(hosts=len({action.host for action in plan.actions}))
    for action in plan.actions:
        match action.act:
            case WriteFiles(changes=changes):
                counts["files"] += len(changes)
            case BuildImages(services=services) | PullImages(services=services):
                counts["images"] += len(services)
            case ComposeUp(services=services) | ComposeRemove(services=services):
                counts.update(change.change for change in services)
            case Reload():
                counts["reloads"] += 1
            case Run():
                counts["steps"] += 1
            case _:
                assert_never(action.act)
    return counts


def describe(act: Act) -> str:
    """Return one line for progress and the audit log, e.g. `start Grafana, Kavita`."""
    match act:
        case WriteFiles(changes=changes):
            return f"write {_count(len(changes), 'file')}"
        case BuildImages(services=services):
            return f"build {_titles(services, 'image')}"
        case PullImages(services=services):
            return f"pull {_titles(services, 'image')}"
        case ComposeUp(services=services):
            return f"bring up {_titles(services, 'service')}"
        case ComposeRemove(services=services):
            return f"remove {_titles(services, 'service')}"
        case Reload(title=title):
            return f"reload {title}"
        case Run(step=step):
            return f"run {step.title}"
        case _:
            assert_never(act)


def _titles(changes: tuple[ServiceChange, ...], noun: str) -> str:
    if len(changes) > MANY + MANY:
        return _count(len(changes), noun)
    return ", ".join(change.title for change in changes)


def to_json(plan: Plan, *, warnings: Sequence[str] = ()) -> dict[str, Any]:
    """Return the plan as plain data with a version; a new version means that a reader must be looked at."""
    return {
        "version": JSON_VERSION,
        "changes": bool(plan),
        "summary": dict(sorted(counted(plan).items())) if plan else {},
        "actions": [_action(action) for action in plan.actions],
        "warnings": list(warnings),
    }


def _action(action: Action) -> dict[str, Any]:
    head = {"id": action.id, "host": action.host, "after": list(action.after), "text": describe(action.act)}
    return head | _act(action.act)


def _act(act: Act) -> dict[str, Any]:
    match act:
        case WriteFiles(changes=changes):
            return {"kind": "write-files", "files": [_file(change) for change in changes]}
        case BuildImages(services=services):
            return {"kind": "build-images", "services": [_service(change) for change in services]}
        case PullImages(services=services):
            return {"kind": "pull-images", "services": [_service(change) for change in services]}
        case ComposeUp(services=services, force=force):
            return {"kind": "up", "services": [_service(change) for change in services], "force": list(force)}
        case ComposeRemove(services=services):
            return {"kind": "remove", "services": [_service(change) for change in services]}
        case Reload(service=service, cause=cause):
            return {"kind": "reload", "service": service, "cause": cause}
        case Run(step=step, cause=cause):
            return {"kind": "run", "step": step.name, "service": step.service, "cause": cause}
        case _:
            assert_never(act)


def _file(change: FileChange) -> dict[str, Any]:
    return {"path": change.path, "change": change.change, "cause": change.cause, "secret": change.secret}


def _service(change: ServiceChange) -> dict[str, Any]:
    return {"service": change.service, "title": change.title, "change": change.change, "cause": change.cause}
