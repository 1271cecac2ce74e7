"""Environment of a service: plain values into the app file, secrets into the vault."""

from __future__ import annotations

import re

from abbey.catalog.compose.ledger import Loss
from abbey.catalog.compose.secretive import in_url, is_secret
from abbey.catalog.compose.work import Part, literal
from abbey.spec.yaml import shown

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,120}")


def convert(part: Part) -> None:
    """Carry over every variable, from env files and from the file itself."""
    made: dict[str, str] = {}
    for word in ("environment", "env_file"):
        if word in part.node.map:
            part.ledger.seen(part.way(word))
    for name, variable in part.work.project.environment.get(part.name, {}).items():
        what = f"{part.name}: variable {shown(name)}"
        if not _NAME.fullmatch(name):
            why = "an app file's variables are letters, digits, underscores, dots and dashes"
            do = "look in the app's documentation for another way to say it, e.g. a file in `files`"
            part.ledger.losses.append(Loss(variable.mark, "lost", what, why, do))
        elif variable.value is None:
            why = "its value was taken from the shell that runs Compose, and is not in the file"
            part.ledger.losses.append(Loss(variable.mark, "lost", what, why, f"write {name} into `env` of the service"))
        elif _unwritable(variable.value):
            why = "it has a control character or is no text"
            part.ledger.losses.append(Loss(variable.mark, "lost", what, why, "look what the app can do without it"))
        else:
            made[name] = _value(part, name, variable.value)
            part.ledger.counts["variables"] += 1
    if made:
        part.made["env"] = made
    for service, mark in part.work.project.absent:
        if service == part.name:
            what = f"{part.name}: env_file"
            part.ledger.losses.append(Loss(mark, "lost", what, "the file is not there, and is not required"))


def _unwritable(value: str) -> bool:
    return any((char < " " and char not in "\n\t") or char == "\x7f" or "\ud800" <= char <= "\udfff" for char in value)


def _value(part: Part, name: str, value: str) -> str:
    """Return the value as it may stand in the app file."""
    secrets = part.work.secrets
    if is_secret(name, value):
        part.ledger.counts["secrets"] += 1
        return f"{{{{text.{secrets.take(_short(part, name), value)}}}}}"
    if address := in_url(value):
        part.ledger.counts["secrets"] += 1
        before, password, after = address
        short = secrets.take(f"{_short(part, name)}_password", password)
        return f"{literal(before)}{{{{text.{short}}}}}{literal(after)}"
    return literal(value)


def _short(part: Part, name: str) -> str:
    """Return the variable's own name; with the service's where another service has one of that name."""
    services = part.work.project.environment.items()
    others = any(name in variables for key, variables in services if key != part.name)
    return f"{part.name}_{name}" if others else name
