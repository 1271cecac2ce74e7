"""Two real gateways as the lab itself meets them: figures and questions, with the token and without; a real Prometheus."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx2
import pytest
from test_render_dashboards import GATEWAY
from test_render_gateway import SITE, await_health
from test_render_monitoring import TOKEN_FILE, lab, shown

from abbey.model.ingress import Site
from abbey.model.monitoring import Figures
from abbey.model.secret_file import SECRETS
from abbey.render import render
from abbey.render.gateway import Listen, caddyfile
from abbey.render.inside import Inside, inside
from abbey.secrets import SecretRef
from loopback import free_ports

pytestmark = pytest.mark.process

TOKEN, APP_TOKEN = "Token7ofTheLab", "Token7ofTheApp"
RIGHT = {"Authorization": f"Bearer {TOKEN}"}
FIGURES = b"# TYPE standin_figure gauge\nstandin_figure 1\n"
PATIENCE = 30.0


@dataclass
class Standin:
    """An app, or Prometheus: it answers with figures and keeps what it was asked: method, path, who says to ask."""

    port: int
    seen: list[tuple[str, str, str]] = field(default_factory=list)

    def serve(self) -> ThreadingHTTPServer:
        standin = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                standin.seen.append((self.command, self.path, self.headers.get("Authorization", "")))
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.send_header("Content-Length", str(len(FIGURES)))
                self.end_headers()
                self.wfile.write(FIGURES)

            do_GET = do_POST = do_PUT = do_DELETE = answer  # noqa: N815

            def log_message(self, *args: object) -> None:
                return

        return ThreadingHTTPServer(("127.0.0.1", self.port), Handler)


@dataclass
class Two:
    """Hosts monk, which has Prometheus, and cloud: the ports of their private listeners, and what stands behind."""

    peer: dict[str, int]
    public: dict[str, int]
    app: Standin
    monitor: Standin
    folder: Path

    def ask(
        self, path: str, host: str = "monk", method: str = "GET", headers: dict[str, str] | None = None
    ) -> httpx2.Response:
        url = f"http://127.0.0.1:{self.peer[host]}{path}"
        return httpx2.request(method, url, headers=RIGHT if headers is None else headers, timeout=10, trust_env=False)


def figures(app: str, port: int, path: str = "/metrics", token: SecretRef | None = None) -> Figures:
    address = f"127.0.0.1:{port}" if port else ""
    return Figures(app=app, job=app, address=address, network="", path=path, token=token, direct=None)


@pytest.fixture(scope="module")
def gateways(program: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    tmp_path = tmp_path_factory.mktemp("inside")
    ports = free_ports(9)
    app, monitor = Standin(ports.pop()), Standin(ports.pop())
    peer, public, health = ({host: ports.pop() for host in ("monk", "cloud")} for _ in range(3))
    (tmp_path / "gateway_peer_token").write_text(TOKEN)
    (tmp_path / "guarded_metrics_token").write_text(APP_TOKEN)
    shows = (
        figures("app", app.port),
        figures("guarded", app.port, "/api/figures", SecretRef("guarded/metrics_token")),
        figures("gone", ports.pop()),
        figures("gateway", 0),
    )
    ways = {"monk": (f"127.0.0.1:{monitor.port}", True), "cloud": (f"127.0.0.1:{peer['monk']}", False)}
    site = figured_site(app.port)
    with ExitStack() as stack:
        for standin in (app, monitor):
            server = standin.serve()
            stack.callback(server.server_close)
            stack.callback(server.shutdown)
            threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        for host, way in ways.items():
            folder = tmp_path / host
            folder.mkdir()
            (folder / "inside.caddy").write_text(inside(Inside(shows, (("monk", *way),), secrets=str(tmp_path))))
            listen = Listen(public[host], peer[host], "127.0.0.1", "127.0.0.1", health[host], admin="off")
            (folder / "Caddyfile").write_text(caddyfile([site], host=host, listen=listen, outpost="", watched=True))
            command = [str(program("caddy")), "run", "--adapter", "caddyfile", "--config", str(folder / "Caddyfile")]
            log = stack.enter_context((folder / "log").open("w"))
            caddy = subprocess.Popen(command, stderr=log, env={"HOME": str(tmp_path)})
            stack.callback(caddy.wait, PATIENCE)
            stack.callback(caddy.terminate)
            await_health(health[host])
        yield Two(peer, public, app, monitor, tmp_path)


@pytest.fixture
def two(gateways: Two) -> Two:
    """Both of them, with the token in its place and nothing asked yet."""
    (gateways.folder / "gateway_peer_token").write_text(TOKEN)
    gateways.app.seen.clear()
    gateways.monitor.seen.clear()
    return gateways


def figured_site(port: int) -> Site:
    local = f"127.0.0.1:{port}"
    return replace(SITE, local=local, upstreams=(local,), closed=("/metrics",))


def test_figures_are_for_whoever_has_the_token(two: Two) -> None:
    answer = two.ask("/.abbey/metrics/app")
    assert (answer.status_code, answer.content) == (200, FIGURES)
    assert two.app.seen == [("GET", "/metrics", "")]  # the lab's token stays at the gateway


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", f"Bearer {TOKEN[:-1]}", f"Bearer {TOKEN}x", "Bearer *", "Bearer {file.gateway_peer_token}", TOKEN],
)
def test_nobody_else_gets_anything(two: Two, header: str) -> None:
    headers = {"Authorization": header, "X-Abbey-Peer": TOKEN}
    for path in ("/.abbey/metrics/app", "/.abbey/metrics/gateway", "/.abbey/inside/prometheus/monk/api/v1/query"):
        assert two.ask(path, headers=headers).status_code == 421
    assert (two.app.seen, two.monitor.seen) == ([], [])


def test_without_its_file_no_token_is_right(two: Two) -> None:
    (two.folder / "gateway_peer_token").unlink()
    for header in (f"Bearer {TOKEN}", "Bearer", ""):
        assert two.ask("/.abbey/metrics/app", headers={"Authorization": header}).status_code == 421


def test_visitors_do_not_come_in_here(two: Two) -> None:
    url = f"http://127.0.0.1:{two.public['monk']}/.abbey/metrics/app"
    assert httpx2.get(url, headers=RIGHT, trust_env=False).status_code == 421


@pytest.mark.parametrize("path", ["/metrics", "/metrics/", "/METRICS", "//metrics", "/%6detrics", "/x/../metrics"])
def test_visitors_do_not_see_figures_at_the_app(two: Two, path: str) -> None:
    for port in (two.public["monk"], two.peer["monk"]):
        with closing(HTTPConnection("127.0.0.1", port, timeout=10)) as connection:  # it sends a path as it is
            connection.request("GET", path, headers={"Host": SITE.hostname})
            assert connection.getresponse().status == 404
    assert two.app.seen == []


def test_an_app_that_wants_a_token_of_its_own_gets_that(two: Two) -> None:
    assert two.ask("/.abbey/metrics/guarded").status_code == 200
    assert two.app.seen == [("GET", "/api/figures", f"Bearer {APP_TOKEN}")]


def test_what_nobody_shows_is_not_there(two: Two) -> None:
    for path in ("/.abbey/metrics/other", "/.abbey/metrics/app/more", "/.abbey/", "/.abbey/metrics"):
        assert two.ask(path).status_code == 404
    assert two.app.seen == []


@pytest.mark.parametrize("host", ["monk", "cloud"])
def test_questions_reach_prometheus_from_both_hosts(two: Two, host: str) -> None:
    """From cloud by the gateway of monk; the token ends there."""
    base = "/.abbey/inside/prometheus/monk/api/v1"
    assert two.ask(f"{base}/query?query=up%7Ba%3D%22b%22%7D", host).status_code == 200
    assert two.ask(f"{base}/query_range", host, "POST").status_code == 200
    assert two.ask(f"{base}/label/__name__/values?limit=3", host).status_code == 200
    assert two.monitor.seen == [
        ("GET", "/api/v1/query?query=up%7Ba%3D%22b%22%7D", ""),
        ("POST", "/api/v1/query_range", ""),
        ("GET", "/api/v1/label/__name__/values?limit=3", ""),
    ]


@pytest.mark.parametrize("host", ["monk", "cloud"])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/v1/admin/tsdb/delete_series"),
        ("POST", "/api/v1/write"),
        ("GET", "/api/v1/status/config"),
        ("GET", "/api/v1/query/../admin/tsdb/snapshot"),
        ("GET", "/api/v1/query/"),
        ("POST", "/-/quit"),
        ("GET", "/metrics"),
        ("PUT", "/api/v1/query"),
        ("DELETE", "/api/v1/series"),
    ],
)
def test_prometheus_is_only_asked_to_read(two: Two, host: str, method: str, path: str) -> None:
    assert two.ask(f"/.abbey/inside/prometheus/monk{path}", host, method).status_code in (404, 421)
    assert two.monitor.seen == []


def test_the_gateway_counts_by_site_and_shows_no_token(two: Two) -> None:
    url = f"http://127.0.0.1:{two.public['monk']}/page"
    httpx2.get(url, headers={"Host": SITE.hostname}, trust_env=False)
    httpx2.get(url, headers={"Host": "elsewhere.example.org"}, trust_env=False)
    own = two.ask("/.abbey/metrics/gateway").text
    assert {line.split("{")[0].split()[0] for line in own.splitlines() if line.startswith("caddy_")} >= GATEWAY
    (line,) = (
        line
        for line in own.splitlines()
        if line.startswith("caddy_http_request_duration_seconds_count") and f'host="{SITE.hostname}"' in line
        if 'code="200"' in line
    )
    assert 'server="public"' in line
    assert "elsewhere.example.org" not in own
    assert TOKEN not in own


def test_the_token_is_in_no_log(two: Two) -> None:
    """A request that fails is logged with its headers; Caddy knows this one to hold a secret."""
    assert two.ask("/.abbey/metrics/gone").status_code == 502
    log = (two.folder / "monk" / "log").read_text()
    assert "/.abbey/metrics/gone" in log
    assert '"Authorization":["REDACTED"]' in log
    assert TOKEN not in log


def test_the_real_prometheus_finds_every_target_up(two: Two, program: Callable[[str], Path], tmp_path: Path) -> None:
    """What Abbey writes on both ends of the way, and nothing of it changed but addresses."""
    text = shown(render(lab(prometheus={"owner": "monk"})), "monk", "prometheus/prometheus.yml")
    for job in ("authentik-server", "authentik-worker", "cloudflared", "grafana", "postgres-exporter", "prometheus"):
        text = text.replace(f"/.abbey/metrics/{job}\n", "/.abbey/metrics/app\n")
    for address, port in {
        "gateway:8081": two.peer["monk"],
        "100.64.0.2:8081": two.peer["cloud"],
        "100.64.0.1:9101": two.app.port,
        "100.64.0.2:9101": two.app.port,
    }.items():
        text = text.replace(address, f"127.0.0.1:{port}")
    text = text.replace(TOKEN_FILE, f"{two.folder}/gateway_peer_token").replace("_interval: 15s", "_interval: 1s")
    assert SECRETS not in text
    (tmp_path / "prometheus.yml").write_text(text)
    (port,) = free_ports(1)
    server = subprocess.Popen(
        [
            str(program("prometheus")),
            f"--config.file={tmp_path}/prometheus.yml",
            f"--storage.tsdb.path={tmp_path}/data",
            f"--web.listen-address=127.0.0.1:{port}",
        ],
        stderr=subprocess.DEVNULL,
    )
    try:
        found = await_targets(port)
    finally:
        server.terminate()
        server.wait(PATIENCE)
    assert {health for health, _ in found.values()} == {"up"}, found
    assert found["gateway", "cloud"][1] == "gateway"
    assert len(found) == 14


def await_targets(port: int) -> dict[tuple[str, str], tuple[str, str]]:
    """Return health and app of every target by job and host, once all have been asked."""
    deadline = time.monotonic() + PATIENCE
    found: dict[tuple[str, str], tuple[str, str]] = {}
    while time.monotonic() < deadline:
        threading.Event().wait(0.2)
        try:
            answer = httpx2.get(f"http://127.0.0.1:{port}/api/v1/targets", trust_env=False, timeout=2)
        except httpx2.HTTPError:
            continue
        if answer.status_code == 200:
            active = json.loads(answer.text)["data"]["activeTargets"]
            found = {
                (one["labels"]["job"], one["labels"]["host"]): (one["health"], one["labels"]["app"]) for one in active
            }
            if found and "unknown" not in {health for health, _ in found.values()}:
                return found
    return found
