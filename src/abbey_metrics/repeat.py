"""Work that goes on for ever, in which no fault of one part ends another."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress

log = logging.getLogger(__name__)

AFTER_A_FAULT = 60.0


async def repeat(step: Callable[[], Awaitable[float]]) -> None:
    """Given a step that returns the seconds until it is due again, run it until cancelled.

    Steps keep the failures that they expect to themselves. What one raises nevertheless is a fault of this program: it
    is logged, and that step alone goes on more slowly.
    """
    while True:
        try:
            wait = await step()
        except Exception:
            log.exception("a part of the figures failed")
            wait = AFTER_A_FAULT
        await asyncio.sleep(wait)


class Bell:
    """Lets something that is due later be done at once."""

    def __init__(self, settle: float) -> None:
        self._settle = settle
        self._rung = asyncio.Event()

    def ring(self) -> None:
        """Wake who waits, now or the next time."""
        self._rung.set()

    async def wait(self, seconds: float) -> None:
        """Wait that long, or until the bell was rung and a moment more, so that several rings wake once."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._rung.wait()
            await asyncio.sleep(self._settle)
        self._rung.clear()
