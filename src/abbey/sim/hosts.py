"""The demo's two hosts: loopback addresses that stand for their own and their tailnet ones, and every port."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from dataclasses import dataclass

from abbey.errors import UsageError

DOMAIN = "abbey.localhost"
PREFERRED_EDGE_PORT = 8080
TRIED_PORTS = 200


@dataclass(frozen=True, slots=True)
class DemoHost:
    """One host: its addresses and where each of its services listens. `door` is 0 without HAProxy."""

    name: str
    address: str
    tailnet: str
    gateway: int
    health: int
    peer: int
    portal: int
    metrics: int
    identity: int
    app: int
    door: int = 0


@dataclass(frozen=True, slots=True)
class Layout:
    """Who listens where. The database is beside the second host, on its tailnet address."""

    monk: DemoHost
    kscloud1: DemoHost
    database: int
    edge: int
    edge_addresses: tuple[str, ...]

    @property
    def hosts(self) -> tuple[DemoHost, DemoHost]:
        """Return both hosts, in the order of the file."""
        return (self.monk, self.kscloud1)

    def host(self, name: str) -> DemoHost:
        """Return the host of that name. Raise UsageError when there is none."""
        for host in self.hosts:
            if host.name == name:
                return host
        known = ", ".join(host.name for host in self.hosts)
        raise UsageError(f"the demo has no host {name!r}", hint=f"its hosts are {known}")

    def peer_of(self, host: DemoHost) -> DemoHost:
        """Return the other host."""
        return self.kscloud1 if host.name == self.monk.name else self.monk

    def url(self, name: str = "") -> str:
        """Return the address a browser opens: the portal, or the app of that name."""
        return f"http://{self.site(name)}:{self.edge}"

    def site(self, name: str = "") -> str:
        """Return the host name of the portal, or of the app of that name."""
        return f"{name}.{DOMAIN}" if name else DOMAIN


def lay_out(*, port: int | None, doors: bool) -> Layout:
    """Return a layout of ports that are free now: the preferred ones, each moved up when it is taken.

    Raise UsageError when `port` was asked for and is taken, or when this machine lacks the loopback range.
    """
    taken: set[tuple[str, int]] = set()

    def host(name: str, address: str, tailnet: str) -> DemoHost:
        ports = {
            service: _free([address], preferred, taken)
            for service, preferred in (
                ("gateway", 8080),
                ("health", 8082),
                ("portal", 8090),
                ("identity", 9000),
                ("app", 9100),
                ("door", 5432),
            )
            if doors or service != "door"
        }
        return DemoHost(
            name=name,
            address=address,
            tailnet=tailnet,
            peer=_free([tailnet], 8081, taken),
            metrics=_free([address, tailnet], 9201, taken),
            **ports,
        )

    addresses = edge_addresses()
    return Layout(
        monk=host("monk", "127.0.1.1", "127.100.0.1"),
        kscloud1=host("kscloud1", "127.0.2.1", "127.100.0.2"),
        database=_free(["127.100.0.2"], 5432, taken),
        edge=_free(addresses, PREFERRED_EDGE_PORT, taken) if port is None else _asked(addresses, port),
        edge_addresses=addresses,
    )


def edge_addresses() -> tuple[str, ...]:
    """Return the loopback addresses of this machine: a browser may ask either for `*.localhost`."""
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return ("127.0.0.1",)
    return ("127.0.0.1", "::1")


def _free(addresses: Iterable[str], preferred: int, taken: set[tuple[str, int]]) -> int:
    addresses = tuple(addresses)
    for port in range(preferred, preferred + TRIED_PORTS):
        places = {(address, port) for address in addresses}
        if not places & taken and all(_is_free(*place) for place in places):
            taken.update(places)
            return port
    raise UsageError(
        f"no free port from {preferred} to {preferred + TRIED_PORTS - 1} on {' and '.join(addresses)}",
        hint="the demo needs the loopback range 127.0.0.0/8 of Linux",
    )


def _asked(addresses: Iterable[str], port: int) -> int:
    for address in addresses:
        if not _is_free(address, port):
            raise UsageError(
                f"port {port} on {address} is taken, or not allowed to this user",
                hint="name another with --port, or none at all: the demo then takes the next free one",
            )
    return port


def _is_free(address: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # As servers do: an address in TIME_WAIT is free, one that is listened on is not.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except (OSError, OverflowError):
            return False
    return True
