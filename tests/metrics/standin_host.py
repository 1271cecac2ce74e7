"""Time and a host that tests own."""

from __future__ import annotations

from dataclasses import dataclass, field

from abbey_metrics.clock import Clock
from abbey_metrics.disks import Space
from abbey_metrics.figures import Battery, Fan, Memory, Pressure, Swap, Temperature
from abbey_metrics.sources import Sources

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
    """What a host would answer; a part named in `broken` raises, and `asked` counts what was read."""

    rx: int = 1000
    tx: int = 2000
    disk_bytes: tuple[int, int] = (0, 0)
    celsius: float = 41.0
    broken: set[str] = field(default_factory=set)
    asked: dict[str, int] = field(default_factory=dict)

    def _answer(self, part: str) -> None:
        self.asked[part] = self.asked.get(part, 0) + 1
        if part in self.broken:
            raise OSError(f"{part} is broken")

    def cores(self) -> list[float]:
        self._answer("cpu")
        return [10.0, 30.0]

    def mounts(self) -> str:
        self._answer("disks")
        return MOUNTS

    def network(self) -> dict[str, tuple[int, int]]:
        self._answer("network")
        return {"lo": (500, 500), "eth0": (self.rx, self.tx), "br-4f2a": (self.rx, self.tx)}

    def devices(self) -> dict[str, tuple[int, int]]:
        """Return what is counted: the partition and the mapped volume count the drive's bytes once more."""
        self._answer("disk_io")
        return dict.fromkeys(("sda", "sda1", "dm-0"), self.disk_bytes)

    def temperatures(self) -> tuple[Temperature, ...]:
        self._answer("temperatures")
        return (Temperature("coretemp", self.celsius),)

    def sources(self) -> Sources:
        return Sources(
            uptime=lambda: 1000.0,
            cores=self.cores,
            frequency=lambda: 2400.0,
            load=lambda: (0.5, 0.25, 0.125),
            pressure=lambda: Pressure(cpu=1.5, memory=0.0, io=None),
            memory=lambda: Memory(1000, 400, 600, 40.0),
            swap=lambda: Swap(0, 0),
            mounts=self.mounts,
            own_mounts=lambda: MOUNTS,
            space=lambda path: Space(1000, 400, 500, 44.4),
            network=self.network,
            links=lambda: frozenset({"eth0"}),
            devices=self.devices,
            temperatures=self.temperatures,
            fans=lambda: (Fan("cpu_fan", 900),),
            battery=lambda: Battery(80.0, plugged=True, left=None),
        )
