"""The program as a helper container starts it, against a real HTTP server on loopback."""

from __future__ import annotations

import io
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import pytest

from abbey_steps import run as runner
from abbey_steps.program import read
from abbey_steps.run import StepError, run
from loopback import free_port

SECRET = "canary-5be0-secret"


@dataclass
class StandinApp:
    """An app with a login by form, settings behind its cookie, and a token interface; remembers what it was asked."""

    port: int = 0
    away: int = 0  # so many answers are 503
    asked: list[str] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)  # of the last
    settings: dict[str, Any] = field(default_factory=lambda: {"title": "Old", "login": {"kind": 1, "keep": "me"}})
    answers: dict[str, tuple[int, dict[str, str], bytes]] = field(default_factory=dict)

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def answer(self, line: str, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str], bytes]:
        self.asked.append(line)
        self.headers = headers
        if self.away:
            self.away -= 1
            return 503, {}, b"starting"
        if line in self.answers:
            return self.answers[line]
        kind = headers.get("content-type", "")
        cookies = {name: morsel.value for name, morsel in SimpleCookie(headers.get("cookie", "")).items()}
        if line == "POST /login" and kind == "application/x-www-form-urlencoded":
            right = parse_qs(body.decode()) == {"user": ["ann"], "password": [SECRET]}
            cookie = {"Set-Cookie": "session=s3ss; Path=/; Domain=example.org; Secure; HttpOnly", "Location": "/x"}
            return (303, cookie, b"") if right else (401, {}, b"")
        if line == "POST /token" and kind == "application/json":
            return 200, {"Content-Type": "application/json"}, b'{"jwt": "token-of-today", "id": 7}'
        if cookies.get("session") != "s3ss" and headers.get("authorization") != "Bearer token-of-today":
            return 403, {}, b"<h1>Forbidden</h1>\n<p>log in first</p>"
        if line == "PUT /settings":
            self.settings = json.loads(body)
        return 200, {"Content-Type": "application/json"}, json.dumps(self.settings).encode()


@pytest.fixture
def app() -> Iterator[StandinApp]:
    standin = StandinApp()

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, given, content = standin.answer(f"{self.command} {self.path}", headers, body)
            self.send_response(status)
            for name, value in {**given, "Content-Length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        standin.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield standin
        server.shutdown()
        thread.join()


def program(base: str, *calls: dict[str, Any], patience: str = "1ms") -> bytes:
    return json.dumps({"base": base, "patience": patience, "calls": list(calls)}).encode()


def ended(source: bytes) -> tuple[int, str, str]:
    """Return exit code, standard output and standard error of the program as a container runs it."""
    env = {"PATH": os.environ["PATH"], "http_proxy": "http://127.0.0.1:9", "LANG": "C"}
    command = [sys.executable, "-m", "abbey_steps"]
    done = subprocess.run(command, input=source, env=env, capture_output=True, timeout=60, check=False)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def failure(app: StandinApp, *calls: dict[str, Any], patience: str = "1ms") -> str:
    with pytest.raises(StepError) as caught:
        run(read(program(app.base, *calls, patience=patience)), sleep=lambda seconds: None)
    assert "\n" not in str(caught.value)
    return str(caught.value)


LOGIN = {"request": "POST /login", "form": {"user": "ann", "password": SECRET}, "expect": [303]}


def test_a_whole_step_logs_in_changes_settings_and_reads_them_back(app: StandinApp) -> None:
    calls = (
        LOGIN,
        {"request": "GET /settings", "keep": {"old": "body", "kind": "body.login.kind"}},
        {
            "request": "PUT /settings",
            "onto": "old",
            "json": {"login": {"kind": 2, "was": "{{kept.kind}}", "note": "was {{kept.kind}}"}, "list": [1]},
        },
        {"request": "GET /settings", "check": "body.login.kind == `2` && body.list == [`1`]", "says": "not set"},
    )
    assert ended(program(app.base, *calls)) == (0, "", "")
    login = {"kind": 2, "keep": "me", "was": 1, "note": "was 1"}
    assert app.settings == {"title": "Old", "login": login, "list": [1]}
    assert app.asked == ["POST /login", "GET /settings", "PUT /settings", "GET /settings"]


def test_a_token_goes_into_a_header_and_an_id_into_a_path(app: StandinApp) -> None:
    token = {"request": "POST /token", "json": {"user": "ann"}, "keep": {"jwt": "body.jwt", "id": "body.id"}}
    use = {"request": "GET /users/{{kept.id}}", "headers": {"Authorization": "Bearer {{kept.jwt}}"}}
    run(read(program(app.base, token, use)))
    assert app.asked == ["POST /token", "GET /users/7"]


def test_a_header_of_the_data_file_takes_the_place_of_what_would_be_sent(app: StandinApp) -> None:
    own = {"Cookie": "none", "Content-Type": "application/merge-patch+json", "Accept": "*/*", "Host": "foo.example.org"}
    run(read(program(app.base, LOGIN, {"request": "PUT /x", "json": {}, "headers": own, "expect": [403]})))
    assert {name: app.headers[name.lower()] for name in own} == own


def test_a_call_is_left_out_when_its_condition_is_false(app: StandinApp) -> None:
    login = LOGIN | {"keep": {"status": "status", "none": "body.nothing", "zero": "`0`"}}
    conditions = ["status == `303`", "kept.status == `1`", "none", "!(kept.none)", "zero", "missing"]
    calls = [{"request": f"GET /{number}", "when": text} for number, text in enumerate(conditions)]
    run(read(program(app.base, login, *calls)))
    assert app.asked == ["POST /login", "GET /0", "GET /3", "GET /4"]


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


def test_a_wrong_status_says_which_call_what_was_expected_and_what_came(app: StandinApp) -> None:
    said = failure(app, {"request": "GET /settings?a=b", "expect": [200, 404]})
    assert said == "GET /settings: expected 200 or 404, got 403 with <h1>Forbidden</h1> <p>log in first</p>"


def test_a_redirect_is_an_answer_and_not_followed(app: StandinApp) -> None:
    assert failure(app, LOGIN | {"expect": [200]}) == "POST /login: expected 200, got 303 with nothing"
    assert app.asked == ["POST /login"]


def test_a_read_back_that_fails_says_so_in_the_words_of_the_data_file(app: StandinApp) -> None:
    look: dict[str, Any] = {
        "request": "GET /settings",
        "check": "body.login.kind == `2`",
        "says": "the login is not on",
    }
    shown = '{"title": "Old", "login": {"kind": 1, "keep": "me"}}'
    assert failure(app, LOGIN, look) == f"GET /settings: the login is not on; got 200 with {shown}"
    del look["says"]
    said = failure(app, LOGIN, look)
    assert said == f"GET /settings: not true of the answer: body.login.kind == `2`; got 200 with {shown}"


def test_an_expression_that_does_not_fit_the_answer_shows_no_value(app: StandinApp) -> None:
    app.answers["GET /"] = (200, {"Content-Type": "application/json"}, json.dumps({"a": SECRET}).encode())
    said = failure(app, {"request": "GET /", "keep": {"x": "length(`5`)"}})
    assert said == "GET /: this does not fit the answer: length(`5`)"
    said = failure(app, {"request": "GET /", "check": "abs(body.a) == `1`"})
    assert said == "GET /: this does not fit the answer: abs(body.a) == `1`"


def test_what_no_call_kept_is_said(app: StandinApp) -> None:
    assert failure(app, {"request": "GET /{{kept.x}}"}) == "GET /{{kept.x}}: it cannot be sent: no earlier call kept x"
    said = failure(app, {"request": "PUT /settings", "onto": "x", "json": {}})
    assert said == "PUT /settings: it cannot be sent: no earlier call kept x"
    assert app.asked == []


@pytest.mark.parametrize(
    ("body", "kind", "expression"),
    [
        (b'{"a": 1}', "application/json; charset=utf-8", "body.a == `1`"),
        (b'{"a": 1}', "application/vnd.api+json", "body.a == `1`"),
        (b" [1]", "text/plain", "body[0] == `1`"),
        (b"{oops", "application/json", "body == '{oops'"),
        (b"0123\n", "text/plain", "body == '0123'"),
        (b'"x"', "application/json", "body == 'x'"),
        (b"", "application/json", "body == `null`"),
        ("é".encode("latin-1"), "text/plain; charset=latin-1", "body == 'é'"),
        ("é".encode(), "text/plain; charset=nonsense", "body == 'é'"),
        (b"x", "text/x", "headers.\"content-type\" == 'text/x' && status == `200`"),
    ],
)
def test_an_answer_is_read_as_what_it_is(app: StandinApp, body: bytes, kind: str, expression: str) -> None:
    app.answers["GET /"] = (200, {"Content-Type": kind}, body)
    run(read(program(app.base, {"request": "GET /", "check": expression})))


def test_an_answer_without_end_is_not_read(app: StandinApp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("abbey_steps.client.LARGEST", 100)
    app.answers["GET /"] = (200, {}, b"x" * 101)
    assert failure(app, {"request": "GET /"}) == "GET /: no answer: its answer does not end, for 0.001 s"


def secret_calls() -> dict[str, dict[str, Any]]:
    return {
        "header": {"request": "GET /x", "headers": {"Authorization": f"Bearer {SECRET}"}},
        "json": {"request": "POST /x", "json": {"a": [{"b": SECRET}]}},
        "form": {"request": "POST /x", "form": {"a": SECRET}},
        "query": {"request": f"GET /x?key={SECRET}"},
        "forbidden header": {"request": "GET /x", "headers": {"A": f"{SECRET}\nB: c"}},
        "forbidden text": {"request": "POST /x", "json": f"{SECRET}\ud800"},
    }


ECHOES: dict[str, Callable[[str], bytes]] = {
    "text": lambda secret: f"no such login: {secret}".encode(),
    "json": lambda secret: json.dumps({"message": f"no such login: {secret}", "all": [secret]}).encode(),
    "cut": lambda secret: b"x " * 140 + secret.encode() * 10,
    "cut json": lambda secret: json.dumps({"m": "x " * 138 + secret}).encode(),
}


@pytest.mark.parametrize("echo", ECHOES)
@pytest.mark.parametrize("call", secret_calls())
def test_what_was_sent_is_never_printed_not_even_in_part(app: StandinApp, call: str, echo: str) -> None:
    asked = secret_calls()[call]
    app.answers[asked["request"]] = (400, {}, ECHOES[echo](SECRET))
    code, out, err = ended(program(app.base, asked))
    assert (code, out) == (1, "")
    assert err.count("\n") == 1
    assert SECRET[:6] not in err
    assert "Traceback" not in err


def test_what_an_answer_gave_for_later_calls_and_what_looks_secret_is_not_printed(app: StandinApp) -> None:
    app.answers["GET /me"] = (500, {}, b"bad token token-of-today")
    shown = {"id": 5, "apiKey": "k1", "Password": "p", "tokens": ["t"], "hasPassword": True, "url": "http://a/b"}
    app.answers["GET /all"] = (500, {}, json.dumps(shown).encode())
    token = {"request": "POST /token", "json": {}, "keep": {"jwt": "body.jwt"}}
    said = failure(app, token, {"request": "GET /me"})
    assert said == "GET /me: expected 200, 201, 202 or 204, got 500 with bad token …"
    said = failure(app, {"request": "GET /all"})
    assert said.endswith(
        '{"id": 5, "apiKey": "…", "Password": "…", "tokens": "…", "hasPassword": true, "url": "http://a/b"}'
    )


def test_a_long_answer_is_cut_at_a_word_and_control_characters_are_gone(app: StandinApp) -> None:
    app.answers["GET /"] = (500, {}, b"a\x1b[31m\r\nb " + b"word " * 100)
    said = failure(app, {"request": "GET /"})
    assert "got 500 with a [31m b word word" in said
    assert said.endswith("word [...]")
    assert len(said) < 400


def test_a_program_that_is_none_ends_with_2_and_a_sentence() -> None:
    assert ended(b"{") == (2, "", "the program is not JSON\n")


def test_a_fault_of_its_own_shows_neither_value_nor_traceback(monkeypatch: pytest.MonkeyPatch, capfd: Any) -> None:
    from abbey_steps import __main__ as program_main

    def broken(_: bytes) -> None:
        raise RuntimeError(SECRET)

    monkeypatch.setattr(program_main, "read", broken)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO()))
    assert program_main.main() == 1
    assert capfd.readouterr().err == "it stopped by an unforeseen RuntimeError\n"
