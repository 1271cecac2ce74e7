"""Main memory and swap space."""

from __future__ import annotations

import re

from abbey_metrics.figures import Memory, Swap

_MEMINFO = re.compile(r"^(MemTotal|MemAvailable|SwapTotal|SwapFree):\s+(\d+) kB", re.MULTILINE)
_ARCSTATS = re.compile(r"^(size|c_min)\s+\d+\s+(\d+)", re.MULTILINE)


def memory(meminfo: str, *, reclaimable: int = 0) -> Memory:
    """Given the text of /proc/meminfo and what a cache of its own would give back, return the figures.

    Raise KeyError when the text lacks one.
    """
    table = _bytes(meminfo)
    total = table["MemTotal"]
    available = min(total, table["MemAvailable"] + reclaimable)
    return Memory(total, total - available, available, round(100 * (total - available) / total, 1) if total else 0.0)


def swap(meminfo: str) -> Swap:
    """Given the text of /proc/meminfo, return the figures. Raise KeyError when the text lacks one."""
    table = _bytes(meminfo)
    return Swap(table["SwapTotal"], table["SwapTotal"] - table["SwapFree"])


def reclaimable_arc(arcstats: str) -> int:
    """Given the text of ZFS' arcstats, return the bytes that its cache gives back when programs need them.

    The kernel counts this cache as used, although it shrinks to `c_min`.
    """
    table = dict(_ARCSTATS.findall(arcstats))
    return max(0, int(table.get("size", 0)) - int(table.get("c_min", 0)))


def _bytes(meminfo: str) -> dict[str, int]:
    return {name: int(kibibytes) * 1024 for name, kibibytes in _MEMINFO.findall(meminfo)}
