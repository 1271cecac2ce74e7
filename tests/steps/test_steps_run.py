"""The calls of a program in their order, against a real HTTP server on loopback."""

from __future__ import annotations

import json
from typing import Any

from steps_app import LOGIN, SECRET, StandinApp, ended, failure, program

from abbey_steps.program import read
from abbey_steps.run import run


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


def test_a_program_that_is_none_ends_with_2_and_a_sentence() -> None:
    assert ended(b"{") == (2, "", "the program is not JSON\n")
