"""The portal: the page with the lab's own tiles in it, and the nginx that serves it beside the metrics API."""

from __future__ import annotations

from typing import Any

from abbey.emit import json_text
from abbey.files import File, FileTree
from abbey.model.app import App
from abbey.model.host import Host
from abbey.model.identity import PROVIDER
from abbey.model.lab import Lab
from abbey.model.promise import promise
from abbey.model.values import METRICS_PORT
from abbey.render.tiles import page_html

# No script, style, picture or connection but the portal's own; nothing inline.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self';"
    " manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
WRITABLE = "/tmp"  # noqa: S108  in memory, in the container
ASSETS = "/usr/share/nginx/html"  # where the image keeps the page's own files
_CONTEXT, _PAGE = "portal", "portal/index.html"


def render(lab: Lab, host: Host) -> FileTree:
    """Return portal/site/… (the page and its data) and portal/conf.d/… (nginx) of a host."""
    about = document(lab)
    template = lab.catalog.contexts[_CONTEXT][_PAGE].decode()
    return FileTree(
        [
            ("portal/site/index.html", File(page_html(template, about))),
            ("portal/site/portal.json", File(json_text(about))),
            (
                "portal/conf.d/default.conf",
                File(
                    nginx(
                        listen="8080",
                        metrics=f"{host.tailnet}:{METRICS_PORT}",
                        host=host.name,
                        assets=ASSETS,
                        cache=WRITABLE,
                    )
                ),
            ),
        ]
    )


def document(lab: Lab) -> dict[str, Any]:
    """Return what the page knows about the lab; tiles.py describes its parts."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for app in lab.apps:
        if app.entry.kind == "app" and app.url:
            groups.setdefault(app.entry.tile.group if app.entry.tile else "Apps", []).append(_app(lab, app))
    about: dict[str, Any] = {
        "lab": lab.name,
        "title": lab.portal.title,
        "theme": lab.portal.theme,
        "domain": lab.domain,
        "hosts": [{"name": host.name, "place": host.place} for host in lab.hosts],
        "groups": [{"name": name, "apps": apps} for name, apps in sorted(groups.items())],
    }
    if lab.identity:
        sign_out = "/outpost.goauthentik.io/sign_out" if lab.app("portal").login == "forward-auth" else None
        about["signin"] = {"url": f"{lab.app(PROVIDER).url}/if/user/", "sign_out": sign_out}
    return about


def _app(lab: Lab, app: App) -> dict[str, Any]:
    primary = lab.database.primary.name if lab.database else None
    path = app.entry.tile.path if app.entry.tile else "/"
    return {
        "name": app.name,
        "title": app.entry.title,
        "summary": app.entry.summary,
        "url": f"{app.url}{path}",
        "icon": app.entry.tile.icon if app.entry.tile else "",
        "colour": app.entry.tile.colour if app.entry.tile else "cyan",
        "state": str(app.contract),
        "promise": promise(app, hosts=tuple(host.name for host in lab.hosts), primary=primary),
        "hosts": list(app.hosts),
        "needs": [primary] if primary and (app.database or app.login == "forward-auth") else [],
        "sso": "none" if app.login == "own" else app.login,
    }


def nginx(*, listen: str, metrics: str, host: str, assets: str, cache: str, site: str = "/srv/site") -> str:
    """Return nginx's configuration of the portal, to be included in its http block.

    `metrics` is the address of the metrics API, `assets` the folder of the page's own files, `site` the folder of
    the rendered ones, `cache` a folder that may be written.
    """
    text = _NGINX
    values = {"LISTEN": listen, "METRICS": metrics, "HOST": host, "ASSETS": assets, "SITE": site, "CACHE": cache}
    for name, value in {**values, "POLICY": POLICY}.items():
        text = text.replace(f"@{name}@", value)
    return text


_NGINX = """\
# Written by Abbey. Changes made here are found and undone by `abbey up`.
proxy_cache_path @CACHE@/figures levels=1 keys_zone=figures:1m max_size=8m inactive=1m use_temp_path=off;

# Answers of the API say for themselves how long they hold; files are asked for anew, which costs a 304.
map $upstream_http_cache_control $cache_control { default ""; "" "no-cache"; }

server {
	listen @LISTEN@;
	server_tokens off;
	absolute_redirect off;  # visitors know this server by another name and port
	root @ASSETS@;

	gzip on;
	gzip_comp_level 6;
	gzip_min_length 256;
	gzip_vary on;
	gzip_types text/css text/javascript application/javascript application/json image/svg+xml text/event-stream;

	# Here and nowhere below: a block with an add_header of its own would drop all of these.
	add_header Content-Security-Policy "@POLICY@" always;
	add_header X-Content-Type-Options nosniff always;
	add_header Referrer-Policy no-referrer always;
	add_header Cache-Control $cache_control always;
	add_header X-Abbey-Host @HOST@ always;

	location = / { root @SITE@; try_files /index.html =404; }
	location = /index.html { return 301 /; }
	location = /portal.json { root @SITE@; }
	location / { try_files $uri =404; }
	location = /healthz {
		access_log off;
		default_type text/plain;
		return 200 "ok\\n";
	}

	proxy_http_version 1.1;
	proxy_set_header Connection "";
	proxy_connect_timeout 2s;

	# Events pass at once, and a quiet stream is not a dead one.
	location = /api/v1/stream {
		limit_except GET { deny all; }
		proxy_pass http://@METRICS@;
		proxy_buffering off;
		proxy_cache off;
		proxy_read_timeout 1h;
	}
	# The API says for how long an answer holds (X-Accel-Expires: 1), so one request a second reaches it.
	location /api/ {
		limit_except GET { deny all; }
		proxy_pass http://@METRICS@;
		proxy_read_timeout 5s;
		proxy_cache figures;
		proxy_cache_key $uri;
		proxy_cache_lock on;
		proxy_cache_use_stale updating;
	}
}
"""
