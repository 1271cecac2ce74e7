"""Throughput of the network's interfaces."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection

import psutil

from abbey_metrics.figures import Interface, Network
from abbey_metrics.rates import Counters, rates, total
from abbey_metrics.reading import read

# Bridges, tunnels and container ends carry bytes that a real link carries too; so does eth0.100, within eth0.
_VIRTUAL = re.compile(
    r"br[-\d]|(docker|virbr|vmbr|fwbr|podman|lxc|incusbr|cni|bond|team)"
    r"|(tailscale|wg|tun|tap|flannel|cali|vnet|zt|macv|ppp)|.*\."
)
_HIDDEN = re.compile(r"lo|veth|ifb|dummy|sit|gre|erspan|tunl|ip_vti|ip6|fwpr|fwln")
MOST = 32


def counting(process: str = "/proc/1") -> Callable[[], dict[str, tuple[int, int]]]:
    """Given process 1, which is the host's, return what tells bytes received and sent by interface of the host.

    psutil asks this process' own network, which in a container need not be the host's.
    """
    table = f"{process}/net/dev"
    try:
        same = os.path.samefile(table, "/proc/self/net/dev")
    except OSError:  # the host's cannot be seen
        same = True
    return _own_network if same else lambda: parse_net_dev(read(table))


def _own_network() -> dict[str, tuple[int, int]]:
    found = psutil.net_io_counters(pernic=True, nowrap=False)
    return {name: (one.bytes_recv, one.bytes_sent) for name, one in found.items()}


def parse_net_dev(text: str) -> dict[str, tuple[int, int]]:
    """Given the text of a process' net/dev, return bytes received and sent by interface."""
    counters: dict[str, tuple[int, int]] = {}
    for line in text.splitlines()[2:]:
        name, colon, rest = line.partition(":")
        fields = rest.split()
        if colon and len(fields) >= 9:
            counters[name.strip()] = (int(fields[0]), int(fields[8]))
    return counters


def links(folder: str = "/sys/class/net") -> frozenset[str]:
    """Return the interfaces that have hardware behind them; none where /sys shows another network than the host's.

    psutil does not tell it.
    """
    try:
        return frozenset(name for name in os.listdir(folder) if os.path.exists(f"{folder}/{name}/device"))
    except OSError:
        return frozenset()


def throughput(before: Counters | None, after: Counters, hardware: Collection[str] = ()) -> Network:
    """Given two readings and the interfaces known as hardware, return totals and the rates between the readings.

    At most 32 interfaces are returned, real links before others, by name.
    """
    shown = sorted(name for name in after.bytes if not _HIDDEN.match(name))
    real = _real(shown, hardware)
    kept = sorted(sorted(shown, key=lambda name: (name not in real, name))[:MOST])
    found = {name: rates(before, after, name) for name in kept}
    return Network(
        total(found[name][0] for name in kept if name in real),
        total(found[name][1] for name in kept if name in real),
        tuple(Interface(name, *found[name], *after.bytes[name], real=name in real) for name in kept),
    )


def _real(shown: list[str], hardware: Collection[str]) -> set[str]:
    """Return what the total counts: hardware; where none is known what looks like it; or else everything."""
    by_name = {name for name in shown if not _VIRTUAL.match(name)}
    return {name for name in shown if name in hardware} or by_name or set(shown)
