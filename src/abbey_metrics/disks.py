"""Sizes of the host's file systems, although one of them may never answer."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from abbey_metrics.clock import Clock
from abbey_metrics.figures import Disk
from abbey_metrics.mounts import Mount


@dataclass(frozen=True, slots=True)
class Space:
    """Sizes of one file system in bytes; `available` is what an ordinary user may still write."""

    total: int
    free: int
    available: int


@dataclass(slots=True)
class _Question:
    """One statvfs under way in its own thread; `space` stays None until it answers, and when it refuses."""

    thread: threading.Thread
    asked: float
    space: Space | None = None


class DiskReader:
    """Asks each file system in a thread of its own and waits a bounded time for all together.

    A dead NFS server blocks statvfs for ever, and no signal frees it. So each mount has at most one question
    under way: while it hangs, the last sizes are given with `frozen_since`, and nothing is asked again.
    """

    def __init__(self, measure: Callable[[str], Space], *, rootfs: str, patience: float, clock: Clock) -> None:
        self._measure = measure
        self._rootfs = rootfs
        self._patience = patience
        self._clock = clock
        self._questions: dict[Mount, _Question] = {}
        self._last: dict[Mount, Disk] = {}

    def read(self, mounts: Sequence[Mount]) -> tuple[Disk, ...]:
        """Given the mounts, return their disks in that order; those that refuse to be measured are left out."""
        self._forget_unmounted(mounts)
        asked = {mount: self._ask(mount) for mount in mounts if mount not in self._questions}
        self._questions |= asked
        deadline = self._clock.monotonic() + self._patience
        # Those that hung before are not waited for again: they cost the next samples nothing.
        for question in asked.values():
            question.thread.join(max(0.0, deadline - self._clock.monotonic()))
        found = [self._answer(mount) for mount in mounts]
        self._last = {mount: disk for mount, disk in zip(mounts, found, strict=True) if disk}
        return tuple(disk for disk in found if disk)

    def _forget_unmounted(self, mounts: Sequence[Mount]) -> None:
        for mount in set(self._questions) - set(mounts):
            if not self._questions[mount].thread.is_alive():
                del self._questions[mount]

    def _ask(self, mount: Mount) -> _Question:
        def run() -> None:
            with suppress(OSError):
                question.space = self._measure(f"{self._rootfs}{mount.point}")

        # A daemon: the process must be able to end while the file system still hangs.
        question = _Question(threading.Thread(target=run, daemon=True), self._clock.wall())
        question.thread.start()
        return question

    def _answer(self, mount: Mount) -> Disk | None:
        question = self._questions[mount]
        if question.thread.is_alive():
            blank = Disk(mount.point, mount.device, mount.kind, None, None, None, None, None)
            return replace(self._last.get(mount, blank), frozen_since=question.asked)
        del self._questions[mount]
        return disk(mount, question.space) if question.space else None


def disk(mount: Mount, space: Space) -> Disk | None:
    """Given a mount and its space, return the figures as `df` counts them, or None when it has no size."""
    if space.total <= 0:
        return None
    used = space.total - space.free
    usable = used + space.available
    percent = round(100 * used / usable, 1) if usable else 0.0
    return Disk(mount.point, mount.device, mount.kind, space.total, used, space.available, percent, None)
