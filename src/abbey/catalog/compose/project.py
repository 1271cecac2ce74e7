"""One Compose project, resolved: its services, their environments, and what else its files say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from abbey.catalog.compose.node import Node
from abbey.errors import Mark


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable of a service's environment; no value means that the file expects it from outside."""

    value: str | None
    mark: Mark


@dataclass(frozen=True, slots=True)
class Project:
    """One resolved project. `left` are the services of profiles that were not chosen."""

    name: str
    folder: Path
    whole: Node
    services: Mapping[str, Node]
    left: Mapping[str, Node]
    environment: Mapping[str, Mapping[str, Variable]]
    known: Mapping[str, str]
    empty: Mapping[str, Mark]
    """Variables that stand in the file and have neither value nor default, with the place of the first."""
    absent: tuple[tuple[str, Mark], ...]
    """Env files that are not required and not there: service and place."""
    files: tuple[Path, ...]

    def part(self, name: str) -> Mapping[str, Node]:
        """Return the top-level `volumes`, `networks`, `secrets` or `configs`."""
        found = self.whole.get(name)
        return found.map if found else {}
