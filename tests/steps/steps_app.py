"""An app on loopback that programs are run against, and the running of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import parse_qs

import pytest

from abbey_steps.program import read
from abbey_steps.run import StepError, run

SECRET = "canary-5be0-secret"
LOGIN = {"request": "POST /login", "form": {"user": "ann", "password": SECRET}, "expect": [303]}


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
