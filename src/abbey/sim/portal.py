"""The portal of each host, real: nginx with the static page, and the metrics API behind it."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path

import abbey
from abbey.errors import AbbeyError
from abbey.sim.hosts import DemoHost, Layout
from abbey.sim.ready import answers
from abbey.sim.supervise import Program

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self';"
    " manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)


def assets() -> Path:
    """Return the folder with the portal's files. Raise AbbeyError when it is not there."""
    installed = Path(str(resources.files("abbey"))) / "assets" / "portal"
    beside = Path(abbey.__file__).parents[2] / "portal"
    for folder in (installed, beside):
        if (folder / "index.html").is_file():
            return folder
    raise AbbeyError("the portal's files are not installed", hint="install Abbey again, or run it from its checkout")


def document(host: DemoHost, layout: Layout) -> dict[str, object]:
    """Return portal.json: what the page shows besides figures."""
    return {
        "title": "Abbey demo",
        "theme": "cyberpunk",
        "host": host.name,
        "hosts": [{"name": one.name} for one in layout.hosts],
        "apps": [
            {"name": name, "title": title, "url": layout.url(name), "summary": summary, "group": "Apps"}
            for name, title, summary in (
                ("notes", "Notes", "Stand-in app that logs in by OpenID"),
                ("whoami", "Who am I", "Stand-in app that the gateway guards"),
                ("auth", "Sign-in", "Stand-in for Authentik"),
            )
        ],
    }


def configuration(host: DemoHost, folder: Path) -> str:
    """Return nginx's configuration: one process that listens on the host's own address."""
    temporary = "\n".join(
        f"    {kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    return f"""\
daemon off;
# One process: a worker would outlive a master that is killed.
master_process off;
pid {folder}/nginx.pid;
error_log stderr warn;
events {{ worker_connections 512; }}
http {{
{temporary}
    access_log off;
    server_tokens off;
    types {{
        text/html html; text/css css; text/javascript js mjs; application/json json; image/svg+xml svg;
        application/manifest+json webmanifest; image/png png; font/woff2 woff2;
    }}
    default_type application/octet-stream;
    server {{
        listen {host.address}:{host.portal};
        root {folder}/site;
        add_header Content-Security-Policy "{POLICY}" always;
        add_header X-Content-Type-Options nosniff always;
        add_header Referrer-Policy same-origin always;
        location = /healthz {{ default_type text/plain; return 200 "ok\\n"; }}
        location /api/ {{
            proxy_pass http://{host.address}:{host.metrics};
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host $host;
            proxy_buffering off;
            proxy_read_timeout 1h;
        }}
    }}
}}
"""


def program(nginx: Path, folder: Path, *, host: DemoHost, layout: Layout) -> Program:
    """Write the page, its data and the configuration, and return the portal as a program of the host."""
    home = folder / "portal"
    home.mkdir(parents=True, exist_ok=True)
    site = home / "site"
    site.mkdir(exist_ok=True)
    for source in assets().iterdir():
        (site / source.name).unlink(missing_ok=True)
        (site / source.name).symlink_to(source)
    (site / "portal.json").write_text(json.dumps(document(host, layout), indent=2))
    config = home / "nginx.conf"
    config.write_text(configuration(host, home))
    return Program(
        host=host.name,
        name="portal",
        argv=(str(nginx), "-c", str(config), "-e", "stderr", "-p", str(home)),
        folder=folder,
        ready=answers(host.address, host.portal, "/portal.json"),
    )
