"""Where figures come from: how the operating system is asked for each."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass

from abbey_metrics.battery import battery
from abbey_metrics.cpu import Cores, frequency
from abbey_metrics.disks import Space
from abbey_metrics.figures import Battery, Fan, Memory, Pressure, Swap, Temperature
from abbey_metrics.memory import memory, reclaimable_arc, swap
from abbey_metrics.network import links
from abbey_metrics.pressure import pressure
from abbey_metrics.reading import first_of, read
from abbey_metrics.sensors import fans, temperatures


@dataclass(frozen=True, slots=True)
class Sources:
    """One function per figure; each may raise, and then that figure alone is missing."""

    uptime: Callable[[], float]
    cores: Callable[[], list[float]]
    frequency: Callable[[], float | None]
    load: Callable[[], tuple[float, float, float]]
    pressure: Callable[[], Pressure | None]
    memory: Callable[[], Memory]
    swap: Callable[[], Swap]
    mounts: Callable[[], str]
    own_mounts: Callable[[], str]
    space: Callable[[str], Space]
    net_dev: Callable[[], str]
    links: Callable[[], frozenset[str]]
    diskstats: Callable[[], str]
    temperatures: Callable[[], tuple[Temperature, ...]]
    fans: Callable[[], tuple[Fan, ...]]
    battery: Callable[[], Battery | None]


def host_sources() -> Sources:
    """Return the figures of this machine; in a container with the host's pid namespace, of the host."""
    return Sources(
        uptime=lambda: time.clock_gettime(time.CLOCK_BOOTTIME),
        cores=Cores(lambda: read("/proc/stat")),
        frequency=frequency,
        load=os.getloadavg,
        pressure=pressure,
        memory=lambda: memory(read("/proc/meminfo"), reclaimable=_arc()),
        swap=lambda: swap(read("/proc/meminfo")),
        # Process 1 is the host's: a container's own tables list its bind mounts and its own network instead.
        mounts=lambda: first_of("/proc/1/mounts", "/proc/self/mounts"),
        own_mounts=lambda: read("/proc/self/mounts"),
        space=_space,
        net_dev=lambda: first_of("/proc/1/net/dev", "/proc/self/net/dev"),
        links=links,
        diskstats=lambda: read("/proc/diskstats"),
        temperatures=temperatures,
        fans=fans,
        battery=battery,
    )


def _arc() -> int:
    try:
        return reclaimable_arc(read("/proc/spl/kstat/zfs/arcstats"))
    except OSError:
        return 0  # this host has no ZFS


def _space(path: str) -> Space:
    stat = os.statvfs(path)
    return Space(stat.f_blocks * stat.f_frsize, stat.f_bfree * stat.f_frsize, stat.f_bavail * stat.f_frsize)
