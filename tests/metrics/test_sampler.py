from __future__ import annotations

import pytest
from standin_host import Now, StandinHost

from abbey_metrics.network import Counters, parse_net_dev, throughput
from abbey_metrics.sampler import Sampler


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


def test_rates_are_per_second_and_count_real_links_once(sampler: Sampler, standin_host: StandinHost, now: Now) -> None:
    sampler.take()
    now.pass_(2.0)
    standin_host.rx, standin_host.tx, standin_host.disk_bytes = 3000, 2500, (4096, 0)
    figures = sampler.take()
    assert figures.network
    assert (figures.network.rx, figures.network.tx) == (1000.0, 250.0)
    assert [link.name for link in figures.network.interfaces] == ["br-4f2a", "eth0"]
    assert figures.disk_io
    assert figures.disk_io.read == 2048.0


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
    standin_host.broken = {"cpu", "network", "temperatures"}
    figures = sampler.take()
    assert figures.missing == ("cpu", "network", "temperatures")
    assert figures.cpu is None
    assert figures.memory
    assert figures.disks


def test_samples_are_numbered_and_age(sampler: Sampler, now: Now) -> None:
    assert sampler.age() is None
    assert [sampler.take().seq, sampler.take().seq] == [1, 2]
    now.pass_(7.0)
    assert sampler.age() == 7.0


def test_a_host_with_only_virtual_links_still_has_a_total() -> None:
    before = Counters(0.0, {"lo": (0, 0), "docker0": (0, 0)})
    after = Counters(1.0, {"lo": (9, 9), "docker0": (5, 6)})
    assert (throughput(before, after).rx, throughput(before, after).tx) == (5.0, 6.0)


def test_a_table_that_is_cut_short_is_read_as_far_as_it_goes() -> None:
    assert parse_net_dev("a\nb\n eth0: 1 2\n  eth1: 1 0 0 0 0 0 0 0 2 0") == {"eth1": (1, 2)}
