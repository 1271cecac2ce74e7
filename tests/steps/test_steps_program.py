from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abbey.catalog.step import Call
from abbey_steps.program import EXPECTED, ProgramError, read

CALL = {"request": "GET /api"}


def program(*calls: Any, **changes: Any) -> bytes:
    return json.dumps({"base": "http://app:80", "calls": list(calls), **changes}).encode()


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (b"", "the program is not JSON"),
        (b"\xff", "the program is not JSON"),
        (b"[" * 100_000, "the program is not JSON"),
        (b"[]", "the program is no JSON object"),
        (b"{}", "`base` of the program is missing or of the wrong type"),
        (program(), "`calls` is empty"),
        (program(CALL, base="file:///etc"), "`base` does not begin with http://"),
        (program(CALL, patience="soon"), "`patience` is no duration such as 90s or 2m"),
        (program(CALL, patience=3), "`patience` is no duration such as 90s or 2m"),
        (program(CALL, more=1), "the program has an unknown part `more`"),
        (program(CALL, 1), "call 2 is no JSON object"),
        (program({"request": "GET"}), "`request` of call 1 is no method and path"),
        (program({"request": "LOOK /"}), "`request` of call 1 is no method and path"),
        (program({"request": "GET /a b"}), "`request` of call 1 is no method and path"),
        (program(CALL | {"expect": []}), "`expect` of call 1 is no list of status codes"),
        (program(CALL | {"expect": [True]}), "`expect` of call 1 is no list of status codes"),
        (program(CALL | {"keep": {"x": "body.["}}), "`keep` of call 1 is no JMESPath expression"),
        (
            program(CALL | {"when": "a && !kept.b"}),
            "`when` of call 1 has `!a.b`, which JMESPath takes for `(!a).b` and is never true: write `!(a.b)`",
        ),
        (program(CALL | {"when": "=="}), "`when` of call 1 is no JMESPath expression"),
        (program(CALL | {"check": 1}), "`check` of call 1 is missing or of the wrong type"),
        (program(CALL | {"headers": {"a": 1}}), "`headers` of call 1 is not names with texts"),
        (program(CALL | {"form": []}), "`form` of call 1 is not names with texts"),
        (program(CALL | {"body": "x"}), "call 1 has an unknown part `body`"),
    ],
)
def test_what_is_no_program_is_said_without_what_stands_in_it(source: bytes, said: str) -> None:
    with pytest.raises(ProgramError) as caught:
        read(source)
    assert str(caught.value) == said


@pytest.mark.parametrize(("text", "seconds"), [("500ms", 0.5), ("90s", 90), ("2m", 120), ("1h", 3600)])
def test_patience_is_read_as_data_files_write_it(text: str, seconds: float) -> None:
    assert read(program(CALL, patience=text)).patience == seconds


def test_what_is_left_out_is_as_in_data_files() -> None:
    (call,) = read(program(CALL)).calls
    assert call.expect == EXPECTED == Call(request="GET /api").expect
    assert read(program(CALL)).patience == 120


def test_a_call_can_have_every_part_that_a_data_file_can_give_it() -> None:
    full = Call.model_validate(
        {
            "request": "PUT /api?x=1",
            "when": "kept.a",
            "headers": {"A": "b"},
            "json": {"a": 1},
            "onto": "a",
            "expect": [200],
            "keep": {"a": "body.a"},
            "check": "body.a == `1`",
            "says": "a is not 1",
        }
    )
    assert full.model_fields_set == Call.model_fields.keys() - {"form"}
    (call,) = read(program(full.model_dump(mode="json", by_alias=True, exclude_defaults=True))).calls
    assert (call.name, call.json, call.onto, call.says) == ("PUT /api", {"a": 1}, "a", "a is not 1")


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["base", "calls", "request", "keep"]), inner),
    )
)
def test_whatever_is_no_program_is_refused_in_one_line(data: Any) -> None:
    with pytest.raises(ProgramError) as caught:
        read(json.dumps(data).encode())
    assert "\n" not in str(caught.value)
