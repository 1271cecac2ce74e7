"""Docker of this host, watched: what it lists and reports, and what its containers use."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path

import httpx2

from abbey_metrics.apps import read_apps
from abbey_metrics.aside import Aside
from abbey_metrics.cgroups import Cgroups, Usage
from abbey_metrics.clock import Clock
from abbey_metrics.containers import Facts, containers, running
from abbey_metrics.docker import Docker
from abbey_metrics.feed import FAILURES, Feed, Pace
from abbey_metrics.fetch import explain
from abbey_metrics.platform import Containers
from abbey_metrics.repeat import Bell
from abbey_metrics.restarts import Restarts
from abbey_metrics.settings import Settings
from abbey_metrics.tunnel import TunnelState

LIST = Pace(every=10.0, retry=2.0, slowest=30.0, timeout=5.0, keep=float("inf"))
IMAGES = Pace(every=600.0, retry=10.0, slowest=600.0, timeout=10.0, keep=float("inf"))
USAGE = Pace(every=2.0, retry=2.0, slowest=30.0, timeout=1.0, keep=float("inf"))
OWNERS = Pace(every=10.0, retry=10.0, slowest=60.0, timeout=2.0, keep=float("inf"))
Step = Callable[[], Awaitable[float]]
# A deployment changes many containers within a second.
SETTLE = 0.5
RECONNECT, SLOWEST_RECONNECT = 1.0, 60.0
# One lost answer is not yet a Docker that is away.
AWAY_AFTER = 2


class Engine:
    """Keeps the newest `containers` and `tunnel`; each of `steps` reads one part of them at its own pace."""

    def __init__(self, settings: Settings, client: httpx2.AsyncClient, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._docker = Docker(settings.docker, client)
        self._cgroups = Cgroups(settings.rootfs, clock)
        self._restarts = Restarts()
        self._bell, self._new_image = Bell(SETTLE), Bell(SETTLE)
        self._usage_aside, self._owners_aside = Aside(), Aside()
        self._list = Feed(self._docker.containers, LIST, clock=clock)
        self._images = Feed(self._docker.images, IMAGES, clock=clock)
        self._usage = Feed(self._read_usage, USAGE, clock=clock)
        self._owners = Feed(self._read_owners, OWNERS, clock=clock)
        self._kept_owners: tuple[int, Mapping[str, str]] | None = None
        self._event_failures = 0
        self._event_error = ""
        self._tunnel = TunnelState(settings.tunnel, clock) if settings.tunnel else None
        self.containers = Containers(None, "", ())
        self.tunnel = self._tunnel.unknown(None, "") if self._tunnel else None
        self._changed: Callable[[], None] = lambda: None

    def steps(self, changed: Callable[[], None]) -> tuple[Step, ...]:
        """Given whom to call after each reading, return what is to be repeated.

        Each step returns the seconds until it is due again.
        """
        self._changed = changed
        owners = (self._step(self._owners),) if self._settings.portal else ()
        return (self._list_step, self._images_step, self._event_step, self._step(self._usage), *owners)

    async def close(self) -> None:
        """Close the connection to Docker."""
        await self._docker.close()

    def _step(self, feed: Feed[dict[str, Usage]] | Feed[Mapping[str, str]]) -> Step:
        async def step() -> float:
            await feed.step()
            self._put_together()
            return feed.wait()

        return step

    async def _list_step(self) -> float:
        before = {listed.image_id for listed in self._list.value or ()}
        await self._list.step()
        self._put_together()
        if not {listed.image_id for listed in self._list.value or ()} <= before:
            self._new_image.ring()
        await self._bell.wait(self._list.wait())
        return 0.0

    async def _images_step(self) -> float:
        await self._images.step()
        self._put_together()
        await self._new_image.wait(self._images.wait())
        return 0.0

    async def _event_step(self) -> float:
        try:
            # Docker ends the stream when it is stopped, and a proxy after a while: nothing is lost in between.
            with suppress(httpx2.ReadTimeout):
                async for event in self._docker.events(self._restarts.since(self._clock.wall())):
                    self._event_failures, self._event_error = 0, ""
                    self._restarts.take(event)
                    self._bell.ring()
        except FAILURES as error:
            self._event_failures += 1
            self._event_error = explain(error)
            return float(min(SLOWEST_RECONNECT, RECONNECT * 2 ** min(self._event_failures, 10)))
        self._event_failures, self._event_error = 0, ""
        return RECONNECT

    async def _read_usage(self) -> dict[str, Usage]:
        ids = [listed.id for listed in self._list.value or () if running(listed)]
        return await self._usage_aside(lambda: self._cgroups.read(ids)) if ids else {}

    async def _read_owners(self) -> Mapping[str, str]:
        path = self._settings.portal
        return await self._owners_aside(lambda: self._owners_of(path)) if path else {}

    def _owners_of(self, path: Path) -> Mapping[str, str]:
        changed = path.stat().st_mtime_ns
        if self._kept_owners is None or self._kept_owners[0] != changed:
            self._kept_owners = None
            self._kept_owners = changed, read_apps(path).owners
        return self._kept_owners[1]

    def _put_together(self) -> None:
        listed = self._list
        facts = Facts(
            usage={} if self._usage.failures else self._usage.value or {},
            made=self._images.value or {},
            owners={} if self._owners.failures else self._owners.value or {},
            restarts=self._restarts,
            now=listed.answered or self._clock.wall(),
        )
        self.containers = Containers(
            at=None if listed.answered is None else round(listed.answered, 3),
            error=self._errors(),
            list=containers(listed.value or (), self._settings.project, facts),
        )
        at = self.containers.at
        if self._tunnel and (listed.value is None or listed.failures >= AWAY_AFTER):
            self.tunnel = self._tunnel.unknown(at, f"Docker {listed.error}" if listed.error else "")
        elif self._tunnel:
            self.tunnel = self._tunnel.of(self.containers.list, at)
        self._changed()

    def _errors(self) -> str:
        if self._list.error:
            return f"Docker {self._list.error}"
        said = {
            "Docker's list of images": self._images.error,
            "Docker's report of events": self._event_error,
            "the kernel's control groups:": self._usage.error,
            "portal.json:": self._owners.error,
        }
        return "; ".join(f"{who} {what}" for who, what in said.items() if what)
