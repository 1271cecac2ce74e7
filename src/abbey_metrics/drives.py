"""Throughput of whole drives."""

from __future__ import annotations

import re
from collections.abc import Mapping

import psutil

from abbey_metrics.figures import DiskIo, Drive
from abbey_metrics.rates import Counters, rates, total

# What lies upon drives would count their bytes again, as psutil's total does; the others are no drives, and the last
# is one path to an NVMe drive.
_LAYERS = re.compile(r"(loop|ram|zram|dm-|md|sr|fd|zd|bcache|drbd|nbd)\d|nvme\d+c\d+n\d+")
_PARTITION = re.compile(r"(.*\d)p\d+|(.*\D)\d+")
MOST = 32


def devices() -> dict[str, tuple[int, int]]:
    """Return bytes read and written since boot by device, also those of partitions and layers."""
    found = psutil.disk_io_counters(perdisk=True, nowrap=False)
    return {name: (one.read_bytes, one.write_bytes) for name, one in found.items()}


def whole(table: Mapping[str, tuple[int, int]]) -> dict[str, tuple[int, int]]:
    """Given what is counted by device, return what whole drives count, at most 32."""
    drives = sorted(name for name in table if not _LAYERS.match(name) and _whole(name) not in table)
    return {name: table[name] for name in drives[:MOST]}


def _whole(name: str) -> str:
    """Given the name of a device, return what its drive is called if this is a partition, or nothing."""
    parts = _PARTITION.fullmatch(name)
    return (parts[1] or parts[2]) if parts else ""


def throughput(before: Counters | None, after: Counters) -> DiskIo:
    """Given two readings, return the rates between them, in all and by drive."""
    found = {name: rates(before, after, name) for name in after.bytes}
    return DiskIo(
        total(read for read, _ in found.values()),
        total(written for _, written in found.values()),
        tuple(Drive(name, *found[name], *after.bytes[name]) for name in found),
    )
