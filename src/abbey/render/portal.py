"""The portal: the page with the lab's own tiles in it, and the nginx that serves it beside the metrics API.

The page is finished by nginx for each visitor, by server-side includes: the gateway says in headers who they are, and
tiles of groups that they are not in are cut out. What a person wrote cannot be taken for such an include, because in
HTML its `<` is `&lt;`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from importlib import resources
from typing import Any

from abbey.emit import json_text
from abbey.files import File, FileTree
from abbey.model.app import App
from abbey.model.condition import conditions
from abbey.model.host import Host
from abbey.model.identity import PROVIDER
from abbey.model.lab import Lab
from abbey.model.metrics import METRICS_PART, METRICS_PORT
from abbey.model.portal import Link
from abbey.model.promise import promise_parts
from abbey.render.tiles import COLOURS, LANGUAGES, THEMES, limits, page_html

# No script, style, picture or connection but the portal's own; nothing inline.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self';"
    " manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
WRITABLE = "/tmp"  # noqa: S108  in memory, in the container
ASSETS = "/usr/share/nginx/html"  # where the image keeps the page's own files
SITE = "/srv/site"
_PART = "portal"


def render(lab: Lab, host: Host) -> FileTree:
    """Return portal/site/… (what visitors get), metrics/portal.json (what they do not) and portal/conf.d/… (nginx)."""
    about = document(lab)
    server = nginx(
        about,
        listen="8080",
        metrics=f"{host.tailnet}:{METRICS_PORT}",
        host=host.name,
        gateways=lab.subnets[_PART],
        assets=ASSETS,
        site=SITE,
        cache=WRITABLE,
    )
    return FileTree(
        [
            *((f"portal/site/{name}", File(text)) for name, text in site(about, lab).items()),
            (f"{METRICS_PART}/portal.json", File(json_text(about))),
            ("portal/conf.d/default.conf", File(server)),
        ]
    )


def site(about: Mapping[str, Any], lab: Lab) -> dict[str, str]:
    """Given the portal document, return the files that nginx serves beside those of the image, by their names."""
    assets = lab.catalog.contexts[_PART]
    template, messages = assets["portal/index.html"].decode(), json.loads(assets["portal/messages.json"])
    manifest = json.loads(assets["portal/manifest.webmanifest"])
    manifest |= {"name": about["title"], "short_name": about["title"], "lang": about["language"]}
    pages = {f"index.{language}.html": page_html(template, about, messages, language) for language in LANGUAGES}
    return {
        **pages,
        "manifest.webmanifest": json_text(manifest),
        **{f"own/{file.name}": file.text for file in lab.portal.own},
    }


def document(lab: Lab) -> dict[str, Any]:
    """Return what the page knows about the lab; tiles.py describes its parts."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for app in lab.apps:
        if app.entry.kind == "app" and app.url:
            groups.setdefault(app.entry.tile.group if app.entry.tile else "Apps", []).append(_app(lab, app))
    for number, link in enumerate(lab.portal.links):
        groups.setdefault(link.group, []).append(_link(lab, link, COLOURS[number % len(COLOURS)]))
    css = lab.portal.css
    about: dict[str, Any] = {
        "lab": lab.name,
        "title": lab.portal.title,
        "theme": lab.portal.theme,
        "language": lab.portal.language,
        "domain": lab.domain,
        "hosts": [{"name": host.name, "place": host.place} for host in lab.hosts],
        "own": {
            "css": f"/own/{css.name}" if css else None,
            "widgets": [f"/own/{file.name}" for file in lab.portal.widgets],
        },
        "tunnel": lab.tunnel is not None and lab.tunnel.connected,
        "database": lab.database is not None,
        "groups": [{"name": name, "apps": apps} for name, apps in sorted(groups.items())],
    }
    if lab.portal.docs:
        about["docs"] = lab.portal.docs
    if lab.identity:
        sign_out = "/outpost.goauthentik.io/sign_out" if _knows_visitors(lab) else None
        about["signin"] = {"url": f"{lab.app(PROVIDER).url}/if/user/", "sign_out": sign_out}
    return about


def _knows_visitors(lab: Lab) -> bool:
    return lab.app(_PART).login == "forward-auth"


def _seen_by(lab: Lab, groups: tuple[str, ...]) -> list[str]:
    """Return the groups that see a tile: where nobody is asked who they are, there is nobody to hide it from."""
    return list(groups) if _knows_visitors(lab) else []


def _app(lab: Lab, app: App) -> dict[str, Any]:
    primary = lab.database.primary.name if lab.database else None
    true = conditions(lab, app)
    return {
        "name": app.name,
        "title": app.entry.title,
        "summary": app.entry.summary,
        "url": f"{app.url}{app.entry.tile.path if app.entry.tile else '/'}",
        "icon": app.entry.tile.icon if app.entry.tile else "",
        "colour": app.entry.tile.colour if app.entry.tile else "cyan",
        "groups": _seen_by(lab, app.groups),
        "services": [app.service_name(key) for key, entry in app.entry.services.items() if true.issuperset(entry.when)],
        "state": str(app.contract),
        "promise": promise_parts(app, hosts=tuple(host.name for host in lab.hosts), primary=primary),
        "hosts": list(app.hosts),
        "needs": [primary] if primary and (app.database or app.login == "forward-auth") else [],
        "sso": "none" if app.login == "own" else app.login,
        "kind": "app",
    }


def _link(lab: Lab, link: Link, colour: str) -> dict[str, Any]:
    return {
        "name": link.name,
        "title": link.title,
        "summary": link.summary,
        "url": link.url,
        "icon": link.icon,
        "colour": colour,
        "groups": _seen_by(lab, link.groups),
        "services": [],
        "state": "",
        "promise": [],
        "hosts": [],
        "needs": [],
        "sso": "",
        "kind": "link",
    }


def nginx(
    about: Mapping[str, Any],
    *,
    listen: str,
    metrics: str,
    host: str,
    gateways: str,
    assets: str,
    site: str,
    cache: str,
) -> str:
    """Given the portal document, return nginx's configuration of the portal (portal.nginx) for its http block.

    `metrics` is the address of the metrics API, `gateways` the range of addresses from which headers that name a
    visitor are believed, `assets` the folder of the page's own files, `site` that of the rendered ones, `cache` a
    folder that may be written.
    """
    values = {"LISTEN": listen, "METRICS": metrics, "HOST": host, "ASSETS": assets, "SITE": site, "CACHE": cache}
    values |= {"POLICY": POLICY, "GATEWAYS": gateways, "MAY": _may(limits(about)), "WORDS": "|".join(LANGUAGES)}
    values |= {"LANGUAGE": about["language"], "LANGUAGES": _same(LANGUAGES)}
    values |= {"THEME": about["theme"], "THEMES": _same(THEMES)}
    text = resources.files("abbey.render").joinpath("portal.nginx").read_text()
    # In one pass, so that nothing in a value is taken for a name.
    return re.sub(r"@([A-Z]+)@", lambda name: values[name[1]], text)


def _same(words: tuple[str, ...]) -> str:
    """Return the lines of a map in which each of these words stands for itself."""
    return " ".join(f"{word} {word};" for word in words)


def _may(limits: tuple[tuple[str, ...], ...]) -> str:
    """Return a map for each tuple of groups: `$may_N` is 1 for a member of one of them and else empty."""
    return "\n".join(
        f'map $groups $may_{number} {{ default ""; {" ".join(f"{_member(group)} 1;" for group in groups)} }}'
        for number, groups in enumerate(limits, 1)
    )


def _member(group: str) -> str:
    r"""Return the key of a map that fits the group between two bars; nginx itself takes \\ and \" for one sign."""
    pattern = rf"~\|{re.escape(group)}\|"
    return '"' + pattern.replace("\\", r"\\").replace('"', r"\"") + '"'
