"""A portal document, a lab document, and a small web server in place of nginx and the metrics API."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from abbey.render.tiles import COLOURS, page_html

PORTAL = Path(__file__).parents[2] / "portal"
TYPES = {".html": "text/html; charset=utf-8", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; "
    "manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
SINCE = 1_795_441_320.0


def app(name: str, **fields: Any) -> dict[str, Any]:
    return {
        "name": name,
        "title": name.title(),
        "summary": f"What {name} is good for",
        "url": f"https://{name}.example.com",
        "icon": "",
        "colour": "cyan",
        "state": "shared",
        "promise": "If monk dies, nothing is lost.",
        "hosts": ["monk", "kscloud1"],
        "sso": "oidc",
        **fields,
    }


def portal(*apps: Mapping[str, Any], theme: str = "cyberpunk", title: str = "Monastery") -> dict[str, Any]:
    half = (len(apps) + 1) // 2
    groups = [{"name": "Work", "apps": apps[:half]}, {"name": "Home", "apps": apps[half:]}]
    return {
        "lab": "monastery",
        "title": title,
        "theme": theme,
        "domain": "example.com",
        "docs": "https://forgejo.example.com/brother/lab",
        "signin": {"url": "https://auth.example.com/", "sign_out": "https://auth.example.com/flows/-/logout/"},
        "hosts": [{"name": "monk", "place": "home"}, {"name": "kscloud1", "place": "cloud"}],
        "groups": [group for group in groups if group["apps"]],
    }


def forty_apps() -> list[dict[str, Any]]:
    apps = [app(f"app{number:02}", colour=COLOURS[number % 8]) for number in range(37)]
    apps.append(app("kavita", hosts=["monk"], state="owner", promise="If monk dies, Kavita waits for it."))
    apps.append(app("long", title="Donaudampfschifffahrtsgesellschaftskapitaen" * 2, summary="w" * 120))
    apps.append(app("hostile", title="<script>alert(1)</script>", summary='"><img src=x onerror=alert(1)>'))
    return apps


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


def lab(*, away: str = "") -> dict[str, Any]:
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

    entry = {
        "at": "2026-11-23T13:00:00Z",
        "who": "brother",
        "what": "pushed to",
        "repository": "brother/lab",
        "subject": "<b>Mend the gate</b>",
        "url": "https://forgejo.example.com/brother/lab",
    }
    weather = {"place": "Berlin", "celsius": 11.5, "feels_like": 9.0, "text": "light rain", "day": True}
    attribution = {"attribution": "Weather data by Open-Meteo.com (CC BY 4.0)"}
    return {
        "host": "kscloud1",
        "seq": 1,
        "at": SINCE,
        "hosts": [host("monk"), host("kscloud1")],
        "weather": {"data": weather | attribution, "age": 190.0, "error": ""},
        "forgejo": {"data": [entry], "age": 20.0, "error": ""},
    }


class StandinGateway:
    """Serves the portal under the strict policy; what the metrics API answers can be changed at any time."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.page = page_html((PORTAL / "index.html").read_text(), document)
        self.lab: dict[str, Any] | None = lab()
        self.streams = True
        self.signed_out = False
        self.asked: list[str] = []
        self.changed = threading.Condition()
        self.closed = False
        self.url = ""

    def show(self, document: dict[str, Any] | None) -> None:
        """Make the lab look so from now on; None is an API that is down."""
        with self.changed:
            self.lab = document
            self.changed.notify_all()

    def answer(self, path: str) -> tuple[int, str, bytes]:
        if path.startswith("/api/") and self.signed_out:
            return 302, "text/html", b""
        if path == "/api/v1/lab" and self.lab:
            return 200, "application/json", json.dumps(self.lab).encode()
        if path == "/":
            return 200, TYPES[".html"], self.page.encode()
        file = PORTAL / path.removeprefix("/")
        if file.parent == PORTAL and file.suffix in TYPES and file.is_file():
            return 200, TYPES[file.suffix], file.read_bytes()
        return (502, "text/html", b"down") if path.startswith("/api/") else (404, "text/plain", b"")


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
                status, kind, body = gateway.answer(path)
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
            self.head(200, "text/event-stream", {})
            while not gateway.closed and gateway.lab:
                self.wfile.write(b"id: 1\nevent: lab\ndata: %b\n\n" % json.dumps(gateway.lab).encode())
                with gateway.changed:
                    gateway.changed.wait(1.0)

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
        gateway.show(gateway.lab)
        server.shutdown()
        server.server_close()
