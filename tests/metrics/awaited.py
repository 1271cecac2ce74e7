"""Waiting for what happens soon in the same event loop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any

SECONDS = 30


async def awaited(question: Callable[[], object]) -> bool:
    """Return whether the question gets a true answer within half a minute."""
    deadline = time.monotonic() + SECONDS
    while not question():
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(0.02)
    return True


@asynccontextmanager
async def running(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run the work inside the context, and end it by cancelling."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
