"""What history remembers of a sample: a row of ten figures, as whole numbers of a small unit.

Whole numbers survive 32 bit floats exactly, and a quotient of two of them prints as short as the figure was.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Sequence

from abbey_metrics.figures import HostFigures

UNKNOWN = math.nan
# How many units are one: percents and degrees have one decimal, the load has two, bytes per second none.
UNITS: dict[str, int] = {
    "cpu": 10,
    "memory": 10,
    "swap": 10,
    "disk": 10,
    "load": 100,
    "celsius": 10,
    "rx": 1,
    "tx": 1,
    "read": 1,
    "write": 1,
}
NAMES = tuple(UNITS)
WIDTH = len(NAMES)
BLANK = array("f", [UNKNOWN]) * WIDTH
# Far beyond any figure of a host, and within 32 bit floats also when counted in units.
_LARGEST = 1e30


def row(figures: HostFigures) -> array[float]:
    """Given a sample, return its row; what is not known, not finite or beyond any host is UNKNOWN."""
    cpu, memory, swap, network, io = figures.cpu, figures.memory, figures.swap, figures.network, figures.disk_io
    values: tuple[float | None, ...] = (
        cpu.percent if cpu else None,
        memory.percent if memory else None,
        100 * swap.used / swap.total if swap and swap.total > 0 else None,
        max((disk.percent for disk in figures.disks if disk.percent is not None), default=None),
        cpu.load[0] if cpu and cpu.load else None,
        max((sensor.celsius for sensor in figures.temperatures), default=None),
        network.rx if network else None,
        network.tx if network else None,
        io.read if io else None,
        io.write if io else None,
    )
    return array("f", map(_units, values, UNITS.values()))


def mean(rows: array[float]) -> array[float]:
    """Given rows one after another, return the row of the means over what is known in each column."""
    return array("f", [_mean(rows[column::WIDTH]) for column in range(WIDTH)])


def thin(values: Sequence[float], step: int) -> list[float]:
    """Given values of one column, return the means over what is known of each `step` of them."""
    return [_mean(values[start : start + step]) for start in range(0, len(values), step)]


def shown(name: str, values: Iterable[float]) -> tuple[float | None, ...]:
    """Given values of one column in units, return them as people read them, null where not known."""
    unit = UNITS[name]
    return tuple([value / unit if value == value else None for value in values])  # NaN is not itself


def _units(value: float | None, unit: int) -> float:
    # Written so that NaN is refused as well.
    return round(value * unit) if value is not None and abs(value) < _LARGEST else UNKNOWN


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if value == value]  # NaN is not itself
    return round(sum(known) / len(known)) if known else UNKNOWN
