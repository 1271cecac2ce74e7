"""The weather at the lab's place, from Open-Meteo: no account, no key, data under CC BY 4.0."""

from __future__ import annotations

from urllib.parse import urlencode

import httpx2

from abbey_metrics.clock import Clock
from abbey_metrics.documents import Weather
from abbey_metrics.feed import Feed, Pace
from abbey_metrics.fetch import get
from abbey_metrics.forecast import ASKED, parse
from abbey_metrics.settings import WeatherSettings

# The service computes a new value every 15 minutes; asking more often only uses up its limits.
PACE = Pace(every=900.0, retry=30.0, slowest=900.0, timeout=5.0, keep=6 * 3600.0)


def weather_feed(client: httpx2.AsyncClient, settings: WeatherSettings, *, clock: Clock | None = None) -> Feed[Weather]:
    """Given a place, return the feed of its weather."""
    query = urlencode({"latitude": settings.latitude, "longitude": settings.longitude, **ASKED})

    async def fetch() -> Weather:
        return parse(await get(client, f"{settings.url}?{query}"), place=settings.place)

    return Feed(fetch, PACE, clock=clock)
