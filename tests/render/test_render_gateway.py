"""Two real gateways beside each other: what a visitor sees when an app fails here, there, or in both places."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx2
import pytest

from abbey.model.ingress import Site
from abbey.render.gateway import Listen, caddyfile
from loopback import free_ports

pytestmark = pytest.mark.process

PATIENCE = 20.0
NAME = "app.example.org"
SITE = Site(
    app="app",
    title="App",
    hostname=NAME,
    upstreams=(),
    local="",
    health=None,
    patience="2s",
    streams=False,
    body=None,
    gate=None,
    owner=None,
)


@dataclass
class StandinApp:
    """An app that answers, answers 502, or is not there; it counts what reaches it."""

    name: str
    port: int
    status: int = 200
    seen: list[tuple[str, str, str]] = field(default_factory=list)

    def serve(self) -> ThreadingHTTPServer:
        app = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                user = self.headers.get("X-Authentik-Username", "")
                app.seen.append((self.command, self.headers.get("X-Forwarded-Proto", ""), user))
                self.send_response(app.status)
                self.send_header("Content-Length", str(len(app.name)))
                self.end_headers()
                self.wfile.write(app.name.encode())

            do_GET = do_POST = answer  # noqa: N815

            def log_message(self, *args: object) -> None:
                return

        return ThreadingHTTPServer(("127.0.0.1", self.port), Handler)


@dataclass
class Pair:
    """Host one and host two: their apps, and the addresses of their gateways."""

    apps: dict[str, StandinApp]
    public: dict[str, int]
    peer: dict[str, int]
    servers: dict[str, ThreadingHTTPServer]

    def ask(self, host: str = "one", method: str = "GET", *, headers: dict[str, str] | None = None) -> httpx2.Response:
        url = f"http://127.0.0.1:{self.public[host]}/page"
        return httpx2.request(method, url, headers={"Host": NAME, **(headers or {})}, timeout=PATIENCE, trust_env=False)

    def stop(self, host: str) -> None:
        self.servers[host].shutdown()
        self.servers[host].server_close()

    def counts(self, method: str) -> dict[str, int]:
        return {host: sum(one == method for one, _, _ in app.seen) for host, app in self.apps.items()}


@pytest.fixture
def pair(program: Callable[[str], Path], tmp_path: Path) -> Iterator[Pair]:
    ports = free_ports(8)
    hosts = ("one", "two")
    apps = {host: StandinApp(host, ports.pop()) for host in hosts}
    public, peer = ({host: ports.pop() for host in hosts} for _ in range(2))
    health = {host: ports.pop() for host in hosts}
    with ExitStack() as stack:
        servers = {host: app.serve() for host, app in apps.items()}
        for host, server in servers.items():
            stack.callback(server.server_close)
            stack.callback(server.shutdown)
            threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
            other = "two" if host == "one" else "one"
            local = f"127.0.0.1:{apps[host].port}"
            site = replace(SITE, local=local, upstreams=(local, f"127.0.0.1:{peer[other]}"))
            listen = Listen(
                public=public[host], peer=peer[host], health=health[host], address="127.0.0.1", peer_address="127.0.0.1"
            )
            text = caddyfile([site], host=host, listen=replace(listen, admin="off"), outpost="")
            (tmp_path / f"{host}.caddy").write_text(text)
            command = [
                str(program("caddy")),
                "run",
                "--adapter",
                "caddyfile",
                "--config",
                str(tmp_path / f"{host}.caddy"),
            ]
            caddy = subprocess.Popen(command, stderr=subprocess.DEVNULL, env={"HOME": str(tmp_path)})
            stack.callback(caddy.wait, PATIENCE)
            stack.callback(caddy.terminate)
            await_health(health[host])
        yield Pair(apps, public, peer, servers)


def await_health(port: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            if httpx2.get(f"http://127.0.0.1:{port}/healthz", trust_env=False, timeout=2).status_code == 200:
                return
        except httpx2.HTTPError:
            threading.Event().wait(0.05)
    pytest.fail("the gateway does not answer")


def test_this_host_answers_first_and_says_so(pair: Pair) -> None:
    for host in ("one", "two"):
        answer = pair.ask(host)
        assert (answer.status_code, answer.text, answer.headers["x-abbey-host"]) == (200, host, host)


def test_a_get_never_sees_an_app_that_is_gone(pair: Pair) -> None:
    pair.stop("one")
    answers = [pair.ask("one") for _ in range(5)]
    assert {(answer.status_code, answer.text) for answer in answers} == {(200, "two")}


def test_a_get_never_sees_an_app_that_answers_502(pair: Pair) -> None:
    pair.apps["one"].status = 502
    answers = [pair.ask("one") for _ in range(5)]
    assert {(answer.status_code, answer.text) for answer in answers} == {(200, "two")}


def test_a_post_that_was_sent_is_never_sent_again(pair: Pair) -> None:
    pair.apps["one"].status = 502
    assert pair.ask("one", "POST").status_code == 502
    assert pair.counts("POST") == {"one": 1, "two": 0}


def test_a_post_that_could_not_be_sent_goes_to_the_other_host(pair: Pair) -> None:
    pair.stop("one")
    assert pair.ask("one", "POST").text == "two"
    assert pair.counts("POST") == {"one": 0, "two": 1}


def test_a_request_never_goes_round_in_circles(pair: Pair) -> None:
    for app in pair.apps.values():
        app.status = 503
    answer = pair.ask("one")
    assert answer.status_code >= 500
    assert pair.counts("GET") == {"one": 1, "two": 1}


def test_one_bad_answer_on_both_hosts_hurts_nobody_after_it(pair: Pair) -> None:
    """Marking an address as down for long would take every site away that shares it; visitors could do that at will."""
    for app in pair.apps.values():
        app.status = 502
    assert pair.ask("one").status_code == 502
    for app in pair.apps.values():
        app.status = 200
    deadline = time.monotonic() + 2
    while (answer := pair.ask("one")).status_code != 200 and time.monotonic() < deadline:
        threading.Event().wait(0.02)
    assert (answer.status_code, answer.text) == (200, "one")


def test_a_name_that_is_not_served_is_misdirected_on_both_doors(pair: Pair) -> None:
    for port in (pair.public["one"], pair.peer["one"]):
        answer = httpx2.get(f"http://127.0.0.1:{port}/", headers={"Host": "other.example.org"}, trust_env=False)
        assert answer.status_code == 421


def test_nobody_names_himself_and_the_scheme_survives_both_hops(pair: Pair) -> None:
    pair.stop("one")
    headers = {"X-Authentik-Username": "admin", "X-Forwarded-Proto": "https"}
    assert pair.ask("one", headers=headers).text == "two"
    assert pair.apps["two"].seen == [("GET", "https", "")]


def test_a_path_of_another_service_leads_there_whatever_it_is_called(
    program: Callable[[str], Path], tmp_path: Path
) -> None:
    main, near, far, gone, public, peer, health = free_ports(7)
    apps = [StandinApp("main", main), StandinApp("near", near, status=404), StandinApp("far", far)]
    local = f"127.0.0.1:{main}"
    site = replace(
        SITE,
        local=local,
        upstreams=(local, f"127.0.0.1:{gone}"),
        health="/health",
        also=(("/figures/near", f"127.0.0.1:{near}"), ("/figures", f"127.0.0.1:{far}")),
        closed=("/metrics",),
    )
    listen = Listen(public=public, peer=peer, health=health, address="127.0.0.1", peer_address="127.0.0.1", admin="off")
    file = tmp_path / "Caddyfile"
    file.write_text(caddyfile([site], host="one", listen=listen, outpost=""))
    with ExitStack() as stack:
        for app in apps:
            server = app.serve()
            stack.callback(server.server_close)
            stack.callback(server.shutdown)
            threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        command = [str(program("caddy")), "run", "--adapter", "caddyfile", "--config", str(file)]
        caddy = subprocess.Popen(command, stderr=subprocess.DEVNULL, env={"HOME": str(tmp_path)})
        stack.callback(caddy.wait, PATIENCE)
        stack.callback(caddy.terminate)
        await_health(health)
        paths = ("/page", "/figures", "/figures/x", "/figures/near", "/figures/near/x", "/figuresque")
        answers = [
            httpx2.get(f"http://127.0.0.1:{public}{path}", headers={"Host": NAME}, trust_env=False).text
            for path in paths
        ]
    assert answers == ["main", "far", "far", "near", "near", "main"]
