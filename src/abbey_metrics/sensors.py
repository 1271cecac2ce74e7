"""Temperatures and fans, as the kernel's drivers tell them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress

from abbey_metrics.figures import Fan, Temperature
from abbey_metrics.reading import read

MOST = 32
_HOT, _COLD = 200, -50  # what is beyond these is a sensor that is not connected


def temperatures(sys: str = "/sys") -> tuple[Temperature, ...]:
    """Return the sensors that can be read, at most 32; those of the firmware where no driver has any."""
    return tuple(_temperatures(_inputs(sys, "temp"))) or tuple(_temperatures(_zones(sys)))


def fans(sys: str = "/sys") -> tuple[Fan, ...]:
    """Return the fans that can be read, at most 32; one that stands still has 0 turns."""
    return tuple(Fan(name, turns) for name, turns in _readings(_inputs(sys, "fan")) if turns >= 0)


def _temperatures(inputs: dict[str, str]) -> Iterator[Temperature]:
    for name, millidegrees in _readings(inputs):
        if _COLD < millidegrees / 1000 < _HOT:
            yield Temperature(name, round(millidegrees / 1000, 1))


def _readings(inputs: dict[str, str]) -> Iterator[tuple[str, int]]:
    for name, path in inputs.items():
        # A driver may refuse, or its device be gone since it was listed: that costs this sensor only.
        with suppress(OSError, ValueError):
            yield name, int(read(path))


def _inputs(sys: str, kind: str) -> dict[str, str]:
    """Return the files that hold readings, each under a name of its own."""
    found: list[tuple[str, str]] = []
    for chip in _numbered(f"{sys}/class/hwmon", r"hwmon(\d+)"):
        for path in _numbered(chip, rf"{kind}(\d+)_input"):
            label = _text(f"{path.removesuffix('_input')}_label")
            found.append((f"{_text(f'{chip}/name')} {label}".strip() or os.path.basename(chip), path))
    return _told_apart(found)


def _zones(sys: str) -> dict[str, str]:
    zones = _numbered(f"{sys}/class/thermal", r"thermal_zone(\d+)")
    return _told_apart([(_text(f"{zone}/type") or os.path.basename(zone), f"{zone}/temp") for zone in zones])


def _numbered(folder: str, pattern: str) -> list[str]:
    """Return the paths in a folder whose names match, by the number in them; none when there is no such folder."""
    try:
        names = [found for found in map(re.compile(pattern).fullmatch, os.listdir(folder)) if found]
    except OSError:
        return []
    return [f"{folder}/{found[0]}" for found in sorted(names, key=lambda found: int(found[1]))]


def _text(path: str) -> str:
    try:
        return read(path)
    except OSError:
        return ""


def _told_apart(found: list[tuple[str, str]]) -> dict[str, str]:
    # Two drives of one kind call their sensors alike. Numbered before reading, so that a failing one moves no other.
    named: dict[str, str] = {}
    for name, path in found[:MOST]:
        number, unique = 1, name
        while unique in named:
            number += 1
            unique = f"{name} {number}"
        named[unique] = path
    return named
