#!/usr/bin/python3
"""Stands in for a program whose image cannot be had in the lab: answers every path with a page that says so.

It reads what the real program would read (every file that its environment or its --config names), so that a secret
with a wrong mode or a missing mount fails here as it would there. It shows none of it.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import sys
import urllib.request
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

PAGE = "<!doctype html><title>standin_app</title><h1>standin_app for {name}</h1><p>container {container}</p>\n"
GATE = "/outpost.goauthentik.io/auth/caddy"


class Page(BaseHTTPRequestHandler):
    """Answers every request with the page."""

    protocol_version = "HTTP/1.1"

    def __getattr__(self, name: str) -> Callable[[], None]:
        """Given do_GET, do_POST or another method, return what answers it."""
        if not name.startswith("do_"):
            raise AttributeError(name)
        return self.answer

    def answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        self.rfile.read(length)
        body = PAGE.format(name=os.environ["STANDIN_NAME"], container=socket.gethostname()).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        if self.path.startswith(GATE):
            self.send_header("X-Authentik-Username", "standin")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


class Server(ThreadingHTTPServer):
    """Serves each request on a thread of its own."""

    daemon_threads = True
    request_queue_size = 256


def named_files(arguments: list[str]) -> list[str]:
    """Return every file that the environment or the arguments tell the program to read."""
    files = [value.removeprefix("file://") for value in os.environ.values() if value.startswith("file:///")]
    files += [value for key, value in os.environ.items() if key.endswith("_FILE") and value.startswith("/")]
    if "--config" in arguments:
        config = arguments[arguments.index("--config") + 1]
        found = re.search(r"^credentials-file:\s*[\"']?([^\"'\s]+)", Path(config).read_text(), re.MULTILINE)
        files += [config, *([found[1]] if found else [])]
    return files


def blueprint_files(name: str) -> list[str]:
    """Return a blueprint and every file that it names, where Authentik's worker would look for them."""
    path = Path("/blueprints", name)
    return [str(path), *re.findall(r"!File \"?([^\s\"]+)", path.read_text())]


def main() -> int:
    """Answer a health check, take a blueprint, or serve until told to stop."""
    port = int(os.environ["STANDIN_PORT"])
    if "apply_blueprint" in sys.argv:
        return 0 if all(Path(name).read_bytes() for name in blueprint_files(sys.argv[-1])) else 1
    if sys.argv[-1] in ("healthcheck", "ready"):
        urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=3).close()
        return 0
    for name in named_files(sys.argv[1:]):
        if not Path(name).read_bytes():
            raise SystemExit(f"standin_app: {name} is empty")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # the first process of a container has no default for it
    print(f"standin_app for {os.environ['STANDIN_NAME']} listens on {port}", flush=True)
    Server(("", port), Page).serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
