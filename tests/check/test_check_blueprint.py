"""Blueprints against Authentik's own schemas, and against the traps that no schema knows."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from abbey.check.blueprint import Schema, lints
from abbey.check.blueprint_schema import parts


@pytest.fixture(scope="module")
def example(shared: Path) -> str:
    return (shared / "reference" / "authentik-example.2026.8.yaml").read_text()


@pytest.fixture(scope="module")
def schema(shared: Path) -> Schema:
    data: Schema = json.loads((shared / "schemas" / "authentik-blueprint-2026.8.3-derived.json").read_text())
    return data


def problems(text: str, schema: Schema) -> list[str]:
    return [
        f"{called}: {error.json_path}: {error.message}"
        for called, data, part in parts(text, schema)
        for error in Draft202012Validator(part).iter_errors(data)
    ] + [f"{finding.subject}: {finding.message}" for finding in lints(text)]


def test_the_example_is_right_for_its_version(example: str, schema: Schema) -> None:
    assert problems(example, schema) == []
    assert len(list(parts(example, schema))) == 17


def test_the_example_is_wrong_for_an_older_version_in_four_places(example: str, shared: Path) -> None:
    older = json.loads((shared / "schemas" / "authentik-blueprint-2024.8.3.json").read_text())
    found = problems(example, older)
    assert len(found) == 4
    assert all("redirect_uris" in problem for problem in found)


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("sub_mode: user_uuid", "sub_mode: uuid", "'uuid' is not one of"),
        ("client_type: confidential", "client_typ: confidential", "'client_typ' was unexpected"),
        ("attrs: {is_superuser: false}", "attrs: {is_superuser: !Env X}", ""),
        ("attrs: {is_superuser: false}", "attrs: {is_superuser: 3}", "3 is not of type 'boolean'"),
        ("model: authentik_core.group", "model: authentik_core.grupp", "is not one of"),
        ("    attrs:\n      name: Grafana\n", "    attrs:\n", "'name' is a required property"),
    ],
)
def test_the_schema_sees_what_is_wrong(example: str, schema: Schema, old: str, new: str, problem: str) -> None:
    assert old in example
    found = problems(example.replace(old, new, 1), schema)
    assert (len(found), all(problem in one for one in found)) == (1 if problem else 0, True)


@pytest.mark.parametrize(
    ("old", "new", "rule", "times"),
    [
        ("!KeyOf p-grafana", "!KeyOf p-grafanna", "blueprint-key-of", 1),
        ("!KeyOf p-grafana", "!KeyOf [p-grafana]", "blueprint-key-of", 1),
        ("- !KeyOf scope-groups", "- !KeyOf a-dozzle", "blueprint-key-of", 1),
        ("- !KeyOf scope-groups", "- !KeyOf p-grafana", "blueprint-key-of", 1),
        ("id: p-openwebui", "id: p-grafana", "blueprint-duplicate-id", 1),
        ("!File /run/secrets/oidc_grafana", "!File [/x, !Env Y]", "blueprint-nested-default", 1),
        ("!File /run/secrets/oidc_grafana", "!File [/x, y]", "", 0),
        ("      grant_types: [authorization_code, refresh_token]\n", "", "blueprint-grant-types", 1),
        ("grant_types: [authorization_code]", "grant_types: []", "blueprint-grant-types", 1),
        ("providers: [!KeyOf p-dozzle]", "providers: []", "blueprint-outpost", 1),
        ("providers: [!KeyOf p-dozzle]", "providers: [!Find [a, [b, c]]]", "blueprint-outpost", 1),
        ("providers: [!KeyOf p-dozzle]", "x: 1", "blueprint-outpost", 2),
        ("!File /run/secrets/oidc_grafana", "!Fiel /x", "blueprint-tag", 1),
        ("version: 1", "version: 2", "blueprint-unreadable", 1),
        ("domain: example.test", "a: &a [1]\n  b: *a", "blueprint-unreadable", 1),
        ("context:", "context: [", "blueprint-unreadable", 1),
    ],
)
def test_the_lints_see_what_no_schema_can(example: str, old: str, new: str, rule: str, times: int) -> None:
    assert old in example
    found = [finding.rule for finding in lints(example.replace(old, new, 1))]
    assert rule in found or not times
    if rule != "blueprint-duplicate-id":  # renaming an id also leaves a reference without its entry
        assert found == [rule] * times


BLUEPRINTISH = st.recursive(
    st.text("a!KeyOf[]{}:, \n") | st.integers() | st.none(),
    lambda part: st.lists(part) | st.dictionaries(st.sampled_from(["model", "attrs", "identifiers", "id", "x"]), part),
)


@given(BLUEPRINTISH, st.text(max_size=40))
def test_any_text_gets_findings_or_none(entries: object, text: str) -> None:
    assert isinstance(lints(json.dumps({"version": 1, "entries": entries})), list)
    assert lints(text)[0].rule == "blueprint-unreadable"
