"""The weather at the lab's place, from Open-Meteo: no account, no key, data under CC BY 4.0."""

from __future__ import annotations

from urllib.parse import urlencode

import httpx2
from pydantic import BaseModel

from abbey_metrics.documents import Weather
from abbey_metrics.feed import Feed, Pace
from abbey_metrics.fetch import get
from abbey_metrics.settings import WeatherSettings

FIELDS = "temperature_2m,apparent_temperature,relative_humidity_2m,is_day,weather_code,wind_speed_10m"
ATTRIBUTION = "Weather data by Open-Meteo.com (CC BY 4.0)"
# The service computes a new value every 15 minutes; asking more often only uses up its limits.
PACE = Pace(every=900.0, retry=30.0, slowest=900.0, timeout=5.0, keep=6 * 3600.0)

# WMO weather interpretation codes.
TEXTS = {
    0: "clear",
    1: "mostly clear",
    2: "partly cloudy",
    3: "overcast",
    45: "fog",
    48: "freezing fog",
    51: "light drizzle",
    53: "drizzle",
    55: "heavy drizzle",
    56: "freezing drizzle",
    57: "freezing drizzle",
    61: "light rain",
    63: "rain",
    65: "heavy rain",
    66: "freezing rain",
    67: "freezing rain",
    71: "light snow",
    73: "snow",
    75: "heavy snow",
    77: "snow grains",
    80: "light showers",
    81: "showers",
    82: "violent showers",
    85: "snow showers",
    86: "heavy snow showers",
    95: "thunderstorm",
    96: "thunderstorm with hail",
    99: "thunderstorm with hail",
}


class _Current(BaseModel):
    temperature_2m: float
    apparent_temperature: float | None = None
    relative_humidity_2m: float | None = None
    wind_speed_10m: float | None = None
    weather_code: int = -1
    is_day: bool = True


class _Answer(BaseModel):
    current: _Current


def parse(body: bytes, *, place: str) -> Weather:
    """Given the answer of the service, return the weather. Raise ValueError when it is something else."""
    current = _Answer.model_validate_json(body).current
    return Weather(
        place=place,
        celsius=current.temperature_2m,
        feels_like=current.apparent_temperature,
        humidity=current.relative_humidity_2m,
        wind=current.wind_speed_10m,
        code=current.weather_code,
        text=TEXTS.get(current.weather_code, ""),
        day=current.is_day,
        attribution=ATTRIBUTION,
    )


def weather_feed(client: httpx2.AsyncClient, settings: WeatherSettings) -> Feed[Weather]:
    """Given a place, return the feed of its weather."""
    query = urlencode({"latitude": settings.latitude, "longitude": settings.longitude, "current": FIELDS})

    async def fetch() -> Weather:
        return parse(await get(client, f"{settings.url}?{query}"), place=settings.place)

    return Feed(fetch, PACE)
