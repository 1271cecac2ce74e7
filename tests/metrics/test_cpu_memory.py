"""Processor, memory and pressure, from texts as kernels write them."""

from __future__ import annotations

from pathlib import Path

import pytest

from abbey_metrics.cpu import Cores, frequency
from abbey_metrics.figures import Memory, Pressure, Swap
from abbey_metrics.memory import memory, reclaimable_arc, swap
from abbey_metrics.pressure import pressure

MEMINFO = """MemTotal:           1000 kB
MemFree:             100 kB
MemAvailable:        200 kB
Buffers:              10 kB
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


def stat(*cores: tuple[int, int, int]) -> str:
    """Return a table of cores, each with its busy, idle and waiting ticks."""
    lines = [f"cpu{n} {busy} 0 0 {idle} {wait} 0 0 0 99 0" for n, (busy, idle, wait) in enumerate(cores)]
    return "\n".join(["cpu  1 1 1 1 1 1 1 1 1 1", *lines, "intr 9 9 9", "cpu99 not a core"])


def test_load_is_what_neither_idled_nor_waited_since_the_question_before() -> None:
    answers = [stat((10, 90, 0), (50, 50, 0)), stat((40, 150, 10), (50, 150, 0)), stat((40, 150, 10), (150, 150, 0))]
    texts = iter(answers)
    cores = Cores(lambda: next(texts))
    assert cores() == [10.0, 50.0]  # since the start
    assert cores() == [30.0, 0.0]
    assert cores() == [30.0, 100.0]  # no tick has passed on the first core


def test_a_core_that_is_switched_on_later_is_counted() -> None:
    texts = iter([stat((10, 90, 0)), stat((20, 180, 0), (60, 40, 0))])
    cores = Cores(lambda: next(texts))
    cores()
    assert cores() == [10.0, 60.0]


def test_idle_time_that_steps_back_makes_no_load_beyond_all() -> None:
    texts = iter([stat((10, 90, 0)), stat((30, 80, 0))])
    cores = Cores(lambda: next(texts))
    cores()
    assert cores() == [100.0]


def test_frequency_is_the_mean_of_the_cores_that_tell_it(tmp_path: Path) -> None:
    for core, kilohertz in (("cpu0", "1000000\n"), ("cpu1", "2000000\n"), ("cpu2", "<unknown>\n")):
        folder = tmp_path / core / "cpufreq"
        folder.mkdir(parents=True)
        (folder / "scaling_cur_freq").write_text(kilohertz)
    (tmp_path / "cpu3").mkdir()  # switched off
    (tmp_path / "cpufreq").mkdir()
    assert frequency(str(tmp_path), "/nowhere") == 1500.0


def test_frequency_comes_from_the_processors_own_text_or_is_not_known(tmp_path: Path) -> None:
    (tmp_path / "cpuinfo").write_text(CPUINFO)
    assert frequency(str(tmp_path / "cpus"), str(tmp_path / "cpuinfo")) == 2500.2
    assert frequency(str(tmp_path / "cpus"), "/nowhere") is None


def test_memory_in_use_is_what_is_not_available() -> None:
    assert memory(MEMINFO) == Memory(1000 * 1024, 800 * 1024, 200 * 1024, 80.0)
    assert swap(MEMINFO) == Swap(500 * 1024, 100 * 1024)


def test_what_zfs_would_give_back_is_available() -> None:
    assert reclaimable_arc(ARCSTATS) == 300 * 1024
    assert memory(MEMINFO, reclaimable=300 * 1024) == Memory(1000 * 1024, 500 * 1024, 500 * 1024, 50.0)
    assert memory(MEMINFO, reclaimable=9999 * 1024).used == 0


def test_arcstats_without_figures_change_nothing() -> None:
    assert reclaimable_arc("") == 0
    assert reclaimable_arc("size 4 100\nc_min 4 400\n") == 0


def test_memory_that_is_not_told_is_an_error() -> None:
    with pytest.raises(KeyError):
        memory("MemTotal: 1000 kB\n")


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
