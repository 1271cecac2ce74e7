"""Throughput from the kernel's byte counters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from abbey_metrics.figures import DiskIo, Interface, Network

# Bridges, tunnels and container ends carry bytes that a real link carries too.
BRIDGES = ("br-", "docker", "virbr", "podman", "lxc", "lxdbr", "incusbr", "cni", "bond", "team")
TUNNELS = ("tailscale", "wg", "tun", "tap", "flannel", "cali", "vnet")
HIDDEN = ("lo", "veth", "ifb", "dummy", "sit", "ip6tnl")
VIRTUAL = BRIDGES + TUNNELS
MOST = 32


@dataclass(frozen=True, slots=True)
class Counters:
    """Bytes in and out since boot, by name, and when they were read."""

    at: float
    bytes: Mapping[str, tuple[int, int]]


def parse_net_dev(text: str) -> dict[str, tuple[int, int]]:
    """Given the text of /proc/1/net/dev, return bytes received and sent by interface."""
    counters: dict[str, tuple[int, int]] = {}
    for line in text.splitlines()[2:]:
        name, colon, rest = line.partition(":")
        fields = rest.split()
        if colon and len(fields) >= 9:
            counters[name.strip()] = (int(fields[0]), int(fields[8]))
    return counters


def throughput(before: Counters | None, after: Counters) -> Network:
    """Given two readings, return the rates between them; unknown (None) where there is nothing to compare."""
    rates = {name: _rate(before, after, name) for name in sorted(after.bytes)[:MOST]}
    shown = {name: rate for name, rate in rates.items() if not name.startswith(HIDDEN)}
    real = [rate for name, rate in shown.items() if not name.startswith(VIRTUAL)] or list(shown.values())
    rx, tx = _total([rate[0] for rate in real]), _total([rate[1] for rate in real])
    return Network(rx, tx, tuple(Interface(name, *rate) for name, rate in shown.items()))


def disk_throughput(before: Counters | None, after: Counters) -> DiskIo:
    """Given two readings of bytes read and written under the name "all", return the rates between them."""
    return DiskIo(*_rate(before, after, "all"))


def _rate(before: Counters | None, after: Counters, name: str) -> tuple[float | None, float | None]:
    if before is None or name not in before.bytes or name not in after.bytes:
        return None, None
    span = after.at - before.at
    pairs = zip(before.bytes[name], after.bytes[name], strict=True)
    rx, tx = (round((new - old) / span, 1) if span > 0 and new >= old else None for old, new in pairs)
    return rx, tx


def _total(rates: list[float | None]) -> float | None:
    known = [rate for rate in rates if rate is not None]
    return round(sum(known), 1) if known else None
