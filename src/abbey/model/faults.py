"""Collecting what is wrong with a lab while it is resolved."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable

from abbey.errors import Fault, Mark

Path = tuple[str | int, ...]


class Faults:
    """A growing list of faults; `mark` finds the place of a path in the file, or of the nearest part of it."""

    def __init__(self, mark: Callable[[Path], Mark]) -> None:
        self._mark = mark
        self.found: list[Fault] = []

    def add(self, path: Path, message: str, hint: str = "") -> None:
        """Remember one fault at a path of the file."""
        self.found.append(Fault(self._mark(path), message, hint))


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return a hint that names the nearest known word, or all of them."""
    choices = sorted(known)
    near = difflib.get_close_matches(word, choices, n=1)
    if near:
        return f"did you mean `{near[0]}`?"
    return f"known here: {', '.join(choices)}" if choices else "there are none in this file"
