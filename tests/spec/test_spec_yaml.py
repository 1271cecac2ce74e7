"""YAML text to plain data: YAML 1.2 meaning, exact places, and one clear fault for everything hostile."""

import resource
import subprocess
import sys

import pytest
import yaml as pyyaml
from hypothesis import given
from hypothesis import strategies as st

from abbey.emit import yaml_text
from abbey.errors import FileErrors
from abbey.spec import yaml
from abbey.spec.yaml import MAX_BYTES, MAX_DEPTH, Document, parse


def faults(content: str | bytes) -> list[str]:
    with pytest.raises(FileErrors) as caught:
        parse(content, "f")
    return [str(fault).replace("\n    hint:", " |") for fault in caught.value.faults]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("NO", "NO"), ("on", "on"), ("yes", "yes"), ("y", "y"), ("010", 10), ("0o10", 8), ("0x1F", 31), ("1.10", 1.1),
        ("22:22", "22:22"), ("1_000", "1_000"), ("0b1", "0b1"), ("2026-11-23", "2026-11-23"), ("1e3", 1000.0),
        ("+12", 12), ("-0", 0), (".5", 0.5), ("1.", 1.0), (".inf", float("inf")), ("-.INF", float("-inf")),
        ("~", None), ("Null", None), ("nULL", "nULL"), ("TRUE", True), ("False", False), ("tRue", "tRue"),
        ("1.2.3", "1.2.3"), ("=", "="), ("'1'", "1"), ('"true"', "true"), ("٣", "٣"), ("-", None), ("+", "+"),
    ],
)  # fmt: skip
def test_a_scalar_means_what_yaml_1_2_says(text: str, value: object) -> None:
    data = parse(f"- {text}\n" if text != "-" else "-\n", "f").data
    assert data == [value]
    assert isinstance(data, list)
    assert type(data[0]) is type(value)


def test_every_value_and_key_has_its_place() -> None:
    document = parse("\ufeffa: 1\nhosts:\n  é: {x: 1, y: [p,  q]}\n  b:\n", "lab.yaml")
    places = {
        (): "1:1", ("a",): "1:4", ("hosts",): "3:3", ("hosts", "é"): "3:6", ("hosts", "é", "y"): "3:16",
        ("hosts", "é", "y", 1): "3:21", ("hosts", "none", 3): "3:3", ("hosts", "b"): "4:5",
    }  # fmt: skip
    assert {path: str(document.mark(path)) for path in places} == {
        path: f"lab.yaml:{place}" for path, place in places.items()
    }
    assert str(document.key_mark(("hosts",))) == "lab.yaml:2:1"
    assert str(document.key_mark(("hosts", "é", "y"))) == "lab.yaml:3:13"
    assert str(document.key_mark(("hosts", "é", "y", 1))) == "lab.yaml:3:21"


def test_aliases_repeat_what_they_name() -> None:
    document = parse("a: &x {b: [1]}\nc: *x\nd: &y 7\ne: [*y, *x]\n", "f")
    assert document.data == {"a": {"b": [1]}, "c": {"b": [1]}, "d": 7, "e": [7, {"b": [1]}]}
    assert str(document.mark(("c", "b", 0))) == "f:2:4"


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("", "f:1:1: the file is empty"),
        ("# nothing\n", "f:1:1: the file is empty"),
        ("a: 1\nb: 2\na: 3\n", "f:3:1: the key `a` stands here twice | the first one is in line 1"),
        ("a: !!str NO", "f:1:4: the tag `tag:yaml.org,2002:str` means nothing here"),
        ("a:\n\tb: 1", "f:2:1: a tab cannot indent | use spaces"),
        ("1: a", 'f:1:1: the key `1` is not text | write "1" in quotes'),
        ("~: a", 'f:1:1: the key `~` is not text | write "~" in quotes'),
        ("[a]: b", "f:1:1: a key must be text, not a list or mapping"),
        ("? {a: b}\n: c", "f:1:3: a key must be text, not a list or mapping"),
        ("a: &k b\n*k : c", "f:2:1: an alias cannot be a key"),
        ("<<: {a: b}", "f:1:1: merge keys (`<<`) are not YAML 1.2 | write the keys out"),
        ("--- 1\n--- 2", "f:2:1: a second document begins here"),
        ("h: *.example.com", "f:1:5: a value cannot begin with this character | put it in quotes"),
        ("h: *nobody", "f:1:4: nothing above is called `&nobody` | quote a value that begins with *"),
        ("h: &x [*x]", "f:1:8: `*x` would contain itself"),
        ("h: a: b", "f:1:5: a second ': ' on one line, or a wrong indentation"),
        ("i: {a:}", "f:1:6: a ':' without a space after it, inside brackets | write a space after the colon"),
        ("i: [a:]", "f:1:6: a ':' without a space after it, inside brackets | write a space after the colon"),
        ("h: 'x\n", "f:1:4: while scanning a quoted scalar, found unexpected end of stream"),
        ("h: [1\n", "f:1:4: while parsing a flow sequence"),
        ("a: " + "[" * 100_000, f"f:1:{3 + MAX_DEPTH}: more than {MAX_DEPTH} levels inside each other"),
        ("a: " + "9" * 5000, "f:1:4: a number of more than 100 digits"),
        ("a: 0x" + "9" * 5000, "f:1:4: a number of more than 100 digits"),
        ("a: x\x00", "f:1:5: a control character (U+0000) cannot stand in the file"),
        ("a: b\n\x1b[31m", "f:2:1: a control character (U+001B) cannot stand in the file"),
        (b"a: b\nc: \xe9", "f:2:4: this is not UTF-8 text | save it as UTF-8"),
        ("a: 1".encode("utf-16"), "f:1:1: this is not UTF-8 text"),
        (b"\x7fELF\x02\x01\x01\x00", "f:1:1: a control character (U+007F)"),
        (b"x" * (MAX_BYTES + 1), "f:1:1: the file is larger than 1 MiB"),
    ],
)  # fmt: skip
def test_one_clear_fault(content: str | bytes, fault: str) -> None:
    found = faults(content)
    assert len(found) == 1
    assert found[0].startswith(fault)


def test_faults_that_do_not_hide_each_other_are_told_together() -> None:
    assert [fault.split(" ")[0] for fault in faults("a: 1\na: !x 2\n3: 4\n")] == ["f:2:1:", "f:2:4:", "f:3:1:"]


def test_a_message_never_carries_control_characters() -> None:
    assert "\x1b" not in faults('"\\e[31m": 1\n"\\e[31m": 2')[0]


HOSTILE = {
    "ten megabytes": "b'a: b\\n' * 2_000_000",
    "a long line": "b'a' * 1_000_000 + b': ['",
    "nested lists": "b'[' * 1_000_000",
    "nested mappings": "b'{a: ' * 200_000",
    "nested blocks": "b'- ' * 500_000",
    "nested keys": "b'? ' * 500_000",
    "many values": "b'[' + b'1,' * 500_000 + b']'",
    "the same key": "b'a: 1\\n' * 200_000",
    "anchors": "b''.join(b'- &a%d x\\n' % n for n in range(80_000)) + b'- ]'",
    "a billion laughs": "b'a0: &a0 [x,x,x,x,x,x,x,x,x]\\n' + b''.join("
    "b'a%d: &a%d [%s]\\n' % (n, n, b','.join([b'*a%d' % (n - 1)] * 9)) for n in range(1, 40))",
    "a quadratic blow-up": "b'a: &a [' + b'x,' * 50_000 + b']\\nb: [' + b'*a,' * 50_000 + b']'",
    "a long number": "b'a: ' + b'9' * 1_000_000",
    "quotes": "b'\"' * 1_000_001",
    "random bytes": "__import__('random').Random(1).randbytes(1_000_000)",
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
def test_hostile_input_ends_in_a_fault_within_little_memory_and_time(content: str) -> None:
    program = (
        "from abbey.errors import FileErrors\nfrom abbey.spec.yaml import parse\n"
        f"try:\n    parse({content}, 'f')\nexcept FileErrors as error:\n    print(len(error.faults), error)\n"
    )

    def bounded() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (400 << 20, 400 << 20))
        resource.setrlimit(resource.RLIMIT_CPU, (10, 10))

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, preexec_fn=bounded)
    assert done.stderr == ""
    assert done.stdout.startswith(("1 f:", "20 f:"))
    assert len(done.stdout) < 4000


@given(st.binary())
def test_any_bytes_are_data_or_faults(content: bytes) -> None:
    only_data_or_faults(content)


YAMLISH = st.text("ab1:-[]{}?,&*!|>'\"%@`#~<.\n\t\r \\x0é\u2028\ufeff", max_size=60)


@given(YAMLISH)
def test_any_text_that_looks_like_yaml_is_data_or_faults(content: str) -> None:
    only_data_or_faults(content)
    only_data_or_faults(content.encode())


def only_data_or_faults(content: str | bytes) -> None:
    try:
        document = parse(content, "f")
    except FileErrors as error:
        faults_found = error.faults
    else:
        assert isinstance(document, Document)
        return
    assert faults_found


TEXT = st.one_of(st.text(), YAMLISH)
PLAIN = st.recursive(
    st.one_of(TEXT, st.integers(), st.floats(allow_nan=False), st.booleans(), st.none()),
    lambda part: st.lists(part) | st.dictionaries(TEXT, part),
    max_leaves=20,
)


@given(PLAIN)
def test_what_emit_writes_is_read_back(value: object) -> None:
    data = parse(yaml_text(value), "f").data
    assert data == value
    assert repr(data) == repr(value)


@given(PLAIN)
def test_the_parser_without_c_reads_the_same(value: object) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(yaml, "_LOADER", pyyaml.SafeLoader)
        assert parse(yaml_text(value), "f").data == value
