"""Puts the parts together: the sampler's thread, what is fetched and watched, and once per second what changed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2

from abbey_metrics.access import Gate, Visitor
from abbey_metrics.apps import PortalFile
from abbey_metrics.board import Board
from abbey_metrics.clock import Clock
from abbey_metrics.documents import Me, People
from abbey_metrics.fetch import new_client
from abbey_metrics.figures import HostFigures
from abbey_metrics.forgejo import forgejo_feed
from abbey_metrics.history import History
from abbey_metrics.hub import Hub
from abbey_metrics.lab import Lab
from abbey_metrics.pasts import Pasts
from abbey_metrics.peers import neighbour, peer_client
from abbey_metrics.people import Choices
from abbey_metrics.sampler import Sampler
from abbey_metrics.settings import Settings
from abbey_metrics.sources import Sources, host_sources
from abbey_metrics.watch import Watch
from abbey_metrics.weather import weather_feed

log = logging.getLogger(__name__)

INTERVAL = 1.0
# A moment after a sample was due it is there; when it is late, it is looked for this often.
GRACE = 0.02
LATE = 0.1
# Seconds between looks at portal.json.
REREAD = 5.0


class Monitor:
    """Everything that runs behind the API."""

    def __init__(self, settings: Settings, *, sources: Sources | None = None, clock: Clock | None = None) -> None:
        self._settings = settings
        self._clock = clock = clock or Clock()
        self._client: httpx2.AsyncClient = new_client()
        self._peer_client: httpx2.AsyncClient = peer_client(settings)
        self.sampler = Sampler(
            settings.host, sources or host_sources(), rootfs=settings.rootfs, interval=INTERVAL, clock=clock
        )
        weather, forgejo = settings.weather, settings.forgejo
        self.lab = Lab(
            settings,
            clock,
            self.sampler,
            Watch(settings, self._client, clock=clock),
            tuple(neighbour(self._peer_client, peer) for peer in settings.peers),
            weather_feed(self._client, weather) if weather else None,
            forgejo_feed(self._client, forgejo, settings.timezone) if forgejo else None,
        )
        self.history = History(
            (settings.host, *(peer.name for peer in settings.peers)), folder=settings.state, clock=clock
        )
        self.choices = Choices(settings.state, clock=clock)
        self.gate = Gate(settings)
        self.board = Board(self.lab)
        self.hub = Hub(self.board)
        self.pasts = Pasts(settings, self.board, self.history)
        self._known: dict[str, HostFigures] = {}
        self._people: dict[str, People] = {}

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run everything inside the context; all of it has ended after it."""
        self.sampler.start()
        self.history.start()
        self.choices.start()
        tasks = [asyncio.create_task(job) for job in self._jobs()]
        try:
            yield
        finally:
            self.hub.close()
            self.sampler.stop()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await asyncio.gather(self._client.aclose(), self._peer_client.aclose())
            await asyncio.to_thread(self._settle)

    async def publish(self) -> None:
        """Take in what came since the last time, and tell everybody who listens."""
        self._take_in()
        self.board.turn()
        await self.hub.publish()

    def me(self, visitor: Visitor) -> Me:
        """Given who asks, return what is known of them."""
        known = bool(visitor.name)
        chosen = self.choices.of(visitor.name) if known else None
        return Me(known, visitor.name, visitor.groups, visitor.admin, chosen)

    def people(self) -> People:
        """Return what everybody chose."""
        return People(self._settings.host, self.choices.all())

    def _jobs(self) -> Iterator[Coroutine[Any, Any, None]]:
        yield self._publish_for_ever()
        yield self.lab.watch.run()
        if self._settings.portal:
            yield self._reread_for_ever(PortalFile(self._settings.portal))
        for peer in self.lab.neighbours:
            for feed in peer.feeds:
                yield feed.run()
        for other in (self.lab.weather_feed, self.lab.forgejo_feed):
            if other:
                yield other.run()

    async def _publish_for_ever(self) -> None:
        while True:
            seen, begun = self.sampler.latest, self._clock.monotonic()
            try:
                await self.publish()
            except Exception:
                # A fault of one second must not be the end of all further ones.
                log.exception("figures could not be published")
            await asyncio.sleep(self._until_due())
            while self.sampler.latest is seen and self._clock.monotonic() - begun < INTERVAL:
                await asyncio.sleep(LATE)

    async def _reread_for_ever(self, portal: PortalFile) -> None:
        while True:
            self.lab.apps = await asyncio.to_thread(portal.read)
            await asyncio.sleep(REREAD)

    def _until_due(self) -> float:
        if self.sampler.taken is None:
            return LATE
        return min(INTERVAL, max(0.0, self.sampler.taken + INTERVAL + GRACE - self._clock.monotonic()))

    def _take_in(self) -> None:
        """Pass on what came since the last time: samples to the history, choices to the others."""
        figures = [self.sampler.latest, *(peer.figures.value for peer in self.lab.neighbours)]
        for sample in figures:
            if sample and self._known.get(sample.host) is not sample:
                self._known[sample.host] = sample
                self.history.add(sample)
        for peer in self.lab.neighbours:
            people = peer.people.value
            if people and self._people.get(peer.name) is not people:
                self._people[peer.name] = people
                self.choices.merge(people.people)

    def _settle(self) -> None:
        self.history.stop()
        self.choices.stop()
