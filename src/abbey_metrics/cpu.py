"""How busy the processor's cores are, and how fast they run."""

from __future__ import annotations

import psutil

_FIRST = 0.1


class Cores:
    """Load of each core since the question before, in percent, asked by one thread: psutil remembers for each its own.

    The first answer is about the tenth of a second that it takes. One that did not wait would be zeros.
    """

    def __init__(self) -> None:
        self._wait: float | None = _FIRST

    def __call__(self) -> list[float]:
        """Return the percentages, core by core. Raise OSError when the kernel cannot be asked."""
        percent = psutil.cpu_percent(self._wait, percpu=True)
        self._wait = None
        return percent


def frequency() -> float | None:
    """Return the mean of all cores in MHz, or None: many virtual machines do not know it."""
    try:
        # psutil's own mean counts cores that are switched off as 0 MHz.
        found = [core.current for core in psutil.cpu_freq(percpu=True) if core.current]
    except (OSError, ValueError, NotImplementedError):  # one core that does not tell it
        return None
    return round(sum(found) / len(found), 1) if found else None
