"""Time and a host that tests own."""

from __future__ import annotations

from dataclasses import dataclass, field

from abbey_metrics.clock import Clock
from abbey_metrics.disks import Space
from abbey_metrics.figures import Memory, Swap, Temperature
from abbey_metrics.sources import Sources

NET_DEV = """Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier
    lo: 500 5 0 0 0 0 0 0 500 5 0 0 0 0 0 0
  eth0: {rx} 29 0 0 0 0 0 0 {tx} 29 0 0 0 0 0 0
br-4f2a: {rx} 29 0 0 0 0 0 0 {tx} 29 0 0 0 0 0 0
"""
MOUNTS = "/dev/sda1 / ext4 rw 0 0\nproc /proc proc rw 0 0\n"


@dataclass
class Now:
    """A clock that stands still until told."""

    wall: float = 1_700_000_000.0
    monotonic: float = 100.0

    def pass_(self, seconds: float) -> None:
        self.wall += seconds
        self.monotonic += seconds

    def clock(self) -> Clock:
        return Clock(wall=lambda: self.wall, monotonic=lambda: self.monotonic)


@dataclass
class StandinHost:
    """What a host would answer; a part named in `broken` raises."""

    rx: int = 1000
    tx: int = 2000
    disk_bytes: tuple[int, int] = (0, 0)
    broken: set[str] = field(default_factory=set)

    def _or_raise(self, part: str) -> None:
        if part in self.broken:
            raise OSError(f"{part} is broken")

    def cores(self) -> list[float]:
        self._or_raise("cpu")
        return [10.0, 30.0]

    def net_dev(self) -> str:
        self._or_raise("network")
        return NET_DEV.format(rx=self.rx, tx=self.tx)

    def temperatures(self) -> tuple[Temperature, ...]:
        self._or_raise("temperatures")
        return (Temperature("coretemp", 41.0),)

    def sources(self) -> Sources:
        return Sources(
            cores=self.cores,
            load=lambda: (0.5, 0.25, 0.125),
            memory=lambda: Memory(1000, 400, 600, 40.0),
            swap=lambda: Swap(0, 0),
            mounts=lambda: MOUNTS,
            space=lambda path: Space(1000, 600, 500),
            net_dev=self.net_dev,
            disk_bytes=lambda: self.disk_bytes,
            temperatures=self.temperatures,
            booted=lambda: 1_699_999_000.0,
        )
