"""What stands before Docker's socket, run by the real HAProxy: it lets through what the metrics API asks, and nothing else."""

from __future__ import annotations

import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingUnixStreamServer

import pytest

from abbey.render import render
from labs import lab_of, steady_catalog, text_of, two_hosts
from loopback import free_port

pytestmark = pytest.mark.process

CONFIG = "apps/metrics-socket/usr/local/etc/haproxy/haproxy.cfg"
PATIENCE = 20.0


class StandinDocker(ThreadingUnixStreamServer):
    """Answers every request with 200, and 101 to whoever wants another protocol; `seen` is what arrived."""

    daemon_threads = True

    def __init__(self, path: str) -> None:
        self.seen: list[str] = []
        super().__init__(path, _Answer)

    def get_request(self) -> tuple[socket.socket, str]:
        connection, _ = super().get_request()
        return connection, "unix"


class _Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def handle_one_request(self) -> None:
        self.raw_requestline = self.rfile.readline(65537)
        if not self.raw_requestline or not self.parse_request():
            self.close_connection = True
            return
        assert isinstance(self.server, StandinDocker)
        self.server.seen.append(self.requestline.removesuffix(" HTTP/1.1"))
        if "Upgrade" in self.headers:
            self.wfile.write(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n")
            self.close_connection = True
            return
        body = b"" if self.command == "HEAD" else b"[]"
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n" + body)


@pytest.fixture(scope="module")
def standin() -> Iterator[StandinDocker]:
    with tempfile.TemporaryDirectory(prefix="abbey-") as folder:  # a socket's path must be short
        server = StandinDocker(f"{folder}/real.sock")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            server.server_close()


@pytest.fixture(scope="module")
def door(standin: StandinDocker, program: Callable[[str], Path]) -> Iterator[str]:
    """The path of the filtered socket."""
    folder = Path(str(standin.server_address)).parent
    text = render(lab_of(text_of(two_hosts()), steady_catalog()))["monk"][CONFIG].shown().decode()
    filtered = f"{folder}/docker.sock"
    for name, instead in {
        "/run/docker/docker.sock": filtered,
        "unix@/var/run/docker.sock": f"unix@{standin.server_address!s}",
        "127.0.0.1:2375": f"127.0.0.1:{free_port()}",
    }.items():
        assert name in text
        text = text.replace(name, instead)
    config = folder / "haproxy.cfg"
    config.write_text(text)
    process = subprocess.Popen([str(program("haproxy")), "-db", "-f", str(config)], stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + PATIENCE
        while not Path(filtered).exists():
            assert process.poll() is None, "HAProxy ended"
            assert time.monotonic() < deadline, "HAProxy made no socket"
            time.sleep(0.02)
        yield filtered
    finally:
        process.terminate()
        process.wait(PATIENCE)


def status(door: str, request: str, *headers: str) -> int:
    """Send the request line as it stands, and return the status of the answer."""
    lines = [f"{request} HTTP/1.1", "Host: docker", *headers, "", ""]
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(PATIENCE)
        connection.connect(door)
        connection.sendall("\r\n".join(lines).encode())
        answer = connection.recv(4096)
    return int(answer.split()[1])


@pytest.mark.parametrize(
    "request_line",
    [
        "GET /_ping",
        "HEAD /_ping",
        "GET /version",
        "GET /v1.51/containers/json?all=true&filters=%7B%22label%22%3A%5B%22x%22%5D%7D",
        "GET /images/json",
        "GET /v1.41/events?since=1763900000",
    ],
)
def test_what_the_metrics_api_asks_passes_as_it_is(door: str, standin: StandinDocker, request_line: str) -> None:
    standin.seen.clear()
    assert status(door, request_line) == 200
    assert standin.seen == [request_line]


@pytest.mark.parametrize(
    "request_line",
    [
        "GET /containers/0123abcd/json",
        "GET /v1.51/containers/0123abcd/logs?stdout=1",
        "GET /v1.51/containers/json/../0123abcd/json",
        "GET /v1.51/containers/%2e%2e/containers/json/x",
        "GET /containers/json/",
        "GET //containers/json",
        "GET /containers%2Fjson",
        "GET /v1.51/v1.51/containers/json",
        "GET /v1.x/containers/json",
        "GET /x?/containers/json",
        "GET /info",
        "GET /secrets",
        "GET /",
        "POST /containers/json",
        "POST /v1.51/containers/create",
        "DELETE /v1.51/containers/0123abcd",
        "PUT /_ping",
        "OPTIONS /_ping",
        "GET http://docker/info",
    ],
)
def test_everything_else_is_refused_and_never_arrives(door: str, standin: StandinDocker, request_line: str) -> None:
    standin.seen.clear()
    assert status(door, request_line) == 403
    assert standin.seen == []


def test_no_connection_becomes_one_of_another_kind(door: str) -> None:
    assert status(door, "GET /events", "Connection: Upgrade", "Upgrade: tcp") == 200


def test_a_second_request_on_the_same_connection_is_looked_at_too(door: str, standin: StandinDocker) -> None:
    standin.seen.clear()
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(PATIENCE)
        connection.connect(door)
        connection.sendall(b"GET /_ping HTTP/1.1\r\nHost: d\r\n\r\nGET /info HTTP/1.1\r\nHost: d\r\n\r\n")
        answer = b""
        while b"403" not in answer:
            more = connection.recv(4096)
            assert more, answer
            answer += more
    assert standin.seen == ["GET /_ping"]


def test_whoever_has_the_volume_may_connect(door: str) -> None:
    assert Path(door).stat().st_mode & 0o777 == 0o666
