"""The busiest programs of the host, from one small file of the kernel per process.

Names are the kernel's own, of at most 15 letters. Command lines are never read: some hold passwords.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from abbey_metrics.clock import Clock
from abbey_metrics.platform import Process, Processes

TOP = 20
# What is parsed after the name, which may hold blanks and parentheses: fields 3 and on of proc(5).
USER_TIME, SYSTEM_TIME, STARTED, RESIDENT = 14 - 3, 15 - 3, 22 - 3, 24 - 3
TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class _Seen:
    """One reading of one process: its ticks since it began, and who it is (a number of a process is used again)."""

    name: str
    started: str
    ticks: int
    memory: int


class ProcessTable:
    """Reads all processes and compares with the reading before. Not for two threads at once."""

    def __init__(self, folder: str, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock
        self._before: dict[str, _Seen] = {}
        self._at: float | None = None

    def read(self) -> Processes:
        """Return the busiest processes since the reading before, or since they began in the first one.

        Raise OSError when there is no table of processes.
        """
        now = self._clock.monotonic()
        seen = {pid: found for pid in filter(str.isdecimal, os.listdir(self._folder)) if (found := self._see(pid))}
        before, self._before = self._before, seen
        span, self._at = now - (self._at if self._at is not None else now), now
        busiest = sorted(
            ((_ticks(before.get(pid), found), found.memory, pid, found.name) for pid, found in seen.items()),
            reverse=True,
        )
        return Processes(
            at=round(self._clock.wall(), 3),
            count=len(seen),
            top=tuple(
                Process(int(pid), name, round(100 * ticks / TICKS / span, 1) if span > 0 else 0.0, memory)
                for ticks, memory, pid, name in busiest[:TOP]
            ),
        )

    def _see(self, pid: str) -> _Seen | None:
        try:
            handle = os.open(f"{self._folder}/{pid}/stat", os.O_RDONLY | os.O_CLOEXEC)
            try:
                line = os.read(handle, 1024)
            finally:
                os.close(handle)
        except OSError:  # it ended meanwhile
            return None
        head, _, tail = line.decode(errors="replace").rpartition(") ")
        fields = tail.split(" ", RESIDENT + 1)
        if len(fields) <= RESIDENT:
            return None
        ticks = int(fields[USER_TIME]) + int(fields[SYSTEM_TIME])
        return _Seen(head.partition(" (")[2], fields[STARTED], ticks, int(fields[RESIDENT]) * PAGE)


def _ticks(before: _Seen | None, after: _Seen) -> int:
    """Return the ticks since the reading before. One that began since then has all its ticks from this time."""
    return after.ticks - before.ticks if before and before.started == after.started else after.ticks
