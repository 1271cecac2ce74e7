"""The battery of a laptop, or of a power supply that the host is connected to."""

from __future__ import annotations

import os

from abbey_metrics.figures import Battery
from abbey_metrics.reading import read

Supply = dict[str, str]
_BATTERIES = ("Battery", "UPS")


def battery(folder: str = "/sys/class/power_supply") -> Battery | None:
    """Return the host's batteries as one, or None when it has none that can be read."""
    try:
        supplies = [_supply(f"{folder}/{name}") for name in sorted(os.listdir(folder))]
    except OSError:
        return None
    # Those of mice and keyboards have the scope "Device".
    batteries = [one for one in supplies if one.get("TYPE") in _BATTERIES and one.get("SCOPE") != "Device"]
    levels = [level for one in batteries if (level := _number(one, "CAPACITY")) is not None]
    if not levels:
        return None
    return Battery(round(sum(levels) / len(levels), 1), _plugged(supplies, batteries), _left(batteries))


def _supply(folder: str) -> Supply:
    """Return what the kernel tells about a power supply in one go; nothing when it is gone."""
    try:
        lines = read(f"{folder}/uevent").splitlines()
    except OSError:
        return {}
    pairs = (line.removeprefix("POWER_SUPPLY_").partition("=") for line in lines)
    found = {key: value for key, _, value in pairs}
    return found if "TYPE" in found else found | {"TYPE": _type(folder)}


def _type(folder: str) -> str:
    # Kernels before 5.13 tell the type in a file of its own alone.
    try:
        return read(f"{folder}/type")
    except OSError:
        return ""


def _plugged(supplies: list[Supply], batteries: list[Supply]) -> bool | None:
    lines = [one["ONLINE"] for one in supplies if "ONLINE" in one and one.get("TYPE") not in _BATTERIES]
    if lines:
        return any(line != "0" for line in lines)
    states = {one.get("STATUS") for one in batteries}
    if states & {"Charging", "Full", "Not charging"}:
        return True
    return False if "Discharging" in states else None


def _left(batteries: list[Supply]) -> float | None:
    """Return the seconds until they are empty, while they are being emptied."""
    if not any(one.get("STATUS") == "Discharging" for one in batteries):
        return None
    for amount, drain in (("ENERGY_NOW", "POWER_NOW"), ("CHARGE_NOW", "CURRENT_NOW")):
        stored = [_number(one, amount) for one in batteries]
        # Some drivers tell what flows out as a negative number; one that rests has none.
        flowing = sum(abs(_number(one, drain) or 0.0) for one in batteries)
        if flowing and None not in stored:
            return round(3600 * sum(part or 0.0 for part in stored) / flowing)
    return None


def _number(supply: Supply, key: str) -> float | None:
    try:
        return float(supply[key])
    except (KeyError, ValueError):
        return None
