"""Whether this host still has its address in the private network."""

from __future__ import annotations

import array
import fcntl
import ipaddress
import socket
import struct

import psutil

from abbey_metrics.clock import Clock
from abbey_metrics.platform import Link, Tailnet

# linux/sockios.h and linux/if.h
SIOCGIFFLAGS = 0x8913
UP, RUNNING = 0x1, 0x40


def read_tailnet(address: str, clock: Clock) -> Tailnet:
    """Given this host's address in the private network, return on which interface it is, and whether that one is up.

    It must be asked in the host's network, where the services that listen on the address are. Raise OSError when the
    kernel does not tell.
    """
    interface = _interface_of(ipaddress.ip_address(address))
    up = interface is not None and _is_up(interface)
    return Tailnet(
        at=round(clock.wall(), 3),
        address=address,
        interface=interface,
        state=Link.UP if up else Link.DOWN,
        error="" if up else "no interface has the address" if interface is None else "the interface is down",
    )


def _interface_of(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str | None:
    for name, entries in psutil.net_if_addrs().items():
        for entry in entries:
            if entry.family in (socket.AF_INET, socket.AF_INET6):
                own = ipaddress.ip_address(entry.address)
                # The kernel takes every address of 127.0.0.0/8 for its own.
                if own == address or (own.is_loopback and address.is_loopback and own.version == address.version):
                    return name
    return None


def _is_up(interface: str) -> bool:
    request = array.array("B", struct.pack("16sH14x", interface.encode()[:15], 0))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SIOCGIFFLAGS, request)
    flags: int = struct.unpack_from("H", request, 16)[0]
    return flags & (UP | RUNNING) == UP | RUNNING
