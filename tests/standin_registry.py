"""A stand-in for what a real registry on loopback does not do: tokens, pages, limits, silence, nonsense."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from registries import INDEX, MANIFEST, digest_of, image, index

TOKEN = "canary-token"


@dataclass
class Answer:
    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0


@dataclass
class StandinRegistry:
    """Serves repositories (name → tag → manifest). `over` may answer a path in place of it."""

    address: str = ""
    repositories: dict[str, dict[str, bytes]] = field(default_factory=dict)
    contents: dict[str, tuple[str, bytes]] = field(default_factory=dict)  # digest → kind and body
    over: Callable[[str, str, dict[str, str]], Answer | None] = lambda method, path, headers: None
    page: int = 0
    token: bool = False
    login: str = ""  # what the token service wants as basic credentials
    asked: list[str] = field(default_factory=list)

    def add(self, name: str, *tags: str, created: str = "2026-10-01T08:00:00Z") -> str:
        config, manifest = image(created, salt=f"{name}{tags}")
        body = index({"unknown": b"an attestation", "amd64": manifest})
        for kind, one in (("application/json", config), (MANIFEST, manifest), (INDEX, body)):
            self.contents[digest_of(one)] = (kind, one)
        for tag in tags:
            self.repositories.setdefault(name, {})[tag] = body
        return digest_of(body)

    def answer(self, method: str, target: str, headers: dict[str, str]) -> Answer:
        self.asked.append(f"{method} {target}")
        path, query = urlsplit(target).path, parse_qs(urlsplit(target).query)
        if found := self.over(method, target, headers):
            return found
        if path == "/token":
            good = not self.login or headers.get("Authorization") == f"Basic {self.login}"
            return _json({"token": TOKEN}) if good else Answer(401)
        if self.token and headers.get("Authorization") != f"Bearer {TOKEN}":
            name = path.removeprefix("/v2/").rpartition("/")[0].rpartition("/")[0]
            realm = f'Bearer realm="http://{self.address}/token",service="standin",scope="repository:{name}:pull"'
            return Answer(401, b'{"errors": []}', {"Www-Authenticate": realm})
        return self._serve(path, query)

    def _serve(self, path: str, query: dict[str, list[str]]) -> Answer:
        name, kind, reference = path.removeprefix("/v2/").rsplit("/", 2)
        tags = self.repositories.get(name)
        if tags is None:
            return Answer(404, b"{}")
        if kind == "tags":
            return self._tags(name, sorted(tags), query)
        if kind == "manifests" and reference in tags:
            reference = digest_of(tags[reference])
        if reference not in self.contents:
            return Answer(404, b"{}")
        media, body = self.contents[reference]
        return Answer(200, body, {"Content-Type": media, "Docker-Content-Digest": reference})

    def _tags(self, name: str, tags: list[str], query: dict[str, list[str]]) -> Answer:
        last = query.get("last", [""])[0]
        rest = [tag for tag in tags if tag > last]
        if not self.page or len(rest) <= self.page:
            return _json({"name": name, "tags": rest})
        here = rest[: self.page]
        link = f'<https://elsewhere.example/v2/{name}/tags/list?n={self.page}&last={here[-1]}>; rel="next"'
        return _json({"name": name, "tags": here}, Link=link)


def _json(value: object, **headers: str) -> Answer:
    return Answer(200, json.dumps(value).encode(), {"Content-Type": "application/json", **headers})


@contextmanager
def standin_registry() -> Iterator[StandinRegistry]:
    """Run the stand-in on a free port of loopback."""
    registry = StandinRegistry()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            answer = registry.answer(self.command, self.path, dict(self.headers))
            time.sleep(answer.delay)
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(answer.body)

        do_HEAD = do_GET  # noqa: N815

        def log_message(self, *_: object) -> None:
            return None

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False

        def handle_error(self, *_: object) -> None:
            """A client that hung up is part of the test."""

    with Server(("127.0.0.1", 0), Handler) as server:
        registry.address = f"127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield registry
        server.shutdown()
