"""Throughput from counters that only grow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

Rates = tuple[float | None, float | None]


@dataclass(frozen=True, slots=True)
class Counters:
    """Bytes in and out since boot, by name, and when they were read."""

    at: float
    bytes: Mapping[str, tuple[int, int]]


def rates(before: Counters | None, after: Counters, name: str) -> Rates:
    """Given two readings, return bytes in and out per second; None where there is nothing to compare."""
    if before is None or name not in before.bytes or name not in after.bytes:
        return None, None
    span = after.at - before.at
    pairs = zip(before.bytes[name], after.bytes[name], strict=True)
    came, went = (round((new - old) / span, 1) if span > 0 and new >= old else None for old, new in pairs)
    return came, went


def total(each: Iterable[float | None]) -> float | None:
    """Given rates, return their sum; None when none is known."""
    known = [rate for rate in each if rate is not None]
    return round(sum(known), 1) if known else None
