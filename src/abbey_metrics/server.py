"""Listens on several addresses in one process, and ends at once when told to."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from abbey_metrics.app import build
from abbey_metrics.monitor import Monitor
from abbey_metrics.settings import Settings
from abbey_metrics.words import Address

log = logging.getLogger(__name__)


class _Server(uvicorn.Server):
    """Leaves signals to `serve`, so that a requested end is exit code 0 and streams end before it."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


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
        sock.bind((address.ip, address.port))
    except OSError:
        sock.close()
        raise
    return sock


async def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT. Raise OSError when a port is taken."""
    sockets = [bind(address) for address in settings.listen]
    monitor = Monitor(settings)
    config = uvicorn.Config(
        build(monitor), log_level="warning", access_log=False, server_header=False, timeout_graceful_shutdown=1
    )
    server = _Server(config)

    def end() -> None:
        # Streams never finish by themselves, and the server waits for what is under way.
        monitor.hub.close()
        server.should_exit = True

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end)
    log.info("%s listens on %s", settings.host, ", ".join(f"{at.ip} port {at.port}" for at in settings.listen))
    await server.serve(sockets=sockets)
