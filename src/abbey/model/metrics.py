"""What the metrics API of a host is told about the lab: whom to ask, whom to answer, and with which secrets."""

from __future__ import annotations

from collections.abc import Iterator

from abbey.model.condition import MONITOR
from abbey.model.database import PORT as DATABASE_PORT
from abbey.model.database import SERVER_PART
from abbey.model.host import Host
from abbey.model.ingress import PUBLIC_PORT
from abbey.model.lab import Lab
from abbey.model.portal import FORGE
from abbey.model.secret_file import secret_path
from abbey.secrets import SecretRef

METRICS_PART = "metrics"
METRICS_PORT = 9101
_PORTAL = "portal"
_CONNECTOR = "cloudflared"


def told(lab: Lab, host: Host) -> dict[str, str]:
    """Return what `{{name}}` may stand for on a host, for names of the metrics API; empty for what the lab lacks."""
    here = {app.name: app for app in lab.apps_on(host)}
    weather, password, token = lab.portal.weather, _watcher(lab), _token(lab)
    found = {
        "peers.metrics": ",".join(f"{peer.name}=http://{peer.tailnet}:{METRICS_PORT}" for peer in lab.others(host)),
        "network.portal": lab.subnets[_PORTAL],
        # It asks directly. Those of other hosts come from their host's address.
        "network.monitor": lab.subnets[MONITOR] if MONITOR in here else "",
        "tunnel.service": here[_CONNECTOR].service_name(here[_CONNECTOR].main) if _CONNECTOR in here else "",
        "database.servers": "",
        "database.password": secret_path(password) if password else "",
        "weather.at": f"{weather.latitude},{weather.longitude}" if weather else "",
        "weather.place": weather.place if weather else "",
        "forgejo.url": "",
        "forgejo.host": "",
        "forgejo.user": "",
        "forgejo.token": secret_path(token) if token else "",
    }
    if lab.database:
        found["database.servers"] = f"{lab.database.primary.name}={lab.database.primary.tailnet}:{DATABASE_PORT}"
    if lab.portal.activity:
        # By the gateway of its own host, which knows where it runs.
        found["forgejo.url"] = f"http://127.0.0.1:{PUBLIC_PORT}"
        found["forgejo.host"] = lab.app(FORGE).hostname
        found["forgejo.user"] = lab.portal.activity.user
    return found


def shown(lab: Lab) -> tuple[SecretRef, ...]:
    """Return the secrets that it reads in this lab."""
    return tuple(_secrets(lab))


def _secrets(lab: Lab) -> Iterator[SecretRef]:
    for ref in (_watcher(lab), _token(lab)):
        if ref:
            yield ref


def _watcher(lab: Lab) -> SecretRef | None:
    """Return the password of the role that reads the database's figures."""
    return lab.app(SERVER_PART).secret("metrics_password") if lab.database else None


def _token(lab: Lab) -> SecretRef | None:
    asked = lab.portal.activity and lab.portal.activity.token
    return lab.app(METRICS_PART).secret("forgejo_token") if asked else None
