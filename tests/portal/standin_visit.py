"""The portal as one visitor meets it: its files with their tags, the API's past, the visitor and what they chose."""

from __future__ import annotations

import hashlib
import json
import math
import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from abbey.render.tiles import page_html

PORTAL = Path(__file__).parents[2] / "portal"
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
}
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; "
    "manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
NOW = 1_795_441_320.0  # Monday, 23 November 2026, 13:42 in UTC
RANGES = {"5m": (300, 1.0), "1h": (360, 10.0), "24h": (1440, 60.0)}
HOSTS = ("monk", "kscloud1")
# What a console says where a test switches service workers off, or makes something fail.
NOISE = ("Service Worker registration blocked by Playwright", "(Bad Gateway)", "net::ERR_")


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
        "promise": [],
        "hosts": list(HOSTS),
        "needs": [],
        "sso": "oidc",
        "kind": "app",
        **fields,
    }


def portal(groups: dict[str, Sequence[str]], *, widgets: Sequence[str] = ()) -> dict[str, Any]:
    return {
        "lab": "monastery",
        "title": "Monastery",
        "theme": "cyberpunk",
        "language": "en",
        "domain": "example.com",
        "signin": {"url": "https://auth.example.com/", "sign_out": "/outpost.goauthentik.io/sign_out"},
        "hosts": [{"name": name, "place": "home"} for name in HOSTS],
        "own": {"css": None, "widgets": list(widgets)},
        "tunnel": False,
        "database": False,
        "groups": [{"name": name, "apps": [app(one) for one in apps]} for name, apps in groups.items()],
    }


def lab(*, heat: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    def host(name: str) -> dict[str, Any]:
        cpu = {"percent": 12.0, "cores": [12.0], "load": [0.5, 0.4, 0.3], "frequency": None}
        figures = {"host": name, "seq": 1, "at": NOW, "uptime": 60.0, "cpu": cpu, "memory": None, "swap": None}
        more: dict[str, Any] = {
            "disks": [],
            "network": None,
            "disk_io": None,
            "temperatures": [],
            "missing": [],
            "fans": [],
        }
        state = {"own": name == HOSTS[0], "state": "up", "age": 0.4, "away_since": None, "error": ""}
        return {"name": name, **state, "figures": {**figures, **more, "pressure": None, "battery": None}}

    forge = {"data": {"entries": [], "heat": heat}, "age": 20.0, "error": ""}
    parts: dict[str, Any] = {"platforms": [], "apps": [], "weather": None, "forgejo": None if heat is None else forge}
    return {"host": HOSTS[0], "seq": 1, "at": NOW, "hosts": [host(name) for name in HOSTS], **parts}


def year(last: date) -> list[dict[str, Any]]:
    """A year in which something was done on two days of three, most on the last one."""
    counts = {last - timedelta(days=ago): (ago * 7) % 11 if ago % 3 else 0 for ago in range(1, 366)}
    counts[last] = 20
    return [{"date": day.isoformat(), "count": count} for day, count in sorted(counts.items()) if count]


def past(host: str, range_: str) -> dict[str, Any]:
    """Waves; the second host was away for a fifth of the time and has no sensor of temperature."""
    count, step = RANGES[range_]
    first = host == HOSTS[0]

    def wave(middle: float, swing: float, turns: float) -> list[float | None]:
        values: list[float | None] = []
        for at in range(count):
            gone = not first and 0.5 <= at / count < 0.7
            wobble = math.sin(at * turns / count * 6.283 + len(host)) + 0.35 * math.sin(at * 1.7)
            values.append(None if gone else round(max(0.0, middle + swing * wobble), 2))
        return values

    columns = {
        "cpu": wave(30 if first else 55, 18, 3),
        "memory": wave(61, 4, 1),
        "swap": wave(2, 1, 1),
        "disk": wave(80, 0, 1),
        "load": wave(0.8, 0.5, 3),
        "celsius": wave(48, 5, 2) if first else [None] * count,
        "rx": wave(1.2e6, 1e6, 4),
        "tx": wave(8e4, 7e4, 5),
        "read": wave(3e5, 5e5, 7),
        "write": wave(2e6, 1.5e6, 2),
    }
    return {"host": host, "range": range_, "start": NOW - count * step, "step": step, "columns": columns}


class StandinVisit:
    """What the lab answers to one visitor; all of it can be changed at any time."""

    def __init__(self, document: dict[str, Any]) -> None:
        messages = json.loads((PORTAL / "messages.json").read_text())
        template = (PORTAL / "index.html").read_text()
        self.pages = {word: page_html(template, document, messages, word) for word in ("en", "de")}
        self.lab = lab()
        self.me: dict[str, Any] = {"known": True, "name": "brother", "groups": [], "admin": False}
        self.kept: dict[str, dict[str, Any]] = {}
        self.files: dict[str, bytes] = {}
        self.held: set[str] = set()  # paths that are not answered until `let_go`
        self.released = threading.Event()
        self.closed = threading.Event()
        self.down: set[str] = set()  # beginnings of paths that answer 502
        self.signed_out = False
        self.asked: list[str] = []
        self.statuses: list[tuple[str, int]] = []
        self.writing = 0
        self.most_writing = 0
        self.url = ""

    def times(self, path: str) -> int:
        return sum(1 for one in self.asked if one == path)

    def let_go(self) -> None:
        self.held.clear()
        self.released.set()

    def page(self, cookies: SimpleCookie) -> bytes:
        language = cookies["lang"].value if "lang" in cookies else "en"
        theme = cookies["theme"].value if "theme" in cookies else "cyberpunk"
        text = self.pages[language]
        return re.sub(r"""<!--# echo var=['"]theme['"] -->""", theme, text).encode()

    def preferences(self) -> dict[str, Any] | None:
        return self.kept.get(self.me["name"]) if self.me["known"] else None

    def keep(self, chosen: dict[str, Any]) -> dict[str, Any]:
        before = self.preferences()
        if before is None or before["at"] < chosen["at"]:
            self.kept[self.me["name"]] = chosen
        return self.kept[self.me["name"]]

    def api(self, path: str, query: dict[str, list[str]]) -> dict[str, Any] | None:
        match path:
            case "/api/v1/lab":
                return self.lab
            case "/api/v1/me":
                return {**self.me, "preferences": self.preferences()}
            case "/api/v1/history" if query["host"][0] in HOSTS:
                return past(query["host"][0], query["range"][0])
        return None

    def file(self, path: str) -> tuple[str, bytes] | None:
        path = path.replace("/favicon.ico", "/icon.svg")  # what browsers ask for beside a page without an icon
        if path in self.files:
            return TYPES[Path(path).suffix], self.files[path]
        file = (PORTAL / path.removeprefix("/")).resolve()
        if file.is_relative_to(PORTAL) and file.is_file() and file.name not in {"index.html", "messages.json"}:
            return TYPES[file.suffix], file.read_bytes()
        return None


@contextmanager
def visiting(visit: StandinVisit) -> Iterator[StandinVisit]:
    """Serve inside the context and set `url`."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            visit.asked.append(parts.path)
            if parts.path in visit.held:
                visit.released.wait(30)
            if parts.path == "/api/v1/stream" and not visit.signed_out and not visit.down:
                self.stream()
            elif visit.signed_out:
                self.answer(302, "text/html", b"", {"Location": "https://auth.example.com/"})
            elif any(parts.path.startswith(one) for one in visit.down):
                self.answer(502, "text/html", b"down")
            elif parts.path == "/":
                page = visit.page(SimpleCookie(self.headers.get("Cookie", "")))
                self.answer(200, TYPES[".html"], page, {"Vary": "Cookie"})
            elif parts.path.endswith("/sign_out"):
                self.answer(200, TYPES[".html"], b'<link rel="icon" href="/icon.svg">signed out')
            elif body := visit.api(parts.path, parse_qs(parts.query)):
                self.answer(200, TYPES[".json"], json.dumps(body).encode())
            elif found := visit.file(parts.path):
                tag = f'"{hashlib.sha256(found[1]).hexdigest()[:16]}"'
                same = self.headers.get("If-None-Match") == tag
                self.answer(304 if same else 200, found[0], b"" if same else found[1], {"ETag": tag})
            else:
                self.answer(404, "text/plain", b"nothing here")

        def do_PUT(self) -> None:
            visit.asked.append(f"PUT {self.path}")
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            visit.writing += 1
            visit.most_writing = max(visit.most_writing, visit.writing)
            if self.path in visit.held:
                visit.released.wait(30)
            visit.writing -= 1
            if any(self.path.startswith(one) for one in visit.down):
                self.answer(502, "text/html", b"down")
            else:
                self.answer(200, TYPES[".json"], json.dumps(visit.keep(body)).encode())

        def stream(self) -> None:
            self.close_connection = True
            self.head(200, {"Content-Type": "text/event-stream"})
            whole = visit.lab
            self.event("forgejo", {"forgejo": whole["forgejo"]})
            while not visit.closed.is_set() and not visit.down:
                self.event("figures", {key: whole[key] for key in ("host", "seq", "at", "hosts")})
                visit.closed.wait(1.0)

        def event(self, name: str, data: dict[str, Any]) -> None:
            self.wfile.write(f"event: {name}\ndata: {json.dumps(data)}\n\n".encode())

        def answer(self, status: int, kind: str, body: bytes, more: dict[str, str] | None = None) -> None:
            visit.statuses.append((urlsplit(self.path).path, status))
            headers = {"Content-Type": kind, "Content-Length": str(len(body)), "Cache-Control": "no-cache"}
            self.head(status, {**headers, **(more or {})})
            self.wfile.write(body)

        def head(self, status: int, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in {"Content-Security-Policy": CSP, **headers}.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: Any, client_address: Any) -> None:
            """A browser that goes away is no fault."""

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    visit.url = f"http://127.0.0.1:{server.server_address[1]}/"
    try:
        yield visit
    finally:
        visit.let_go()
        visit.closed.set()
        server.shutdown()
        server.server_close()
