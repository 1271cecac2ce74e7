"""Samples of a host as tests of its past need them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from abbey_metrics.documents import Past, Range
from abbey_metrics.figures import Cpu, Disk, DiskIo, HostFigures, Memory, Network, Swap, Temperature
from abbey_metrics.history import History

# The start of a minute.
MINUTE = 1_700_000_040


def sample(at: float, cpu: float | None = 1.0, host: str = "monk") -> HostFigures:
    """Return a sample of which only the processor's load differs from others."""
    return HostFigures(
        host=host,
        seq=1,
        at=at,
        uptime=1.0,
        cpu=None if cpu is None else Cpu(cpu, (cpu,), (0.25, 0.5, 0.75)),
        memory=Memory(1000, 423, 577, 42.3),
        swap=Swap(200, 50),
        disks=(
            Disk("/", "sda1", "ext4", 100, 50, 50, 50.0, None),
            Disk("/films", "nas", "nfs4", 100, 91, 9, 91.0, 5.0),
            Disk("/new", "nas", "nfs4", None, None, None, None, 5.0),
        ),
        network=Network(1234.4, 123_456.0, ()),
        disk_io=DiskIo(None, 17.0),
        temperatures=(Temperature("a", 41.5), Temperature("b", 60.0)),
        missing=(),
    )


def pasts(history: History, host: str = "monk") -> dict[Range, Past]:
    """Return all that is known of a host."""
    return {range_: history.past(host, range_) for range_ in Range}


def known(past: Past, column: str = "cpu") -> dict[int, float]:
    """Return the steps that are known, by their start."""
    values = enumerate(past.columns[column])
    return {int(past.start + n * past.step): value for n, value in values if value is not None}


def kept(folder: Path, until: float, host: str = "monk", hosts: Sequence[str] = ("monk",)) -> dict[Range, Past]:
    """Return what a folder holds of a host, as a service sees it that starts and hears one sample of nothing."""
    history = History(hosts, folder=folder)
    history.start()
    history.stop()
    history.add(sample(until, None, host))
    return pasts(history, host)
