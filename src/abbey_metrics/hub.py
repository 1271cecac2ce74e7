"""The event stream: every listener gets the newest of each kind, and nothing is queued for the slow ones."""

from __future__ import annotations

import asyncio

from abbey_metrics.answer import Receive, Send
from abbey_metrics.apps import Audience
from abbey_metrics.board import Board, Kind, Slot

RETRY = b"retry: 2000\n\n"
HEARTBEAT = b": still here\n\n"
# Proxies on the way give up after 60 to 100 silent seconds.
SILENCE = 15.0
MOST = 1024
# Each gets a copy of the event into its connection, so not all do at once.
AT_ONCE = 64


class Listener:
    """One connection: what was sent to it last, and the sending that is under way."""

    __slots__ = ("_audience", "_sent", "send", "sending")

    def __init__(self, send: Send, audience: Audience) -> None:
        self.send = send
        self.sending: asyncio.Task[None] | None = None
        self._audience = audience
        self._sent: tuple[Slot, ...] = ()

    def news(self, board: Board) -> bytes:
        """Return the events of every kind that changed since the last time."""
        slots = tuple(board.slot(kind, self._audience) for kind in Kind)
        before, self._sent = self._sent, slots
        if not before:
            return b"".join(slot.event for slot in slots)
        return b"".join(new.event for old, new in zip(before, slots, strict=True) if new is not old)


class Hub:
    """All listeners. One that is still busy when something changes skips it, so memory is bounded."""

    def __init__(self, board: Board, *, most: int = MOST) -> None:
        self._board = board
        self._most = most
        self._listeners: set[Listener] = set()
        self._closed = False
        self._beat = 0.0

    @property
    def full(self) -> bool:
        """Return whether nobody else may listen."""
        return len(self._listeners) >= self._most

    @property
    def listeners(self) -> int:
        """Return how many listen."""
        return len(self._listeners)

    async def follow(self, audience: Audience, past: bytes, receive: Receive, send: Send) -> None:
        """Send the past and then what changes, until the listener goes or the hub is closed."""
        listener = Listener(send, audience)
        self._listeners.add(listener)
        try:
            self._start(listener, RETRY + past)
            while (await receive())["type"] != "http.disconnect":
                continue
        finally:
            self._listeners.discard(listener)
            if listener.sending:
                listener.sending.cancel()

    async def publish(self) -> None:
        """Send what changed to everybody who is not busy, and a sign of life after a silence."""
        now = asyncio.get_running_loop().time()
        first = b""
        if now - self._beat >= SILENCE:
            self._beat, first = now, HEARTBEAT
        for number, listener in enumerate(tuple(self._listeners), 1):
            if listener.sending is None:
                self._start(listener, first)
            if number % AT_ONCE == 0:
                await asyncio.sleep(0)

    def close(self) -> None:
        """End every stream, now and later."""
        self._closed = True
        for listener in self._listeners:
            if listener.sending is None:
                self._start(listener, b"")

    def _start(self, listener: Listener, first: bytes) -> None:
        listener.sending = asyncio.get_running_loop().create_task(self._send(listener, first))

    async def _send(self, listener: Listener, first: bytes) -> None:
        try:
            while not self._closed and (events := first + listener.news(self._board)):
                first = b""
                await listener.send({"type": "http.response.body", "body": events, "more_body": True})
            if self._closed:
                await listener.send({"type": "http.response.body", "body": b""})
        except OSError:
            return  # it went; its connection says so to `follow`
        finally:
            listener.sending = None
