"""The stand-in edge between two gateways that note what they get."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from starlette.testclient import TestClient

from abbey.sim.standin_edge import Edge

pytestmark = pytest.mark.process


@dataclass(slots=True)
class Gateway:
    """What one gateway got, and whether it breaks the connection instead of answering."""

    port: int = 0
    breaks: bool = False
    got: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)


@contextmanager
def gateway(*, breaks: bool = False) -> Iterator[Gateway]:
    noted = Gateway(breaks=breaks)

    class Handler(http.server.BaseHTTPRequestHandler):
        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            noted.got.append((self.command, {name.lower(): value for name, value in self.headers.items()}, body))
            if noted.breaks:
                self.close_connection = True
                return
            self.send_response(200)
            self.send_header("Set-Cookie", "who=somebody")
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        do_GET = do_POST = answer  # noqa: N815

        def log_message(self, *words: object) -> None:
            return

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        noted.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield noted
        finally:
            server.shutdown()
            thread.join()


def edge_to(monk: int, kscloud1: int) -> TestClient:
    pairs = [("monk", f"http://127.0.0.1:{monk}"), ("kscloud1", f"http://127.0.0.1:{kscloud1}")]
    return TestClient(Edge(pairs), base_url="http://abbey.localhost:8080")


def test_requests_are_spread_over_both_without_a_period() -> None:
    with gateway() as monk, gateway() as kscloud1, edge_to(monk.port, kscloud1.port) as visitor:
        order = [visitor.get("/").headers["x-standin-edge"] for _ in range(16)]
    assert order.count("monk") == order.count("kscloud1") == 8
    assert all(order != (order[:step] * 16)[:16] for step in range(1, 9))


def test_a_visitor_is_named_and_not_believed_about_it() -> None:
    forged = {"CF-Connecting-IP": "6.6.6.6", "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https"}
    with gateway() as monk, gateway() as kscloud1, edge_to(monk.port, kscloud1.port) as visitor:
        visitor.get("/", headers=forged)
        ((_, headers, _),) = monk.got + kscloud1.got
    assert headers["host"] == "abbey.localhost:8080"
    assert headers["x-forwarded-proto"] == "http"
    assert headers["cf-connecting-ip"] == headers["x-forwarded-for"] != "6.6.6.6"
    assert "x-forwarded-host" not in headers


def test_one_visitors_cookies_never_reach_the_next() -> None:
    with gateway() as monk, gateway() as kscloud1, edge_to(monk.port, kscloud1.port) as visitor:
        for _ in range(4):
            visitor.cookies.clear()
            assert visitor.get("/").headers["set-cookie"] == "who=somebody"
        assert all("cookie" not in headers for _, headers, _ in monk.got + kscloud1.got)


def test_a_host_that_takes_no_connection_is_passed_over_even_for_a_post() -> None:
    with gateway() as gone:
        closed = gone.port
    with gateway() as kscloud1, edge_to(closed, kscloud1.port) as visitor:
        answers = [visitor.post("/", content=b"note") for _ in range(4)]
    assert [(one.status_code, one.headers["x-standin-edge"]) for one in answers] == [(200, "kscloud1")] * 4
    assert [body for _, _, body in kscloud1.got] == [b"note"] * 4


def test_a_get_whose_connection_breaks_is_asked_again_and_says_so() -> None:
    with gateway(breaks=True) as monk, gateway() as kscloud1, edge_to(monk.port, kscloud1.port) as visitor:
        answer = visitor.get("/")
        assert (answer.status_code, answer.headers["x-standin-edge-again"]) == (200, "monk")
        assert (len(monk.got), len(kscloud1.got)) == (1, 1)


def test_a_post_that_was_sent_is_never_sent_again() -> None:
    with gateway(breaks=True) as monk, gateway() as kscloud1, edge_to(monk.port, kscloud1.port) as visitor:
        assert visitor.post("/", content=b"note").status_code == 502
        assert (len(monk.got), len(kscloud1.got)) == (1, 0)


def test_without_any_host_the_edge_says_so() -> None:
    with gateway() as gone:
        closed = gone.port
    with edge_to(closed, closed) as visitor:
        assert visitor.get("/").status_code == 530
