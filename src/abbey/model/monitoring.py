"""Monitoring: what shows figures on which host, by which way they are fetched, and who may.

Containers publish no ports, so figures travel as requests do: by the gateway of their host, which answers the one
that scrapes on its private listener, and only with a token that nobody else in the private network knows.
"""

from __future__ import annotations

from dataclasses import dataclass

from abbey.catalog.schema import Metrics
from abbey.model.app import App
from abbey.model.condition import MONITOR, conditions, monitored
from abbey.model.host import Host
from abbey.model.lab import Lab
from abbey.secrets import Kind, SecretRef

VIEWER = "grafana"  # the app that draws what was scraped
GATEWAY = "gateway"
TOKEN = SecretRef(f"{GATEWAY}/peer_token", Kind.KEY)
INSIDE_FILE = "inside.caddy"  # beside the Caddyfile
FIGURES_PATH = "/.abbey/metrics"
INSIDE_PATH = f"/.abbey/inside/{MONITOR}"


@dataclass(frozen=True, slots=True)
class Figures:
    """One place on a host where figures are shown in Prometheus' format.

    `address` is where the gateway of that host finds it, and empty for the gateway's own; `network` is the one that it
    must join for that, if any. `direct` is a port on the host's private address, for what uses the host's network:
    nothing stands before that.
    """

    app: str
    job: str
    address: str
    network: str
    path: str
    token: SecretRef | None
    direct: int | None

    @property
    def asked(self) -> str:
        """Return the path at which the one that scrapes asks for it."""
        return self.path if self.direct else f"{FIGURES_PATH}/{self.job}"


def monitors(lab: Lab) -> tuple[Host, ...]:
    """Return the hosts that scrape, in the order of the file."""
    return tuple(lab.host(name) for app in lab.apps if app.name == MONITOR for name in app.hosts)


def figures(lab: Lab, host: Host) -> tuple[Figures, ...]:
    """Return what shows figures on a host, by the name of its app; nothing where nobody would scrape it."""
    if not monitored(lab):
        return ()
    return tuple(
        _figures(app, index, metrics)
        for app in lab.apps_on(host)
        for index, metrics in enumerate(app.entry.metrics)
        if conditions(lab, app).issuperset(app.entry.services[metrics.service].when)
    )


def closed(app: App) -> tuple[str, ...]:
    """Return the paths of an app where visitors would read its figures without a login: these are not for them."""
    route = app.entry.route
    if route is None or app.login == "forward-auth":
        return ()
    return tuple(
        metrics.path
        for metrics in app.entry.metrics
        if (metrics.service, metrics.port, metrics.token) == (route.service, route.port, None)
    )


def seen(lab: Lab, host: Host, app: App, key: str) -> tuple[SecretRef, ...]:
    """Return the secrets that a service of an app needs on a host because the lab is monitored."""
    if not monitored(lab):
        return ()
    if app.name == GATEWAY:
        return (TOKEN, *dict.fromkeys(one.token for one in figures(lab, host) if one.token))
    return (TOKEN,) if app.name in (MONITOR, VIEWER) and key == app.main else ()


def _figures(app: App, index: int, metrics: Metrics) -> Figures:
    service, entry = app.service_name(metrics.service), app.entry.services[metrics.service]
    before = [other.service for other in app.entry.metrics[:index]].count(metrics.service)
    own = app.name == GATEWAY
    return Figures(
        app=app.name,
        job=f"{service}.{before + 1}" if before else service,  # no service has a dot in its name
        address="" if own else f"{service}:{metrics.port}",
        network=app.name if entry.own_network and not entry.host_network else "",
        path=metrics.path,
        token=app.secret(metrics.token) if metrics.token else None,
        direct=metrics.port if entry.host_network else None,
    )
