"""How long an app is waited for, and what is said when no answer comes."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import closing

import pytest
from steps_app import LOGIN, StandinApp, ended, failure, program

from abbey_steps import run as runner
from abbey_steps.program import read
from abbey_steps.run import StepError, run
from loopback import free_port


def test_an_app_that_comes_up_is_waited_for(app: StandinApp) -> None:
    app.away = 3
    run(read(program(app.base, LOGIN, patience="1m")), sleep=lambda seconds: None)
    assert app.asked == ["POST /login"] * 4


def test_only_the_first_call_is_repeated(app: StandinApp) -> None:
    app.answers["GET /late"] = (503, {}, b"too busy")
    said = failure(app, LOGIN, {"request": "GET /late"}, patience="1m")
    assert said == "GET /late: expected 200, 201, 202 or 204, got 503 with too busy"
    assert app.asked == ["POST /login", "GET /late"]


def test_a_status_that_is_right_is_not_waited_over(app: StandinApp) -> None:
    app.away = 1
    run(read(program(app.base, {"request": "GET /", "expect": [503]}, patience="1m")))
    assert app.asked == ["GET /"]


def test_patience_ends(app: StandinApp, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0

    def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds

    monkeypatch.setattr(time, "monotonic", lambda: now)
    app.away = 1000
    with pytest.raises(StepError, match="GET /: expected 200, 201, 202 or 204, got 503 with starting"):
        run(read(program(app.base, {"request": "GET /"}, patience="10s")), sleep=sleep)
    assert len(app.asked) == 10 / runner.PAUSE + 1


def test_a_port_on_which_nobody_listens_yet_is_waited_for(app: StandinApp) -> None:
    code, out, err = ended(program(f"http://127.0.0.1:{free_port()}", {"request": "GET /api?x=1"}, patience="100ms"))
    assert (code, out, err) == (1, "", "GET /api: no answer: Connection refused, for 0.1 s\n")


def test_a_name_that_nobody_has_is_an_answer_of_one_line() -> None:
    code, out, err = ended(program("http://nobody.invalid", {"request": "GET /"}))
    assert (code, out) == (1, "")
    assert err.startswith("GET /: no answer: ")
    assert err.count("\n") == 1


def test_something_that_is_not_http_is_an_answer_of_one_line() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as sock:

        def talk() -> None:
            for _ in range(2):
                connection, _ = sock.accept()
                with connection:
                    connection.recv(10_000)
                    connection.sendall(b"220 smtp ready\r\n")

        thread = threading.Thread(target=talk)
        thread.start()
        code, out, err = ended(program(f"http://127.0.0.1:{sock.getsockname()[1]}", {"request": "GET /"}))
        thread.join()
    assert (code, out) == (1, "")
    assert err == "GET /: no answer: it did not answer in HTTP (BadStatusLine), for 0.001 s\n"
