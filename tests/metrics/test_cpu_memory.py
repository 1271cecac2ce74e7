"""Processor, memory and pressure, from texts as kernels write them, through the real psutil."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from abbey_metrics.cpu import Cores, frequency
from abbey_metrics.figures import Memory, Pressure, Swap
from abbey_metrics.memory import memory, swap
from abbey_metrics.pressure import pressure

MEMINFO = """MemTotal:           1000 kB
MemFree:             100 kB
MemAvailable:        200 kB
Buffers:              10 kB
Cached:               10 kB
Shmem:                10 kB
Active:               10 kB
Inactive:             10 kB
SwapCached:            7 kB
SwapTotal:           500 kB
SwapFree:            400 kB
"""
ARCSTATS = """13 1 0x01 147 39984 6227346937 82387
name                            type data
hits                            4    1400
c                               4    460800
c_min                           4    102400
c_max                           4    921600
size                            4    409600
compressed_size                 4    300000
"""
CPUINFO = "processor\t: 0\ncpu MHz\t\t: 2000.0\n\nprocessor\t: 1\ncpu MHz\t\t: 3000.5\n"


@pytest.fixture
def proc(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Return the folder that psutil takes for /proc."""
    monkeypatch.setattr(psutil, "PROCFS_PATH", str(tmp_path))
    (tmp_path / "meminfo").write_text(MEMINFO)
    (tmp_path / "vmstat").write_text("pswpin 0\npswpout 0\n")
    return tmp_path


def tell(proc: Path, *cores: tuple[int, int, int]) -> None:
    """Write a table of cores, each with its busy, idle and waiting ticks."""
    lines = [f"cpu{n} {busy} 0 0 {idle} {wait} 0 0 0 0 0" for n, (busy, idle, wait) in enumerate(cores)]
    (proc / "stat").write_text("\n".join(["cpu  1 1 1 1 1 1 1 1 1 1", *lines, "intr 9 9 9"]))


def test_load_is_what_neither_idled_nor_waited_since_the_question_before(
    proc: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tell(proc, (10, 90, 0), (50, 50, 0))
    monkeypatch.setattr(time, "sleep", lambda seconds: tell(proc, (40, 150, 10), (50, 150, 0)))
    cores = Cores()
    assert cores() == [30.0, 0.0]  # while the first waits, and not a zero
    tell(proc, (50, 150, 10), (150, 150, 0))
    assert cores() == [100.0, 100.0]
    tell(proc, (80, 140, 10), (150, 250, 0))
    assert cores() == [100.0, 0.0]  # idle time that steps back makes no load beyond all


def test_a_first_question_that_fails_is_no_first_answer(proc: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cores = Cores()
    with pytest.raises(FileNotFoundError):
        cores()
    tell(proc, (10, 90, 0))
    monkeypatch.setattr(time, "sleep", lambda seconds: tell(proc, (40, 160, 0)))
    assert cores() == [30.0]


def test_frequency_is_the_mean_of_the_cores_that_run(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [SimpleNamespace(current=megahertz) for megahertz in (1000.0, 2000.0, 0.0)]
    monkeypatch.setattr(psutil, "cpu_freq", lambda percpu: found)
    assert frequency() == 1500.0


@pytest.mark.skipif(Path("/sys/devices/system/cpu/cpufreq/policy0").exists(), reason="psutil asks the driver then")
def test_frequency_comes_from_the_processors_own_text_or_is_not_known(proc: Path) -> None:
    assert frequency() is None
    (proc / "cpuinfo").write_text("processor : 0\n")
    assert frequency() is None
    (proc / "cpuinfo").write_text(CPUINFO)
    assert frequency() == 2500.2


@pytest.mark.usefixtures("proc")
def test_memory_in_use_is_what_is_not_available() -> None:
    assert memory("/nowhere") == Memory(1000 * 1024, 800 * 1024, 200 * 1024, 80.0)
    assert swap() == Swap(500 * 1024, 100 * 1024)


@pytest.mark.parametrize(
    ("arcstats", "used"),
    [(ARCSTATS, 500 * 1024), ("", 800 * 1024), ("size 4 100\nc_min 4 400\n", 800 * 1024), ("size 4 9999999\n", 0)],
)
def test_what_zfs_would_give_back_is_available(proc: Path, arcstats: str, used: int) -> None:
    (proc / "arcstats").write_text(arcstats)
    found = memory(str(proc / "arcstats"))
    assert (found.used, found.available) == (used, 1000 * 1024 - used)


def test_memory_that_is_not_told_is_an_error(proc: Path) -> None:
    (proc / "meminfo").write_text("MemFree: 1000 kB\n")
    with pytest.raises(KeyError):
        memory("/nowhere")


def test_pressure_is_that_of_some_programs(tmp_path: Path) -> None:
    for resource, percent in (("cpu", "1.50"), ("memory", "0.00"), ("io", "12.34")):
        text = f"some avg10={percent} avg60=9.00 avg300=9.00 total=9\nfull avg10=8.00 avg60=9.00 avg300=9.00 total=9\n"
        (tmp_path / resource).write_text(text)
    assert pressure(str(tmp_path)) == Pressure(1.5, 0.0, 12.34)
    (tmp_path / "memory").unlink()
    (tmp_path / "memory").mkdir()  # there, and refuses to be read
    assert pressure(str(tmp_path)) == Pressure(1.5, None, 12.34)


def test_a_kernel_that_tells_no_pressure_is_no_fault(tmp_path: Path) -> None:
    assert pressure(str(tmp_path)) is None
