"""A year of contributions, by day."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import TypeAdapter

from abbey_metrics.documents import HeatDay

YEAR = timedelta(days=53 * 7 - 1)  # and today make 53 weeks, as such maps are drawn
LARGEST = 1_000_000

_LIST = TypeAdapter(list[Any])


def days(body: bytes, zone: tzinfo, *, now: float) -> tuple[HeatDay, ...]:
    """Given what Forgejo counted by quarter of an hour, return the days of the last year that have something.

    Raise ValueError when it is something else; a quarter that cannot be is left out.
    """
    today = datetime.fromtimestamp(now, zone).date()
    first, last = _midnight(today - YEAR, zone), _midnight(today + timedelta(days=2), zone)
    counted: Counter[date] = Counter()
    # Tens of thousands in a busy year, so each is looked at by hand.
    for quarter in _LIST.validate_json(body):
        match quarter:
            case {"timestamp": int(at), "contributions": int(count)} if first <= at < last and 0 < count <= LARGEST:
                counted[datetime.fromtimestamp(at, zone).date()] += count
    return tuple(HeatDay(day.isoformat(), count) for day, count in sorted(counted.items()))


def zone_named(name: str) -> tzinfo:
    """Given the name of a time zone, return it; UTC where this machine does not know it."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return UTC


def _midnight(day: date, zone: tzinfo) -> float:
    return datetime(day.year, day.month, day.day, tzinfo=zone).timestamp()
