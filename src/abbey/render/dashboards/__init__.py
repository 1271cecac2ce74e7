"""Grafana's dashboards, written as it reads them; the modules beside say what is on them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

from abbey.files import File, FileTree
from abbey.model.condition import monitored
from abbey.model.host import Host
from abbey.model.lab import Lab
from abbey.model.monitoring import VIEWER
from abbey.render.dashboards.apps import APPS, GATEWAY, HOME, TUNNEL
from abbey.render.dashboards.containers import BACKUPS, CONTAINERS
from abbey.render.dashboards.hosts import DATABASE, HOSTS
from abbey.render.dashboards.panel import Board, Kind, Panel

BOARDS = (HOME, HOSTS, DATABASE, GATEWAY, TUNNEL, APPS, CONTAINERS, BACKUPS)
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
_SCHEMA = 41  # of Grafana 12; newer ones bring it up to theirs when they read it
_COLUMNS = 24
_HEIGHT = {"stat": 4, "state": 4}
_NOTHING = (
    "No Prometheus watches this lab, so there is nothing to draw yet.\n\n"
    "`prometheus: {}` under `apps:` in the lab's file brings one, and with it dashboards of hosts, database, gateway, "
    "tunnel, apps, containers and backups."
)


def render(lab: Lab, host: Host) -> FileTree:
    """Return grafana/boards/….json on a host that draws: all dashboards, or where nothing is scraped what to do."""
    if not any(app.name == VIEWER for app in lab.apps_on(host)):
        return FileTree()
    boards = BOARDS if monitored(lab) else (replace(HOME, panels=()),)
    return FileTree((f"grafana/boards/{board.uid.removeprefix('abbey-')}.json", File(text(board))) for board in boards)


def text(board: Board) -> str:
    """Return a dashboard as Grafana reads it."""
    document = {
        "uid": board.uid,
        "title": board.title,
        "tags": ["abbey"],
        "schemaVersion": _SCHEMA,
        "version": 1,
        "editable": False,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "timezone": "browser",
        "annotations": {"list": []},
        "links": [{"type": "dashboards", "title": "Lab", "tags": ["abbey"], "keepTime": True, "asDropdown": False}],
        "templating": {"list": list(_variables(board)) if board.panels else []},
        "panels": list(_panels(board)) or [_note()],
    }
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _variables(board: Board) -> Iterator[dict[str, object]]:
    yield {"name": "datasource", "label": "Source", "type": "datasource", "query": "prometheus", "hide": 0}
    for label, figure in board.variables:
        yield {
            "name": label,
            "label": label.capitalize(),
            "type": "query",
            "datasource": SOURCE,
            "query": {"query": f"label_values({figure}, {label})", "refId": "A"},
            "definition": f"label_values({figure}, {label})",
            "refresh": 2,
            "sort": 1,
            "multi": True,
            "includeAll": True,
            "allValue": ".*",
            "current": {"text": ["All"], "value": ["$__all"]},
        }


def _panels(board: Board) -> Iterator[dict[str, object]]:
    """Yield the panels from left to right, and from the top down."""
    x = y = 0
    tallest = 0
    for number, panel in enumerate(board.panels, start=1):
        high = _HEIGHT.get(panel.kind, 8)
        if x + panel.wide > _COLUMNS:
            x, y, tallest = 0, y + tallest, 0
        yield _panel(panel, number, {"x": x, "y": y, "w": panel.wide, "h": high})
        x, tallest = x + panel.wide, max(tallest, high)


def _panel(panel: Panel, number: int, place: dict[str, int]) -> dict[str, object]:
    table, state = panel.kind == "table", panel.kind == "state"
    defaults: dict[str, object] = {
        "unit": panel.unit,
        "min": 0,
        "mappings": [{"type": "value", "options": panel.says}] if panel.says else [],
    }
    if panel.most is not None:
        defaults["max"] = panel.most
    if panel.kind != "timeseries":
        defaults["color"] = {"mode": "thresholds"}
        defaults["thresholds"] = {"mode": "absolute", "steps": _steps(panel)}
    return {
        "id": number,
        "type": "stat" if state else panel.kind,
        "title": panel.title,
        "description": panel.about,
        "datasource": SOURCE,
        "gridPos": place,
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "options": _options(panel.kind),
        "targets": [
            {
                "refId": chr(ord("A") + index),
                "datasource": SOURCE,
                "expr": question,
                "legendFormat": name,
                "range": panel.kind == "timeseries",
                "instant": panel.kind != "timeseries",
                "format": "table" if table else "time_series",
            }
            for index, (question, name) in enumerate(panel.asks)
        ],
    }


def _steps(panel: Panel) -> list[dict[str, object]]:
    steps: list[dict[str, object]] = [{"color": "green", "value": None}]
    if panel.unit == "percentunit" and panel.most:
        steps += [{"color": "orange", "value": 0.8}, {"color": "red", "value": 0.9}]
    return steps


def _options(kind: Kind) -> dict[str, object]:
    last = {"calcs": ["lastNotNull"], "fields": "", "values": False}
    match kind:
        case "timeseries":
            return {
                "legend": {"displayMode": "list", "placement": "bottom"},
                "tooltip": {"mode": "multi", "sort": "desc"},
            }
        case "bargauge":
            return {"reduceOptions": last, "displayMode": "basic", "orientation": "horizontal"}
        case "table":
            return {"showHeader": True}
        case _:
            return {
                "reduceOptions": last,
                "colorMode": "background" if kind == "state" else "value",
                "graphMode": "none",
            }


def _note() -> dict[str, object]:
    return {
        "id": 1,
        "type": "text",
        "title": "",
        "gridPos": {"x": 0, "y": 0, "w": _COLUMNS, "h": 6},
        "options": {"mode": "markdown", "content": _NOTHING},
    }
