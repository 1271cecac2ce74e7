"""Throughput of whole drives."""

from __future__ import annotations

import re

from abbey_metrics.figures import DiskIo, Drive
from abbey_metrics.rates import Counters, rates, total

# What lies upon drives would count their bytes again; the others are no drives. The last is one path to an NVMe drive.
_LAYERS = re.compile(r"(loop|ram|zram|dm-|md|sr|fd|zd|bcache|drbd|nbd)\d|nvme\d+c\d+n\d+")
_PARTITION = re.compile(r"(.*\d)p\d+|(.*\D)\d+")
_SECTOR = 512  # whatever the drive's own is
MOST = 32


def parse_diskstats(text: str) -> dict[str, tuple[int, int]]:
    """Given the text of /proc/diskstats, return bytes read and written since boot by whole drive, at most 32."""
    table: dict[str, tuple[int, int]] = {}
    for line in text.splitlines():
        fields = line.split()
        if len(fields) >= 10:
            table[fields[2]] = (int(fields[5]) * _SECTOR, int(fields[9]) * _SECTOR)
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
