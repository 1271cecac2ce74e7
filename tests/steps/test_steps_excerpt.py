"""What is shown of an answer, and that nothing of what was sent is."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from typing import Any

import pytest
from steps_app import SECRET, StandinApp, ended, failure, program


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


def test_a_fault_of_its_own_shows_neither_value_nor_traceback(monkeypatch: pytest.MonkeyPatch, capfd: Any) -> None:
    from abbey_steps import __main__ as program_main

    def broken(_: bytes) -> None:
        raise RuntimeError(SECRET)

    monkeypatch.setattr(program_main, "read", broken)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO()))
    assert program_main.main() == 1
    assert capfd.readouterr().err == "it stopped by an unforeseen RuntimeError\n"
