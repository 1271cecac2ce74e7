"""What is wanted on a host and what was seen there: the two inputs of a plan, both plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from abbey.files import FileTree, OnChange

CONFIG_LABEL = "abbey.config"  # on every container: the digest of its definition and of the files it must restart for


@dataclass(frozen=True, slots=True)
class Unit:
    """A Compose service as the plan sees it."""

    service: str
    title: str  # for people: "Grafana"
    image: str  # reference as written in compose.yaml
    config: str  # value of CONFIG_LABEL in compose.yaml
    stage: int  # services of a lower stage come up first on the same host
    builds: bool = False  # the image is built on the host from a folder of the tree, never pulled
    reload: tuple[str, ...] = ()  # argv inside the container that makes it reread its files
    patience: int = 0  # seconds that its start may take, by its health check
    needs: tuple[tuple[str, str], ...] = ()  # (host, service) that must be up, and its steps done, before this


@dataclass(frozen=True, slots=True)
class Step:
    """A command about a running service, safe to repeat; runs when new, when its file changed, or when cut short.

    It runs inside the service's container, or where `image` is given in a container of its own, which is in the
    network `network` and gone afterwards.
    """

    name: str
    title: str  # for people: "roles and databases"
    service: str
    argv: tuple[str, ...]
    stdin: str = ""  # path in the tree of what is written to its standard input
    user: str = ""  # inside the service's container; its own when empty
    image: str = ""
    network: str = ""  # as Docker names it
    guards: bool = False  # its service must not begin to run without it


@dataclass(frozen=True, slots=True)
class Desired:
    """Everything that must be true on one host. `digests` maps each path to the SHA-256 of its bytes; a path
    whose secret does not exist yet is absent from it."""

    host: str
    project: str  # Compose project name
    tree: FileTree
    digests: Mapping[str, str]
    units: tuple[Unit, ...]
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class FileState:
    """A file seen on a host: SHA-256 of its bytes and its permission bits."""

    digest: str
    mode: int


@dataclass(frozen=True, slots=True)
class ContainerState:
    """A container of the lab's Compose project, seen on a host."""

    service: str
    state: str  # created, running, restarting, paused, exited, dead
    health: str  # healthy, unhealthy, starting, or "" where the service has no health check
    image: str  # reference it was made from, or an id when that reference has moved on
    config: str  # its CONFIG_LABEL, or ""
    since: str = ""  # for people: "Up 3 minutes (healthy)"
    ports: str = ""  # for people: what it publishes


@dataclass(frozen=True, slots=True)
class HostState:
    """One snapshot of one host; planning reads nothing else."""

    host: str
    engine: str = ""  # Docker Engine version
    compose: str = ""  # Compose version
    files: Mapping[str, FileState] = field(default_factory=dict)  # the managed and the desired files that exist
    managed: Mapping[str, str] = field(default_factory=dict)  # path → SHA-256 that an earlier apply wrote there
    containers: tuple[ContainerState, ...] = ()
    images: frozenset[str] = frozenset()  # references present on the host, in the long form of `plan.image`
    pending: frozenset[OnChange] = frozenset()  # effects that an interrupted apply still owes
    lock: str = ""  # who holds the lock, or ""
