from __future__ import annotations

import copy
import json
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abbey_steps import fill

NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)
OBJECTS = st.dictionaries(st.text(max_size=3), VALUES, max_size=4)


def test_a_text_that_is_only_a_place_becomes_the_value_itself() -> None:
    kept = {"id": 7, "doc": {"a": [1]}, "none": None, "name": "x"}
    assert fill.value({"a": "{{kept.id}}", "b": ["{{ kept.doc }}", "{{kept.none}}"]}, kept) == {
        "a": 7,
        "b": [{"a": [1]}, None],
    }
    assert fill.value("no {{kept.id}} of {{kept.name}}", kept) == "no 7 of x"
    assert fill.text("{{kept.doc}} {{kept.id}}", kept) == '{"a":[1]} 7'
    assert fill.text("true is {{kept.yes}}", {"yes": True}) == "true is true"


def test_what_is_put_into_a_path_stays_one_part_of_it() -> None:
    assert fill.path("/api/{{kept.x}}/roles?of={{kept.x}}", {"x": "a/b?c&d é"}) == (
        "/api/a%2Fb%3Fc%26d%20%C3%A9/roles?of=a%2Fb%3Fc%26d%20%C3%A9"
    )


@pytest.mark.parametrize("filler", [fill.value, fill.text, fill.path])
def test_a_name_that_no_call_kept_is_said(filler: Any) -> None:
    with pytest.raises(fill.NotKeptError, match="no earlier call kept token"):
        filler("{{kept.token}}", {})


def test_nothing_does_not_become_the_word_null_in_a_text() -> None:
    with pytest.raises(fill.NotKeptError, match="what an earlier call kept as token is empty"):
        fill.text("Bearer {{kept.token}}", {"token": None})


def test_other_braces_are_left_alone() -> None:
    assert fill.value("{{title}} {kept.x} {{ {{kept}} }}", {}) == "{{title}} {kept.x} {{ {{kept}} }}"


@given(VALUES)
def test_a_value_without_places_stays_as_it_is(value: Any) -> None:
    if "kept." not in json.dumps(value):
        assert fill.value(value, {}) == value


@given(NAMES, VALUES, st.text(max_size=5), st.text(max_size=5))
def test_a_place_is_filled_with_what_was_kept(name: str, value: Any, before: str, after: str) -> None:
    place = f"{{{{kept.{name}}}}}"
    assert fill.value(place, {name: value}) == value
    if value is not None and not {"{", "}"} & set(before + after):
        filled = fill.text(f"{before}{place}{after}", {name: value})
        inside = filled[len(before) : len(filled) - len(after)]
        assert (inside if isinstance(value, str) else json.loads(inside)) == value


@given(st.text())
def test_a_text_in_a_path_is_read_back_by_the_server(text: str) -> None:
    written = fill.path("/x/{{kept.t}}", {"t": text})
    assert written.isascii()
    assert not {" ", "?", "#", "&"} & set(written)
    assert unquote(written.removeprefix("/x/")) == text


@given(OBJECTS, OBJECTS)
def test_a_merge_holds_all_of_what_is_laid_on_and_what_it_says_nothing_about(below: Any, over: Any) -> None:
    before = copy.deepcopy((below, over))
    result = fill.merged(below, over)
    assert (below, over) == before
    assert result.keys() == below.keys() | over.keys()
    for name, new in result.items():
        if name not in over:
            assert new == below[name]
        elif isinstance(over[name], dict) and isinstance(below.get(name), dict):
            assert new == fill.merged(below[name], over[name])
        else:
            assert new == over[name]
    assert fill.merged(result, over) == result


@given(OBJECTS)
def test_merging_nothing_changes_nothing(document: Any) -> None:
    assert fill.merged(document, {}) == document
    assert fill.merged({}, document) == document
