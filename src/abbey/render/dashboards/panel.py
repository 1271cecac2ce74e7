"""What a dashboard is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["stat", "state", "timeseries", "bargauge", "table"]
Words = dict[str, dict[str, str]]
UP: Words = {"0": {"text": "away", "color": "red"}, "1": {"text": "up", "color": "green"}}
ROLE: Words = {"0": {"text": "primary", "color": "green"}, "1": {"text": "standby", "color": "blue"}}
DONE: Words = {"0": {"text": "failed", "color": "red"}, "1": {"text": "worked", "color": "green"}}
TAKEN: Words = {"0": {"text": "refused", "color": "red"}, "1": {"text": "yes", "color": "green"}}


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel: `asks` are pairs of PromQL and what a line is called; `wide` is in twenty-fourths of the page."""

    title: str
    asks: tuple[tuple[str, str], ...]
    unit: str = "short"
    kind: Kind = "timeseries"
    wide: int = 12
    most: float | None = None  # top of the scale
    says: Words | None = None  # words for values
    about: str = ""


@dataclass(frozen=True, slots=True)
class Board:
    """One dashboard; `variables` are pairs of a label and the figure whose values it offers."""

    uid: str
    title: str
    panels: tuple[Panel, ...]
    variables: tuple[tuple[str, str], ...] = ()


def of(question: str, name: str = "{{host}}") -> tuple[tuple[str, str], ...]:
    """Return one question and what its lines are called."""
    return ((question, name),)
