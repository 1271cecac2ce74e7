"""What happens while a plan is executed, for a person to watch."""

from __future__ import annotations

from dataclasses import dataclass

from abbey.report import Done


@dataclass(frozen=True, slots=True)
class Started:
    """An action has begun: its id in the plan, its host, one line of text."""

    id: int
    host: str
    text: str


@dataclass(frozen=True, slots=True)
class Ended:
    """An action has ended, or was skipped."""

    done: Done


@dataclass(frozen=True, slots=True)
class Stopping:
    """An interruption was noticed: nothing new begins; `waiting` names what still runs. A second one abandons it."""

    waiting: tuple[str, ...]


Event = Started | Ended | Stopping
