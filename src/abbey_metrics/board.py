"""Answers that are ready: requests get bytes that were made before they came."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Answer:
    """A body and the tag by which a client asks whether it changed."""

    body: bytes
    tag: str


@dataclass(slots=True)
class Board:
    """The newest answer of each kind; None until the first sample."""

    host: Answer | None = None
    lab: Answer | None = None
    past: Answer | None = None
