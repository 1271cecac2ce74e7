"""`abbey app`: what the catalog knows, what an app is before one adds it, and data files for apps of one's own."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection
from dataclasses import asdict
from pathlib import Path
from typing import Any

from abbey.catalog.card import card, default_contract, entry_lines, given
from abbey.catalog.contract import findings
from abbey.catalog.load import Catalog, files, load_catalog
from abbey.catalog.schema import App
from abbey.cli import output
from abbey.cli.session import open_lab
from abbey.errors import FileErrors, UsageError
from abbey.model.lab import Lab
from abbey.model.promise import promise
from abbey.spec.value import NAME, NAME_IN_WORDS

DEFAULT = Path("abbey.yaml")


def list_apps(path: Path, *, as_json: bool) -> int:
    """Print every app that the lab's file may name, and where it runs in this lab. Return 0."""
    lab, catalog = _known(path)
    apps = {name: app for name, app in catalog.apps.items() if app.kind == "app"}
    rows = {name: _row(name, app, lab) for name, app in apps.items()}
    if as_json:
        output.document({"apps": rows})
        return 0
    head = ("APP", "LOGIN", "STATE", "MEMORY", *(("HERE",) if lab else ()), "WHAT IT IS")
    table = []
    for name, row in rows.items():
        here = (", ".join(row["hosts"]) or "-",) if lab else ()
        table.append((name, row["login"], ", ".join(row["state"]), row["memory"] or "-", *here, row["summary"]))
    output.table(table, head=head)
    output.line()
    output.line("`abbey app show APP` tells more; `abbey app new NAME` begins a data file for another one.")
    return 0


def show_app(path: Path, name: str, *, as_json: bool) -> int:
    """Print everything worth knowing about an app. Return 0. Raise UsageError when there is none of that name."""
    lab, catalog = _known(path)
    app = _found(catalog, name)
    lines = entry_lines(name, app) if app.kind == "app" else ""
    if as_json:
        data = app.model_dump(mode="json", by_alias=True, exclude_defaults=True)
        output.document({**_row(name, app, lab), "name": name, "add": lines, "given": given(app), "data": data})
        return 0
    output.line(f"{app.title} - {app.summary}")
    output.line(app.home)
    for section in card(name, app):
        output.section(section.title, section.rows)
    placed = _placed(lab, name)
    if lab and placed:
        primary = lab.database.primary.name if lab.database else None
        told = promise(placed, hosts=tuple(host.name for host in lab.hosts), primary=primary)
        output.section("In this lab", (f"It is `{placed.contract}`. {told}",))
    if lines and not placed:
        output.section("To add it, write in abbey.yaml", ())
        output.line(lines.rstrip("\n"))
    elif not lines:
        output.section("A part of the platform", ("Abbey places it by itself; it is not written in the lab's file.",))
    return 0


def new_app(path: Path, name: str, *, image: str | None, port: int) -> int:
    """Write the beginning of a data file beside the lab's file, and say what is left to fill in. Return 0.

    Raise UsageError for a name that cannot be one or is taken, for an image without a tag, and for a file that is
    there already.
    """
    from abbey.catalog.blank import blank, reference

    shipped = load_catalog().apps
    _check_name(name, shipped)
    if image is not None and reference(image) is None:
        raise UsageError(
            f"{image} is no image with its version", hint="write it as after `docker pull`, e.g. docker.io/a/b:1.2.3"
        )
    target = path.parent / "apps" / f"{name}.yaml"
    text = blank(name, reference(image) if image else None, port)
    _write(target, text)
    output.line(f"wrote {target}")
    near = difflib.get_close_matches(name, shipped, n=1, cutoff=0.75)
    if near:
        output.line(f"The catalog has {near[0]}; `abbey app show {near[0]}` tells whether that is what you want.")
    left = ["title, summary and home are yours to write"]
    left += [] if image else ["image.ref and image.tag are made up"]
    left += [f"port {port} is the usual one of many apps; look it up"] if not image else []
    for known, app, document in files(target.parent):
        left += [finding.message for finding in findings(known, app, document) if known == name]
    output.section("Left to fill in", left)
    output.section("Then", (f"Write `{name}: {{}}` under `apps:` in {path}, and `abbey app check {name}`.",))
    return 0


def check_apps(path: Path, name: str | None, *, as_json: bool) -> int:
    """Print what the rules find in one's own data files, or in that of one app. Return 1 when they find something.

    Raise FileErrors when a file is not right (as JSON its faults are printed), UsageError when there is no such app.
    """
    folder = path.parent / "apps"
    try:
        load_catalog(folder)
    except FileErrors as errors:
        if not as_json:
            raise
        output.document({"apps": [], "faults": [asdict(fault) for fault in errors.faults], "findings": []})
        return errors.exit_code
    own = {known: (app, document) for known, app, document in files(folder)}
    if name is not None and name not in own:
        shipped = {known: (app, document) for known, app, document in files()}
        own = {name: shipped[name]} if name in shipped else own
        _require(name, {*own, *shipped})
    chosen = {known: pair for known, pair in own.items() if name in (None, known)}
    found = [finding for known, (app, document) in chosen.items() for finding in findings(known, app, document)]
    if as_json:
        output.document({"apps": list(chosen), "faults": [], "findings": [asdict(finding) for finding in found]})
    else:
        for finding in found:
            output.finding(finding)
        told = ", ".join(chosen) if chosen else f"no data files in {folder}"
        output.line(f"{told}: {len(found) or 'nothing'} found")
    return int(bool(found))


def _known(path: Path) -> tuple[Lab | None, Catalog]:
    """Return the lab when its file is there and right, and the catalog with the data files beside it."""
    catalog = load_catalog(path.parent / "apps")
    if path == DEFAULT and not path.exists():
        return None, catalog
    try:
        return open_lab(path), catalog
    except FileErrors:
        output.note(f"{path} is not right yet, so what follows does not look at it; see `abbey check`")
        return None, catalog


def _row(name: str, app: App, lab: Lab | None) -> dict[str, Any]:
    placed = _placed(lab, name)
    return {
        "title": app.title,
        "summary": app.summary,
        "login": app.sso.mode,
        "state": list(app.contracts),
        "default": default_contract(app),
        "memory": app.uses.memory if app.uses else None,
        "hosts": list(placed.hosts) if placed else [],
        "url": placed.url if placed else None,
    }


def _placed(lab: Lab | None, name: str) -> Any:
    return next((app for app in lab.apps if app.name == name), None) if lab else None


def _found(catalog: Catalog, name: str) -> App:
    _require(name, catalog.apps)
    return catalog.apps[name]


def _require(name: str, known: Collection[str]) -> None:
    if name not in known:
        near = difflib.get_close_matches(name.lower(), sorted(known), n=1)
        hint = f"did you mean `{near[0]}`?" if near else "`abbey app list` names them all"
        raise UsageError(f"there is no app {name}", hint=hint)


def _check_name(name: str, shipped: Collection[str]) -> None:
    if not re.fullmatch(NAME, name):
        raise UsageError(f"{name} cannot be the name of an app", hint=NAME_IN_WORDS)
    if name in shipped:
        hint = f"`abbey app show {name}` tells what it knows; `env`, `tag` and `memory` in the lab's file change it"
        raise UsageError(f"{name} is in the catalog already", hint=hint)


def _write(target: Path, text: str) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        if not target.parent.is_dir():
            raise UsageError(f"{target.parent} is no folder", hint="move what is there") from None
        raise UsageError(f"{target} is there already", hint="edit that one, or choose another name") from None
    except OSError as error:
        raise UsageError(f"{target} cannot be written: {error.strerror}") from None
