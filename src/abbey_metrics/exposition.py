"""The newest sample in Prometheus' text format, made when it is asked for, from what is known already."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector

from abbey_metrics.documents import HostState, HostView
from abbey_metrics.figures import Disk, HostFigures

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
Values = Iterable[tuple[tuple[str, ...], float | None]]


class _Sample(Collector):
    """One sample as families of figures. A figure that is not known is left out; none is ever zero instead."""

    def __init__(self, views: Iterable[HostView], host: str, age: float | None, figures: HostFigures | None) -> None:
        self._views, self._host, self._age, self._figures = tuple(views), host, age, figures

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield every family that has a value."""
        for family in self._families():
            if family.samples:
                yield family

    def _families(self) -> Iterator[GaugeMetricFamily]:
        yield self._one("sample_age_seconds", "Seconds since the newest sample of this host.", self._age)
        peers = [((view.name,), _up(view.state)) for view in self._views if not view.own]
        yield self._many("peer_up", "Whether the metrics API of another host answers this one.", ("peer",), peers)
        if self._figures is not None:
            yield from self._load(self._figures)
            yield from self._memory(self._figures)
            yield from self._disks(self._figures.disks)
            yield from self._traffic(self._figures)
            yield from self._rest(self._figures)

    def _load(self, figures: HostFigures) -> Iterator[GaugeMetricFamily]:
        cpu = figures.cpu
        if cpu is None:
            return
        yield self._one("cpu_ratio", "Processor time in use since the sample before, of all cores.", cpu.percent / 100)
        cores = [((str(number),), percent / 100) for number, percent in enumerate(cpu.cores)]
        yield self._many("cpu_core_ratio", "Processor time in use since the sample before, by core.", ("core",), cores)
        loads = [((minutes,), load) for minutes, load in zip(("1", "5", "15"), cpu.load or (), strict=False)]
        yield self._many("load_average", "Programs that run or wait to, on average.", ("minutes",), loads)

    def _memory(self, figures: HostFigures) -> Iterator[GaugeMetricFamily]:
        if memory := figures.memory:
            yield self._one("memory_total_bytes", "Main memory.", memory.total)
            yield self._one("memory_used_bytes", "Main memory that programs could not get back.", memory.used)
            yield self._one("memory_available_bytes", "Main memory that programs can get.", memory.available)
        if swap := figures.swap:
            yield self._one("swap_total_bytes", "Swap space.", swap.total)
            yield self._one("swap_used_bytes", "Swap space in use.", swap.used)

    def _disks(self, disks: tuple[Disk, ...]) -> Iterator[GaugeMetricFamily]:
        labels = ("mount", "device", "kind")

        def each(name: str, about: str, values: Iterable[float | None]) -> GaugeMetricFamily:
            keys = ((disk.mount, disk.device, disk.kind) for disk in disks)
            return self._many(f"filesystem_{name}", about, labels, zip(keys, values, strict=True))

        yield each("size_bytes", "Size of a file system.", (disk.total for disk in disks))
        yield each("used_bytes", "What is in use of a file system.", (disk.used for disk in disks))
        yield each("available_bytes", "What an ordinary user may still write.", (disk.free for disk in disks))
        frozen = (float(disk.frozen_since is not None) for disk in disks)
        yield each("frozen", "Whether a file system does not answer, so that its sizes are old.", frozen)

    def _traffic(self, figures: HostFigures) -> Iterator[GaugeMetricFamily]:
        came, went = "Bytes that came in per second", "Bytes that went out per second"
        if network := figures.network:
            rx = (((link.name,), link.rx) for link in network.interfaces)
            tx = (((link.name,), link.tx) for link in network.interfaces)
            yield self._one("network_receive_bytes_per_second", f"{came}, by real links.", network.rx)
            yield self._one("network_transmit_bytes_per_second", f"{went}, by real links.", network.tx)
            yield self._many("interface_receive_bytes_per_second", f"{came}, by interface.", ("interface",), rx)
            yield self._many("interface_transmit_bytes_per_second", f"{went}, by interface.", ("interface",), tx)
        if disk := figures.disk_io:
            yield self._one("disk_read_bytes_per_second", "Bytes read from all disks per second.", disk.read)
            yield self._one("disk_write_bytes_per_second", "Bytes written to all disks per second.", disk.write)

    def _rest(self, figures: HostFigures) -> Iterator[GaugeMetricFamily]:
        yield self._one("uptime_seconds", "Seconds since the host started.", figures.uptime)
        heat = (((sensor.name,), sensor.celsius) for sensor in figures.temperatures)
        yield self._many("temperature_celsius", "Temperature of a sensor.", ("sensor",), heat)
        missing = (((part,), 1.0) for part in figures.missing)
        yield self._many("missing", "A part of the newest sample that could not be read.", ("part",), missing)

    def _one(self, name: str, about: str, value: float | None) -> GaugeMetricFamily:
        return self._many(name, about, (), [((), value)])

    def _many(self, name: str, about: str, labels: tuple[str, ...], values: Values) -> GaugeMetricFamily:
        """Return a family. Of two with the same labels the later one counts: Prometheus would refuse both, and all."""
        family = GaugeMetricFamily(f"abbey_host_{name}", about, labels=("host", *labels))
        known = {tuple(map(_clean, found)): value for found, value in values if value is not None}
        for found, value in known.items():
            family.add_metric((self._host, *found), value)
        return family


def exposition(views: Iterable[HostView], *, host: str, age: float | None, figures: HostFigures | None) -> bytes:
    """Given how the hosts look and the newest sample with its age, return it as Prometheus reads it."""
    return generate_latest(_Sample(views, host, age, figures))


def _up(state: HostState) -> float | None:
    return None if state is HostState.UNKNOWN else float(state is HostState.UP)


def _clean(text: str) -> str:
    """Return the text with what is no UTF-8 replaced: a mount point may be called anything."""
    return text.encode(errors="replace").decode()
