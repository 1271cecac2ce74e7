"""The newest sample of a host as families of figures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from prometheus_client.core import Metric

from abbey_metrics.documents import HostState, HostView
from abbey_metrics.families import Families
from abbey_metrics.figures import Battery, Cpu, Disk, DiskIo, HostFigures, Network, Pressure


def api_families(make: Families, views: Iterable[HostView], age: float | None) -> Iterator[Metric]:
    """Yield what the API itself knows, whether or not there is a sample."""
    yield make.one("abbey_host_sample_age_seconds", "Seconds since the newest sample of this host.", age)
    peers = (((view.name,), _answers(view.state)) for view in views if not view.own)
    about = "Whether the metrics API of another host answers this one."
    yield make.gauges("abbey_host_peer_up", about, ("peer",), peers)


def _answers(state: HostState) -> float | None:
    return None if state is HostState.UNKNOWN else state is HostState.UP


def host_families(make: Families, figures: HostFigures) -> Iterator[Metric]:
    """Yield every family of a sample, also those without a figure."""
    yield make.one("abbey_host_uptime_seconds", "Seconds since the host started.", figures.uptime)
    if figures.cpu:
        yield from _cpu(make, figures.cpu)
    if figures.pressure:
        yield _pressure(make, figures.pressure)
    yield from _memory(make, figures)
    yield from _disks(make, figures.disks)
    if figures.network:
        yield from _network(make, figures.network)
    if figures.disk_io:
        yield from _drives(make, figures.disk_io)
    heat = (((sensor.name,), sensor.celsius) for sensor in figures.temperatures)
    yield make.gauges("abbey_host_temperature_celsius", "Temperature of a sensor.", ("sensor",), heat)
    turns = (((fan.name,), fan.rpm) for fan in figures.fans)
    yield make.gauges("abbey_host_fan_rpm", "Turns of a fan per minute.", ("fan",), turns)
    if figures.battery:
        yield from _battery(make, figures.battery)


def _cpu(make: Families, cpu: Cpu) -> Iterator[Metric]:
    busy = "Processor time in use since the sample before"
    yield make.one("abbey_host_cpu_ratio", f"{busy}, of all cores.", cpu.percent / 100)
    cores = (((str(number),), percent / 100) for number, percent in enumerate(cpu.cores))
    yield make.gauges("abbey_host_cpu_core_ratio", f"{busy}, by core.", ("core",), cores)
    hertz = None if cpu.frequency is None else cpu.frequency * 1e6
    yield make.one("abbey_host_cpu_frequency_hertz", "How fast the processor runs, the mean of all cores.", hertz)
    loads = zip((("1",), ("5",), ("15",)), cpu.load or (), strict=False)
    yield make.gauges("abbey_host_load_average", "Programs that run or wait to, on average.", ("minutes",), loads)


def _pressure(make: Families, pressure: Pressure) -> Metric:
    resources = (("cpu", pressure.cpu), ("memory", pressure.memory), ("io", pressure.io))
    return make.gauges(
        "abbey_host_pressure_ratio",
        "Part of the last ten seconds in which some program waited for this.",
        ("resource",),
        (((name,), percent / 100) for name, percent in resources if percent is not None),
    )


def _memory(make: Families, figures: HostFigures) -> Iterator[Metric]:
    if memory := figures.memory:
        about = "Main memory that programs"
        yield make.one("abbey_host_memory_total_bytes", "Main memory.", memory.total)
        yield make.one("abbey_host_memory_used_bytes", f"{about} could not get back.", memory.used)
        yield make.one("abbey_host_memory_available_bytes", f"{about} can get.", memory.available)
    if swap := figures.swap:
        yield make.one("abbey_host_swap_total_bytes", "Swap space.", swap.total)
        yield make.one("abbey_host_swap_used_bytes", "Swap space in use.", swap.used)


def _disks(make: Families, disks: tuple[Disk, ...]) -> Iterator[Metric]:
    def each(name: str, about: str, values: Iterable[float | None]) -> Metric:
        keys = ((disk.mount, disk.device, disk.kind) for disk in disks)
        labels = ("mount", "device", "kind")
        return make.gauges(f"abbey_host_filesystem_{name}", about, labels, zip(keys, values, strict=True))

    yield each("size_bytes", "Size of a file system.", (disk.total for disk in disks))
    yield each("used_bytes", "What is in use of a file system.", (disk.used for disk in disks))
    yield each("available_bytes", "What an ordinary user may still write.", (disk.free for disk in disks))
    frozen = (float(disk.frozen_since is not None) for disk in disks)
    yield each("frozen", "Whether a file system does not answer, so that its sizes are old.", frozen)


def _network(make: Families, network: Network) -> Iterator[Metric]:
    labels = ("interface", "link")
    named = [((one.name, "real" if one.real else "virtual"), one) for one in network.interfaces]
    came = ((key, one.rx_total) for key, one in named)
    went = ((key, one.tx_total) for key, one in named)
    about = "by an interface; what goes through a virtual one goes through a real one too."
    yield make.counters("abbey_host_network_receive_bytes", f"Bytes received {about}", labels, came)
    yield make.counters("abbey_host_network_transmit_bytes", f"Bytes sent {about}", labels, went)


def _drives(make: Families, disk_io: DiskIo) -> Iterator[Metric]:
    read = (((drive.name,), drive.read_total) for drive in disk_io.drives)
    written = (((drive.name,), drive.write_total) for drive in disk_io.drives)
    yield make.counters("abbey_host_disk_read_bytes", "Bytes read from a drive.", ("drive",), read)
    yield make.counters("abbey_host_disk_written_bytes", "Bytes written to a drive.", ("drive",), written)


def _battery(make: Families, battery: Battery) -> Iterator[Metric]:
    yield make.one("abbey_host_battery_ratio", "How full the battery is.", battery.percent / 100)
    yield make.one("abbey_host_battery_plugged", "Whether power comes in.", battery.plugged)
    yield make.one("abbey_host_battery_left_seconds", "Seconds until the battery is empty.", battery.left)
