"""Stands in for Cloudflare and its two connectors: one address for visitors, every request to one of the gateways.

The real one sends most of a person's requests to the nearest connector. This one is harsher: it spreads them over
both in an order without a period, so that no two steps of a login can count on the same host. When a connector does
not take the connection, the other is asked. In one thing it is kinder: a GET whose connection breaks before the
first byte of an answer is asked again at the other connector; such answers carry `x-standin-edge-again`.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import socket
from collections.abc import AsyncIterator

import httpx2
import uvicorn
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

HOP_BY_HOP = {
    b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization", b"te", b"trailer",
    b"transfer-encoding", b"upgrade",
}  # fmt: skip
# What only the edge may say: a visitor who sends them is not believed.
OURS = {
    b"cf-connecting-ip", b"forwarded", b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto",
    b"x-forwarded-uri", b"x-forwarded-method", b"x-real-ip",
}  # fmt: skip
SAFE = {"GET", "HEAD"}


class Edge:
    """An ASGI application that hands every request to a gateway. `connectors` are (host, address) pairs."""

    def __init__(self, connectors: list[tuple[str, str]]) -> None:
        self._connectors = connectors
        self._turn = itertools.count()
        self._http = httpx2.AsyncClient(
            trust_env=False,
            timeout=httpx2.Timeout(connect=1, read=60, write=30, pool=10),
            limits=httpx2.Limits(max_connections=400, max_keepalive_connections=40),
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or live as long as the server does."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        try:
            response = await self._answer(request)
            await response(scope, receive, send)
        except ClientDisconnect:
            return

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        async with self._http:
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})

    async def _answer(self, request: Request) -> Response:
        # Thue and Morse: balanced, and without a period that a login could fall into step with.
        first = next(self._turn).bit_count() % 2
        order = [self._connectors[first], self._connectors[1 - first]]
        broken: list[tuple[bytes, bytes]] = []
        for turn, (host, address) in enumerate(order):
            try:
                answer = await self._http.send(_onward(request, address), stream=True)
            except (httpx2.ConnectError, httpx2.ConnectTimeout):
                continue
            except httpx2.TransportError:
                if request.method in SAFE and turn == 0:
                    broken = [(b"x-standin-edge-again", host.encode())]
                    continue
                return PlainTextResponse(f"stand-in edge: the connection to {host} broke\n", status_code=502)
            response = StreamingResponse(_body(answer), status_code=answer.status_code)
            response.raw_headers = [
                *((name.lower(), value) for name, value in answer.headers.raw if name.lower() not in HOP_BY_HOP),
                (b"x-standin-edge", host.encode()),
                *broken,
            ]
            return response
        return PlainTextResponse("stand-in edge: no host takes the connection\n", status_code=530)


def _onward(request: Request, address: str) -> httpx2.Request:
    scope = request.scope
    client = scope["client"][0] if scope.get("client") else "127.0.0.1"
    headers = [
        *((name, value) for name, value in scope["headers"] if name not in HOP_BY_HOP and name not in OURS),
        (b"cf-connecting-ip", client.encode()),
        (b"x-forwarded-for", client.encode()),
        (b"x-forwarded-proto", b"http"),
    ]
    target = scope["raw_path"] + (b"?" + scope["query_string"] if scope["query_string"] else b"")
    url = httpx2.URL(address).copy_with(raw_path=target)
    has_body = any(name in (b"content-length", b"transfer-encoding") for name, _ in scope["headers"])
    # Not the client's own way of making requests: that would add its headers, and one visitor's cookies to another's.
    return httpx2.Request(request.method, url, headers=headers, content=request.stream() if has_body else None)


async def _body(answer: httpx2.Response) -> AsyncIterator[bytes]:
    try:
        async for piece in answer.aiter_raw():
            yield piece
    finally:
        await answer.aclose()


def listen(addresses: list[str], port: int) -> list[socket.socket]:
    """Return listening sockets, one per address."""
    sockets = []
    for address in addresses:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        # Named TCP, so that asyncio sends small answers at once instead of 40 ms later.
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, port))
        sockets.append(listener)
    return sockets


def main() -> None:
    """Serve until told to stop, as the environment says."""
    connectors = [tuple(pair.split("=", 1)) for pair in os.environ["STANDIN_CONNECTORS"].split(",")]
    edge = Edge([(name, address) for name, address in connectors])
    config = uvicorn.Config(edge, access_log=False, log_level="warning", timeout_graceful_shutdown=1)
    sockets = listen(os.environ["STANDIN_ADDRESSES"].split(","), int(os.environ["STANDIN_PORT"]))
    asyncio.run(uvicorn.Server(config).serve(sockets=sockets))


if __name__ == "__main__":
    main()
