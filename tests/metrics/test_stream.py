"""Streams of the real program: what comes, where it goes on, and how many can listen."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import subprocess
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx2
import pytest
from awaited import awaited
from real_metrics import PATIENCE, serving
from served import monitor, publish
from standin_host import Now, StandinHost

from abbey_metrics.apps import EVERYTHING
from abbey_metrics.board import Kind

pytestmark = pytest.mark.process

LISTENERS = 1000
LARGEST = 16 * 1024


@pytest.fixture
def service() -> Iterator[tuple[subprocess.Popen[str], int]]:
    with serving() as running:
        yield running


def events(lines: Iterator[str]) -> Iterator[tuple[str, str, Any]]:
    """Yield the id, kind and data of each event."""
    fields: dict[str, str] = {}
    for line in lines:
        if line:
            key, _, value = line.partition(": ")
            fields[key] = value
        elif "data" in fields:
            yield fields.get("id", ""), fields["event"], json.loads(fields["data"])
            fields = {}


def listen(port: int, last: str = "") -> Any:
    headers = {"Last-Event-ID": last} if last else {}
    url = f"http://127.0.0.1:{port}/api/v1/stream"
    return httpx2.stream("GET", url, headers=headers, timeout=PATIENCE, trust_env=False)


def figures(found: Iterator[tuple[str, str, Any]], count: int) -> list[tuple[str, Any]]:
    seen = []
    for identity, kind, data in found:
        if kind == "figures":
            seen.append((identity, data))
        if len(seen) == count:
            break
    return seen


def test_events_come_in_order_and_the_stream_ends_with_the_service(service: tuple[subprocess.Popen[str], int]) -> None:
    process, port = service
    with listen(port) as answer:
        assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert answer.headers["x-accel-buffering"] == "no"
        assert answer.headers["cache-control"] == "no-cache, no-transform"
        lines = answer.iter_lines()
        first, second = figures(events(lines), 2)
        assert first[1]["seq"] < second[1]["seq"]
        process.send_signal(signal.SIGTERM)
        for _ in lines:
            continue
    assert process.wait(PATIENCE) == 0
    assert process.stderr
    assert process.stderr.read().count("\n") == 1, "it says where it listens, and nothing else"


def test_a_listener_who_comes_back_gets_what_was_missed_by_the_second(
    service: tuple[subprocess.Popen[str], int],
) -> None:
    _, port = service
    with listen(port) as answer:
        came = events(answer.iter_lines())
        _, kind, fresh = next(came)
        assert (kind, fresh["hosts"]["monk"]["step"]) == ("past", 5.0)
        (last, _), *_ = figures(came, 1)
        figures(came, 3)
    with listen(port, last) as answer:
        _, kind, missed = next(events(answer.iter_lines()))
    past = missed["hosts"]["monk"]
    assert (kind, past["step"]) == ("past", 1.0)
    assert 2 <= len(past["columns"]["cpu"]) <= 10


@pytest.fixture
def past_of(now: Now, standin_host: StandinHost) -> Any:
    made = monitor(now, standin_host)
    for _ in range(20):
        now.pass_(1.0)
        publish(made)

    def ask(last: str) -> Any:
        event = made.pasts.event(last.encode()).decode()
        return made, json.loads(event.split("data: ", 1)[1])["hosts"]["monk"]

    return ask


def test_on_the_same_host_it_goes_on_at_the_very_second_and_on_another_a_little_before(past_of: Any, now: Now) -> None:
    made, _ = past_of("")
    left = now.wall - 5.0
    _, here = past_of(f"monk/{made.board.start}/15/{left}")
    _, there = past_of(f"kscloud1/0123abcd/15/{left}")
    assert here["step"] == there["step"] == 1.0
    assert here["start"] - there["start"] == 2.0
    assert len(here["columns"]["cpu"]) < len(there["columns"]["cpu"]) <= 8


@pytest.mark.parametrize(
    "last",
    ["", "monk", "a/b/c/nan", "a/b/c/inf", "a/b/c/-1", "a/b/c/1e300", "a/b/c/1", "\x00", "a/b/c/d/e", "x" * 9999],
)
def test_what_is_no_name_of_a_moment_lately_begins_anew(past_of: Any, last: str) -> None:
    _, past = past_of(last)
    assert past["step"] == 5.0


def test_the_past_is_made_once_for_all_who_come_in_a_second(past_of: Any) -> None:
    made, _ = past_of("")
    before = made.pasts._events.made
    for number in range(500):
        past_of("")
        past_of(f"kscloud1/x/{number}/{made.board.at - 3.0}")
    assert made.pasts._events.made == before + 1
    for number in range(500):
        past_of(f"kscloud1/x/1/{made.board.at - number / 10}")
    assert len(made.pasts._events) <= 64


class Listener(asyncio.Protocol):
    """Keeps the numbers of the samples that it hears of."""

    def __init__(self) -> None:
        self.samples: list[tuple[int, float]] = []
        self.ended = False
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.write(b"GET /api/v1/stream HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")

    def data_received(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            for seq, at in re.findall(rb'"figures":\{"host":"monk","seq":(\d+),"at":([0-9.]+)', line):
                if not self.samples or self.samples[-1][0] != int(seq):
                    self.samples.append((int(seq), float(at)))

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended = True


def test_a_thousand_listeners_all_hear_in_order_and_cost_little(
    service: tuple[subprocess.Popen[str], int],
) -> None:
    process, port = service

    def resident() -> int:
        status = Path(f"/proc/{process.pid}/status").read_text()
        return int(re.findall(r"VmRSS:\s+(\d+) kB", status)[0]) * 1024

    async def run() -> list[Listener]:
        loop = asyncio.get_running_loop()
        before = resident()
        listeners = [(await loop.create_connection(Listener, "127.0.0.1", port))[1] for _ in range(LISTENERS)]
        assert await awaited(lambda: all(listener.samples for listener in listeners))
        newest = max(listener.samples[-1][0] for listener in listeners)
        assert await awaited(lambda: all(listener.samples[-1][0] >= newest + 5 for listener in listeners))
        assert (resident() - before) / LISTENERS < LARGEST
        process.send_signal(signal.SIGTERM)
        assert await awaited(lambda: all(listener.ended for listener in listeners))
        return listeners

    for listener in asyncio.run(run()):
        for (earlier, _), (later, _) in pairwise(listener.samples):
            assert later > earlier
    assert process.wait(PATIENCE) == 0


def test_the_id_names_host_start_number_and_time(now: Now, standin_host: StandinHost) -> None:
    made = monitor(now, standin_host)
    publish(made)
    host, start, number, at = made.board.identity().split("/")
    assert (host, start, number, float(at)) == ("monk", made.board.start, "1", now.wall)
    event = made.board.slot(Kind.FIGURES, EVERYTHING).event.decode()
    assert event.startswith(f"id: {made.board.identity()}\n")
