"""The portal of each host, real: nginx with the page that a real host would have, and the metrics API behind it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from abbey.catalog.assets import asset
from abbey.emit import json_text
from abbey.model.lab import Lab
from abbey.render.portal import document, nginx
from abbey.render.tiles import page_html
from abbey.sim.hosts import DemoHost, Layout
from abbey.sim.ready import answers
from abbey.sim.supervise import Program


def demo_document(lab: Lab, layout: Layout) -> dict[str, Any]:
    """Return what the page knows about the lab, with the addresses that a browser on this machine opens."""
    text = json.dumps(document(lab))
    for app in lab.apps:
        if app.url:
            text = text.replace(f'"{app.url}/', f'"http://{app.hostname}:{layout.edge}/')
    moved: dict[str, Any] = json.loads(text)
    return moved


def configuration(host: DemoHost, home: Path) -> str:
    """Return nginx's configuration: one process, everything it writes below `home`, the rendered server inside."""
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    folders = "\n".join(f"\t{kind}_temp_path {home}/{kind};" for kind in kinds)
    server = nginx(
        host=host.name,
        listen=f"{host.address}:{host.portal}",
        metrics=f"{host.tailnet}:{host.metrics}",
        assets=str(asset("portal")),
        site=str(home / "site"),
        cache=str(home),
    )
    return f"""\
daemon off;
# One process: a worker would outlive a master that is killed.
master_process off;
pid {home}/nginx.pid;
error_log stderr warn;
events {{ worker_connections 512; }}
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


def program(program: Path, folder: Path, *, lab: Lab, host: DemoHost, layout: Layout) -> Program:
    """Write the page, its data and the configuration, and return the portal as a program of the host."""
    home = folder / "portal"
    site = home / "site"
    site.mkdir(parents=True, exist_ok=True)
    about = demo_document(lab, layout)
    (site / "index.html").write_text(page_html(asset("portal/index.html").read_text(), about))
    (site / "portal.json").write_text(json_text(about))
    config = home / "nginx.conf"
    config.write_text(configuration(host, home))
    return Program(
        host=host.name,
        name="portal",
        argv=(str(program), "-c", str(config), "-e", "stderr", "-p", str(home)),
        folder=folder,
        ready=answers(host.address, host.portal, "/portal.json"),
    )
