"""The last day of every host of the lab, in memory, and on a disk where there is one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from abbey_metrics.clerk import PATIENCE, RETRY
from abbey_metrics.clock import Clock
from abbey_metrics.columns import row
from abbey_metrics.documents import Past, Range
from abbey_metrics.figures import HostFigures
from abbey_metrics.keeper import Keeper
from abbey_metrics.rings import RINGS, SECONDS, Rings

FILE = "history.sqlite"
LIVE = ("cpu", "memory", "rx", "tx")
"""The columns of what streams tell of the past."""
QUIET = 10.0
"""Seconds without a sample after which a host's past goes on as unknown."""
_LATEST = 1e11


class History:
    """What was sampled, by the clock of the host that sampled it. To be used by one thread, which never waits."""

    def __init__(
        self, hosts: Sequence[str], *, folder: Path | None, clock: Clock | None = None, retry: float = RETRY
    ) -> None:
        self._clock = clock or Clock()
        self._rings = {host: Rings() for host in hosts}
        self._heard: dict[str, tuple[float, float]] = {}
        self._keeper = Keeper(folder / FILE, tuple(hosts), retry=retry) if folder else None

    def start(self) -> None:
        """Begin to keep what comes; what was kept before appears as soon as it was read."""
        if self._keeper:
            self._keeper.start()

    def stop(self) -> None:
        """Keep everything that came, waiting for the disk a few seconds at most."""
        if self._keeper:
            answers = self._keeper.settle()
            self._take()
            self._keeper.stop(PATIENCE if answers else 0)

    def add(self, figures: HostFigures) -> None:
        """Given a sample, remember it; of two in a second the later one counts. Raise KeyError for an unknown host."""
        rings = self._rings[figures.host]
        if not 0 <= figures.at < _LATEST:
            return
        self._take()
        self._heard[figures.host] = figures.at, self._clock.monotonic()
        worth = rings.add(int(figures.at), row(figures))
        if self._keeper:
            self._keeper.put(figures.host, {slot: rings.dump(slot) for slot in worth})

    def past(self, host: str, range_: Range) -> Past:
        """Return what is known of a host, up to the step that has begun. Raise KeyError for an unknown host."""
        self._take()
        rings, ring = self._rings[host], RINGS[range_]
        first = self._now(host) // ring.step - ring.length + 1
        columns = rings.columns(ring, first, ring.length)
        return Past(host, range_, float(first * ring.step), float(ring.step), columns)

    def recent(self, host: str, *, since: float | None, most: int) -> Past:
        """Return the last five minutes of a host for a stream, in the columns LIVE, in at most `most` steps.

        Given `since`, return what came after that second instead, by the second. Raise KeyError for an unknown host.
        """
        self._take()
        rings, now = self._rings[host], self._now(host)
        if since is None:
            step = -(-SECONDS.length // max(1, most))
            count = SECONDS.length // step
            start = (now // step - count + 1) * step
            columns = rings.thinned(start, step, count, LIVE)
        else:
            step = 1
            count = math.ceil(max(0, min(most, SECONDS.length, now - since)))
            start = now - count + 1
            columns = rings.columns(SECONDS, start, count, LIVE)
        return Past(host, Range.MINUTES, float(start), float(step), columns)

    def _now(self, host: str) -> int:
        """Return the second at which the past of a host ends: that of its newest sample, or later once it is quiet."""
        if host not in self._heard:
            return int(self._clock.wall())
        at, heard = self._heard[host]
        quiet = self._clock.monotonic() - heard
        return int(at + quiet if quiet > QUIET else at)

    def _take(self) -> None:
        """Put together what the file held and what has come since; both are told what they lack."""
        if not self._keeper:
            return
        for host, kept in self._keeper.take().items():
            rings = self._rings[host]
            self._keeper.put(host, {slot: rings.dump(slot) for slot in rings.merge(kept)})
