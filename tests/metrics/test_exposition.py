"""The figures for Prometheus, read by its own client."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from prometheus_client.parser import text_string_to_metric_families
from standin_host import Now, StandinHost
from starlette.testclient import TestClient

from abbey_metrics.app import build
from abbey_metrics.figures import Temperature
from abbey_metrics.exposition import exposition
from abbey_metrics.monitor import Monitor
from abbey_metrics.settings import load


@pytest.fixture
def monitor(now: Now, standin_host: StandinHost) -> Monitor:
    settings = load({"ABBEY_HOST": "monk", "ABBEY_PEERS": "kscloud1=http://127.0.0.1:1"})
    return Monitor(settings, sources=standin_host.sources(), clock=now.clock())


@pytest.fixture
def client(monitor: Monitor) -> Iterator[TestClient]:
    with_nothing_running = TestClient(build(monitor))
    yield with_nothing_running
    with_nothing_running.close()


def figures(text: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Return every value by its name and labels. Two with the same would be refused by Prometheus."""
    found: dict[tuple[str, frozenset[tuple[str, str]]], float] = {}
    for family in text_string_to_metric_families(text):
        assert family.type == "gauge", family.name
        assert family.documentation, family.name
        for sample in family.samples:
            key = (sample.name, frozenset(sample.labels.items()))
            assert key not in found
            found[key] = sample.value
    return found


def of(name: str, **labels: str) -> tuple[str, frozenset[tuple[str, str]]]:
    return f"abbey_host_{name}", frozenset({"host": "monk", **labels}.items())


def test_a_sample_is_shown_with_its_host(
    client: TestClient, monitor: Monitor, now: Now, standin_host: StandinHost
) -> None:
    monitor.sampler.take()
    now.pass_(2)
    standin_host.rx += 500
    monitor.sampler.take()
    answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    shown = figures(answer.text)
    assert shown[of("cpu_ratio")] == 0.2
    assert shown[of("cpu_core_ratio", core="1")] == 0.3
    assert shown[of("load_average", minutes="15")] == 0.12
    assert shown[of("memory_used_bytes")] == 400
    assert shown[of("filesystem_available_bytes", mount="/", device="/dev/sda1", kind="ext4")] == 500
    assert shown[of("network_receive_bytes_per_second")] == 250
    assert shown[of("temperature_celsius", sensor="coretemp")] == 41
    assert shown[of("sample_age_seconds")] == 0
    assert all(("host", "monk") in labels for _, labels in shown)


def test_what_is_not_known_is_left_out_and_named(
    client: TestClient, monitor: Monitor, standin_host: StandinHost
) -> None:
    standin_host.broken = {"cpu", "network"}
    monitor.sampler.take()
    shown = figures(client.get("/metrics").text)
    assert of("cpu_ratio") not in shown
    assert of("network_receive_bytes_per_second") not in shown
    assert shown[of("missing", part="cpu")] == 1
    assert shown[of("memory_total_bytes")] == 1000


def test_old_figures_are_not_shown_as_new_ones(client: TestClient, monitor: Monitor, now: Now) -> None:
    monitor.sampler.take()
    now.pass_(11)
    assert figures(client.get("/metrics").text) == {of("sample_age_seconds"): 11}


def test_before_the_first_sample_there_is_nothing_and_no_fault(client: TestClient) -> None:
    answer = client.get("/metrics")
    assert (answer.status_code, figures(answer.text)) == (200, {})


def test_odd_names_and_doubles_leave_it_readable(monitor: Monitor, standin_host: StandinHost) -> None:
    """Two sensors of one name, and a name that is no UTF-8: Prometheus would refuse the whole answer."""
    odd = 'a"\\\n\udcff'
    standin_host.temperatures = lambda: (Temperature("twice", 1.0), Temperature("twice", 2.0), Temperature(odd, 3.0))  # type: ignore[method-assign]
    settings = load({"ABBEY_HOST": "monk"})
    figured = Monitor(settings, sources=standin_host.sources()).sampler.take()
    shown = figures(exposition((), host="monk", age=0.0, figures=figured).decode())
    assert shown[of("temperature_celsius", sensor="twice")] == 2
    assert shown[of("temperature_celsius", sensor='a"\\\n?')] == 3
