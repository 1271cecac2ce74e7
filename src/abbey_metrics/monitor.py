"""Puts the parts together: the sampler's thread, the feeds, and once per second the documents of both."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
from pydantic import TypeAdapter

from abbey_metrics.board import Answer, Board
from abbey_metrics.clock import Clock
from abbey_metrics.documents import (
    ForgejoView,
    HostFigures,
    HostState,
    HostView,
    LabFigures,
    Past,
    Point,
    WeatherView,
)
from abbey_metrics.fetch import new_client
from abbey_metrics.forgejo import forgejo_feed
from abbey_metrics.hub import Hub
from abbey_metrics.peers import STALE_AFTER, peer_feed, peer_view
from abbey_metrics.sampler import Sampler
from abbey_metrics.settings import Settings
from abbey_metrics.sources import Sources, host_sources
from abbey_metrics.weather import weather_feed

INTERVAL = 1.0
# The past is long and changes slowly: its bytes are made anew this often, in samples.
PAST_EVERY = 10

FIGURES = TypeAdapter(HostFigures)
LAB = TypeAdapter(LabFigures)
PAST = TypeAdapter(Past)


class Monitor:
    """Everything that runs behind the API; `board` and `hub` are what requests may touch."""

    def __init__(self, settings: Settings, *, sources: Sources | None = None, clock: Clock | None = None) -> None:
        self._settings = settings
        self._clock = clock or Clock()
        self.sampler = Sampler(
            settings.host,
            sources or host_sources(),
            rootfs=settings.rootfs,
            interval=INTERVAL,
            clock=self._clock,
        )
        self.board = Board()
        self.hub = Hub()
        self._client: httpx2.AsyncClient = new_client()
        self._peers = {peer.name: peer_feed(self._client, peer) for peer in settings.peers}
        self._weather = weather_feed(self._client, settings.weather) if settings.weather else None
        self._forgejo = forgejo_feed(self._client, settings.forgejo) if settings.forgejo else None
        self._points: deque[Point] = deque(maxlen=settings.history)
        self._seq = 0
        self._sampled = 0
        self._remembered = 0

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run sampler, feeds and publishing inside the context; everything has ended after it."""
        self.sampler.start()
        work = [self._publish_for_ever(), *(feed.run() for feed in self._peers.values())]
        if self._weather:
            work.append(self._weather.run())
        if self._forgejo:
            work.append(self._forgejo.run())
        tasks = [asyncio.create_task(job) for job in work]
        try:
            yield
        finally:
            self.hub.close()
            self.sampler.stop()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._client.aclose()

    def publish(self) -> None:
        """Make the documents of this moment and hand them to requests and listeners."""
        figures = self.sampler.latest
        if figures and figures.seq != self._sampled:
            self._sampled = figures.seq
            self._points.append(_point(figures))
            self.board.host = Answer(FIGURES.dump_json(figures), self._tag(figures.seq))
            if self.board.past is None or figures.seq - self._remembered >= PAST_EVERY:
                self._remembered = figures.seq
                past = Past(self._settings.host, tuple(self._points))
                self.board.past = Answer(PAST.dump_json(past), self._tag(figures.seq))
        self._seq += 1
        body = LAB.dump_json(self.lab())
        self.board.lab = Answer(body, self._tag(self._seq))
        self.hub.publish("lab", f"{self._settings.host}-{self._seq}", body)

    def lab(self) -> LabFigures:
        """Return the lab as it is known now, without asking anyone."""
        views = [self._own(), *(peer_view(name, feed) for name, feed in self._peers.items())]
        weather, forgejo = self._weather, self._forgejo
        return LabFigures(
            host=self._settings.host,
            seq=self._seq,
            at=round(self._clock.wall(), 3),
            hosts=tuple(sorted(views, key=lambda view: view.name)),
            weather=WeatherView(weather.value, weather.age, weather.error) if weather else None,
            forgejo=ForgejoView(forgejo.value, forgejo.age, forgejo.error) if forgejo else None,
        )

    def _own(self) -> HostView:
        age, figures = self.sampler.age(), self.sampler.latest
        state = HostState.UP if age is not None else HostState.UNKNOWN
        if age is not None and age > STALE_AFTER:
            state = HostState.STALE
        return HostView(
            name=self._settings.host,
            own=True,
            state=state,
            age=None if age is None else round(age, 1),
            away_since=None,
            error="",
            figures=figures,
        )

    def _tag(self, number: int) -> str:
        return f'"{self._settings.host}-{number}"'

    async def _publish_for_ever(self) -> None:
        while True:
            self.publish()
            # The very first sample is a moment away; a visitor need not wait a whole interval for it.
            await asyncio.sleep(INTERVAL if self._sampled else 0.05)


def _point(figures: HostFigures) -> Point:
    return Point(
        at=round(figures.at),
        cpu=figures.cpu.percent if figures.cpu else None,
        memory=figures.memory.percent if figures.memory else None,
        rx=figures.network.rx if figures.network else None,
        tx=figures.network.tx if figures.network else None,
    )
