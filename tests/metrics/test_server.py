"""The real program, on loopback, with a peer that is down and a weather service that never answers."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx2
import pytest

from abbey_metrics.health import healthy
from abbey_metrics.server import bind
from abbey_metrics.settings import Address
from loopback import free_port

pytestmark = pytest.mark.process

PATIENCE = 20.0


def eventually(ready: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not ready():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


@pytest.fixture
def hanging_weather() -> Iterator[str]:
    """A service that takes connections and says nothing."""
    with closing(socket.socket()) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen()
        yield f"http://127.0.0.1:{sock.getsockname()[1]}/v1/forecast"


def start(**env: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "abbey_metrics"],
        env={"PATH": os.environ["PATH"], "ABBEY_HOST": "monk", **env},
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def service(hanging_weather: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    port = free_port()
    process = start(
        ABBEY_LISTEN=f"127.0.0.1:{port},127.0.0.2:{port}",
        ABBEY_PEERS=f"kscloud1=http://127.0.0.1:{free_port()}",
        ABBEY_WEATHER="52.52,13.41",
        ABBEY_WEATHER_URL=hanging_weather,
    )
    try:
        eventually(lambda: healthy("127.0.0.1", port))
        yield process, port
    finally:
        process.kill()
        process.wait()
        if process.stderr:
            process.stderr.close()


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


def test_events_come_in_order_and_the_stream_ends_with_the_service(
    service: tuple[subprocess.Popen[str], int],
) -> None:
    process, port = service
    url = f"http://127.0.0.1:{port}/api/v1/stream"
    with httpx2.stream("GET", url, timeout=PATIENCE, trust_env=False) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["x-accel-buffering"] == "no"
        assert answer.headers["cache-control"] == "no-cache, no-transform"
        lines = answer.iter_lines()
        events = [json.loads(line.removeprefix("data: ")) for line in _data(lines, 2)]
        assert events[0]["seq"] < events[1]["seq"]
        process.send_signal(signal.SIGTERM)
        for _ in lines:
            continue
    assert process.wait(PATIENCE) == 0
    assert process.stderr
    assert process.stderr.read().count("\n") == 1, "it says where it listens, and nothing else"


def _data(lines: Iterator[str], count: int) -> Iterator[str]:
    for line in lines:
        if line.startswith("data: "):
            yield line
            count -= 1
        if not count:
            return


def test_a_wrong_environment_is_told_whole_and_without_a_traceback() -> None:
    process = start(ABBEY_LISTEN="0.0.0.0:9101", ABBEY_HISTORY="x")
    _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 2
    assert [line.split(":")[1].strip() for line in errors.splitlines()] == ["ABBEY_LISTEN", "ABBEY_HISTORY"]


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


@pytest.mark.parametrize("environment", [{}, {"ABBEY_HOST": "monk", "ABBEY_LISTEN": "127.0.0.1:1"}])
def test_the_container_check_fails_when_nothing_answers(environment: dict[str, str], tmp_path: Path) -> None:
    command = [sys.executable, "-m", "abbey_metrics.health"]
    assert subprocess.run(command, env=environment, cwd=tmp_path, timeout=PATIENCE).returncode == 1
