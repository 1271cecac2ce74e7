"""Where figures come from: the only module that asks the operating system."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil

from abbey_metrics.disks import Space
from abbey_metrics.figures import Memory, Swap, Temperature


@dataclass(frozen=True, slots=True)
class Sources:
    """One function per figure; each may raise, and then that figure alone is missing."""

    cores: Callable[[], list[float]]
    load: Callable[[], tuple[float, float, float]]
    memory: Callable[[], Memory]
    swap: Callable[[], Swap]
    mounts: Callable[[], str]
    space: Callable[[str], Space]
    net_dev: Callable[[], str]
    disk_bytes: Callable[[], tuple[int, int]]
    temperatures: Callable[[], tuple[Temperature, ...]]
    booted: Callable[[], float]


def host_sources() -> Sources:
    """Return the figures of this machine; in a container with the host's pid namespace, of the host."""
    psutil.cpu_percent(percpu=True)  # the first answer covers no time and is thrown away
    return Sources(
        cores=lambda: psutil.cpu_percent(percpu=True),
        load=os.getloadavg,
        memory=_memory,
        swap=_swap,
        mounts=lambda: _first_of("/proc/1/mounts", "/proc/self/mounts"),
        space=_space,
        net_dev=lambda: _first_of("/proc/1/net/dev", "/proc/self/net/dev"),
        disk_bytes=_disk_bytes,
        temperatures=_temperatures,
        booted=psutil.boot_time,
    )


def _memory() -> Memory:
    memory = psutil.virtual_memory()
    return Memory(memory.total, memory.total - memory.available, memory.available, memory.percent)


def _swap() -> Swap:
    swap = psutil.swap_memory()
    return Swap(swap.total, swap.used)


def _space(path: str) -> Space:
    stat = os.statvfs(path)
    return Space(stat.f_blocks * stat.f_frsize, stat.f_bfree * stat.f_frsize, stat.f_bavail * stat.f_frsize)


def _first_of(*paths: str) -> str:
    # Process 1 is the host's: a container's own table lists its bind mounts and its own network instead.
    for path in paths[:-1]:
        try:
            return Path(path).read_text(errors="replace")
        except OSError:
            continue
    return Path(paths[-1]).read_text(errors="replace")


def _disk_bytes() -> tuple[int, int]:
    counters = psutil.disk_io_counters(nowrap=False)
    if counters is None:
        raise OSError("this machine counts no disk traffic")
    return counters.read_bytes, counters.write_bytes


def _temperatures() -> tuple[Temperature, ...]:
    return tuple(
        Temperature(f"{chip} {sensor.label}".strip(), round(sensor.current, 1))
        for chip, sensors in sorted(psutil.sensors_temperatures().items())
        for sensor in sensors
        if -50 < sensor.current < 200
    )[:32]
