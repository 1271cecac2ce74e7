"""Rules about state: contracts, the database, volumes and their backup."""

from __future__ import annotations

from collections.abc import Iterator

from abbey.catalog.container import Volume
from abbey.catalog.contract.rule import Rule, Seen, used
from abbey.catalog.schema import App
from abbey.catalog.template import OF_DATABASE
from abbey.report import Severity
from abbey.spec.schema import Contract
from abbey.spec.yaml import Path


def _volumes(app: App) -> Iterator[tuple[Path, Volume]]:
    for key, service in app.services.items():
        for index, volume in enumerate(service.volumes):
            yield ("services", key, "volumes", index), volume


def _backup(name: str, app: App) -> Seen:
    for at, volume in _volumes(app):
        if volume.holds != "cache" and volume.name not in app.backup.volumes:
            yield at, f"nothing says how the volume {volume.name} is backed up"
    told = " ".join((app.backup.restore or "", *app.doubts))
    for key, service in app.services.items():
        for index, path in enumerate(service.host_paths):
            if path.write and path.host not in told:
                at = ("services", key, "host_paths", index)
                yield at, f"{path.host} of the host is written, and neither `backup.restore` nor `doubts` speaks of it"
    for volume_name, how in app.backup.volumes.items():
        for word in (*how.databases, *how.leave):
            if word.startswith("/") or ".." in word.split("/"):
                yield ("backup", "volumes", volume_name), f"{word} is not inside the volume"


def _contracts(name: str, app: App) -> Seen:
    yield from _words(app)
    kept = [(at, volume) for at, volume in _volumes(app) if volume.holds != "cache"]
    if Contract.STATELESS in app.contracts:
        for at, volume in kept:
            yield at, f"the volume {volume.name} keeps something, and the app may be `stateless`"
        if app.database:
            yield ("database",), "the app keeps its state in the database, and may be `stateless`"
    if Contract.SHARED in app.contracts:
        if app.database is None and kept:
            yield ("contracts", "shared"), "nothing of it is in the shared database"
        if app.database and Contract.SHARED not in app.database.contracts:
            yield ("contracts", "shared"), "`database.contracts` does not name `shared`"
        for at, volume in kept:
            if volume.holds == "data":
                yield at, f"the volume {volume.name} differs from host to host, and the app may be `shared`"


def _words(app: App) -> Seen:
    for word in Contract:
        said = (word in app.contracts) + (word in app.refuses)
        if said == 0 and app.kind == "app":
            yield ("contracts",), f"nothing is said about `{word}`"
        elif said == 2:
            yield ("refuses", word.value), f"`{word}` is honoured and refused"


def _database(name: str, app: App) -> Seen:
    joined = [key for key, service in app.services.items() if "database" in service.joins]
    wanted = sorted(used(app) & OF_DATABASE)
    if app.database is None:
        if joined and app.kind == "app":
            yield ("services", joined[0], "joins"), "it joins the database's network and has no `database:`"
        return
    if not joined:
        yield ("database",), "no service has `joins: [database]`, so none reaches it"
    if not wanted:
        yield ("database",), "no setting tells the app where the database is"
    for contract in app.database.contracts:
        if contract not in app.contracts:
            yield ("database", "contracts"), f"`{contract}` is none of its contracts"
    own = any("own-database" in service.when for service in app.services.values())
    if app.database.required:
        for contract in app.contracts:
            if contract not in app.database.contracts and not own:
                yield ("contracts", contract.value), f"as `{contract}` it would have no database at all"
    elif not any(volume.holds != "cache" for _, volume in _volumes(app)):
        yield ("database",), "without the shared database it has no volume to keep its own in"


RULES: tuple[Rule, ...] = (
    Rule(
        "backup-covers",
        Severity.WARNING,
        why="a volume that nobody thought of is missing on the day it is needed",
        fix="name it under `backup.volumes` with `how` and `why`, or `holds: cache` where it may be lost",
        look=_backup,
    ),
    Rule(
        "state-contract",
        Severity.WARNING,
        why="a contract is what people rely on when a host is gone",
        fix="give each of stateless, shared, owner and split its reason, under `contracts` or under `refuses`, as the"
        " volumes and the database allow",
        look=_contracts,
    ),
    Rule(
        "database-reached",
        Severity.WARNING,
        why="an app without its database starts, and forgets or fails",
        fix="`joins: [database]` and `with_database` on the service that uses it; its own in a volume or a service"
        " with `when: [own-database]`",
        look=_database,
    ),
)
