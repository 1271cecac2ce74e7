"""What stands before the application: lets requests in, and answers itself whatever is asked often."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from abbey_metrics.access import RefusedError, Visitor
from abbey_metrics.answer import Answer, Receive, Scope, Send, fault, header
from abbey_metrics.chosen import choose
from abbey_metrics.monitor import Monitor
from abbey_metrics.ready import Ready

Application = Callable[[Scope, Receive, Any], Awaitable[None]]

READ = ("GET", "HEAD")
STREAM = "/api/v1/stream"
CHOICES = "/api/v1/me/preferences"
STREAM_START = {
    "type": "http.response.start",
    "status": 200,
    "headers": [
        (b"content-type", b"text/event-stream; charset=utf-8"),
        (b"cache-control", b"no-cache, no-transform"),
        (b"x-accel-buffering", b"no"),  # without it nginx holds compressed events back for ever
    ],
}
FULL = fault(503, "too many listeners; ask /api/v1/lab instead", retry=30)


class Front:
    """Answers what is ready. The application behind it is loaded when something else is first asked for."""

    def __init__(self, monitor: Monitor) -> None:
        self._monitor = monitor
        self._ready = Ready(monitor).by_path()
        self._loading = asyncio.Lock()
        self._application: Application | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        try:
            visitor = self._monitor.gate.admit(scope)
            method = scope["method"]
            ready = self._ready.get(scope["path"]) if method in READ else None
            if ready is not None:
                answer = ready(visitor, scope)
            elif scope["path"] == STREAM and method == "GET":
                await self.stream(visitor, scope, receive, send)
                return
            elif scope["path"] == CHOICES and method == "PUT":
                answer = await self.choose(visitor, scope, receive)
            else:
                scope["visitor"] = visitor
                application = self._application or await self._loaded()
                await application(scope, receive, send)
                return
        except RefusedError as refused:
            answer = fault(refused.status, refused.why)
        start, content = answer.reply(scope)
        await send(start)
        await send(content)

    async def stream(self, visitor: Visitor, scope: Scope, receive: Receive, send: Send) -> None:
        """Stream the lab as server-sent events; 503 when too many listen, then poll /api/v1/lab."""
        monitor = self._monitor
        if monitor.hub.full:
            await send(FULL.start)
            await send(FULL.content)
            return
        past = monitor.pasts.event(header(scope, b"last-event-id"))
        await send(STREAM_START)
        await monitor.hub.follow(monitor.lab.apps.audience(visitor), past, receive, send)

    async def choose(self, visitor: Visitor, scope: Scope, receive: Receive) -> Answer:
        """Keep what somebody chose who is signed in; of two choices the later one holds, and is returned."""
        return await choose(self._monitor.choices, visitor, scope, receive)

    async def _loaded(self) -> Application:
        async with self._loading:
            if self._application is None:
                # In a thread: it takes longer than requests and events should wait.
                self._application = await asyncio.to_thread(self._load)
            return self._application

    def _load(self) -> Application:
        # It is a fifth of the service's memory, and nothing that the portal shows needs it.
        from abbey_metrics.app import application

        return application(self._monitor, self)
