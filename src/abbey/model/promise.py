"""What a visitor of an app sees when a host is gone, in sentences that the portal says in its own language."""

from __future__ import annotations

from collections.abc import Mapping

from abbey.model.app import App
from abbey.spec.schema import Contract

# The portal's messages have the same keys.
SENTENCES: Mapping[str, str] = {
    "promise.stateless": "Any host answers, with the same result.",
    "promise.stateless.alone": "Keeps nothing, and runs on {host} only; away while {host} is away.",
    "promise.shared": "Any host answers; everything it knows is in the database on {primary}, and waits for that.",
    "promise.shared.alone": (
        "Runs on {host} only; everything it knows is in the database on {primary}, and waits for that."
    ),
    "promise.owner": "Lives on {host}; away while {host} is away.",
    "promise.split": "Each of {hosts} keeps its own data, so what you see depends on who answers.",
    "promise.split.alone": "Lives on {host}; away while {host} is away.",
    "promise.database": "Its database is on {primary}.",
    "promise.gate": "Its gate needs the sign-in, whose database is on {primary}.",
    "promise.absent": "Does not run on {hosts}.",
}

Part = tuple[str, Mapping[str, str | tuple[str, ...]]]
"""A sentence by its key, and what stands in it: a name or several."""


def promise_parts(app: App, *, hosts: tuple[str, ...], primary: str | None) -> tuple[Part, ...]:
    """Given the names of the lab's hosts and of the database's, return the sentences about an app, in order."""
    alone = app.hosts[0] if len(app.hosts) == 1 else None
    others = [host for host in hosts if host not in app.hosts]
    parts: list[Part] = [_contract(app, alone, str(primary))]
    if app.database and app.contract is Contract.OWNER and primary != app.owner:
        parts.append(("promise.database", {"primary": str(primary)}))
    if app.login == "forward-auth":
        parts.append(("promise.gate", {"primary": str(primary)}))
    if others and not alone:
        parts.append(("promise.absent", {"hosts": tuple(others)}))
    return tuple(parts)


def _contract(app: App, alone: str | None, primary: str) -> Part:
    match app.contract:
        case Contract.STATELESS if alone:
            return "promise.stateless.alone", {"host": alone}
        case Contract.SHARED if alone:
            return "promise.shared.alone", {"host": alone, "primary": primary}
        case Contract.SPLIT if alone:
            return "promise.split.alone", {"host": alone}
        case Contract.STATELESS:
            return "promise.stateless", {}
        case Contract.SHARED:
            return "promise.shared", {"primary": primary}
        case Contract.OWNER:
            return "promise.owner", {"host": str(app.owner)}
        case Contract.SPLIT:
            return "promise.split", {"hosts": app.hosts}


def promise(app: App, *, hosts: tuple[str, ...], primary: str | None) -> str:
    """Return the same in English, as one text."""
    return " ".join(_english(*part) for part in promise_parts(app, hosts=hosts, primary=primary))


def _english(key: str, told: Mapping[str, str | tuple[str, ...]]) -> str:
    words = {name: word if isinstance(word, str) else " and ".join(word) for name, word in told.items()}
    return SENTENCES[key].format_map(words)
