from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from standin_host import Now
from standin_upstream import StandinUpstream, answers

from abbey_metrics.documents import Weather
from abbey_metrics.fetch import new_client
from abbey_metrics.forecast import DAY, HOUR, TEXTS, parse
from abbey_metrics.settings import WeatherSettings
from abbey_metrics.weather import weather_feed

# A Monday's midnight in Berlin, an hour before that of UTC.
MIDNIGHT = int(datetime(2026, 11, 22, 23, tzinfo=UTC).timestamp())
NOON = MIDNIGHT + 12 * HOUR


def _answer(**parts: object) -> dict[str, Any]:
    """Given parts to put in the place of others, return what Open-Meteo answers with."""
    return {
        "latitude": 52.52,
        "longitude": 13.419998,
        "generationtime_ms": 0.18,
        "utc_offset_seconds": 3600,
        "timezone": "Europe/Berlin",
        "timezone_abbreviation": "GMT+1",
        "elevation": 38.0,
        "current_units": {"time": "unixtime", "interval": "seconds", "temperature_2m": "°C", "is_day": ""},
        "current": {
            "time": NOON,
            "interval": 900,
            "temperature_2m": 3.4,
            "apparent_temperature": -0.6,
            "relative_humidity_2m": 83,
            "is_day": 1,
            "weather_code": 61,
            "wind_speed_10m": 15.9,
        },
        "hourly_units": {"time": "unixtime", "temperature_2m": "°C", "precipitation_probability": "%"},
        "hourly": {
            "time": [NOON + HOUR * n for n in range(24)],
            "temperature_2m": [3.4 - n / 10 for n in range(24)],
            "precipitation_probability": [80] * 20 + [None] * 4,
            "weather_code": [61] * 23 + [None],
        },
        "daily_units": {"time": "unixtime", "sunrise": "unixtime", "sunset": "unixtime"},
        "daily": {
            "time": [MIDNIGHT + DAY * n for n in range(5)],
            "weather_code": [61, 3, 71, 0, 45],
            "temperature_2m_max": [4.1, 5.0, 1.2, -0.3, None],
            "temperature_2m_min": [0.2, 1.1, -2.0, -7.9, None],
            "precipitation_probability_max": [88, 12, 60, 0, None],
            "sunrise": [MIDNIGHT + DAY * n + 7 * HOUR + 2280 for n in range(5)],
            "sunset": [MIDNIGHT + DAY * n + 16 * HOUR for n in range(5)],
        },
        **parts,
    }


def _parsed(**parts: object) -> Weather:
    return parse(json.dumps(_answer(**parts)).encode(), place="Berlin")


def test_the_weather_of_now_is_read_with_its_attribution() -> None:
    now = _parsed()
    assert (now.celsius, now.feels_like, now.humidity, now.wind) == (3.4, -0.6, 83.0, 15.9)
    assert (now.code, now.text, now.day, now.place) == (61, "light rain", True, "Berlin")
    assert "Open-Meteo" in now.attribution
    assert "CC BY 4.0" in now.attribution


def test_the_next_hours_begin_at_their_start_and_have_gaps_where_nothing_is_known() -> None:
    hours = _parsed().hours
    assert hours
    assert hours.start == NOON
    assert len(hours.celsius) == len(hours.rain) == len(hours.code) == 24
    assert (hours.celsius[0], hours.rain[0], hours.code[0]) == (3.4, 80.0, 61)
    assert (hours.rain[23], hours.code[23]) == (None, -1)


def test_days_are_those_of_the_place() -> None:
    days = _parsed().days
    assert [day.date for day in days] == ["2026-11-23", "2026-11-24", "2026-11-25", "2026-11-26", "2026-11-27"]
    assert (days[0].low, days[0].high, days[0].rain, days[0].code) == (0.2, 4.1, 88.0, 61)
    assert (days[0].sunrise, days[0].sunset) == ("07:38", "16:00")
    assert (days[4].low, days[4].high, days[4].rain) == (None, None, None)


def test_where_the_sun_does_not_rise_no_time_is_told() -> None:
    daily = _answer()["daily"] | {"sunrise": [0] * 5, "sunset": [MIDNIGHT + DAY * 9] * 5}
    assert {(day.sunrise, day.sunset) for day in _parsed(daily=daily).days} == {("", "")}


def test_without_its_offset_days_are_those_of_utc() -> None:
    assert _parsed(utc_offset_seconds=10**9).days[0].date == "2026-11-22"


def test_an_unknown_code_has_no_text() -> None:
    now = parse(b'{"current":{"temperature_2m":1,"weather_code":42}}', place="")
    assert (now.code, now.text) == (42, "")


def test_every_code_that_has_a_text_is_one() -> None:
    for code in TEXTS:
        assert parse(b'{"current":{"temperature_2m":1,"weather_code":%d}}' % code, place="").text == TEXTS[code]


@pytest.mark.parametrize(
    "figures",
    [
        '"relative_humidity_2m": -5, "wind_speed_10m": -1, "apparent_temperature": 1e308, "weather_code": 100',
        '"relative_humidity_2m": 101, "wind_speed_10m": 1e9, "apparent_temperature": -300, "weather_code": -2',
        '"relative_humidity_2m": NaN, "wind_speed_10m": Infinity, "apparent_temperature": -Infinity',
        '"relative_humidity_2m": "50", "wind_speed_10m": [1], "apparent_temperature": {}, "weather_code": "61"',
        '"relative_humidity_2m": true, "wind_speed_10m": null, "apparent_temperature": true, "weather_code": 61.5',
        '"weather_code": %s' % ("9" * 100),
    ],
)
def test_figures_that_cannot_be_are_left_out(figures: str) -> None:
    now = parse(b'{"current": {"temperature_2m": 1.5, %b}}' % figures.encode(), place="")
    assert (now.celsius, now.humidity, now.wind, now.feels_like, now.code) == (1.5, None, None, None, -1)


@pytest.mark.parametrize("celsius", ["1e308", "-101", "NaN", "Infinity", '"11"', "null", "true", "1e9999", "9" * 5000])
def test_without_a_temperature_that_can_be_there_is_no_weather(celsius: str) -> None:
    with pytest.raises(ValueError, match="validation error"):
        parse(b'{"current": {"temperature_2m": %b}}' % celsius.encode(), place="")


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"null", b'{"error":true,"reason":"x"}', b"[" * 100_000, b"\xff"])
def test_answers_that_are_not_weather_are_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match="validation error"):
        parse(body, place="")


@pytest.mark.parametrize(
    "change",
    [
        {"time": []},
        {"time": None},
        {"time": [NOON] * 24},
        {"time": [NOON + 2 * HOUR * n for n in range(24)]},
        {"time": [-62_135_596_800 + HOUR * n for n in range(24)]},  # the year 1
        {"time": [10**18 + HOUR * n for n in range(24)]},
        {"temperature_2m": [1.0] * 23},
        {"weather_code": "61"},
    ],
)
def test_hours_that_do_not_follow_each_other_are_left_out(change: dict[str, object]) -> None:
    now = _parsed(hourly=_answer()["hourly"] | change)
    assert now.hours is None
    assert now.celsius == 3.4
    assert len(now.days) == 5


@pytest.mark.parametrize(
    "change",
    [
        {"time": []},
        {"time": [MIDNIGHT] * 5},
        {"time": [MIDNIGHT - DAY * n for n in range(5)]},
        {"time": [-62_135_596_800 + DAY * n for n in range(5)]},
        {"time": ["2026-11-23"] * 5},
        {"sunset": {}},
    ],
)
def test_days_that_do_not_follow_each_other_are_left_out(change: dict[str, object]) -> None:
    now = _parsed(daily=_answer()["daily"] | change)
    assert now.days == ()
    assert now.hours


def test_more_than_was_asked_for_is_cut() -> None:
    hourly = {name: values * 20 for name, values in _answer()["hourly"].items()}
    hourly["time"] = [NOON + HOUR * n for n in range(480)]
    daily = {name: values * 20 for name, values in _answer()["daily"].items()}
    daily["time"] = [MIDNIGHT + DAY * n for n in range(100)]
    now = _parsed(hourly=hourly, daily=daily)
    assert now.hours
    assert len(now.hours.celsius) == 24
    assert len(now.days) == 5


def test_the_place_is_asked_for_in_the_query_and_the_last_weather_stays_for_hours(now: Now) -> None:
    async def run(server: StandinUpstream) -> None:
        async with new_client() as client:
            where = WeatherSettings(52.52, 13.41, "Berlin", server.url)
            feed = weather_feed(client, where, clock=now.clock())
            await feed.step()
            assert feed.value == _parsed()
            assert feed.wait() == 900.0
            server.behaviour = answers("", "429 Too Many Requests", "Retry-After: 1800")
            await feed.step()
            assert feed.wait() == 1800.0
            now.pass_(6 * 3600.0)
            assert (feed.value, feed.age) == (_parsed(), 21600.0)
            now.pass_(1.0)
            assert [feed.value, feed.age] == [None, 21601.0]

    with StandinUpstream(answers(_answer())) as server:
        asyncio.run(run(server))
    query = dict(part.split("=") for part in server.requests[0].path.partition("?")[2].split("&"))
    assert (query["latitude"], query["longitude"]) == ("52.52", "13.41")
    assert (query["timezone"], query["timeformat"]) == ("auto", "unixtime")
    assert (query["forecast_days"], query["forecast_hours"]) == ("5", "24")
