"""A portal document, lab documents, and a small web server in place of nginx and the metrics API."""

from __future__ import annotations

import copy
import json
import math
import re
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from abbey.render.tiles import COLOURS, page_html

PORTAL = Path(__file__).parents[2] / "portal"
MESSAGES: dict[str, dict[str, str]] = json.loads((PORTAL / "messages.json").read_text())
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
}
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; "
    "manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
SINCE = 1_795_441_320.0
HOSTS = ("monk", "kscloud1")


def app(name: str, **fields: Any) -> dict[str, Any]:
    return {
        "name": name,
        "title": name.title(),
        "summary": f"What {name} is good for",
        "url": f"https://{name}.example.com",
        "icon": "",
        "colour": "cyan",
        "groups": [],
        "services": [name],
        "state": "shared",
        "promise": [["promise.shared", {"primary": "kscloud1"}]],
        "hosts": list(HOSTS),
        "needs": [],
        "sso": "oidc",
        "kind": "app",
        **fields,
    }


def link(name: str, **fields: Any) -> dict[str, Any]:
    """A tile that leads out of the lab."""
    return app(name, hosts=[], services=[], state="", promise=[], sso="", kind="link", **fields)


def lives_on(host: str) -> dict[str, Any]:
    """The fields of an app that one host serves."""
    return {"hosts": [host], "state": "owner", "promise": [["promise.owner", {"host": host}]]}


def portal(*apps: Mapping[str, Any], theme: str = "cyberpunk", title: str = "Monastery") -> dict[str, Any]:
    half = (len(apps) + 1) // 2
    return grouped({"Work": apps[:half], "Home": apps[half:]}, theme=theme, title=title)


def grouped(groups: Mapping[str, Any], *, theme: str = "cyberpunk", title: str = "Monastery") -> dict[str, Any]:
    return {
        "lab": "monastery",
        "title": title,
        "theme": theme,
        "language": "en",
        "domain": "example.com",
        "docs": "https://forgejo.example.com/brother/lab",
        "signin": {"url": "https://auth.example.com/", "sign_out": "https://auth.example.com/flows/-/logout/"},
        "hosts": [{"name": "monk", "place": "home"}, {"name": "kscloud1", "place": "cloud"}],
        "own": {"css": None, "widgets": []},
        "tunnel": True,
        "database": True,
        "groups": [{"name": name, "apps": list(apps)} for name, apps in groups.items() if apps],
    }


def forty_apps() -> list[dict[str, Any]]:
    apps = [app(f"app{number:02}", colour=COLOURS[number % 8]) for number in range(37)]
    apps.append(app("kavita", **lives_on("monk")))
    apps.append(app("long", title="Donaudampfschifffahrtsgesellschaftskapitaen" * 2, summary="w" * 120))
    apps.append(app("hostile", title="<script>alert(1)</script>", summary='"><img src=x onerror=alert(1)>'))
    return apps


# ---------------------------------------------------------------- what the metrics API says


def figures(host: str) -> dict[str, Any]:
    return {
        "host": host,
        "seq": 1,
        "at": SINCE,
        "uptime": 1_234_567,
        "cpu": {"percent": 37.4, "cores": [30.0, 44.8], "load": [0.5, 0.4, 0.3]},
        "memory": {"total": 16_000_000_000, "used": 9_600_000_000, "available": 6_400_000_000, "percent": 60.0},
        "swap": {"total": 0, "used": 0},
        "disks": [
            {"mount": "/", "device": "/dev/sda1", "kind": "ext4", "percent": 93.0, "frozen_since": None},
            {"mount": "/data", "device": "/dev/sdb1", "kind": "ext4", "percent": 41.0, "frozen_since": None},
        ],
        "network": {"rx": 1_250_000.0, "tx": 83_000.0, "interfaces": []},
        "disk_io": {"read": 0.0, "write": 0.0},
        "temperatures": [{"name": "coretemp", "celsius": 47.0}],
        "missing": [],
    }


def container(name: str, state: str = "up") -> dict[str, Any]:
    parts = {"id": name, "app": name, "service": name, "image": f"example/{name}:1", "since": "2026-11-20T08:00:00Z"}
    return {"name": name, **parts, "state": state, "cpu": 1.5, "memory": 120_000_000, "memory_limit": None}


def platform(host: str, *, admin: bool = True) -> dict[str, Any]:
    now = time.time()
    backup = {"name": "forgejo", "what": "dump", "at": now - 5 * 3600, "ok": True, "bytes": 10**9, "error": ""}
    servers: list[dict[str, Any]] = [
        {"host": "kscloud1", "state": "up", "role": "primary", "lag": None, "connections": 12, "most": 100},
        {"host": "monk", "state": "up", "role": "standby", "lag": 0.2, "connections": 1, "most": 100},
    ]
    found = [container("caddy"), container("forgejo"), container("kavita")]
    view = {
        "host": host,
        "at": now,
        "processes": None,
        "containers": {"at": now, "error": "", "list": found} if admin else None,
        "tailnet": {"at": now, "address": "100.64.0.1", "interface": "wg0", "state": "up", "error": ""},
        "tunnel": {"at": now, "state": "up", "since": now - 9000, "error": ""},
        "databases": [
            {"at": now, "standbys": [], "answer": 0.004, "size": 10**9, "error": "", **one} for one in servers
        ],
        "backups": {"at": now, "error": "", "list": [{**backup, "proven_at": now - 2 * 86400}]}
        if host == "monk"
        else None,
    }
    return {"name": host, "age": 1.0, "platform": view}


def weather() -> dict[str, Any]:
    now = {"place": "Berlin", "celsius": 11.5, "feels_like": 9.0, "code": 61, "text": "light rain", "day": True}
    days = [(23, 4.0, 12.0, 61), (24, 2.0, 9.0, 3), (25, -1.0, 4.0, 71), (26, 0.0, 7.0, 2), (27, 3.0, 11.0, 0)]
    told = [
        {"date": f"2026-11-{day}", "low": low, "high": high, "rain": 40.0, "code": code}
        for day, low, high, code in days
    ]
    attribution = {"attribution": "Weather data by Open-Meteo.com (CC BY 4.0)"}
    return {"data": now | attribution | {"days": told, "hours": None}, "age": 190.0, "error": ""}


def forge(*, heat: bool = False) -> dict[str, Any]:
    entry = {
        "at": "2026-11-23T13:00:00Z",
        "who": "brother",
        "kind": "commit_repo",
        "what": "pushed to",
        "repository": "brother/lab",
        "subject": "<b>Mend the gate</b>",
        "url": "https://forgejo.example.com/brother/lab",
    }
    odd = {**entry, "kind": "unheard_of", "subject": "", "url": "javascript:alert(1)", "repository": "brother/notes"}
    days = [
        {"date": time.strftime("%Y-%m-%d", time.gmtime(time.time() - ago * 86400)), "count": (ago * 7) % 9}
        for ago in range(365)
    ]
    return {"data": {"entries": [entry, odd], "heat": days[::-1] if heat else None}, "age": 20.0, "error": ""}


def lab(*, away: str = "", names: tuple[str, ...] = (), **states: dict[str, str]) -> dict[str, Any]:
    """Return the lab seen from kscloud1; `names` are apps that are up, `states` others by host."""

    def host(name: str) -> dict[str, Any]:
        gone = name == away
        return {
            "name": name,
            "own": name == "kscloud1",
            "state": "away" if gone else "up",
            "age": 63.0 if gone else 0.4,
            "away_since": SINCE if gone else None,
            "error": "",
            "figures": figures(name),
        }

    apps = {name: {"monk": "up", "kscloud1": "up"} for name in names} | states
    return {
        "host": "kscloud1",
        "seq": 1,
        "at": SINCE,
        "hosts": [host(name) for name in HOSTS],
        "platforms": [platform(name) for name in HOSTS],
        "apps": [{"name": name, "hosts": found} for name, found in apps.items()],
        "weather": weather(),
        "forgejo": forge(),
    }


def all_well() -> dict[str, Any]:
    """The lab of forty_apps with every app up on every host."""
    return lab(names=tuple(entry["name"] for entry in forty_apps()))


def past(until: float, *, count: int = 60, step: float = 5.0) -> dict[str, Any]:
    """Waves of every line of both hosts, up to a moment."""

    def wave(middle: float, swing: float, turns: float) -> list[float]:
        return [
            max(0.0, middle + swing * math.sin(at / count * turns * 6.3) + swing / 3 * math.sin(at * 2.1))
            for at in range(count)
        ]

    columns = {"cpu": wave(35, 20, 2), "memory": wave(58, 3, 1), "rx": wave(9e5, 7e5, 3), "tx": wave(1e5, 8e4, 4)}
    one = {"range": "5m", "start": until - count * step, "step": step, "columns": columns}
    return {name: {"host": name, **one} for name in HOSTS}


SLOTS = {"platform": "platforms", "apps": "apps", "weather": "weather", "forgejo": "forgejo"}


class StandinGateway:
    """Serves the portal under the strict policy; what the metrics API answers can be changed at any time.

    `groups` are those of the visitor, `garbage` comes before all other events of a stream. `cut` ends every stream.
    """

    def __init__(self, document: Mapping[str, Any], language: str = "en") -> None:
        self.document = document
        self.page = page_html((PORTAL / "index.html").read_text(), document, MESSAGES, language)
        self.lab: dict[str, Any] | None = lab()
        self.past: dict[str, Any] = {}
        self.streams = True
        self.signed_out = False
        self.garbage: list[str] = []
        self.asked: list[str] = []
        self.resumed: list[str] = []
        self.changed = threading.Condition()
        self.round = 0
        self.closed = False
        self.url = ""

    def show(self, document: dict[str, Any] | None) -> None:
        """Make the lab look so from now on; None is an API that is down."""
        with self.changed:
            self.lab = copy.deepcopy(document)
            self.changed.notify_all()

    def cut(self) -> None:
        """End every stream that is open."""
        with self.changed:
            self.round += 1
            self.changed.notify_all()

    def answer(self, path: str, cookies: SimpleCookie) -> tuple[int, str, bytes]:
        if path.startswith("/api/") and self.signed_out:
            return 302, "text/html", b""
        if path == "/api/v1/lab" and self.lab:
            return 200, "application/json", json.dumps(self.lab).encode()
        if path == "/api/v1/me" and self.lab:
            me = {"known": False, "name": "", "groups": [], "admin": False, "preferences": None}
            return 200, "application/json", json.dumps(me).encode()
        if path == "/":
            theme = cookies["theme"].value if "theme" in cookies else self.document["theme"]
            return 200, TYPES[".html"], self.page.replace("<!--# echo var='theme' -->", theme).encode()
        file = PORTAL / path.removeprefix("/")
        if file.parent == PORTAL and file.suffix in TYPES and file.is_file():
            return 200, TYPES[file.suffix], file.read_bytes()
        return (502, "text/html", b"down") if path.startswith("/api/") else (404, "text/plain", b"")

    def events(self) -> Iterator[tuple[str, str]]:
        """Yield what a listener gets from joining until the stream ends."""
        yield from (("figures", text) for text in self.garbage)
        if self.past:
            yield "past", json.dumps({"hosts": self.past})
        told: dict[str, Any] = {}
        mine = self.round
        while not self.closed and (now := self.lab) and mine == self.round:
            yield "figures", json.dumps({key: now[key] for key in ("host", "seq", "at", "hosts")})
            for event, key in SLOTS.items():
                if key not in told or told[key] != now[key]:
                    told[key] = now[key]
                    yield event, json.dumps({key: now[key]})
            with self.changed:
                if self.lab is now and mine == self.round:
                    self.changed.wait(1.0)


@contextmanager
def serving(gateway: StandinGateway) -> Iterator[StandinGateway]:
    """Run the server inside the context and set the gateway's `url`."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            gateway.asked.append(path)
            try:
                if path == "/api/v1/stream" and gateway.streams and gateway.lab:
                    self.stream()
                    return
                status, kind, body = gateway.answer(path, SimpleCookie(self.headers.get("Cookie", "")))
                self.head(status, kind, {"Content-Length": str(len(body)), "Location": "https://auth.example.com/"})
                self.wfile.write(body)
            except OSError:
                self.close_connection = True  # the browser went away

        def head(self, status: int, kind: str, more: Mapping[str, str]) -> None:
            self.send_response(status)
            headers = {"Content-Type": kind, "Content-Security-Policy": CSP, "Cache-Control": "no-cache", **more}
            for name, value in headers.items():
                if name != "Location" or status == 302:
                    self.send_header(name, value)
            self.end_headers()

        def stream(self) -> None:
            if "Last-Event-ID" in self.headers:
                gateway.resumed.append(self.headers["Last-Event-ID"])
            self.head(200, "text/event-stream", {})
            self.wfile.write(b"retry: 100\n\n")
            for number, (event, data) in enumerate(gateway.events()):
                self.wfile.write(f"id: e{number}\nevent: {event}\ndata: {data}\n\n".encode())

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    gateway.url = f"http://127.0.0.1:{server.server_address[1]}/"
    try:
        yield gateway
    finally:
        gateway.closed = True
        gateway.cut()
        server.shutdown()
        server.server_close()


def without_includes(page: str) -> str:
    """Return a page as nginx gives it to somebody who may see everything."""
    return re.sub(r"<!--# .*? -->", "", page)
