"""What the parts of a conversion share, and names in the form that Abbey's files want."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from abbey.catalog.compose.ledger import Ledger, Way
from abbey.catalog.compose.node import Node
from abbey.catalog.compose.project import Project
from abbey.catalog.compose.secretive import Secrets

_NAME = re.compile(r"[a-z]([a-z0-9-]{0,28}[a-z0-9])?")
_ABSOLUTE = re.compile(r"/[A-Za-z0-9_./@-]*")
_PLACE = re.compile(r"\{\{(?=\s*[A-Za-z][A-Za-z0-9_.-]*\s*\}\})")


@dataclass(frozen=True, slots=True)
class Around:
    """What is known of the lab: ports that its parts take → whose, names that its gateway asks for, this home."""

    ports: Mapping[int, str] = field(default_factory=dict)
    names: Collection[str] = ("gateway",)
    home: Path = Path("/root")


@dataclass(slots=True)
class Work:
    """One project on its way to an app."""

    app: str
    project: Project
    around: Around
    ledger: Ledger
    secrets: Secrets
    keys: dict[str, str] = field(default_factory=dict)
    """Old names of services → their keys in the app file."""
    volumes: dict[str, str] = field(default_factory=dict)
    """Old names of volumes → their names in the app file."""
    contexts: dict[str, dict[str, bytes]] = field(default_factory=dict)


@dataclass(slots=True)
class Part:
    """One service on its way: what stood there, and what is made of it."""

    work: Work
    name: str
    node: Node
    made: dict[str, object] = field(default_factory=dict)
    doubts: list[str] = field(default_factory=list)

    @property
    def ledger(self) -> Ledger:
        """Return the book that everything is noted in."""
        return self.work.ledger

    def way(self, *rest: str) -> Way:
        """Return the way to a part of the service."""
        return ("services", self.name, *rest)

    def take(self, key: str) -> Node | None:
        """Return the value of a key. A key without a value says nothing and counts as carried."""
        if key in self.node.map and self.node.map[key].value is None:
            self.ledger.seen(self.way(key))
        return self.node.get(key)

    def lost(self, key: str, why: str, do: str = "") -> None:
        """Note that a key of the service is not carried over."""
        self.ledger.lost(self.way(key), self.node.key_mark(key), f"{self.name}: {key}", why, do)


def named(text: str, taken: Collection[str], instead: str = "app") -> str:
    """Return a text as a name of Abbey's that is not taken: lower-case letters, digits, dashes, a letter first."""
    base = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    base = re.sub(r"^[^a-z]+", "", base)[:30].strip("-") or instead
    name, number = base, 2
    while name in taken or not _NAME.fullmatch(name):
        name, number = f"{base[:26].strip('-')}-{number}", number + 1
    return name


def is_absolute(path: str) -> bool:
    """Return whether a data file can hold this path."""
    return bool(_ABSOLUTE.fullmatch(path))


def literal(text: str) -> str:
    """Return a text that a data file gives back as it is, though braces stand in it."""
    return _PLACE.sub("{{braces}}", text)
