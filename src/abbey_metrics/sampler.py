"""One sample per interval, taken in a thread, however many ask for it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

import psutil

from abbey_metrics.clock import Clock
from abbey_metrics.disks import DiskReader
from abbey_metrics.figures import Cpu, DiskIo, HostFigures, Network
from abbey_metrics.mounts import disks
from abbey_metrics.network import Counters, disk_throughput, parse_net_dev, throughput
from abbey_metrics.sources import Sources

T = TypeVar("T")

# What reading /proc, /sys and psutil can raise on kernels that lack a part.
UNREADABLE = (OSError, ValueError, RuntimeError, AttributeError, NotImplementedError, psutil.Error)
PATIENCE = 0.2


class Sampler:
    """Keeps the newest figures of this host in `latest`, with the monotonic time of `taken`."""

    def __init__(
        self, host: str, sources: Sources, *, rootfs: str = "", interval: float = 1.0, clock: Clock | None = None
    ) -> None:
        self._host = host
        self._sources = sources
        self._interval = interval
        self._clock = clock or Clock()
        self._disks = DiskReader(sources.space, rootfs=rootfs, patience=PATIENCE, clock=self._clock)
        self._network: Counters | None = None
        self._disk_io: Counters | None = None
        self._stop = threading.Event()
        self.latest: HostFigures | None = None
        self.taken: float | None = None

    def start(self) -> None:
        """Take the first sample, then one per interval in a daemon thread until `stop`."""
        threading.Thread(target=self._run, name="sampler", daemon=True).start()

    def stop(self) -> None:
        """Ask the thread to end; it is not waited for, since a kernel call may hold it."""
        self._stop.set()

    def age(self) -> float | None:
        """Return the seconds since the newest sample, or None before the first."""
        return None if self.taken is None else self._clock.monotonic() - self.taken

    def take(self) -> HostFigures:
        """Take one sample, keep it as the newest and return it. A part that cannot be read is named in it."""
        missing: list[str] = []

        def part(name: str, read: Callable[[], T], otherwise: T) -> T:
            try:
                return read()
            except UNREADABLE:
                missing.append(name)
                return otherwise

        sources, now = self._sources, self._clock.wall()
        booted = part("uptime", sources.booted, None)
        figures = HostFigures(
            host=self._host,
            seq=self.latest.seq + 1 if self.latest else 1,
            at=round(now, 3),
            uptime=None if booted is None else round(max(0.0, now - booted)),
            cpu=part("cpu", self._cpu, None),
            memory=part("memory", sources.memory, None),
            swap=part("swap", sources.swap, None),
            disks=part("disks", lambda: self._disks.read(disks(sources.mounts())), ()),
            network=part("network", self._throughput, None),
            disk_io=part("disk_io", self._disk_throughput, None),
            temperatures=part("temperatures", sources.temperatures, ()),
            missing=tuple(missing),
        )
        self.latest, self.taken = figures, self._clock.monotonic()
        return figures

    def _cpu(self) -> Cpu:
        cores = tuple(self._sources.cores())
        load = tuple(round(value, 2) for value in self._sources.load())
        return Cpu(round(sum(cores) / max(1, len(cores)), 1), cores, (load[0], load[1], load[2]))

    def _throughput(self) -> Network:
        counted = Counters(self._clock.monotonic(), parse_net_dev(self._sources.net_dev()))
        before, self._network = self._network, counted
        return throughput(before, counted)

    def _disk_throughput(self) -> DiskIo:
        counted = Counters(self._clock.monotonic(), {"all": self._sources.disk_bytes()})
        before, self._disk_io = self._disk_io, counted
        return disk_throughput(before, counted)

    def _run(self) -> None:
        due = self._clock.monotonic()
        while True:
            self.take()
            # Missed beats are dropped, so that a machine that slept does not catch up in a burst.
            due = max(due + self._interval, self._clock.monotonic())
            if self._stop.wait(due - self._clock.monotonic()):
                return
