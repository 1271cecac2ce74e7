"""The other hosts: asked all the time, and shown with their last figures while they do not answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

import httpx2
from pydantic import TypeAdapter

from abbey_metrics.documents import HostState, HostView, People, PlatformView
from abbey_metrics.feed import Feed, Pace
from abbey_metrics.fetch import get, new_client, renew
from abbey_metrics.figures import HostFigures
from abbey_metrics.platform import Platform
from abbey_metrics.settings import Settings
from abbey_metrics.words import Peer

# One lost answer is a lost packet; two in a row are a host that is away.
AWAY_AFTER = 2
STALE_AFTER = 5.0
FIGURES_PACE = Pace(every=2.0, retry=1.0, slowest=5.0, timeout=2.0, keep=float("inf"))
REST_PACE = Pace(every=10.0, retry=5.0, slowest=30.0, timeout=5.0, keep=float("inf"))

# What everybody chose grows with the lab.
MOST_PEOPLE = 4_194_304

FIGURES = TypeAdapter(HostFigures)
PLATFORM = TypeAdapter(Platform)
PEOPLE = TypeAdapter(People)

T = TypeVar("T", HostFigures, Platform, People)


@dataclass(frozen=True, slots=True)
class Neighbour:
    """What is fetched from one other host."""

    name: str
    figures: Feed[HostFigures]
    platform: Feed[Platform]
    people: Feed[People]

    @property
    def feeds(self) -> tuple[Feed[HostFigures], Feed[Platform], Feed[People]]:
        """Return everything that runs for this host."""
        return self.figures, self.platform, self.people


def peer_client(settings: Settings) -> httpx2.AsyncClient:
    """Return the client for the other hosts: it asks from the address in the private network, where there is one.

    They let this host read because the question comes from there.
    """
    return new_client(settings.tailnet, https=any(peer.url.startswith("https:") for peer in settings.peers))


def neighbour(client: httpx2.AsyncClient, peer: Peer) -> Neighbour:
    """Given another host, return its feeds."""
    return Neighbour(
        name=peer.name,
        figures=Feed(_reading(client, peer, "host", FIGURES), FIGURES_PACE),
        platform=Feed(_reading(client, peer, "platform", PLATFORM), REST_PACE),
        people=Feed(_people(client, peer), REST_PACE),
    )


def _reading(
    client: httpx2.AsyncClient, peer: Peer, document: str, adapter: TypeAdapter[T]
) -> Callable[[], Awaitable[T]]:
    async def fetch() -> T:
        return _of(peer, adapter.validate_json(await get(client, f"{peer.url}/api/v1/{document}")))

    return fetch


def _people(client: httpx2.AsyncClient, peer: Peer) -> Callable[[], Awaitable[People]]:
    known: People | None = None
    tag = ""

    async def fetch() -> People:
        nonlocal known, tag
        newer = await renew(client, f"{peer.url}/api/v1/people", tag, largest=MOST_PEOPLE)
        if newer is not None or known is None:
            known = _of(peer, PEOPLE.validate_json(newer.body if newer else b""))
            tag = newer.tag if newer else ""
        return known

    return fetch


def _of(peer: Peer, document: T) -> T:
    if document.host != peer.name:
        # Figures under the wrong name are worse than none.
        raise ValueError(f"answered as {document.host[:63]}")
    return document


def host_view(peer: Neighbour) -> HostView:
    """Given another host, return how it stands."""
    feed = peer.figures
    away = feed.failures >= AWAY_AFTER
    if away:
        state = HostState.AWAY
    elif feed.value is None:
        state = HostState.UNKNOWN
    else:
        state = HostState.STALE if (feed.age or 0.0) > STALE_AFTER else HostState.UP
    since = (feed.answered or feed.asked) if away else None
    return HostView(
        name=peer.name,
        own=False,
        state=state,
        age=feed.age,
        away_since=since,
        error=feed.error,
        figures=feed.value,
    )


def platform_view(peer: Neighbour) -> PlatformView:
    """Given another host, return what runs on it, as last heard."""
    return PlatformView(peer.name, peer.platform.age, peer.platform.value)
