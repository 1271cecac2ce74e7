"""What became of every part of a Compose file: carried over, changed, needless or lost. Nothing else is possible."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from abbey.catalog.compose.node import Node
from abbey.errors import Mark
from abbey.spec.yaml import shown

Way = tuple[str, ...]


@dataclass(frozen=True, slots=True, order=True)
class Loss:
    """One thing that is not as it was: where it stands, what it is, why, and what to do (may be empty)."""

    mark: Mark
    kind: Literal["lost", "changed", "needless"]
    what: str
    why: str
    do: str = ""

    def __str__(self) -> str:
        return f"{self.mark}: {self.what}: {self.why}"


@dataclass(slots=True)
class Ledger:
    """Keeps book of one project."""

    losses: list[Loss] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    done: set[Way] = field(default_factory=set)
    needless: dict[str, list[Mark]] = field(default_factory=dict)

    def carried(self, way: Way, kind: str, count: int = 1) -> None:
        """Note that what stands there was carried over."""
        self.done.add(way)
        self.counts[kind] += count

    def seen(self, *ways: Way) -> None:
        """Note that what stands there is part of what is reported otherwise."""
        self.done.update(ways)

    def lost(self, way: Way, mark: Mark, what: str, why: str, do: str = "") -> None:
        """Note that what stands there is not carried over."""
        self.done.add(way)
        self.losses.append(Loss(mark, "lost", what, why, do))

    def changed(self, way: Way, mark: Mark, what: str, why: str, do: str = "") -> None:
        """Note that what stands there works otherwise from now on."""
        self.done.add(way)
        self.losses.append(Loss(mark, "changed", what, why, do))

    def unneeded(self, way: Way, mark: Mark) -> None:
        """Note that Abbey sees to what stands there."""
        self.done.add(way)
        word = next(part for part in reversed(way) if not part.isdigit())
        self.needless.setdefault(word, []).append(mark)

    def sweep(self, way: Way, node: Node) -> None:
        """Report everything below that nothing above has spoken of."""
        above = {known[:length] for known in self.done for length in range(1, len(known))}
        for place, mark in _open(way, node, node.mark, self.done, above):
            what = ".".join(shown(part) for part in place)
            self.lost(place, mark, what, "an app file has no word for it", "look whether the app can do without it")

    def all(self) -> list[Loss]:
        """Return everything that is to be reported, in order of place; what Abbey sees to in one line."""
        found = sorted(set(self.losses))
        if self.needless:
            words = ", ".join(sorted(self.needless))
            first = min(mark for marks in self.needless.values() for mark in marks)
            found.append(Loss(first, "needless", words, "not needed here: Abbey sets it, or nothing depends on it"))
        return found


def _open(way: Way, node: Node, mark: Mark, done: set[Way], above: set[Way]) -> Iterator[tuple[Way, Mark]]:
    """Yield the outermost places of which nothing is known. `above` are those that lie around a known one."""
    if way in done:
        return
    inner = [(key, part, node.key_mark(key)) for key, part in node.map.items()]
    inner += [(str(at), part, part.mark) for at, part in enumerate(node.list)]
    if way not in above or not inner:
        yield way, mark
        return
    for key, part, place in inner:
        yield from _open((*way, key), part, place, done, above)
