"""What Prometheus asks, and where Grafana finds Prometheus.

Every figure but the hosts' own is fetched from the gateway of the host that has it, and so is every answer of
Prometheus to Grafana: one way, on both hosts and between them. `render/inside.py` writes the other end of it.
"""

from __future__ import annotations

from abbey.emit import Flow, Note, yaml_text
from abbey.files import File, FileTree
from abbey.model.host import Host
from abbey.model.ingress import PEER_PORT
from abbey.model.lab import Lab
from abbey.model.metrics import METRICS_PART
from abbey.model.monitoring import GATEWAY, INSIDE_PATH, TOKEN, VIEWER, Figures, figures, monitors
from abbey.model.secret_file import secret_path

INTERVAL = "15s"
_TOKEN_FILE = secret_path(TOKEN)
_PROVISIONING = "/etc/grafana/provisioning"
# Three of the gateway's four histograms are long and looked at by nobody; its label `host` is the site's name.
_GATEWAY_RULES = (
    {
        "source_labels": ["__name__"],
        "regex": "caddy_http_(request_size_bytes|response_size_bytes|response_duration_seconds)_bucket",
        "action": "drop",
    },
    {"source_labels": ["exported_host"], "target_label": "site"},
    {"regex": "exported_host", "action": "labeldrop"},
)


def render(lab: Lab, host: Host) -> FileTree:
    """Return prometheus/prometheus.yml on a host that scrapes, and grafana/… on one that draws."""
    files: list[tuple[str, File]] = []
    if host in monitors(lab):
        files.append(("prometheus/prometheus.yml", File(_scrapes(lab, host))))
    if any(app.name == VIEWER for app in lab.apps_on(host)):
        files += [(f"grafana/{path}", File(text)) for path, text in _provisioning(lab).items()]
    return FileTree(files)


def _scrapes(lab: Lab, host: Host) -> str:
    found = {other.name: {one.job: one for one in figures(lab, other)} for other in lab.hosts}
    jobs = {job: one for by_job in found.values() for job, one in by_job.items()}
    return yaml_text(
        {
            "global": Note(
                "Written by Abbey: every host, and every app that shows figures, on every host that runs it.",
                {
                    "scrape_interval": INTERVAL,
                    "evaluation_interval": INTERVAL,
                    "external_labels": {"lab": lab.name, "monitor": host.name},
                },
            ),
            "scrape_configs": [
                _job(one, {other.name: _target(other, host, one) for other in lab.hosts if job in found[other.name]})
                for job, one in sorted(jobs.items())
            ],
        }
    )


def _job(one: Figures, targets: dict[str, str]) -> dict[str, object]:
    job: dict[str, object] = {"job_name": one.job, "metrics_path": one.asked}
    if one.direct is None:
        job["authorization"] = Flow({"credentials_file": _TOKEN_FILE})
    if one.app == METRICS_PART:
        job["honor_labels"] = True  # it names its host itself
    job["static_configs"] = [
        {
            "targets": Flow([target]),
            "labels": Flow({"host": name, "app": one.app, "instance": name}),
        }
        for name, target in targets.items()
    ]
    if one.app == GATEWAY:
        job["metric_relabel_configs"] = list(_GATEWAY_RULES)
    return job


def _target(other: Host, host: Host, one: Figures) -> str:
    """Return where a host is asked: its gateway by name on this one, because that has a network with Prometheus."""
    if one.direct is not None:
        return f"{other.tailnet}:{one.direct}"
    return f"{GATEWAY if other == host else other.tailnet}:{PEER_PORT}"


def _provisioning(lab: Lab) -> dict[str, str]:
    """Return Grafana's provisioning files. Those that are empty are there because it complains of missing folders."""
    provider = {
        "name": "abbey",
        "folder": lab.portal.title,
        "type": "file",
        "allowUiUpdates": False,
        "disableDeletion": False,
        "updateIntervalSeconds": 60,
        "options": {"path": f"{_PROVISIONING}/boards"},
    }
    return {
        "datasources/abbey.yaml": yaml_text(
            {
                "apiVersion": Note("Written by Abbey; Grafana reads it at its start.", 1),
                "prune": Note("A source that has left this file leaves Grafana too.", True),
                "datasources": _sources(lab),
            }
        ),
        "dashboards/abbey.yaml": yaml_text({"apiVersion": 1, "providers": [provider]}),
        "plugins/abbey.yaml": yaml_text({"apiVersion": 1, "apps": []}),
        "alerting/abbey.yaml": yaml_text({"apiVersion": 1}),
    }


def _sources(lab: Lab) -> list[dict[str, object]]:
    """Return Prometheus as a data source, once per host that runs it, the same for every Grafana.

    All Grafanas may share one database, and with it this address. So each asks the gateway beside it, and that one
    knows where the Prometheus of a host is. The name of the first stays, whichever host it is on.
    """
    hosts = monitors(lab)
    return [
        {
            "name": f"Prometheus on {host.name}" if len(hosts) > 1 else "Prometheus",
            "uid": f"prometheus-{host.name}" if index else "prometheus",
            "type": "prometheus",
            "access": "proxy",
            "url": f"http://{GATEWAY}:{PEER_PORT}{INSIDE_PATH}/{host.name}",
            "isDefault": index == 0,
            "editable": False,
            "jsonData": {
                "httpMethod": "POST",
                "timeInterval": INTERVAL,
                "prometheusType": "Prometheus",
                "httpHeaderName1": "Authorization",
            },
            "secureJsonData": {"httpHeaderValue1": f"Bearer $__file{{{_TOKEN_FILE}}}"},
        }
        for index, host in enumerate(hosts)
    ]
