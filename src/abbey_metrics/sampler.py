"""One sample per interval, taken in a thread, however many ask for it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from abbey_metrics import drives, network
from abbey_metrics.clock import Clock
from abbey_metrics.disks import DiskReader
from abbey_metrics.figures import Cpu, DiskIo, HostFigures, Network
from abbey_metrics.mounts import Mount, below, disks
from abbey_metrics.paced import Paced
from abbey_metrics.rates import Counters
from abbey_metrics.sources import Sources

T = TypeVar("T")

# What reading /proc and /sys can raise on kernels that lack a part, and starting a thread when there are too many.
# The last two are psutil's, when a line or a file is not as it expects.
UNREADABLE = (OSError, ValueError, LookupError, RuntimeError, AssertionError, TypeError)
PATIENCE = 0.2
# Seconds between readings of what costs more than the rest. A sensor is slow to read; a mount needs a thread.
FREQUENCY_EVERY = 2.0
SENSORS_EVERY = 5.0
MOUNTS_EVERY = 10.0


class Sampler:
    """Keeps the newest figures of this host in `latest`, with the monotonic time of `taken`."""

    def __init__(
        self, host: str, sources: Sources, *, rootfs: str = "", interval: float = 1.0, clock: Clock | None = None
    ) -> None:
        self._host = host
        self._sources = sources
        self._rootfs = rootfs
        self._interval = interval
        self._clock = clock = clock or Clock()
        self._disks = DiskReader(sources.space, rootfs=rootfs, every=MOUNTS_EVERY, patience=PATIENCE, clock=clock)
        self._mounts = Paced(self._find_mounts, every=MOUNTS_EVERY, clock=clock)
        self._links = Paced(sources.links, every=MOUNTS_EVERY, clock=clock)
        self._frequency = Paced(sources.frequency, every=FREQUENCY_EVERY, clock=clock)
        self._temperatures = Paced(sources.temperatures, every=SENSORS_EVERY, clock=clock)
        self._fans = Paced(sources.fans, every=SENSORS_EVERY, clock=clock)
        self._battery = Paced(sources.battery, every=SENSORS_EVERY, clock=clock)
        self._network_before: Counters | None = None
        self._drives_before: Counters | None = None
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

        sources = self._sources
        figures = HostFigures(
            host=self._host,
            seq=self.latest.seq + 1 if self.latest else 1,
            at=round(self._clock.wall(), 3),
            uptime=part("uptime", lambda: round(sources.uptime()), None),
            cpu=part("cpu", self._cpu, None),
            pressure=part("pressure", sources.pressure, None),
            memory=part("memory", sources.memory, None),
            swap=part("swap", sources.swap, None),
            disks=part("disks", lambda: self._disks.read(self._mounts()), ()),
            network=part("network", self._network, None),
            disk_io=part("disk_io", self._disk_io, None),
            temperatures=part("temperatures", self._temperatures, ()),
            fans=part("fans", self._fans, ()),
            battery=part("battery", self._battery, None),
            missing=tuple(missing),
        )
        self.latest, self.taken = figures, self._clock.monotonic()
        return figures

    def _cpu(self) -> Cpu:
        cores = tuple(self._sources.cores())
        load = tuple(round(value, 2) for value in self._sources.load())
        percent = round(sum(cores) / max(1, len(cores)), 1)
        return Cpu(percent, cores, (load[0], load[1], load[2]), self._frequency())

    def _find_mounts(self) -> tuple[Mount, ...]:
        return below(self._rootfs, disks(self._sources.mounts()), self._sources.own_mounts())

    def _network(self) -> Network:
        counted = Counters(self._clock.monotonic(), self._sources.network())
        before, self._network_before = self._network_before, counted
        return network.throughput(before, counted, self._links())

    def _disk_io(self) -> DiskIo:
        counted = Counters(self._clock.monotonic(), drives.whole(self._sources.devices()))
        before, self._drives_before = self._drives_before, counted
        return drives.throughput(before, counted)

    def _run(self) -> None:
        due = self._clock.monotonic()
        while True:
            self.take()
            # Missed beats are dropped, so that a machine that slept does not catch up in a burst.
            due = max(due + self._interval, self._clock.monotonic())
            if self._stop.wait(due - self._clock.monotonic()):
                return
