"""The event stream: every listener gets the newest event, and nothing is queued for the slow ones."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

RETRY = b"retry: 2000\n\n"
HEARTBEAT = b": still here\n\n"
# Proxies on the way give up after 60 to 100 silent seconds.
SILENCE = 15.0
MOST = 512


class HubFullError(Exception):
    """As many listeners as are allowed are listening."""


class Hub:
    """One slot with the newest event. A listener that was busy skips what it missed, so memory is bounded."""

    def __init__(self, *, most: int = MOST, silence: float = SILENCE) -> None:
        self._most = most
        self._silence = silence
        self._event = b""
        self._number = 0
        self._changed = asyncio.Event()
        self._closed = False
        self.listeners = 0

    def publish(self, kind: str, identity: str, data: bytes) -> None:
        """Given one line of data, make it the newest event."""
        self._event = b"id: %b\nevent: %b\ndata: %b\n\n" % (identity.encode(), kind.encode(), data)
        self._number += 1
        self._wake()

    def close(self) -> None:
        """End every stream, now and later."""
        self._closed = True
        self._wake()

    def join(self) -> AsyncIterator[bytes]:
        """Return a stream of events, the newest first at once. Raise HubFullError when there are too many."""
        if self.listeners >= self._most:
            raise HubFullError
        return self._follow()

    async def _follow(self) -> AsyncIterator[bytes]:
        self.listeners += 1
        try:
            yield RETRY
            seen = 0
            while not self._closed:
                if self._number != seen:
                    seen = self._number
                    yield self._event
                elif not await self._news():
                    yield HEARTBEAT
        finally:
            self.listeners -= 1

    async def _news(self) -> bool:
        try:
            async with asyncio.timeout(self._silence):
                await self._changed.wait()
        except TimeoutError:
            return False
        return True

    def _wake(self) -> None:
        woken, self._changed = self._changed, asyncio.Event()
        woken.set()
