"""One sample of one host, taken once per second. Sizes are bytes, rates bytes per second, times Unix seconds.

A figure that is not known is null, never zero.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cpu:
    """Load of the processor since the sample before, in percent; `load` is the 1, 5 and 15 minute average.

    `frequency` is the mean of all cores in MHz.
    """

    percent: float
    cores: tuple[float, ...]
    load: tuple[float, float, float] | None
    frequency: float | None = None


@dataclass(frozen=True, slots=True)
class Pressure:
    """Percent of the last ten seconds in which some program waited for this (Linux' pressure stall information)."""

    cpu: float | None
    memory: float | None
    io: float | None


@dataclass(frozen=True, slots=True)
class Memory:
    """Main memory; `used` is what programs could not get back, so caches (also that of ZFS) do not count."""

    total: int
    used: int
    available: int
    percent: float


@dataclass(frozen=True, slots=True)
class Swap:
    """Swap space."""

    total: int
    used: int


@dataclass(frozen=True, slots=True)
class Disk:
    """One file system of the host. `frozen_since` is set while it does not answer; the sizes are then old."""

    mount: str
    device: str
    kind: str
    total: int | None
    used: int | None
    free: int | None
    percent: float | None
    frozen_since: float | None


@dataclass(frozen=True, slots=True)
class Interface:
    """Throughput of one network interface, and the bytes that it counted since it exists.

    Rates are null in the first sample and after a counter was reset. `real` links are those that the host's total
    counts: what goes through a bridge or a tunnel goes through one of them too.
    """

    name: str
    rx: float | None
    tx: float | None
    rx_total: int | None = None
    tx_total: int | None = None
    real: bool = True


@dataclass(frozen=True, slots=True)
class Network:
    """Throughput of the host: the total counts real links only, so nothing is counted twice."""

    rx: float | None
    tx: float | None
    interfaces: tuple[Interface, ...]


@dataclass(frozen=True, slots=True)
class Drive:
    """Bytes read from and written to one drive: per second, and since the host started."""

    name: str
    read: float | None
    write: float | None
    read_total: int | None = None
    write_total: int | None = None


@dataclass(frozen=True, slots=True)
class DiskIo:
    """Bytes read from and written to all drives, per second; partitions do not count twice."""

    read: float | None
    write: float | None
    drives: tuple[Drive, ...] = ()


@dataclass(frozen=True, slots=True)
class Temperature:
    """One sensor that could be read."""

    name: str
    celsius: float


@dataclass(frozen=True, slots=True)
class Fan:
    """One fan that could be read, in turns per minute."""

    name: str
    rpm: int


@dataclass(frozen=True, slots=True)
class Battery:
    """A battery: percent full, whether power comes in, and the seconds that are left (null when not known)."""

    percent: float
    plugged: bool | None
    left: float | None


@dataclass(frozen=True, slots=True)
class HostFigures:
    """One sample of one host. A part that could not be read is null and named in `missing`."""

    host: str
    seq: int
    at: float
    uptime: float | None
    cpu: Cpu | None
    memory: Memory | None
    swap: Swap | None
    disks: tuple[Disk, ...]
    network: Network | None
    disk_io: DiskIo | None
    temperatures: tuple[Temperature, ...]
    missing: tuple[str, ...]
    pressure: Pressure | None = None
    fans: tuple[Fan, ...] = ()
    battery: Battery | None = None
