"""Something fetched in the background: its last good value stays, with its age, while newer ones fail."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import httpx2

from abbey_metrics.clock import Clock
from abbey_metrics.fetch import StatusError, explain

T = TypeVar("T")
log = logging.getLogger(__name__)

# What a fetch and the reading of its answer can raise.
FAILURES = (httpx2.HTTPError, httpx2.InvalidURL, TimeoutError, OSError, ValueError)
# A pause that the other side asks for is kept, but not one for ever: at most this many of the slowest retries.
PATIENCE = 4


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds: between good fetches, before the first and the slowest retry, per fetch, and of a value's life."""

    every: float
    retry: float
    slowest: float
    timeout: float
    keep: float


class Feed(Generic[T]):
    """Runs one fetch at a time. A failing one is repeated after twice the wait of the time before."""

    def __init__(self, fetch: Callable[[], Awaitable[T]], pace: Pace, *, clock: Clock | None = None) -> None:
        self._fetch = fetch
        self._pace = pace
        self._clock = clock or Clock()
        self._value: T | None = None
        self._fetched: float | None = None
        self._pause = 0.0
        self._spread = random.SystemRandom()
        self.failures = 0
        self.error = ""
        self.answered: float | None = None
        """Unix time of the last good answer."""
        self.asked: float | None = None
        """Unix time of the first question."""

    @property
    def age(self) -> float | None:
        """Return the age of the value in seconds, or None when there is none."""
        return None if self._fetched is None else round(self._clock.monotonic() - self._fetched, 1)

    @property
    def value(self) -> T | None:
        """Return the last good value, or None when there is none or it is older than a value may be."""
        age = self.age
        return None if age is None or age > self._pace.keep else self._value

    async def step(self) -> None:
        """Fetch once; a failure is kept in `error` and `failures`, and raises nothing."""
        self.asked = self.asked or self._clock.wall()
        try:
            async with asyncio.timeout(self._pace.timeout):
                value = await self._fetch()
        except Exception as error:
            if not isinstance(error, FAILURES):
                # A fault of our own must not end the feed. Its text may hold what was answered: only its name is told.
                log.error("a fetch failed with %s", type(error).__name__)
            self.failures += 1
            self.error = explain(error)
            self._pause = error.pause if isinstance(error, StatusError) else 0.0
            return
        self._value, self._fetched = value, self._clock.monotonic()
        self.answered, self.failures, self.error = self._clock.wall(), 0, ""

    def wait(self) -> float:
        """Return the seconds until the next fetch, without the spread that keeps many hosts apart."""
        if not self.failures:
            return self._pace.every
        retry = min(self._pace.slowest, self._pace.retry * 2.0 ** min(self.failures - 1, 20))
        return max(retry, min(self._pause, PATIENCE * self._pace.slowest))

    async def run(self) -> None:
        """Fetch for ever, until cancelled."""
        while True:
            await self.step()
            # Never sooner: the wait may be one that was asked for.
            await asyncio.sleep(self.wait() * self._spread.uniform(1.0, 1.1))
