"""Which apps the lab has, which containers are theirs, and who may open them: what portal.json says."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import TypeAdapter

from abbey_metrics.access import Visitor
from abbey_metrics.documents import AppView
from abbey_metrics.platform import Container, ContainerState, Platform

log = logging.getLogger(__name__)

LARGEST = 4_194_304
# Of several containers, the one that does worst says how their app does.
WORST = (
    ContainerState.DOWN,
    ContainerState.RESTARTING,
    ContainerState.UNHEALTHY,
    ContainerState.PAUSED,
    ContainerState.STARTING,
    ContainerState.UP,
)


@dataclass(frozen=True, slots=True)
class _App:
    name: str
    groups: tuple[str, ...] = ()
    services: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Group:
    apps: tuple[_App, ...] = ()


@dataclass(frozen=True, slots=True)
class _Portal:
    groups: tuple[_Group, ...] = ()


@dataclass(frozen=True, slots=True)
class Audience:
    """All visitors who see the same: whether they are administrators, and the groups that open apps to them.

    `groups` is None for readers, who see every app.
    """

    admin: bool
    groups: frozenset[str] | None


EVERYTHING = Audience(admin=True, groups=None)


@dataclass(frozen=True, slots=True)
class Apps:
    """The apps of the portal: `doors` are the groups that may open one (none: everybody), `owners` says whose a
    service is.
    """

    doors: Mapping[str, frozenset[str]] = field(default_factory=dict)
    owners: Mapping[str, str] = field(default_factory=dict)
    limits: frozenset[str] = frozenset()

    def audience(self, visitor: Visitor) -> Audience:
        """Given a visitor, return the audience; groups that open nothing do not divide it."""
        return EVERYTHING if visitor.reader else Audience(visitor.admin, self.limits.intersection(visitor.groups))

    def open_to(self, app: str, audience: Audience) -> bool:
        """Return whether the audience may open the app. What is not in the portal is open to readers only."""
        if audience.groups is None:
            return True
        door = self.doors.get(app)
        return door is not None and (not door or not door.isdisjoint(audience.groups))

    def views(self, platforms: Iterable[Platform]) -> tuple[AppView, ...]:
        """Given what runs on each host, return how each app does, by name."""
        found: dict[str, dict[str, ContainerState]] = {}
        for platform in platforms:
            for container in platform.containers.list if platform.containers else ():
                if app := self._owner(container):
                    states = found.setdefault(app, {})
                    before = states.get(platform.host, container.state)
                    states[platform.host] = min(before, container.state, key=WORST.index)
        return tuple(AppView(name, dict(sorted(hosts.items()))) for name, hosts in sorted(found.items()))

    def _owner(self, container: Container) -> str:
        return self.owners.get(container.service, "") or container.app


PORTAL = TypeAdapter(_Portal)


class PortalFile:
    """portal.json as it is now. While it cannot be read, what it said last holds."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._mark: object = None
        self._fault = ""
        self.apps = Apps()

    def read(self) -> Apps:
        """Return the apps, read anew when the file changed; the same object until then."""
        try:
            found = self._path.stat()
            mark: object = (found.st_mtime_ns, found.st_size, found.st_ino)
            if mark != self._mark:
                self.apps, self._mark, self._fault = read_apps(self._path), mark, ""
        except (OSError, ValueError) as error:
            # Told once, not at every look. What it holds is not repeated.
            fault = error.strerror if isinstance(error, OSError) and error.strerror else "it is not what portals write"
            if fault != self._fault:
                self._fault = fault
                log.error("%s cannot be used: %s", self._path.name, fault)
        return self.apps


def read_apps(path: Path) -> Apps:
    """Given portal.json, return its apps. Raise OSError or ValueError when it cannot be read."""
    with path.open("rb") as file:
        text = file.read(LARGEST + 1)
    if len(text) > LARGEST:
        raise ValueError("portal.json is larger than 4 MiB")
    apps = [app for group in PORTAL.validate_json(text).groups for app in group.apps]
    return Apps(
        doors={app.name: frozenset(app.groups) for app in apps},
        owners={service: app.name for app in apps for service in app.services},
        limits=frozenset(name for app in apps for name in app.groups),
    )
