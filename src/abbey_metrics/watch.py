"""What runs on this host: each part read at its own pace, none of them able to hold another or the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, TypeVar

import httpx2

from abbey_metrics.aside import Aside
from abbey_metrics.backups import read_backups
from abbey_metrics.clock import Clock
from abbey_metrics.database import DatabaseWatch
from abbey_metrics.engine import Engine
from abbey_metrics.feed import Feed, Pace
from abbey_metrics.platform import Backups, Link, Platform, Processes, Tailnet
from abbey_metrics.processes import ProcessTable
from abbey_metrics.repeat import repeat
from abbey_metrics.settings import Settings
from abbey_metrics.tailnet import read_tailnet

T = TypeVar("T")
Part = Processes | Tailnet | Backups
Step = Callable[[], Awaitable[float]]

PROCESSES = Pace(every=5.0, retry=5.0, slowest=60.0, timeout=3.0, keep=float("inf"))
TAILNET = Pace(every=5.0, retry=5.0, slowest=30.0, timeout=2.0, keep=float("inf"))
BACKUPS = Pace(every=60.0, retry=10.0, slowest=600.0, timeout=10.0, keep=float("inf"))
PROC = "/proc"
# Use of the processor is a difference; the first one is over this short time.
FIRST_SPAN = 1.0


class Watch:
    """Keeps what runs on this host in `latest`: always there, and a new object whenever something changed."""

    def __init__(self, settings: Settings, client: httpx2.AsyncClient, *, clock: Clock | None = None) -> None:
        self._settings = settings
        self._clock = clock or Clock()
        self._engine = Engine(settings, client, self._clock) if settings.docker else None
        self._databases = tuple(
            DatabaseWatch(server, settings.database, self._clock)
            for server in (settings.database.servers if settings.database else ())
            if settings.database
        )
        self.latest = Platform(
            host=settings.host,
            at=round(self._clock.wall(), 3),
            processes=None,
            containers=self._engine.containers if self._engine else None,
            tailnet=Tailnet(None, settings.tailnet, None, Link.UNKNOWN, "") if settings.tailnet else None,
            tunnel=self._engine.tunnel if self._engine else None,
            databases=tuple(database.latest for database in self._databases),
            backups=Backups(None, "", ()) if settings.backups else None,
        )

    async def run(self) -> None:
        """Read everything again and again until cancelled; nothing of it is under way after that."""
        try:
            async with asyncio.TaskGroup() as group:
                for step in self._steps():
                    group.create_task(repeat(step))
        finally:
            for database in self._databases:
                database.close()
            if self._engine:
                await self._engine.close()

    def _steps(self) -> list[Step]:
        settings, clock = self._settings, self._clock
        steps = [self._part("processes", PROCESSES, self._busiest())]
        if address := settings.tailnet:
            steps.append(self._part("tailnet", TAILNET, _beside(lambda: read_tailnet(address, clock))))
        if folder := settings.backups:
            steps.append(self._part("backups", BACKUPS, _beside(lambda: read_backups(folder, clock))))
        if self._engine:
            steps += self._engine.steps(self._tell_engine)
        return steps + [self._database(database) for database in self._databases]

    def _busiest(self) -> Callable[[], Awaitable[Processes]]:
        read = _beside(ProcessTable(PROC, self._clock).read)
        begun = False

        async def fetch() -> Processes:
            nonlocal begun
            if not begun:
                await read()
                begun = True
                await asyncio.sleep(FIRST_SPAN)
            return await read()

        return fetch

    def _part(self, name: str, pace: Pace, fetch: Callable[[], Awaitable[Part]]) -> Step:
        feed = Feed(fetch, pace, clock=self._clock)

        async def step() -> float:
            await feed.step()
            before = getattr(self.latest, name)
            if not feed.error:
                self._tell({name: feed.value})
            elif before:
                self._tell({name: _failed(before, feed.error)})
            return feed.wait()

        return step

    def _database(self, database: DatabaseWatch) -> Step:
        async def step() -> float:
            wait = await database.step()
            self._tell({"databases": tuple(one.latest for one in self._databases)})
            return wait

        return step

    def _tell_engine(self) -> None:
        if self._engine:
            self._tell({"containers": self._engine.containers, "tunnel": self._engine.tunnel})

    def _tell(self, parts: dict[str, Any]) -> None:
        if any(getattr(self.latest, name) != part for name, part in parts.items()):
            self.latest = replace(self.latest, at=round(self._clock.wall(), 3), **parts)


def _beside(read: Callable[[], T]) -> Callable[[], Awaitable[T]]:
    aside = Aside()
    return lambda: aside(read)


def _failed(part: Part, error: str) -> Part:
    """Return the part as it was read last; only of the tailnet the last state would be a promise."""
    if isinstance(part, Tailnet):
        return replace(part, state=Link.UNKNOWN, interface=None, error=error)
    return replace(part, error=error)
