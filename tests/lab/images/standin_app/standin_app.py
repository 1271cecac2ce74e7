#!/usr/bin/python3
"""Stands in for a program whose image cannot be had in the lab: answers every path with a page that says so.

It insists on being given what the real program needs (standin_checks.py), and reads what that would read, so that a secret
with a wrong mode or a missing mount fails here as it would there. It shows none of it. Called by another name, or with
a word like `healthcheck`, it does what that command of the real program does. Where the post-start steps of Abbey talk
to an app, standin_NAME.py beside this file plays its part.
"""

from __future__ import annotations

import importlib
import json
import os
import re
import shutil
import signal
import socket
import sys
import urllib.request
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType

import standin_checks as checks

NAME = os.environ["STANDIN_NAME"]
PORT = int(os.environ["STANDIN_PORT"])
PAGE = "<!doctype html><title>standin_app</title><h1>standin_app for {name}</h1><p>container {container}</p>\n"
GATE = "/outpost.goauthentik.io/auth/caddy"
ASKING = {
    "healthcheck",
    "ready",
    "ls",
    "ping",
    "health",
    "auto",
}  # last words of commands that only ask whether it serves
SOCKET_PROXIES = {"socket-proxy"}
ENDING = {"seeder"}  # commands that check what they were given, and end


def part() -> ModuleType | None:
    """Return the module that knows more about this program, where there is one."""
    name = f"standin_{NAME.replace('-', '_')}"
    return importlib.import_module(name) if Path(__file__).resolve().parent.joinpath(f"{name}.py").exists() else None


class Page(BaseHTTPRequestHandler):
    """Answers every request: as the program's part does, or else with the page."""

    protocol_version = "HTTP/1.1"

    def __getattr__(self, name: str) -> Callable[[], None]:
        """Given do_GET, do_POST or another method, return what answers it."""
        if not name.startswith("do_"):
            raise AttributeError(name)
        return self.answer

    def answer(self) -> None:
        sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        own = getattr(part(), "answer", None)
        found = own(self.command, self.path, dict(self.headers), sent) if own else None
        status, value = found or (200, PAGE.format(name=NAME, container=socket.gethostname()))
        body = value.encode() if isinstance(value, str) else json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html; charset=utf-8" if isinstance(value, str) else "application/json")
        self.send_header("Content-Length", str(len(body)))
        if self.path.startswith(GATE):
            # A visitor of the tests says who they are; nobody else would believe it.
            self.send_header("X-Authentik-Username", self.headers.get("X-Standin-User", "standin"))
            self.send_header("X-Authentik-Groups", self.headers.get("X-Standin-Groups", ""))
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
    files += [value for key, value in os.environ.items() if key.endswith("_FILE") and value.startswith("/run/secrets/")]
    files += [word for text in arguments for word in re.findall(r"/run/secrets/\w+", text)]
    if "--config" in arguments:
        config = arguments[arguments.index("--config") + 1]
        found = re.search(r"^credentials-file:\s*[\"']?([^\"'\s]+)", Path(config).read_text(), re.MULTILINE)
        files += [config, *([found[1]] if found else [])]
    return files


def blueprint_files(name: str) -> list[str]:
    """Return a blueprint and every file that it names, where Authentik's worker would look for them."""
    path = Path("/blueprints", name)
    return [str(path), *re.findall(r"!File \"?([^\s\"]+)", path.read_text())]


def inspect(arguments: list[str]) -> None:
    """End with every complaint about this container, if there is any."""
    found = [f"{name} is empty or cannot be read" for name in named_files(arguments) if not checks.content(name)]
    found += checks.carelessness(NAME in SOCKET_PROXIES)
    for wants in checks.for_role(json.loads(os.environ["STANDIN_WANTS"]), " ".join(arguments)):
        found += checks.complaints(wants)
    if found:
        raise SystemExit("\n".join(f"standin_app for {NAME}: {complaint}" for complaint in found))


def command(called: str, arguments: list[str]) -> int | None:
    """Do what a command of the program does that ends, and return its exit code; None when it is to serve."""
    own = getattr(part(), "command", None)
    if own and (code := own(called, arguments)) is not None:
        return int(code)
    if "apply_blueprint" in arguments:
        return 0 if all(Path(name).read_bytes() for name in blueprint_files(arguments[-1])) else 1
    if called == "promtool":
        return 0 if "scrape_configs" in checks.content(arguments[-1]) else 1
    if arguments and arguments[-1] in ASKING:
        urllib.request.urlopen(f"http://127.0.0.1:{PORT}/", timeout=3).close()
        return 0
    return None


def main() -> int:
    """Do a command and end, start the command that an entrypoint is given, or serve until told to stop."""
    called, arguments = Path(sys.argv[0]).name, sys.argv[1:]
    if (code := command(called, arguments)) is not None:
        return code
    inspect([called, *arguments])
    if called in ENDING:
        return 0
    if called == "standin_app" and arguments and shutil.which(arguments[0]):
        os.execvp(arguments[0], arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # the first process of a container has no default for it
    print(f"standin_app for {NAME} listens on {PORT}", flush=True)
    Server(("", PORT), Page).serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
