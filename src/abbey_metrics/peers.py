"""The other hosts: asked every two seconds, and shown with their last figures while they do not answer."""

from __future__ import annotations

import httpx2
from pydantic import TypeAdapter

from abbey_metrics.documents import HostState, HostView
from abbey_metrics.feed import Feed, Pace
from abbey_metrics.fetch import get
from abbey_metrics.figures import HostFigures
from abbey_metrics.words import Peer

# One lost answer is a lost packet; two in a row are a host that is away.
AWAY_AFTER = 2
STALE_AFTER = 5.0
PACE = Pace(every=2.0, retry=1.0, slowest=5.0, timeout=2.0, keep=float("inf"))

FIGURES = TypeAdapter(HostFigures)


def peer_feed(client: httpx2.AsyncClient, peer: Peer) -> Feed[HostFigures]:
    """Given another host, return the feed of its figures."""

    async def fetch() -> HostFigures:
        figures = FIGURES.validate_json(await get(client, f"{peer.url}/api/v1/host"))
        if figures.host != peer.name:
            # Figures under the wrong name are worse than none.
            raise ValueError(f"answered as {figures.host[:63]}")
        return figures

    return Feed(fetch, PACE)


def peer_view(name: str, feed: Feed[HostFigures]) -> HostView:
    """Given the feed of a host, return how it stands."""
    away = feed.failures >= AWAY_AFTER
    if away:
        state = HostState.AWAY
    elif feed.value is None:
        state = HostState.UNKNOWN
    else:
        state = HostState.STALE if (feed.age or 0.0) > STALE_AFTER else HostState.UP
    since = (feed.answered or feed.asked) if away else None
    return HostView(
        name=name,
        own=False,
        state=state,
        age=feed.age,
        away_since=since,
        error=feed.error,
        figures=feed.value,
    )
