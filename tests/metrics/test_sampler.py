from __future__ import annotations

import gc
import time
import tracemalloc
from dataclasses import replace

import psutil
import pytest
from standin_host import Now, StandinHost

from abbey_metrics.figures import Battery, Drive, Fan, Pressure
from abbey_metrics.sampler import MOUNTS_EVERY, SENSORS_EVERY, Sampler
from abbey_metrics.sources import host_sources


@pytest.fixture
def sampler(now: Now, standin_host: StandinHost) -> Sampler:
    return Sampler("monk", standin_host.sources(), clock=now.clock())


def test_the_first_sample_knows_no_rates(sampler: Sampler) -> None:
    figures = sampler.take()
    assert figures.cpu
    assert figures.cpu.percent == 20.0
    assert figures.uptime == 1000
    assert figures.network
    assert figures.network.rx is None
    assert figures.disk_io
    assert figures.disk_io.read is None
    assert figures.missing == ()


def test_a_sample_has_every_part(sampler: Sampler) -> None:
    figures = sampler.take()
    assert figures.cpu
    assert (figures.cpu.load, figures.cpu.frequency) == ((0.5, 0.25, 0.12), 2400.0)
    assert figures.pressure == Pressure(cpu=1.5, memory=0.0, io=None)
    assert figures.fans == (Fan("cpu_fan", 900),)
    assert figures.battery == Battery(80.0, plugged=True, left=None)
    assert [disk.mount for disk in figures.disks] == ["/"]


def test_rates_are_per_second_and_count_real_links_once(sampler: Sampler, standin_host: StandinHost, now: Now) -> None:
    sampler.take()
    now.pass_(2.0)
    standin_host.rx, standin_host.tx, standin_host.disk_bytes = 3000, 2500, (4096, 512)
    figures = sampler.take()
    assert figures.network
    assert (figures.network.rx, figures.network.tx) == (1000.0, 250.0)
    assert [(link.name, link.real, link.rx_total) for link in figures.network.interfaces] == [
        ("br-4f2a", False, 3000),
        ("eth0", True, 3000),
    ]
    assert figures.disk_io
    assert (figures.disk_io.read, figures.disk_io.write) == (2048.0, 256.0)
    assert figures.disk_io.drives == (Drive("sda", 2048.0, 256.0, 4096, 512),)


def test_a_counter_that_was_reset_is_unknown_not_negative(
    sampler: Sampler, standin_host: StandinHost, now: Now
) -> None:
    sampler.take()
    now.pass_(1.0)
    standin_host.rx = 0
    figures = sampler.take()
    assert figures.network
    assert figures.network.rx is None
    assert figures.network.tx == 0.0


def test_a_part_that_fails_is_named_and_the_rest_is_there(sampler: Sampler, standin_host: StandinHost) -> None:
    standin_host.broken = {"cpu", "network", "disk_io", "temperatures"}
    figures = sampler.take()
    assert figures.missing == ("cpu", "network", "disk_io", "temperatures")
    assert figures.cpu is None
    assert figures.memory
    assert figures.disks


def test_sensors_and_mounts_are_read_less_often_than_the_rest(
    sampler: Sampler, standin_host: StandinHost, now: Now
) -> None:
    sampler.take()
    standin_host.celsius = 60.0
    now.pass_(1.0)
    assert [sensor.celsius for sensor in sampler.take().temperatures] == [41.0]
    now.pass_(SENSORS_EVERY)
    assert [sensor.celsius for sensor in sampler.take().temperatures] == [60.0]
    assert standin_host.asked == {"cpu": 3, "network": 3, "disk_io": 3, "temperatures": 2, "disks": 1}
    now.pass_(MOUNTS_EVERY)
    sampler.take()
    assert standin_host.asked["disks"] == 2


def test_sensors_that_failed_are_asked_again_by_the_next_sample(sampler: Sampler, standin_host: StandinHost) -> None:
    standin_host.broken = {"temperatures"}
    assert sampler.take().missing == ("temperatures",)
    standin_host.broken = set()
    assert sampler.take().temperatures


def test_samples_are_numbered_and_age(sampler: Sampler, now: Now) -> None:
    assert sampler.age() is None
    assert [sampler.take().seq, sampler.take().seq] == [1, 2]
    now.pass_(7.0)
    assert sampler.age() == 7.0


def test_samples_leave_nothing_behind(sampler: Sampler, now: Now) -> None:
    def memory_after(samples: int) -> int:
        for _ in range(samples):
            now.pass_(1.0)
            sampler.take()
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        before = memory_after(500)
        assert memory_after(3000) - before < 3000  # a byte per sample would be more
    finally:
        tracemalloc.stop()


def test_what_psutil_does_not_expect_costs_one_part(standin_host: StandinHost) -> None:
    def broken() -> dict[str, tuple[int, int]]:
        raise AssertionError("a line without a colon")

    figures = Sampler("monk", replace(standin_host.sources(), network=broken)).take()
    assert figures.missing == ("network",)
    assert figures.memory


def test_this_machine_is_sampled_as_psutil_sees_it() -> None:
    sampler = Sampler("monk", host_sources())
    sampler.take()
    psutil.cpu_percent()
    busy_until = time.process_time() + 0.5
    links, drives = (
        psutil.net_io_counters(pernic=True, nowrap=False),
        psutil.disk_io_counters(perdisk=True, nowrap=False),
    )
    loads = [psutil.getloadavg()]
    while time.process_time() < busy_until:
        pass
    figures, percent = sampler.take(), psutil.cpu_percent()
    loads.append(psutil.getloadavg())
    later = psutil.net_io_counters(pernic=True, nowrap=False), psutil.disk_io_counters(perdisk=True, nowrap=False)
    memory, root = psutil.virtual_memory(), psutil.disk_usage("/")

    assert figures.missing == ()
    assert figures.uptime == pytest.approx(time.time() - psutil.boot_time(), abs=3)
    assert figures.cpu
    assert len(figures.cpu.cores) == psutil.cpu_count()
    assert figures.cpu.percent == pytest.approx(percent, abs=20)
    assert figures.cpu.load in [tuple(round(value, 2) for value in load) for load in loads]
    assert figures.memory
    assert figures.memory.total == memory.total
    assert figures.memory.used == pytest.approx(memory.used, abs=memory.total / 10)
    assert figures.swap
    assert figures.swap.total == psutil.swap_memory().total
    assert figures.disks[0].total == root.total
    assert figures.disks[0].used == pytest.approx(root.used, abs=root.total / 50)
    assert figures.network
    for link in figures.network.interfaces:
        assert links[link.name].bytes_recv <= (link.rx_total or 0) <= later[0][link.name].bytes_recv
        assert links[link.name].bytes_sent <= (link.tx_total or 0) <= later[0][link.name].bytes_sent
    assert figures.disk_io
    for drive in figures.disk_io.drives:
        assert drives[drive.name].read_bytes <= (drive.read_total or 0) <= later[1][drive.name].read_bytes
        assert drives[drive.name].write_bytes <= (drive.write_total or 0) <= later[1][drive.name].write_bytes
    assert [one.name for one in figures.temperatures] == [one.name for one in host_sources().temperatures()]
