"""What is done inside apps after they have started: the scripts and programs of their data files, and when they run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from abbey.catalog.step import Call
from abbey.catalog.step import Step as Entry
from abbey.catalog.template import fill, parts
from abbey.files import Effect, File, FileTree, OnChange, Quoted, quoted
from abbey.model.app import App
from abbey.model.condition import conditions
from abbey.model.host import Host
from abbey.model.lab import Lab
from abbey.model.metrics import METRICS_PART
from abbey.model.service import services
from abbey.model.values import secrets, values
from abbey.plan.state import Step
from abbey.spec.schema import Contract

RUNNER = ("python3", "-m", "abbey_steps")  # in the image of the metrics API, which every host has


def render(lab: Lab, host: Host) -> FileTree:
    """Return steps/APP/STEP.sh for a script, and secrets/steps/APP/STEP.json for calls."""
    return FileTree(
        (_path(app, step), _file(lab, host, app, step)) for app in lab.apps_on(host) for step in _steps(lab, host, app)
    )


def of_apps(lab: Lab, host: Host) -> Iterator[Step]:
    """Yield the steps of the apps on a host, in the order of the data files."""
    runner = next(service.image for service in services(lab, host) if service.name == METRICS_PART)
    for app in lab.apps_on(host):
        for step in _steps(lab, host, app):
            calls = bool(step.calls)
            yield Step(
                name=_name(app, step),
                title=f"{app.entry.title}: {step.title}",
                service=app.service_name(step.service),
                argv=RUNNER if calls else step.shell,
                stdin=_path(app, step),
                user=step.user or "",
                guards=step.guards,
                image=runner if calls else "",
                network=f"{lab.name}_{app.name}" if calls else "",
            )


def _steps(lab: Lab, host: Host, app: App) -> tuple[Entry, ...]:
    """Return the steps of an app on a host. What is in the shared database is done once, by the first host."""
    if app.contract is Contract.SHARED and host.name != app.hosts[0]:
        return ()
    return app.steps(conditions(lab, app))


def _name(app: App, step: Entry) -> str:
    return f"{app.name}/{step.name}"


def _path(app: App, step: Entry) -> str:
    return f"secrets/steps/{_name(app, step)}.json" if step.calls else f"steps/{_name(app, step)}.sh"


def _file(lab: Lab, host: Host, app: App, step: Entry) -> File:
    known, effects = values(lab, host, app), (OnChange(_name(app, step), Effect.RUN),)
    if step.run is not None:
        script = fill(step.run, known)
        return File(_whole(script) if step.shell[-1] == "-s" else script, on_change=effects)
    port = step.port or (app.entry.route.port if app.entry.route else 80)
    program = {
        "base": f"http://{app.service_name(step.service)}:{port}",
        "patience": step.patience,
        "calls": [_call(call) for call in step.calls],
    }
    inside = {name: quoted(text, "json") for name, text in known.items()}
    pieces = parts(json.dumps(program, indent=1, ensure_ascii=False), inside, secrets(lab, app))
    content = tuple(piece if isinstance(piece, str) else Quoted(piece, "json") for piece in pieces)
    return File(content, mode=0o400, on_change=effects)


def _whole(script: str) -> str:
    """Return a script that a shell reads to its end before it begins: a program in it that reads its standard input
    would otherwise take the rest of the script for it."""
    return f"{{ {script.rstrip()}\n}} </dev/null\n"


def _call(call: Call) -> dict[str, Any]:
    return {**call.model_dump(mode="json", by_alias=True, exclude_defaults=True), "expect": list(call.expect)}
