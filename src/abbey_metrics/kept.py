"""What was made once and is handed out until it changed."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

V = TypeVar("V")


class Kept(Generic[V]):
    """Values by key, each with the version that it was made from. Beyond `most`, the oldest goes first."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._found: OrderedDict[Hashable, tuple[object, V]] = OrderedDict()
        self.made = 0
        """How often something was made."""

    def __len__(self) -> int:
        return len(self._found)

    def get(self, key: Hashable, version: object, make: Callable[[V | None], V]) -> V:
        """Return what was made for the key; made anew, given what was there before, when the version is another."""
        known = self._found.get(key)
        if known and known[0] == version:
            return known[1]
        self.made += 1
        made = make(known[1] if known else None)
        self._found[key] = (version, made)
        self._found.move_to_end(key)
        if len(self._found) > self._most:
            self._found.popitem(last=False)
        return made
