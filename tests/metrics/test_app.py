from __future__ import annotations

from pathlib import Path

import pytest
from served import GATEWAY, Asker, monitor, publish
from standin_host import Now, StandinHost

from abbey_metrics.monitor import Monitor


@pytest.fixture
def made(now: Now, standin_host: StandinHost, tmp_path: Path) -> Monitor:
    return monitor(now, standin_host, tmp_path)


def test_before_the_first_sample_it_says_so(made: Monitor) -> None:
    ask = Asker(made)
    answer = ask("/api/v1/host")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert ask("/healthz").json() == {"ok": False, "age": None}
    assert ask("/healthz").status_code == 503


@pytest.mark.parametrize("path", ["/api/v1/host", "/api/v1/lab", "/api/v1/platform"])
def test_figures_are_ready_bytes_with_a_tag(made: Monitor, path: str) -> None:
    ask = Asker(made)
    publish(made)
    answer = ask(path)
    assert answer.headers["x-accel-expires"] == "1"
    assert answer.headers["content-type"] == "application/json"
    tag = answer.headers["etag"]
    for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = ask(path, headers={"If-None-Match": known})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    head = ask(path, "HEAD")
    assert (head.status_code, head.headers["content-length"]) == (200, str(len(answer.content)))
    made.lab.watch.latest = type(made.lab.watch.latest)("monk", 2.0, None, None, None, None, (), None)
    publish(made)
    assert ask(path, headers={"If-None-Match": tag}).status_code == 200


def test_a_document_is_made_once_per_change(made: Monitor) -> None:
    publish(made)
    audience = made.lab.apps.audience(made.gate.admit({"client": ("127.0.0.1", 1), "headers": []}))
    assert made.board.lab(audience) is made.board.lab(audience)
    assert made.board.host() is made.board.host()
    assert made.board.platform(audience) is made.board.platform(audience)
    before = made.board.host()
    publish(made)
    assert made.board.host() is not before


def test_proxies_may_not_mix_up_visitors(made: Monitor) -> None:
    publish(made)
    for path in ("/api/v1/lab", "/api/v1/platform"):
        headers = Asker(made, GATEWAY)(path).headers
        assert headers["vary"] == "X-Authentik-Groups"
        assert "private" in headers["cache-control"]
    for path in ("/api/v1/me", "/metrics"):
        headers = Asker(made, GATEWAY)(path).headers
        assert "x-accel-expires" not in headers
        assert headers["cache-control"] == "no-store"


def test_the_lab_shows_every_host_also_one_never_heard_of(made: Monitor) -> None:
    publish(made)
    lab = Asker(made).json("/api/v1/lab")
    assert lab["host"] == "monk"
    assert [(host["name"], host["state"], host["own"]) for host in lab["hosts"]] == [
        ("kscloud1", "unknown", False),
        ("monk", "up", True),
    ]
    assert [(one["name"], one["platform"] is None) for one in lab["platforms"]] == [("kscloud1", True), ("monk", False)]
    assert lab["weather"] is None
    assert lab["forgejo"] is None


def test_a_sampler_that_hangs_is_told(made: Monitor, now: Now) -> None:
    ask = Asker(made)
    publish(made)
    now.pass_(11.0)
    assert ask("/healthz").status_code == 503
    made.board.turn()
    (own,) = [host for host in ask.json("/api/v1/lab")["hosts"] if host["own"]]
    assert (own["state"], own["age"]) == ("stale", 11.0)


def test_the_past_is_told_by_host_and_range(made: Monitor, now: Now) -> None:
    ask = Asker(made)
    for _ in range(3):
        publish(made)
        now.pass_(1.0)
    past = ask.json("/api/v1/history")
    assert (past["host"], past["range"], past["step"]) == ("monk", "5m", 1.0)
    assert 40.0 in past["columns"]["memory"]
    assert ask.json("/api/v1/history?host=kscloud1&range=24h")["range"] == "24h"
    assert ask("/api/v1/history?host=elsewhere").status_code == 404
    wrong = ask("/api/v1/history?range=1y")
    assert (wrong.status_code, wrong.json()) == (422, {"detail": "range: one of 5m, 1h, 24h"})


def test_lists_come_in_pages(made: Monitor) -> None:
    ask = Asker(made)
    page = ask.json("/api/v1/containers?limit=1&offset=1")
    assert (page["total"], page["offset"]) == (2, 1)
    assert [container["name"] for container in page["items"]] == ["stray"]
    assert ask.json("/api/v1/containers?host=kscloud1") == {"total": 0, "offset": 0, "items": []}
    assert ask.json("/api/v1/processes")["total"] == 0
    assert ask.json("/api/v1/activity") == {"total": 0, "offset": 0, "items": []}
    assert ask("/api/v1/containers?host=elsewhere").status_code == 404
    wrong = ask("/api/v1/containers?limit=0&offset=-1")
    assert wrong.status_code == 422
    assert wrong.json()["detail"].startswith("query.offset: ")


def test_the_document_describes_every_route_and_loads_nothing(made: Monitor) -> None:
    ask = Asker(made)
    paths = ask.json("/api/v1/openapi.json")["paths"]
    ready = {"host", "platform", "lab", "history", "me", "people", "stream", "me/preferences"}
    lists = {"containers", "processes", "activity"}
    assert set(paths) == {"/healthz", "/metrics", *(f"/api/v1/{name}" for name in ready | lists)}
    for path in paths.values():
        for route in path.values():
            assert route["description"]
            assert {"200", "403", "421"} <= set(route["responses"])
    assert ask("/docs").status_code == 404
    assert ask("/api/v1/lab", "POST").status_code == 405


def test_prometheus_gets_the_format_that_it_asks_for(made: Monitor) -> None:
    publish(made)
    ask = Asker(made)
    assert ask("/metrics").headers["content-type"].startswith("text/plain")
    openmetrics = ask("/metrics", headers={"Accept": "application/openmetrics-text;version=1.0.0"})
    assert openmetrics.headers["content-type"].startswith("application/openmetrics-text")
    assert openmetrics.text.endswith("# EOF\n")


def test_a_full_hub_sends_listeners_to_poll(made: Monitor) -> None:
    made.hub = type(made.hub)(made.board, most=0)
    answer = Asker(made)("/api/v1/stream")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")
