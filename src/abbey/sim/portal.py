"""The portal of each host, real: nginx with the page that a real host would have, and the metrics API behind it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from abbey.catalog.assets import asset
from abbey.emit import json_text
from abbey.model.lab import Lab
from abbey.render.portal import document, nginx, site
from abbey.sim.hosts import DemoHost, Layout
from abbey.sim.ready import answers
from abbey.sim.supervise import Program

DOCUMENT = "portal.json"  # beside the site, not in it: it names what not everybody may know of
LOOPBACK = "127.0.0.0/8"  # where the gateways of the demo ask from


def demo_document(lab: Lab, layout: Layout) -> dict[str, Any]:
    """Return what the page knows about the lab, with the addresses that a browser on this machine opens."""
    text = json.dumps(document(lab))
    for app in lab.apps:
        if app.url:
            text = text.replace(f'"{app.url}/', f'"http://{app.hostname}:{layout.edge}/')
    moved: dict[str, Any] = json.loads(text)
    return moved


def around(server: str, home: Path) -> str:
    """Given a server block, return nginx's whole configuration: one process, everything it writes below `home`."""
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    folders = "\n".join(f"\t{kind}_temp_path {home}/{kind};" for kind in kinds)
    return f"""\
daemon off;
# One process: a worker would outlive a master that is killed.
master_process off;
pid {home}/nginx.pid;
error_log stderr warn;
worker_rlimit_nofile 4096;
events {{ worker_connections 2048; }}
http {{
{folders}
\taccess_log off;
\ttypes {{
\t\ttext/html html;
\t\ttext/css css;
\t\ttext/javascript js mjs;
\t\tapplication/json json;
\t\timage/svg+xml svg;
\t}}
{server}
}}
"""


def configuration(about: Mapping[str, Any], host: DemoHost, home: Path) -> str:
    """Given the portal document, return the configuration of nginx on the host, the rendered server inside."""
    server = nginx(
        about,
        host=host.name,
        listen=f"{host.address}:{host.portal}",
        metrics=f"{host.tailnet}:{host.metrics}",
        gateways=LOOPBACK,
        assets=str(asset("portal")),
        site=str(home / "site"),
        cache=str(home),
    )
    return around(server, home)


def document_of(folder: Path) -> Path:
    """Given the folder of a host, return where the portal's document lies."""
    return folder / "portal" / DOCUMENT


def program(program: Path, folder: Path, *, lab: Lab, host: DemoHost, layout: Layout) -> Program:
    """Write the pages, their data and the configuration, and return the portal as a program of the host."""
    home = folder / "portal"
    about = demo_document(lab, layout)
    for name, text in site(about, lab).items():
        (home / "site" / name).parent.mkdir(parents=True, exist_ok=True)
        (home / "site" / name).write_text(text)
    document_of(folder).write_text(json_text(about))
    config = home / "nginx.conf"
    config.write_text(configuration(about, host, home))
    return Program(
        host=host.name,
        name="portal",
        argv=(str(program), "-c", str(config), "-e", "stderr", "-p", str(home)),
        folder=folder,
        ready=answers(host.address, host.portal, "/healthz"),
    )
