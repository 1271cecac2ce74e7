"""Listens on several addresses in one process, and ends at once when told to."""

from __future__ import annotations

import asyncio
import gc
import ipaddress
import logging
import resource
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from abbey_metrics.front import Front
from abbey_metrics.hub import MOST
from abbey_metrics.monitor import Monitor
from abbey_metrics.settings import Settings
from abbey_metrics.words import Address

log = logging.getLogger(__name__)

# nginx closes connections that it does not use after 60 seconds; it should be the one who does.
KEEP_ALIVE = 75
# Of who takes nothing: milliseconds until the connection is given up, and bytes that wait in the meantime.
UNTAKEN = 30_000
WAITING = 32_768
# Files and connections besides the listeners.
SPARE = 512


class _Connection(HttpToolsProtocol):
    """A connection whose listener cannot make much wait in memory."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        transport.set_write_buffer_limits(high=WAITING)


class _Server(uvicorn.Server):
    """Leaves signals to `serve`, so that a requested end is exit code 0 and streams end before it."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._ended = asyncio.Event()

    def end(self) -> None:
        """Stop listening, and let go of who still asks."""
        self.should_exit = True
        self._ended.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def main_loop(self) -> None:
        """Wait for the end, once per second renewing the date in answers; uvicorn's own looks ten times a second."""
        while not await self.on_tick(0):
            try:
                async with asyncio.timeout(1.0):
                    await self._ended.wait()
            except TimeoutError:
                continue


def bind(address: Address) -> socket.socket:
    """Given an address, return a socket bound to it. Raise OSError when its port is taken.

    The address need not exist yet: after a boot the tailnet comes up later than containers do.
    """
    family = socket.AF_INET6 if ipaddress.ip_address(address.ip).version == 6 else socket.AF_INET
    # Named as TCP, or asyncio leaves Nagle's algorithm on and each answer waits 40 ms for an acknowledgement.
    sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(socket.IPPROTO_IP, getattr(socket, "IP_FREEBIND", 15), 1)
        # Connections inherit it. Without it, listeners that vanished would be held for a quarter of an hour.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNTAKEN)
        sock.bind((address.ip, address.port))
    except OSError:
        sock.close()
        raise
    return sock


async def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT. Raise OSError when a port is taken."""
    sockets = [bind(address) for address in settings.listen]
    _allow_files(MOST + SPARE)
    monitor = Monitor(settings)
    config = uvicorn.Config(
        Front(monitor),
        http=_Connection,
        ws="none",
        lifespan="off",
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=1,
    )
    server = _Server(config)

    def end() -> None:
        # Streams never finish by themselves, and the server waits for what is under way.
        monitor.hub.close()
        server.end()

    # What is loaded by now stays for good. Looking through it again and again would hold up answers.
    gc.collect()
    gc.freeze()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end)
    log.info("%s listens on %s", settings.host, ", ".join(f"{at.ip} port {at.port}" for at in settings.listen))
    async with monitor.running():
        await server.serve(sockets=sockets)


def _allow_files(most: int) -> None:
    """Let this process have so many files open, where the system does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))
