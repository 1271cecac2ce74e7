"""The documents that the API answers with. Sizes are bytes, rates bytes per second, times Unix seconds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Cpu:
    """Load of the processor since the sample before, in percent; `load` is the 1, 5 and 15 minute average."""

    percent: float
    cores: tuple[float, ...]
    load: tuple[float, float, float] | None


@dataclass(frozen=True, slots=True)
class Memory:
    """Main memory; `used` is what programs could not get back, so caches do not count."""

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
    """Throughput of one network interface; null in the first sample and after a counter was reset."""

    name: str
    rx: float | None
    tx: float | None


@dataclass(frozen=True, slots=True)
class Network:
    """Throughput of the host: the total counts real links only, so nothing is counted twice."""

    rx: float | None
    tx: float | None
    interfaces: tuple[Interface, ...]


@dataclass(frozen=True, slots=True)
class DiskIo:
    """Bytes read from and written to all disks, per second."""

    read: float | None
    write: float | None


@dataclass(frozen=True, slots=True)
class Temperature:
    """One sensor that could be read."""

    name: str
    celsius: float


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


class HostState(StrEnum):
    """Whether a host answers."""

    UP = "up"
    STALE = "stale"  # it answers, but its newest figures are old
    AWAY = "away"
    UNKNOWN = "unknown"  # not asked yet


@dataclass(frozen=True, slots=True)
class HostView:
    """A host as seen from the one that answers: its last figures and how old they are, in seconds."""

    name: str
    own: bool
    state: HostState
    age: float | None
    away_since: float | None
    error: str
    figures: HostFigures | None


@dataclass(frozen=True, slots=True)
class Weather:
    """The weather at the lab's place. The data's licence asks for `attribution` to be shown."""

    place: str
    celsius: float
    feels_like: float | None
    humidity: float | None
    wind: float | None
    code: int
    text: str
    day: bool
    attribution: str


@dataclass(frozen=True, slots=True)
class Activity:
    """One thing that happened in Forgejo. Its texts are written by users: show them as text only."""

    at: str
    who: str
    what: str
    repository: str
    subject: str
    url: str


@dataclass(frozen=True, slots=True)
class WeatherView:
    """The last weather that was fetched, its age in seconds, and why there is no newer one (or empty)."""

    data: Weather | None
    age: float | None
    error: str


@dataclass(frozen=True, slots=True)
class ForgejoView:
    """The last activity that was fetched, its age in seconds, and why there is no newer one (or empty)."""

    data: tuple[Activity, ...] | None
    age: float | None
    error: str


@dataclass(frozen=True, slots=True)
class LabFigures:
    """The whole lab as seen from `host`. `weather` and `forgejo` are null when they are not configured."""

    host: str
    seq: int
    at: float
    hosts: tuple[HostView, ...]
    weather: WeatherView | None
    forgejo: ForgejoView | None


@dataclass(frozen=True, slots=True)
class Point:
    """One second of the past, small: percent of CPU and memory, bytes per second in and out."""

    at: float
    cpu: float | None
    memory: float | None
    rx: float | None
    tx: float | None


@dataclass(frozen=True, slots=True)
class Past:
    """What this host remembers, oldest first."""

    host: str
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Health:
    """Whether samples are fresh: the age of the newest in seconds."""

    ok: bool
    age: float | None
