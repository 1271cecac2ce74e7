"""Open-Meteo's answer: what is asked for, and what of it can be."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidatorFunctionWrapHandler, WrapValidator

from abbey_metrics.documents import Day, Hours, Weather

ATTRIBUTION = "Weather data by Open-Meteo.com (CC BY 4.0)"
DAYS = 5
HOURS = 24
HOUR = 3600
DAY = 86_400
ASKED = {
    "current": "temperature_2m,apparent_temperature,relative_humidity_2m,is_day,weather_code,wind_speed_10m",
    "hourly": "temperature_2m,precipitation_probability,weather_code",
    "daily": "weather_code,temperature_2m_max,temperature_2m_min,precipitation_probability_max,sunrise,sunset",
    "forecast_hours": HOURS,
    "forecast_days": DAYS,
    "timezone": "auto",  # days begin at midnight of the place
    "timeformat": "unixtime",
}

# WMO weather interpretation codes.
UNKNOWN = -1
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

T = TypeVar("T")


def _or_none(value: object, valid: ValidatorFunctionWrapHandler) -> object:
    try:
        return valid(value)
    except ValidationError:
        return None


# One figure that cannot be leaves a gap; it does not take the others with it.
Maybe = Annotated[T | None, WrapValidator(_or_none)]
Celsius = Annotated[float, Field(ge=-100, le=100)]
Percent = Annotated[float, Field(ge=0, le=100)]
Wind = Annotated[float, Field(ge=0, le=500)]
Code = Annotated[int, Field(ge=0, le=99)]
Time = Annotated[int, Field(ge=946_684_800, le=4_102_444_800)]  # this century
Offset = Annotated[int, Field(ge=-DAY, le=DAY)]


class _Part(BaseModel):
    model_config = ConfigDict(strict=True)


class _Current(_Part):
    temperature_2m: Celsius
    apparent_temperature: Maybe[Celsius] = None
    relative_humidity_2m: Maybe[Percent] = None
    wind_speed_10m: Maybe[Wind] = None
    weather_code: Maybe[Code] = None
    is_day: Maybe[int] = None


class _Hourly(_Part):
    time: list[Time]
    temperature_2m: list[Maybe[Celsius]]
    precipitation_probability: list[Maybe[Percent]]
    weather_code: list[Maybe[Code]]


class _Daily(_Part):
    time: list[Time]
    temperature_2m_min: list[Maybe[Celsius]]
    temperature_2m_max: list[Maybe[Celsius]]
    precipitation_probability_max: list[Maybe[Percent]]
    weather_code: list[Maybe[Code]]
    sunrise: list[Maybe[Time]]
    sunset: list[Maybe[Time]]


class _Answer(_Part):
    current: _Current
    hourly: Maybe[_Hourly] = None
    daily: Maybe[_Daily] = None
    utc_offset_seconds: Maybe[Offset] = None


def parse(body: bytes, *, place: str) -> Weather:
    """Given the answer of the service, return the weather. Raise ValueError when it is something else.

    What is missing or impossible is left out, but for the temperature: without it there is no weather.
    """
    answer = _Answer.model_validate_json(body)
    now, code = answer.current, _known(answer.current.weather_code)
    return Weather(
        place=place,
        celsius=now.temperature_2m,
        feels_like=now.apparent_temperature,
        humidity=now.relative_humidity_2m,
        wind=now.wind_speed_10m,
        code=code,
        text=TEXTS.get(code, ""),
        day=now.is_day != 0,
        attribution=ATTRIBUTION,
        days=_days(answer.daily, answer.utc_offset_seconds or 0) if answer.daily else (),
        hours=_hours(answer.hourly) if answer.hourly else None,
    )


def _known(code: int | None) -> int:
    return UNKNOWN if code is None else code


def _hours(hourly: _Hourly) -> Hours | None:
    columns = hourly.temperature_2m, hourly.precipitation_probability, hourly.weather_code
    start = hourly.time[0] if hourly.time else 0
    # Only the first hour's time is told on, so the others must follow it.
    if not start or hourly.time != list(range(start, start + HOUR * len(hourly.time), HOUR)):
        return None
    if any(len(column) != len(hourly.time) for column in columns):
        return None
    return Hours(
        start=float(start),
        celsius=tuple(hourly.temperature_2m[:HOURS]),
        rain=tuple(hourly.precipitation_probability[:HOURS]),
        code=tuple(_known(code) for code in hourly.weather_code[:HOURS]),
    )


def _days(daily: _Daily, offset: int) -> tuple[Day, ...]:
    rows = zip(
        daily.time[:DAYS],
        daily.temperature_2m_min,
        daily.temperature_2m_max,
        daily.precipitation_probability_max,
        daily.weather_code,
        daily.sunrise,
        daily.sunset,
        strict=False,
    )
    days = tuple(
        Day(
            date=_local(midnight, offset).date().isoformat(),
            low=low,
            high=high,
            rain=rain,
            code=_known(code),
            sunrise=_hour(sunrise, midnight, offset),
            sunset=_hour(sunset, midnight, offset),
        )
        for midnight, low, high, rain, code, sunrise, sunset in rows
    )
    in_order = all(one.date < next_.date for one, next_ in pairwise(days))
    return days if in_order else ()


def _hour(time: int | None, midnight: int, offset: int) -> str:
    # Where the sun does not rise that day, some other time stands there.
    if time is None or not midnight <= time < midnight + DAY:
        return ""
    return _local(time, offset).strftime("%H:%M")


def _local(time: int, offset: int) -> datetime:
    return datetime.fromtimestamp(time + offset, UTC)
