"""What an answer is read as."""

from __future__ import annotations

import pytest
from steps_app import StandinApp, failure, program

from abbey_steps.program import read
from abbey_steps.run import run


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
