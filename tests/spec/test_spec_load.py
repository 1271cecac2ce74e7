"""Plain data to models: every error at once, at its place, in plain words."""

from pathlib import Path
from typing import Annotated, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inline_snapshot import snapshot
from pydantic import BaseModel, ConfigDict, Field, Strict, StringConstraints

from abbey.errors import FileErrors, UsageError
from abbey.spec.load import load, load_spec
from abbey.spec.schema import Spec
from abbey.spec.yaml import parse

LAB = """\
lab: monastery
domain: example.com
admin: {user: brother, email: brother@example.com}
hosts:
  monk:     {ssh: brother@monk.lan, tailnet: 100.64.0.1, place: home}
  kscloud1: {ssh: root@203.0.113.10, tailnet: 100.64.0.2, place: cloud}
identity: {authentik: {groups: {family: [sister]}}}
database: {primary: kscloud1}
apps:
  forgejo: {state: split, accept: divergence}
  grafana:
"""


def told(model: type[BaseModel], text: str) -> str:
    with pytest.raises(FileErrors) as caught:
        load(model, parse(text, "abbey.yaml"))
    return f"{caught.value}\n"


def test_a_right_file_becomes_a_spec(tmp_path: Path) -> None:
    path = tmp_path / "abbey.yaml"
    path.write_text(LAB)
    spec, document = load_spec(path)
    assert list(spec.hosts) == ["monk", "kscloud1"]
    assert list(spec.apps) == ["forgejo", "grafana"]
    assert str(document.mark(("apps", "forgejo", "state"))) == f"{path}:10:20"


def test_every_error_is_told_at_once_with_its_place() -> None:
    assert told(
        Spec,
        """\
lab: monastery
domain: 1.10
hosts:
  monk: {ssh: 3, place: hom}
  kscloud1: {ssh: root@b, tailnet: 100.64.0.2, plaze: home}
ingress: {cloudflar: {}}
portal: []
apps:
  forgejo: {stat: split, state: splitt, env: {X: [a]}, login: true, hosts: []}
  open-webui: x
bogus: 1
""",
    ) == snapshot("""\
abbey.yaml:1:1: `admin` is missing
abbey.yaml:2:9: `domain` must be text, not `1.1`
    hint: write it in quotes
abbey.yaml:4:3: `tailnet` is missing
    hint: The host's stable IPv4 address in the private network, e.g. 100.64.0.1.
abbey.yaml:4:15: `hosts.monk.ssh` must be text, not `3`
    hint: write it in quotes
abbey.yaml:4:25: `hosts.monk.place` must be home or cloud, not `hom`
    hint: did you mean `home`?
abbey.yaml:5:48: unknown key `plaze`
    hint: did you mean `place`?
abbey.yaml:6:11: unknown key `cloudflar`
    hint: did you mean `cloudflare`?
abbey.yaml:7:9: `portal` must be a mapping (lines of `key: value`), not a list
    hint: The front page.
abbey.yaml:9:13: unknown key `stat`
    hint: did you mean `state`?
abbey.yaml:9:33: `apps.forgejo.state` must be stateless, shared, owner or split, not `splitt`
    hint: did you mean `split`?
abbey.yaml:9:50: `apps.forgejo.env.X` must be text, not a list
abbey.yaml:9:56: unknown key `login`
    hint: known here: state, owner, accept, hosts, host, groups, roles, env, tag, memory
abbey.yaml:9:76: `apps.forgejo.hosts` must have at least 1 entry
    hint: Hosts that run it; all when absent. Not with `state: owner`.
abbey.yaml:10:15: `apps.open-webui` must be a mapping (lines of `key: value`), not `x`
abbey.yaml:11:1: unknown key `bogus`
    hint: known here: lab, domain, admin, timezone, hosts, ingress, network, identity, database, portal, apps
""")


class Long(BaseModel):
    """The long form of a union."""

    model_config = ConfigDict(extra="forbid")
    name: str
    size: Annotated[int, Strict(), Field(ge=1)] = 1


class Other(BaseModel):
    """Another long form."""

    model_config = ConfigDict(extra="forbid")
    folder: str


Small = Annotated[
    str,
    StringConstraints(pattern="^[a-z]+$"),
    Field(json_schema_extra={"patternErrorMessage": "small letters only"}),
]


class Way(BaseModel):
    """A choice of one."""

    model_config = ConfigDict(extra="forbid")
    tunnel: str


class Shapes(BaseModel):
    """One model with every kind of union that the files use."""

    model_config = ConfigDict(extra="forbid")
    one: Small | Long | None = None
    many: list[Small | Long | list[int]] = []
    two: Long | Other | None = None
    word: Literal["auto"] | Long = "auto"
    names: dict[Small, Small] = {}
    token: Small = "a"
    way: Way | None = None


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("one: A", "1:6: `one` must be small letters only, not `A`"),
        ("one: 3", "1:6: `one` must be text or a mapping (lines of `key: value`), not `3`"),
        ("one: [a]", "1:6: `one` must be text or a mapping (lines of `key: value`), not a list"),
        ("one: {name: 3}", "1:13: `one.name` must be text, not `3`"),
        ("one: {name: a, size: x}", "1:22: `one.size` must be a whole number, not `x`"),
        ("one: {name: a, size: 0}", "1:22: `one.size` must be at least 1, not `0`"),
        ("one: {name: a, siz: 1}", "1:16: unknown key `siz`\n    hint: did you mean `size`?"),
        ("one: {nam: a}", "1:7: unknown key `nam`\n    hint: did you mean `name`?"),
        ("way: {other: a}", "1:7: unknown key `other`\n    hint: known here: tunnel"),
        ("one: {}", "1:1: `name` is missing"),
        (
            "many: [a, [1], {name: a}, 3]",
            "1:27: `many.3` must be text, a mapping (lines of `key: value`) or a list, not `3`",
        ),
        ("many: [{name: }]", "1:15: `many.0.name` has no value"),
        ("two: {folder: 1}", "1:15: `two.folder` must be text, not `1`"),
        ("two: {name: 1}", "1:13: `two.name` must be text, not `1`"),
        ("word: aut", "1:7: `word` must be auto, not `aut`\n    hint: did you mean `auto`?"),
        ("word: {name: 1}", "1:14: `word.name` must be text, not `1`"),
        ("names: {A: b}", "1:9: the name `A` must be small letters only"),
        ("names: {a: B}", "1:12: `names.a` must be small letters only, not `B`"),
        ("[a]", "1:1: the file must be a mapping (lines of `key: value`), not a list"),
        ("~", "1:1: the file has no value"),
    ],
)
def test_the_branch_that_was_meant_is_the_one_told(text: str, fault: str) -> None:
    assert told(Shapes, text).startswith(f"abbey.yaml:{fault}")
    assert told(Shapes, text).count("abbey.yaml") == 1


@pytest.mark.parametrize("text", ["token: HUNTER2", "names: {api_key: HUNTER2}", "names: {password: [HUNTER2]}"])
def test_a_value_under_a_secret_sounding_name_is_never_repeated(text: str) -> None:
    assert "HUNTER2" not in told(Shapes, text)


def test_a_name_cannot_smuggle_control_characters_into_a_message() -> None:
    assert "\x1b" not in told(Shapes, 'names: {"\\e[2J": "\\e[2J"}\n"\\e[2J": 1\none: "\\e[2J"')


def test_a_flood_of_errors_ends_in_a_count() -> None:
    shown = told(Shapes, "".join(f"k{number}: 1\n" for number in range(30_000))).splitlines()
    assert shown[-1] == "abbey.yaml:500:1: … and 29500 more errors"
    assert len([line for line in shown if "unknown key" in line]) == 500


def test_a_file_that_cannot_be_read_is_an_error_with_a_hint(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"there is no file .*\n.*abbey init"):
        load_spec(tmp_path / "abbey.yaml")
    with pytest.raises(UsageError, match="cannot be read: Is a directory"):
        load_spec(tmp_path)
    with pytest.raises(UsageError, match="cannot be read"):
        load_spec(tmp_path / "a\0b")


@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_faults(content: bytes) -> None:
    with pytest.raises(FileErrors):
        load(Spec, parse(content, "abbey.yaml"))


VALUES = st.sampled_from(
    ["", "x", "1", "1.5", "true", "~", "[]", "{}", "[x, 1, {a: b}]", "{a: {b: c}}", "'*'", "a: b", "\t"]
)


@given(st.integers(0, len(LAB) - 1), st.integers(0, 12), VALUES)
def test_a_mutated_file_is_a_spec_or_faults_with_places(start: int, length: int, value: str) -> None:
    text = LAB[:start] + value + LAB[start + length :]
    try:
        load(Spec, parse(text, "abbey.yaml"))
    except FileErrors as error:
        shown = str(error)
    else:
        return
    assert shown.startswith("abbey.yaml:")
    assert not any(word in shown for word in ("pydantic", "Input should", "type=", "https://errors"))
