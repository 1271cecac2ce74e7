"""Main memory and swap space."""

from __future__ import annotations

import re

import psutil

from abbey_metrics.figures import Memory, Swap
from abbey_metrics.reading import read

_ARCSTATS = re.compile(r"^(size|c_min)\s+\d+\s+(\d+)", re.MULTILINE)


def memory(arcstats: str = "/proc/spl/kstat/zfs/arcstats") -> Memory:
    """Return the figures. What the cache of ZFS would give back is available, though the kernel counts it as used."""
    found = psutil.virtual_memory()
    available = min(found.total, found.available + _reclaimable(arcstats))
    used = found.total - available
    return Memory(found.total, used, available, round(100 * used / found.total, 1))


def swap() -> Swap:
    """Return the figures."""
    found = psutil.swap_memory()
    return Swap(found.total, found.used)


def _reclaimable(arcstats: str) -> int:
    # psutil knows nothing of ZFS. Its cache shrinks to `c_min` when programs need memory.
    try:
        table = dict(_ARCSTATS.findall(read(arcstats)))
    except OSError:
        return 0  # this host has no ZFS
    return max(0, int(table.get("size", 0)) - int(table.get("c_min", 0)))
