from __future__ import annotations

from collections.abc import Iterator

import pytest
from standin_host import Now, StandinHost
from starlette.testclient import TestClient

from abbey_metrics.app import build
from abbey_metrics.hub import Hub
from abbey_metrics.monitor import Monitor
from abbey_metrics.settings import load


@pytest.fixture
def monitor(now: Now, standin_host: StandinHost) -> Monitor:
    settings = load({"ABBEY_HOST": "monk", "ABBEY_PEERS": "kscloud1=http://127.0.0.1:1", "ABBEY_HISTORY": "5"})
    return Monitor(settings, sources=standin_host.sources(), clock=now.clock())


@pytest.fixture
def client(monitor: Monitor) -> Iterator[TestClient]:
    # Without its context the application starts nothing: samples and publishing are the test's.
    with_nothing_running = TestClient(build(monitor))
    yield with_nothing_running
    with_nothing_running.close()


def test_before_the_first_sample_it_says_so(client: TestClient) -> None:
    assert client.get("/api/v1/host").status_code == 503
    assert client.get("/healthz").json() == {"ok": False, "age": None}


def test_figures_are_ready_bytes_with_a_tag(client: TestClient, monitor: Monitor) -> None:
    monitor.sampler.take()
    monitor.publish()
    answer = client.get("/api/v1/host")
    assert answer.json()["memory"]["percent"] == 40.0
    assert answer.headers["x-accel-expires"] == "1"
    again = client.get("/api/v1/host", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    monitor.sampler.take()
    monitor.publish()
    assert client.get("/api/v1/host", headers={"If-None-Match": answer.headers["etag"]}).status_code == 200


def test_the_lab_shows_every_host_also_one_never_heard_of(client: TestClient, monitor: Monitor) -> None:
    monitor.sampler.take()
    monitor.publish()
    lab = client.get("/api/v1/lab").json()
    assert lab["host"] == "monk"
    assert [(host["name"], host["state"], host["own"]) for host in lab["hosts"]] == [
        ("kscloud1", "unknown", False),
        ("monk", "up", True),
    ]
    assert lab["weather"] is None
    assert lab["forgejo"] is None


def test_a_sampler_that_hangs_is_told(client: TestClient, monitor: Monitor, now: Now) -> None:
    monitor.sampler.take()
    now.pass_(11.0)
    monitor.publish()
    assert client.get("/healthz").status_code == 503
    (own,) = [host for host in client.get("/api/v1/lab").json()["hosts"] if host["own"]]
    assert (own["state"], own["age"]) == ("stale", 11.0)


def test_the_past_is_bounded(client: TestClient, monitor: Monitor) -> None:
    for _ in range(21):
        monitor.sampler.take()
        monitor.publish()
    points = client.get("/api/v1/history").json()["points"]
    assert len(points) == 5
    assert points[-1]["memory"] == 40.0


def test_the_document_describes_every_route_and_loads_nothing(client: TestClient) -> None:
    paths = client.get("/api/v1/openapi.json").json()["paths"]
    figures = {"/api/v1/host", "/api/v1/lab", "/api/v1/history", "/api/v1/stream"}
    assert set(paths) == {"/healthz", "/metrics", *figures}
    assert all(path["get"]["description"] for path in paths.values())
    assert client.get("/docs").status_code == 404


def test_a_full_hub_sends_listeners_to_poll(client: TestClient, monitor: Monitor) -> None:
    monitor.hub = Hub(most=0)
    answer = client.get("/api/v1/stream")
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "30"
