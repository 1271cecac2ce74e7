"""What runs on one host, asked every few seconds. Sizes are bytes, times Unix seconds, spans seconds.

Every part says when it was read (`at`) and why there is nothing newer (`error`, short words, or empty). A part that is
not configured on this host is null.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Process:
    """One program: processor in percent of one core, and resident memory."""

    pid: int
    name: str
    cpu: float
    memory: int


@dataclass(frozen=True, slots=True)
class Processes:
    """The busiest programs, at most 20: those with the most processor time first, then with the most memory."""

    at: float
    count: int
    top: tuple[Process, ...]
    error: str = ""


class ContainerState(StrEnum):
    """How a container does: Docker's own states, with its health check where it has one."""

    UP = "up"  # runs, and is healthy or has no check
    STARTING = "starting"  # runs, its check has not passed yet
    UNHEALTHY = "unhealthy"
    RESTARTING = "restarting"
    PAUSED = "paused"
    DOWN = "down"  # created, exited, dead or being removed


@dataclass(frozen=True, slots=True)
class Container:
    """One container. `service` is its Compose name, `app` its app in the lab ("" for what is not of the lab).

    `cpu` is in percent of one core. `memory` is without what the kernel could take back. `restarts` counts those that
    were seen in the last 24 hours. `image_age` is the age of its image when this was read; null where it is not known.
    """

    id: str
    name: str
    app: str
    service: str
    image: str
    state: ContainerState
    since: str
    cpu: float | None
    memory: int | None
    memory_limit: int | None
    restarts: int
    image_age: float | None


@dataclass(frozen=True, slots=True)
class Containers:
    """All containers of the host, those of the lab first, by name."""

    at: float | None
    error: str
    list: tuple[Container, ...]


class Link(StrEnum):
    """Whether a way is open."""

    UP = "up"
    DOWN = "down"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Tailnet:
    """The private network as this host has it: its address is on `interface` (null: none, so the host is cut off)."""

    at: float | None
    address: str
    interface: str | None
    state: Link
    error: str


@dataclass(frozen=True, slots=True)
class Tunnel:
    """The connector of this host: up while it has a connection to Cloudflare. `since` is when the state began."""

    at: float | None
    state: Link
    since: float | None
    error: str


class Role(StrEnum):
    """What a database server is."""

    PRIMARY = "primary"
    STANDBY = "standby"


@dataclass(frozen=True, slots=True)
class Standby:
    """A standby as its primary sees it. `lag_bytes` is what it has not applied yet; `lag` the same in seconds."""

    name: str
    state: str
    lag_bytes: int | None
    lag: float | None


@dataclass(frozen=True, slots=True)
class Database:
    """One server of the shared database, as asked from this host. `answer` is how long it took.

    `lag` is how far a standby is behind its primary; null on a primary. `connections` of `most` are in use.
    """

    host: str
    at: float | None
    state: Link
    role: Role | None
    lag: float | None
    standbys: tuple[Standby, ...]
    answer: float | None
    connections: int | None
    most: int | None
    size: int | None
    error: str


@dataclass(frozen=True, slots=True)
class Backup:
    """The last receipt of one backup: when it ended, whether it worked, and when a restore last proved it."""

    name: str
    what: str
    at: float
    ok: bool
    bytes: int | None
    proven_at: float | None
    error: str


@dataclass(frozen=True, slots=True)
class Backups:
    """The receipts that lie on this host, by name."""

    at: float | None
    error: str
    list: tuple[Backup, ...]


@dataclass(frozen=True, slots=True)
class Platform:
    """What runs on one host. `containers` and `processes` are null also for visitors who may not see them."""

    host: str
    at: float
    processes: Processes | None
    containers: Containers | None
    tailnet: Tailnet | None
    tunnel: Tunnel | None
    databases: tuple[Database, ...]
    backups: Backups | None
