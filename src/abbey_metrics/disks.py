"""Sizes of the host's file systems, although one of them may never answer."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from abbey_metrics.clock import Clock
from abbey_metrics.figures import Disk
from abbey_metrics.mounts import Mount


class Space(NamedTuple):
    """Sizes of one file system in bytes, as `df` counts them; `free` is what an ordinary user may still write."""

    total: int
    used: int
    free: int
    percent: float


@dataclass(slots=True)
class _Question:
    """One statvfs under way in its own thread; `space` stays None until it answers, and when it refuses."""

    thread: threading.Thread
    asked: float
    space: Space | None = None


@dataclass(slots=True)
class _Known:
    """What is known of one mount: its last sizes, the question under way, and when the next one is due."""

    due: float = field(default=float("-inf"))
    disk: Disk | None = None
    question: _Question | None = None


class DiskReader:
    """Asks each file system every `every` seconds in a thread of its own, and waits a bounded time for all together.

    A dead NFS server blocks statvfs for ever, and no signal frees it. So each mount has at most one question
    under way: while it hangs, the last sizes are given with `frozen_since`, and nothing is asked again.
    """

    def __init__(
        self, measure: Callable[[str], Space], *, rootfs: str, every: float, patience: float, clock: Clock
    ) -> None:
        self._measure = measure
        self._rootfs = rootfs
        self._every = every
        self._patience = patience
        self._clock = clock
        self._known: dict[Mount, _Known] = {}

    def read(self, mounts: Sequence[Mount]) -> tuple[Disk, ...]:
        """Given the mounts, return their disks in that order; those that refuse to be measured are left out."""
        self._forget_unmounted(mounts)
        now = self._clock.monotonic()
        known = {mount: self._known.setdefault(mount, _Known()) for mount in mounts}
        asked = [self._ask(mount, one) for mount, one in known.items() if one.question is None and now >= one.due]
        # Those that hung before are not waited for again: they cost the next samples nothing.
        for question in asked:
            question.thread.join(max(0.0, now + self._patience - self._clock.monotonic()))
        found = [self._answer(mount, one) for mount, one in known.items()]
        return tuple(disk for disk in found if disk)

    def _forget_unmounted(self, mounts: Sequence[Mount]) -> None:
        for mount in set(self._known) - set(mounts):
            question = self._known[mount].question
            # One that hangs is kept, or each time that its mount comes and goes would leave a thread behind.
            if question is None or not question.thread.is_alive():
                del self._known[mount]

    def _ask(self, mount: Mount, known: _Known) -> _Question:
        def run() -> None:
            with suppress(OSError):
                question.space = self._measure(f"{self._rootfs}{mount.point}")

        # A daemon: the process must be able to end while the file system still hangs.
        question = known.question = _Question(threading.Thread(target=run, daemon=True), self._clock.wall())
        known.due = self._clock.monotonic() + self._every
        question.thread.start()
        return question

    def _answer(self, mount: Mount, known: _Known) -> Disk | None:
        question = known.question
        if question is None:
            return known.disk
        if question.thread.is_alive():
            blank = Disk(mount.point, mount.device, mount.kind, None, None, None, None, None)
            return replace(known.disk or blank, frozen_since=question.asked)
        known.question = None
        known.disk = _disk(mount, question.space) if question.space else None
        return known.disk


def _disk(mount: Mount, space: Space) -> Disk | None:
    # One without a size is no disk.
    return Disk(mount.point, mount.device, mount.kind, *space, frozen_since=None) if space.total > 0 else None
