"""Dashboards: what they ask for exists, and Grafana can read them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from test_render_monitoring import ran

from abbey.render.dashboards import BOARDS, text
from abbey.render.dashboards.apps import HOME
from abbey.render.dashboards.panel import Board
from abbey_metrics.documents import HostState, HostView
from abbey_metrics.exposition import exposition
from abbey_metrics.figures import DiskIo, Drive, Interface, Network, Pressure, Temperature
from abbey_metrics.sampler import Sampler
from abbey_metrics.sources import host_sources
from standin_platform import standin_platform

# Where each name was seen. Of the lab's own figures and the gateway's, the programs themselves are asked.
RECORDED = {
    # prometheus-community/postgres_exporter v0.20.1: collector/*.go, exporter/postgres_exporter.go
    *("pg_up", "pg_replication_is_replica", "pg_replication_lag_seconds", "pg_postmaster_start_time_seconds"),
    *("pg_stat_activity_count", "pg_stat_activity_max_tx_duration", "pg_settings_max_connections"),
    *("pg_stat_database_xact_commit", "pg_stat_database_xact_rollback", "pg_stat_database_deadlocks"),
    *("pg_stat_database_blks_hit", "pg_stat_database_blks_read", "pg_database_size_bytes"),
    "pg_stat_replication_pg_wal_lsn_diff",
    # cloudflare/cloudflared 2026.8: connection/metrics.go, proxy/metrics.go, supervisor/metrics.go
    *("cloudflared_tunnel_ha_connections", "cloudflared_tunnel_total_requests", "cloudflared_tunnel_request_errors"),
    *("cloudflared_tunnel_response_by_code", "cloudflared_tunnel_concurrent_requests_per_tunnel"),
    "cloudflared_tunnel_server_locations",
    # Prometheus itself, of every target; and what every client of it shows
    *("up", "scrape_duration_seconds", "scrape_samples_scraped", "process_resident_memory_bytes"),
}
# caddyserver/caddy 2.11.7; test_render_inside.py holds the real one to it.
GATEWAY = {
    *("caddy_http_request_duration_seconds_count", "caddy_http_request_duration_seconds_bucket"),
    *("caddy_http_requests_in_flight", "caddy_reverse_proxy_upstreams_healthy", "caddy_config_last_reload_successful"),
}
_NAME = re.compile(r"\b(?:abbey|pg|cloudflared|caddy|process|scrape)_[a-z0-9_]+|\bup\b")


def questions(board: Board) -> Iterator[str]:
    for panel in json.loads(text(board))["panels"]:
        yield from (target["expr"] for target in panel["targets"])
    for variable in json.loads(text(board))["templating"]["list"]:
        if variable["type"] == "query":
            yield variable["definition"].removeprefix("label_values(").rpartition(",")[0]


def own_figures() -> set[str]:
    """Return the names of what the metrics API shows of this machine, as if it had everything."""
    figures = replace(
        Sampler("monk", host_sources()).take(),
        pressure=Pressure(1.0, 1.0, 1.0),
        network=Network(None, None, (Interface("eth0", None, None, 1, 1),)),
        disk_io=DiskIo(None, None, (Drive("sda", None, None, 1, 1),)),
        temperatures=(Temperature("coretemp", 40.0),),
    )
    view = HostView("cloud", False, HostState.UP, 1.0, None, "", None)
    body = exposition(
        (view,), host="monk", age=1.0, figures=figures, platform=standin_platform(), openmetrics=False
    ).decode()
    return {line.split()[2] for line in body.splitlines() if line.startswith("# TYPE")}


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.uid)
def test_dashboards_ask_for_figures_that_exist(board: Board) -> None:
    known = own_figures() | RECORDED | GATEWAY
    for question in questions(board):
        names = set(_NAME.findall(question))
        assert names, question
        assert names <= known, question


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.uid)
def test_dashboards_have_the_form_that_grafana_reads(board: Board) -> None:
    read = json.loads(text(board))
    assert re.fullmatch(r"[a-z0-9-]{1,40}", read["uid"])
    panels = read["panels"]
    assert [panel["id"] for panel in panels] == list(range(1, len(panels) + 1))
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= 24
        taken |= cells
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        assert panel["type"] in {"stat", "timeseries", "bargauge", "table"}
        for target in panel["targets"]:
            assert target["expr"].count("(") == target["expr"].count(")")
    offered = {variable["name"] for variable in read["templating"]["list"]}
    used = set(re.findall(r"\$([a-z]+)\b", json.dumps([panel["targets"] for panel in panels])))
    assert used <= offered


def test_dashboards_are_told_apart() -> None:
    assert len({board.uid for board in BOARDS}) == len(BOARDS)
    assert len({board.title for board in BOARDS}) == len(BOARDS)
    assert HOME in BOARDS


@pytest.mark.process
def test_promtool_takes_every_question(program: Callable[[str], Path], tmp_path: Path) -> None:
    """As rules, because that is where promtool reads PromQL; the variables of Grafana get values first."""
    filled = [
        question.replace("$__rate_interval", "1m").replace("$host", ".*").replace("$site", ".*")
        for board in BOARDS
        for question in questions(board)
    ]
    rules = [{"record": f"question:{number}", "expr": question} for number, question in enumerate(filled)]
    file = tmp_path / "rules.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "dashboards", "rules": rules}]}))
    ran([str(program("promtool")), "check", "rules", str(file)])
