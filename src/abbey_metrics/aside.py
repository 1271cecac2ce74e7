"""Reading files beside the event loop, although a disk or the kernel may never answer."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")


class Aside:
    """Runs one function at a time in a daemon thread, and lets the event loop wait for it.

    A read of a dead disk hangs for ever and no signal frees it. So whoever waits may give up, a second one is not
    begun while the first hangs, and the process can end nevertheless: nobody joins the thread.
    """

    def __init__(self) -> None:
        self._busy = False

    async def __call__(self, function: Callable[[], T]) -> T:
        """Given a function, return what it returns. Raise what it raises; TimeoutError while an earlier one hangs."""
        if self._busy:
            raise TimeoutError("the one before has not come back")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()

        def settle(give: Callable[[], None]) -> None:
            self._busy = False
            if not future.done():
                give()

        def run() -> None:
            try:
                value = function()
            except Exception as error:
                give = _setter(future.set_exception, error)
            else:
                give = _setter(future.set_result, value)
            with suppress(RuntimeError):  # the loop was closed meanwhile
                loop.call_soon_threadsafe(settle, give)

        self._busy = True
        threading.Thread(target=run, name="aside", daemon=True).start()
        return await future


def _setter(setter: Callable[[T], None], value: T) -> Callable[[], None]:
    # Names of an `except` clause are gone when it ends, so the value is bound here.
    return lambda: setter(value)
