"""The last day of one host in memory that never grows: three rings of steps, each step a row of figures."""

from __future__ import annotations

import struct
from array import array
from collections.abc import Iterable
from dataclasses import dataclass

from abbey_metrics.columns import BLANK, NAMES, UNKNOWN, WIDTH, mean, shown, thin
from abbey_metrics.documents import Range


@dataclass(frozen=True, slots=True)
class Ring:
    """`length` steps of `step` seconds, in the slots from `first` on. A step's number is its start by `step`."""

    step: int
    length: int
    first: int

    def slot(self, number: int) -> int:
        """Return where the step of this number is kept; the one that is `length` older was there before."""
        return self.first + number % self.length


SECONDS = Ring(1, 300, 0)
TENS = Ring(10, 360, 300)
MINUTES = Ring(60, 1440, 660)
RINGS = {Range.MINUTES: SECONDS, Range.HOUR: TENS, Range.DAY: MINUTES}
COARSE = (TENS, MINUTES)
SLOTS = sum(ring.length for ring in RINGS.values())

_EMPTY = -1
_KEPT = struct.Struct(f"<q{WIDTH}f")


class Rings:
    """Each slot knows the number of its step, so a clock may jump: what is of another time is not shown, and not lost.

    Coarse steps are means over the seconds that are known in them, so adding a sample twice changes nothing.
    """

    def __init__(self) -> None:
        self._numbers = array("q", [_EMPTY]) * SLOTS
        self._values = array("f", [UNKNOWN]) * (SLOTS * WIDTH)
        self._newest: int | None = None

    def add(self, second: int, row: array[float]) -> set[int]:
        """Given the row of a second, return the slots that are now worth keeping: its own, and ended coarse steps."""
        self._put(SECONDS.slot(second), second, row)
        worth = {SECONDS.slot(second)}
        for ring in COARSE:
            number = second // ring.step
            self._put(ring.slot(number), number, self._mean(ring, number))
            if self._newest is not None and self._newest // ring.step != number:
                worth.add(ring.slot(self._newest // ring.step))
        self._newest = second
        return worth

    def columns(
        self, ring: Ring, number: int, count: int, names: Iterable[str] = NAMES
    ) -> dict[str, tuple[float | None, ...]]:
        """Return `count` steps from `number` on in columns; `count` is at most the ring's length."""
        values = self._window(ring, number, count)
        return {name: shown(name, values[NAMES.index(name) :: WIDTH]) for name in names}

    def thinned(self, second: int, step: int, count: int, names: Iterable[str]) -> dict[str, tuple[float | None, ...]]:
        """Return `count` means over `step` seconds from `second` on in columns; all together at most 300 seconds."""
        values = self._window(SECONDS, second, step * count)
        return {name: shown(name, thin(values[NAMES.index(name) :: WIDTH], step)) for name in names}

    def dump(self, slot: int) -> bytes:
        """Return what `restore` takes."""
        return _KEPT.pack(self._numbers[slot], *self._row(slot))

    def restore(self, slot: int, kept: bytes) -> None:
        """Take what `dump` gave for this slot. Raise ValueError when it cannot be that."""
        if not 0 <= slot < SLOTS or len(kept) != _KEPT.size:
            raise ValueError("not a step of history")
        number, *values = _KEPT.unpack(kept)
        if number < 0 or not any(ring.slot(number) == slot for ring in RINGS.values()):
            raise ValueError("not a step of history")
        self._put(slot, number, array("f", values))

    def merge(self, older: Rings) -> set[int]:
        """Take over what only `older` knows, and return the slots in which this differs from it afterwards."""
        for slot in range(SLOTS):
            if self._numbers[slot] == _EMPTY:
                self._put(slot, older._numbers[slot], older._row(slot))
        self._mend()
        return {
            slot
            for slot in range(SLOTS)
            if self._numbers[slot] != older._numbers[slot] or self._row(slot).tobytes() != older._row(slot).tobytes()
        }

    def _mend(self) -> None:
        """Work out again the coarse steps of which every second is still there: they may have ended unseen."""
        seconds = [second for second in self._numbers[: SECONDS.length] if second != _EMPTY]
        for ring in COARSE:
            for number in {second // ring.step for second in seconds}:
                if self._intact(ring, number):
                    self._put(ring.slot(number), number, self._mean(ring, number))

    def _intact(self, ring: Ring, number: int) -> bool:
        """Whether no second of this coarse step has given its slot to a later one."""
        first = number * ring.step
        slot = SECONDS.slot(first)
        return all(held <= first + n for n, held in enumerate(self._numbers[slot : slot + ring.step]))

    def _mean(self, ring: Ring, number: int) -> array[float]:
        return mean(self._window(SECONDS, number * ring.step, ring.step))

    def _window(self, ring: Ring, number: int, count: int) -> array[float]:
        """Return the rows of `count` steps from `number` on, one after another, blank where not known."""
        slot = ring.slot(number)
        straight = min(count, ring.first + ring.length - slot)
        numbers = self._numbers[slot : slot + straight]
        values = self._values[slot * WIDTH : (slot + straight) * WIDTH]
        if straight < count:
            rest = ring.first + count - straight
            numbers += self._numbers[ring.first : rest]
            values += self._values[ring.first * WIDTH : rest * WIDTH]
        for n, held in enumerate(numbers):
            if held != number + n:
                values[n * WIDTH : (n + 1) * WIDTH] = BLANK
        return values

    def _row(self, slot: int) -> array[float]:
        return self._values[slot * WIDTH : (slot + 1) * WIDTH]

    def _put(self, slot: int, number: int, row: array[float]) -> None:
        self._numbers[slot] = number
        self._values[slot * WIDTH : (slot + 1) * WIDTH] = row
