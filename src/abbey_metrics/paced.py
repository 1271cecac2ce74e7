"""Figures that change slowly, or cost more to read than the others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from abbey_metrics.clock import Clock

T = TypeVar("T")


class Paced(Generic[T]):
    """Reads at most once in `every` seconds, and gives the same answer in between; a failure is not kept."""

    def __init__(self, read: Callable[[], T], *, every: float, clock: Clock) -> None:
        self._read = read
        self._every = every
        self._clock = clock
        self._kept: tuple[float, T] | None = None

    def __call__(self) -> T:
        """Return the newest answer. Raise what reading raises."""
        now = self._clock.monotonic()
        if self._kept is None or now - self._kept[0] >= self._every:
            self._kept = None
            self._kept = now, self._read()
        return self._kept[1]
