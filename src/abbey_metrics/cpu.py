"""How busy the processor's cores are, and how fast they run."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import suppress

from abbey_metrics.reading import read

# Of a line of /proc/stat: user, nice, system, idle, iowait, irq, softirq, steal. Guests are within user and nice.
_COUNTED = 8
_IDLE, _WAITING = 3, 4
_CORE = re.compile(r"cpu\d+")
_MHZ = re.compile(r"^cpu MHz\s*:\s*([\d.]+)", re.MULTILINE)


class Cores:
    """Load of each core since the question before, in percent; the first answer is about all time since the start."""

    def __init__(self, stat: Callable[[], str]) -> None:
        self._stat = stat
        self._before: dict[str, tuple[int, int]] = {}
        self._percent: dict[str, float] = {}

    def __call__(self) -> list[float]:
        """Return the percentages, core by core. Raise OSError when the kernel cannot be asked."""
        before, self._before = self._before, parse_stat(self._stat())
        self._percent = {core: self._load(core, before.get(core, (0, 0)), now) for core, now in self._before.items()}
        return list(self._percent.values())

    def _load(self, core: str, before: tuple[int, int], now: tuple[int, int]) -> float:
        busy, total = now[0] - before[0], now[1] - before[1]
        if total <= 0:  # asked twice within one tick
            return self._percent.get(core, 0.0)
        # The kernel's idle time may step back a little; more than all and less than nothing are no load.
        return round(min(100.0, max(0.0, 100 * busy / total)), 1)


def parse_stat(text: str) -> dict[str, tuple[int, int]]:
    """Given the text of /proc/stat, return busy and all ticks of each core."""
    cores: dict[str, tuple[int, int]] = {}
    for line in text.splitlines():
        if not line.startswith("cpu"):
            break  # what follows is long, and about interrupts
        name, *fields = line.split()
        if _CORE.fullmatch(name):
            ticks = [int(field) for field in fields[:_COUNTED]]
            total = sum(ticks)
            cores[name] = total - ticks[_IDLE] - ticks[_WAITING], total
    return cores


def frequency(cpus: str = "/sys/devices/system/cpu", cpuinfo: str = "/proc/cpuinfo") -> float | None:
    """Return the mean of all cores in MHz, or None: many virtual machines do not know it."""
    found = list(_scaled(cpus))
    if not found:
        with suppress(OSError):
            found = [float(mhz) for mhz in _MHZ.findall(read(cpuinfo))]
    return round(sum(found) / len(found), 1) if found else None


def _scaled(cpus: str) -> Iterator[float]:
    with suppress(OSError):
        for core in filter(_CORE.fullmatch, os.listdir(cpus)):
            with suppress(OSError, ValueError):
                yield int(read(f"{cpus}/{core}/cpufreq/scaling_cur_freq")) / 1000
