"""The Python services of each host: the metrics API, and the stand-ins for Authentik, for apps and for the edge."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from abbey.secrets import Secret
from abbey.sim.hosts import DemoHost, Layout
from abbey.sim.ready import accepts, answers
from abbey.sim.supervise import Program

NOTES_CLIENT = "notes"
WHOAMI_CLIENT = "whoami"
# The portal's nginx asks from here; the other host from its tailnet address, so the two can be told apart.
VISITORS = "127.0.0.1/32"


@dataclass(frozen=True, slots=True)
class Secrets:
    """What this demo made up for itself; it ends with the demo."""

    database: Secret
    login: Secret
    notes_client: Secret
    whoami_client: Secret
    cookie_key: Secret


def metrics(folder: Path, document: Path, *, host: DemoHost, layout: Layout) -> Program:
    """Given the portal's document, return the metrics API of the host, which knows the other by its tailnet address."""
    other = layout.peer_of(host)
    (folder / "metrics").mkdir(exist_ok=True)
    return Program(
        host=host.name,
        name="metrics",
        argv=(sys.executable, "-m", "abbey_metrics"),
        folder=folder,
        ready=answers(host.address, host.metrics, "/healthz"),
        env={
            "ABBEY_HOST": host.name,
            "ABBEY_LISTEN": f"{host.address}:{host.metrics},{host.tailnet}:{host.metrics}",
            "ABBEY_PEERS": f"{other.name}=http://{other.tailnet}:{other.metrics}",
            "ABBEY_TAILNET": host.tailnet,
            "ABBEY_GATEWAYS": VISITORS,
            "ABBEY_PORTAL": str(document),
            "ABBEY_STATE": str(folder / "metrics"),
            "ABBEY_WEATHER": "",
        },
    )


def identity(folder: Path, conninfo: str, *, host: DemoHost, layout: Layout) -> Program:
    """Return the stand-in for Authentik on the host."""
    return Program(
        host=host.name,
        name="standin-identity",
        argv=(sys.executable, "-m", "abbey.sim.standin_identity"),
        folder=folder,
        ready=answers(host.address, host.identity, "/-/health/live/"),
        env={
            "STANDIN_DATABASE": conninfo,
            "STANDIN_HOST": host.name,
            "STANDIN_SIGN_IN": layout.url("auth"),
            "STANDIN_ADDRESS": host.address,
            "STANDIN_PORT": str(host.identity),
        },
    )


def app(folder: Path, conninfo: str, secrets: Secrets, *, host: DemoHost, layout: Layout) -> Program:
    """Return the stand-in apps on the host."""
    return Program(
        host=host.name,
        name="standin-app",
        argv=(sys.executable, "-m", "abbey.sim.standin_app"),
        folder=folder,
        ready=answers(host.address, host.app, "/healthz"),
        env={
            "STANDIN_DATABASE": conninfo,
            "STANDIN_HOST": host.name,
            "STANDIN_ISSUER": f"{layout.url('auth')}/application/o/{NOTES_CLIENT}/",
            "STANDIN_CLIENT_ID": NOTES_CLIENT,
            "STANDIN_CLIENT_SECRET": secrets.notes_client.reveal(),
            "STANDIN_REDIRECT_URI": notes_redirect(layout),
            "STANDIN_EDGE": f"http://127.0.0.1:{layout.edge}",
            "STANDIN_COOKIE_KEY": secrets.cookie_key.reveal(),
            "STANDIN_WHOAMI": layout.site("whoami"),
            "STANDIN_ADDRESS": host.address,
            "STANDIN_PORT": str(host.app),
        },
    )


def edge(folder: Path, *, layout: Layout) -> Program:
    """Return the stand-in for Cloudflare and its connectors."""
    connectors = ",".join(f"{host.name}=http://{host.address}:{host.gateway}" for host in layout.hosts)
    return Program(
        host="edge",
        name="standin-edge",
        argv=(sys.executable, "-m", "abbey.sim.standin_edge"),
        folder=folder,
        ready=accepts("127.0.0.1", layout.edge),
        env={
            "STANDIN_CONNECTORS": connectors,
            "STANDIN_ADDRESSES": ",".join(layout.edge_addresses),
            "STANDIN_PORT": str(layout.edge),
        },
    )


def notes_redirect(layout: Layout) -> str:
    """Return where the sign-in sends people who asked for the notes."""
    return f"{layout.url('notes')}/callback"


def whoami_redirect(layout: Layout) -> str:
    """Return where the sign-in sends people whom the gateway asked who they are."""
    return f"{layout.url('whoami')}/outpost.goauthentik.io/callback"
