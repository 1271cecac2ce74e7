"""The real program, on loopback, with a peer that is down and a weather service that never answers."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import httpx2
import pytest
from real_metrics import PATIENCE, eventually, serving, start

from abbey_metrics.server import bind
from abbey_metrics.words import Address
from loopback import free_port

pytestmark = pytest.mark.process


@pytest.fixture
def hanging_weather() -> Iterator[str]:
    """A service that takes connections and says nothing."""
    with closing(socket.socket()) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen()
        yield f"http://127.0.0.1:{sock.getsockname()[1]}/v1/forecast"


@pytest.fixture
def service(hanging_weather: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    peer = f"kscloud1=http://127.0.0.1:{free_port()}"
    with serving(ABBEY_PEERS=peer, ABBEY_WEATHER="52.52,13.41", ABBEY_WEATHER_URL=hanging_weather) as running:
        yield running


def test_a_dead_peer_and_a_hanging_weather_service_are_shown_not_waited_for(
    service: tuple[subprocess.Popen[str], int],
) -> None:
    _, port = service
    with httpx2.Client(base_url=f"http://127.0.0.2:{port}", timeout=PATIENCE, trust_env=False) as client:

        def lab() -> dict[str, Any]:
            return dict(client.get("/api/v1/lab").json())

        # The weather service hangs from the first moment: that an answer comes at all is the proof.
        first = lab()
        assert first["weather"] == {"data": None, "age": None, "error": ""}
        figures = client.get("/api/v1/host").json()
        assert figures["host"] == "monk"
        assert figures["memory"]["total"] > 0
        eventually(lambda: lab()["hosts"][0]["state"] == "away")
        away = lab()["hosts"][0]
        assert (away["name"], away["error"]) == ("kscloud1", "was not reached")
        assert away["away_since"] <= time.time()
        eventually(lambda: lab()["weather"]["error"] == "did not answer in time")


def test_connections_are_kept_and_asked_again(service: tuple[subprocess.Popen[str], int]) -> None:
    _, port = service
    connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    connection.connect()
    first = connection.sock
    for path in ("/api/v1/host", "/api/v1/me", "/healthz", "/nothing", "/api/v1/host"):
        connection.request("GET", path)
        connection.getresponse().read()
        assert connection.sock is first, path
    connection.request("HEAD", "/api/v1/lab")
    answer = connection.getresponse()
    assert int(answer.headers["content-length"]) > 100
    assert answer.read() == b""
    connection.close()


def test_what_the_portal_asks_loads_no_framework() -> None:
    asked = (
        "import sys, abbey_metrics.server; print([name for name in ('fastapi', 'starlette') if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True, timeout=PATIENCE)
    assert found.stdout == "[]\n"


def test_a_wrong_environment_is_told_whole_and_without_a_traceback() -> None:
    process = start(ABBEY_LISTEN="0.0.0.0:9101", ABBEY_GATEWAYS="x")
    _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 2
    assert [line.split(":")[1].strip() for line in errors.splitlines()] == ["ABBEY_LISTEN", "ABBEY_GATEWAYS"]


def test_a_port_that_is_taken_is_told() -> None:
    with closing(bind(Address("127.0.0.1", 0))) as taken:
        taken.listen()
        process = start(ABBEY_LISTEN=f"127.0.0.1:{taken.getsockname()[1]}")
        _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1
    assert "cannot listen" in errors
    assert "Traceback" not in errors


def test_an_address_that_does_not_exist_yet_can_be_bound() -> None:
    bind(Address("100.64.255.254", free_port())).close()


def test_answers_are_sent_without_waiting_for_acknowledgements() -> None:
    # asyncio switches Nagle's algorithm off only for sockets that say that they are TCP.
    with closing(bind(Address("127.0.0.1", 0))) as sock:
        assert sock.proto == socket.IPPROTO_TCP


def test_a_listener_that_vanished_is_not_held_for_long() -> None:
    with closing(bind(Address("127.0.0.1", 0))) as sock:
        sock.listen()
        with closing(socket.create_connection(sock.getsockname())), closing(sock.accept()[0]) as accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 30_000


@pytest.mark.parametrize("environment", [{}, {"ABBEY_HOST": "monk", "ABBEY_LISTEN": "127.0.0.1:1"}])
def test_the_container_check_fails_when_nothing_answers(environment: dict[str, str], tmp_path: Path) -> None:
    command = [sys.executable, "-m", "abbey_metrics.health"]
    assert subprocess.run(command, env=environment, cwd=tmp_path, timeout=PATIENCE).returncode == 1
