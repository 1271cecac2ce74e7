"""Temperatures, fans and the battery."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

import psutil

from abbey_metrics.figures import Battery, Fan, Temperature
from abbey_metrics.reading import read

MOST = 32
_HOT, _COLD = 200, -50  # what is beyond these is a sensor that is not connected


def temperatures() -> tuple[Temperature, ...]:
    """Return the sensors that can be read, at most 32; those of the firmware where no driver has any."""
    found = _named(
        (chip, one.label, one.current) for chip, each in psutil.sensors_temperatures().items() for one in each
    )
    return tuple(Temperature(name, round(celsius, 1)) for name, celsius in found if _COLD < celsius < _HOT)[:MOST]


def fans() -> tuple[Fan, ...]:
    """Return the fans that can be read, at most 32; one that stands still has 0 turns."""
    found = _named((chip, one.label, one.current) for chip, each in psutil.sensors_fans().items() for one in each)
    return tuple(Fan(name, int(turns)) for name, turns in found if turns >= 0)[:MOST]


def battery(supplies: str = "/sys/class/power_supply") -> Battery | None:
    """Return the host's battery, or None when it has none that can be read."""
    try:
        found = None if _of_a_device(supplies) else psutil.sensors_battery()
    except FileNotFoundError:  # a kernel without power supplies
        return None
    if found is None:
        return None
    left = found.secsleft if found.secsleft >= 0 else None  # below are psutil's words for "not known" and "no end"
    return Battery(round(min(100.0, found.percent), 1), found.power_plugged, left)


def _of_a_device(supplies: str) -> bool:
    """Tell whether the battery that psutil takes, the first by name, is that of a mouse or a keyboard."""
    named = [name for name in os.listdir(supplies) if name.startswith("BAT") or "battery" in name.lower()]
    try:
        return bool(named) and read(f"{supplies}/{min(named)}/scope") == "Device"
    except OSError:
        return False  # a battery of the host has no scope


def _named(sensors: Iterable[tuple[str, str, float]]) -> Iterator[tuple[str, float]]:
    """Give each sensor a name of its own: two drives of one kind call theirs alike."""
    seen: set[str] = set()
    for chip, label, value in sensors:
        number, name = 1, f"{chip} {label}".strip()
        unique = name
        while unique in seen:
            number += 1
            unique = f"{name} {number}"
        seen.add(unique)
        yield unique, value
