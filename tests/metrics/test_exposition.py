"""The figures for Prometheus, read by its own client and its own checker."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_plain
from standin_host import Now, StandinHost

from abbey_metrics.documents import HostState, HostView
from abbey_metrics.exposition import OPENMETRICS, PLAIN, content_type, exposition
from abbey_metrics.figures import HostFigures, Temperature
from abbey_metrics.platform import Containers, Link, Platform, Tailnet
from abbey_metrics.sampler import Sampler
from standin_platform import NOW, container, database, standin_platform

Shown = dict[tuple[str, frozenset[tuple[str, str]]], float]
# What Prometheus 3 sends, and what it sends when it is told to prefer the plain text.
PROMETHEUS = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
    "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)
PREFERS_PLAIN = "text/plain;version=0.0.4;q=0.5,application/openmetrics-text;version=1.0.0;q=0.4,*/*;q=0.1"


@pytest.fixture
def sampler(now: Now, standin_host: StandinHost) -> Sampler:
    return Sampler("monk", standin_host.sources(), clock=now.clock())


def text(
    figures: HostFigures | None = None,
    *,
    platform: Platform | None = None,
    age: float | None = 0.0,
    openmetrics: bool = False,
) -> str:
    views = (
        HostView("monk", True, HostState.UP, 0.0, None, "", figures),
        HostView("kscloud1", False, HostState.AWAY, 9.0, None, "", None),
        HostView("new", False, HostState.UNKNOWN, None, None, "", None),
    )
    body = exposition(views, host="monk", age=age, figures=figures, platform=platform, openmetrics=openmetrics)
    return body.decode()


def shown(text: str, *, openmetrics: bool = False) -> Shown:
    """Return every value by its name and labels. Two with the same would be refused by Prometheus."""
    found: Shown = {}
    for family in (read_openmetrics if openmetrics else read_plain)(text):
        assert family.documentation, family.name
        for sample in family.samples:
            key = (sample.name, frozenset(sample.labels.items()))
            assert key not in found
            found[key] = sample.value
    return found


def of(name: str, **labels: str) -> tuple[str, frozenset[tuple[str, str]]]:
    return f"abbey_{name}", frozenset({"host": "monk", **labels}.items())


def test_a_sample_is_shown_with_its_host(sampler: Sampler) -> None:
    found = shown(text(sampler.take()))
    assert found[of("host_cpu_ratio")] == 0.2
    assert found[of("host_cpu_core_ratio", core="1")] == 0.3
    assert found[of("host_cpu_frequency_hertz")] == 2.4e9
    assert found[of("host_load_average", minutes="15")] == 0.12
    assert found[of("host_pressure_ratio", resource="cpu")] == 0.015
    assert of("host_pressure_ratio", resource="io") not in found
    assert found[of("host_memory_used_bytes")] == 400
    assert found[of("host_filesystem_available_bytes", mount="/", device="/dev/sda1", kind="ext4")] == 500
    assert found[of("host_temperature_celsius", sensor="coretemp")] == 41
    assert found[of("host_fan_rpm", fan="cpu_fan")] == 900
    assert found[of("host_battery_ratio")] == 0.8
    assert of("host_battery_left_seconds") not in found
    assert found[of("host_sample_age_seconds")] == 0
    assert found[of("host_peer_up", peer="kscloud1")] == 0
    assert of("host_peer_up", peer="new") not in found
    assert all(("host", "monk") in labels for _, labels in found)


def test_bytes_are_counters_so_that_no_peak_between_two_questions_is_lost(
    sampler: Sampler, standin_host: StandinHost
) -> None:
    standin_host.rx, standin_host.tx, standin_host.disk_bytes = 5000, 700, (1024, 2048)
    found = shown(text(sampler.take()))
    assert found[of("host_network_receive_bytes_total", interface="eth0", link="real")] == 5000
    assert found[of("host_network_transmit_bytes_total", interface="br-4f2a", link="virtual")] == 700
    assert found[of("host_disk_read_bytes_total", drive="sda")] == 1024
    assert found[of("host_disk_written_bytes_total", drive="sda")] == 2048


def test_what_runs_on_the_host_is_shown() -> None:
    found = shown(text(platform=standin_platform()))
    forgejo = {"container": "forgejo-1", "app": "forgejo"}
    assert found[of("container_up", **forgejo)] == 1
    assert found[of("container_up", container="stray", app="")] == 0
    assert found[of("container_cpu_ratio", **forgejo)] == 1.5
    assert found[of("container_memory_bytes", **forgejo)] == 4096
    assert of("container_memory_limit_bytes", **forgejo) not in found
    assert found[of("container_restarts", **forgejo)] == 2
    assert found[of("container_info", **forgejo, service="forgejo", image="example.org/forgejo-1:1")] == 1
    assert found[of("host_processes")] == 42
    assert found[of("tailnet_up")] == 1
    assert found[of("tunnel_up")] == 0
    assert found[of("backup_ok", backup="photos")] == 1
    assert found[of("backup_ok", backup="mail")] == 0
    assert found[of("backup_age_seconds", backup="photos")] == 3600
    assert found[of("backup_proven_age_seconds", backup="photos")] == 7200
    assert of("backup_proven_age_seconds", backup="mail") not in found


def test_a_host_shows_its_own_database_only() -> None:
    found = shown(text(platform=standin_platform()))
    assert found[of("database_up")] == 1
    assert found[of("database_primary")] == 1
    assert found[of("database_answer_seconds")] == 0.002
    assert found[of("database_connections")] == 7
    assert found[of("database_standby_lag_seconds", standby="kscloud1")] == 0.5
    assert of("database_lag_seconds") not in found
    elsewhere = replace(standin_platform(), databases=(database("kscloud1"),))
    assert not any(name.startswith("abbey_database") for name, _ in shown(text(platform=elsewhere)))


def test_of_a_database_that_is_away_only_that_is_known() -> None:
    away = replace(standin_platform(), databases=(database("monk", Link.DOWN, "was not reached"),))
    found = shown(text(platform=away))
    assert {key: value for key, value in found.items() if key[0].startswith("abbey_database")} == {of("database_up"): 0}
    assert of("host_missing", part="database") not in found


def test_what_cannot_be_asked_is_named_and_neither_up_nor_down() -> None:
    unknown = replace(
        standin_platform(),
        databases=(database("monk", Link.UNKNOWN, "refused the password"),),
        tailnet=Tailnet(NOW, "100.64.0.1", None, Link.UNKNOWN, "no answer"),
    )
    found = shown(text(platform=unknown))
    assert not {of("database_up"), of("database_primary"), of("tailnet_up")} & found.keys()
    assert found[of("host_missing", part="database")] == found[of("host_missing", part="tailnet")] == 1


def test_containers_of_which_nothing_was_heard_for_long_are_left_out() -> None:
    old = replace(standin_platform(), containers=Containers(NOW - 1000, "Docker does not answer", (container("a"),)))
    found = shown(text(platform=old))
    assert not any(name.startswith("abbey_container") for name, _ in found)
    assert found[of("host_missing", part="containers")] == 1


def test_what_is_not_known_is_left_out_and_named(sampler: Sampler, standin_host: StandinHost) -> None:
    standin_host.broken = {"cpu", "network"}
    found = shown(text(sampler.take()))
    assert of("host_cpu_ratio") not in found
    assert not any("network" in name for name, _ in found)
    assert found[of("host_missing", part="cpu")] == 1
    assert found[of("host_memory_total_bytes")] == 1000


def test_without_a_sample_its_age_and_the_peers_are_all() -> None:
    assert shown(text(age=11.0)) == {of("host_sample_age_seconds"): 11, of("host_peer_up", peer="kscloud1"): 0}
    assert shown(text(age=None)) == {of("host_peer_up", peer="kscloud1"): 0}
    assert "abbey_host_sample_age_seconds" not in text(age=None)  # not even its description


@pytest.mark.parametrize("openmetrics", [False, True])
def test_odd_names_and_doubles_leave_it_readable(
    sampler: Sampler, standin_host: StandinHost, *, openmetrics: bool
) -> None:
    """Two sensors of one name, and a name that is no UTF-8: Prometheus would refuse the whole answer."""
    odd = 'a"\\\n\udcff'
    standin_host.temperatures = lambda: (Temperature("twice", 1.0), Temperature("twice", 2.0), Temperature(odd, 3.0))  # type: ignore[method-assign]
    sampler = Sampler("monk", standin_host.sources())
    hostile = replace(standin_platform(), containers=Containers(NOW, "", (container(odd), container(odd))))
    written = text(sampler.take(), platform=hostile, openmetrics=openmetrics)
    found = shown(written, openmetrics=openmetrics)
    assert found[of("host_temperature_celsius", sensor="twice")] == 2
    assert found[of("host_temperature_celsius", sensor='a"\\\n?')] == 3
    assert found[of("container_up", container='a"\\\n?', app="")] == 1


def test_both_formats_say_the_same(sampler: Sampler) -> None:
    figures = sampler.take()
    plain = text(figures, platform=standin_platform())
    openmetrics = text(figures, platform=standin_platform(), openmetrics=True)
    assert openmetrics.endswith("# EOF\n")
    assert shown(openmetrics, openmetrics=True) == shown(plain)


def test_openmetrics_tells_kind_and_unit(sampler: Sampler) -> None:
    written = text(sampler.take(), platform=standin_platform(), openmetrics=True)
    families = {family.name: (family.type, family.unit) for family in read_openmetrics(written)}  # type: ignore[no-untyped-call]
    assert families["abbey_host_network_receive_bytes"] == ("counter", "bytes")
    assert families["abbey_host_cpu_ratio"] == ("gauge", "ratio")
    assert families["abbey_container"] == ("info", "")
    assert {kind for kind, _ in families.values()} == {"gauge", "counter", "info"}


@pytest.mark.process
def test_promtool_finds_no_fault(program: Callable[[str], Path], sampler: Sampler) -> None:
    written = text(sampler.take(), platform=standin_platform())
    done = subprocess.run(
        [str(program("promtool")), "check", "metrics"], input=written, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", (PLAIN, False)),
        ("*/*", (PLAIN, False)),
        (PROMETHEUS, (OPENMETRICS, True)),
        (PREFERS_PLAIN, (PLAIN, False)),
        ("application/openmetrics-text", (OPENMETRICS, True)),
        ("Application/OpenMetrics-Text; Version=1.0.0; Q=0.1", (OPENMETRICS, True)),
        ("application/openmetrics-text;version=2.0.0", (PLAIN, False)),
        ("application/openmetrics-text;q=0", (PLAIN, False)),
        ("application/openmetrics-text;q=much,;;=,text/plain;q=nan", (PLAIN, False)),
        ("application/json", (PLAIN, False)),
    ],
)
def test_the_format_follows_what_is_asked_for(accept: str, expected: tuple[str, bool]) -> None:
    assert content_type(accept) == expected


def test_the_library_is_not_loaded_until_somebody_asks() -> None:
    """A lab without Prometheus would carry it in memory for nothing."""
    code = "import sys, abbey_metrics.exposition; sys.exit('prometheus_client' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
