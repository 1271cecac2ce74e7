"""Where figures come from: psutil, and what it gets wrong in a container or lacks."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import psutil

from abbey_metrics import drives, network, sensors
from abbey_metrics.cpu import Cores, frequency
from abbey_metrics.disks import Space
from abbey_metrics.figures import Battery, Fan, Memory, Pressure, Swap, Temperature
from abbey_metrics.memory import memory, swap
from abbey_metrics.pressure import pressure
from abbey_metrics.reading import first_of, read


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
    network: Callable[[], Mapping[str, tuple[int, int]]]
    links: Callable[[], frozenset[str]]
    devices: Callable[[], Mapping[str, tuple[int, int]]]
    temperatures: Callable[[], tuple[Temperature, ...]]
    fans: Callable[[], tuple[Fan, ...]]
    battery: Callable[[], Battery | None]


def host_sources() -> Sources:
    """Return the figures of this machine; in a container with the host's pid namespace, of the host."""
    return Sources(
        uptime=lambda: time.time() - psutil.boot_time(),
        cores=Cores(),
        frequency=frequency,
        load=psutil.getloadavg,
        # psutil does not tell it.
        pressure=pressure,
        memory=memory,
        swap=swap,
        # psutil tells of a container's own mounts, which are files such as /etc/hosts; process 1 is the host's.
        mounts=lambda: first_of("/proc/1/mounts", "/proc/self/mounts"),
        own_mounts=lambda: read("/proc/self/mounts"),
        space=lambda path: Space(*psutil.disk_usage(path)),
        network=network.counting(),
        links=network.links,
        devices=drives.devices,
        temperatures=sensors.temperatures,
        fans=sensors.fans,
        battery=sensors.battery,
    )
