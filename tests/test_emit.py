"""What emit writes reads well, and every reader gets the same data back."""

import json
from collections.abc import Callable

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from inline_snapshot import snapshot

from abbey.emit import WIDTH, Note, Tagged, json_text, yaml_text

# Everything that some YAML reader takes for something else.
TRAPS = [
    "", " ", "NO", "no", "On", "y", "N", "true", "True", "null", "~", "=", "<<", "22:22", "1:30:00", "0777",
    "0o17", "0x1F", "0b1", "1_000", "1.10", "1e3", "8e12345", "+1", "-1", ".5", "-.5", ".inf", "-.INF", ".NaN",
    "2026-11-23", "2026-11-23 10:00:00 +1", "2001-12-14t21:59:43.10-05:00", "*.example.com", "&a", "!tag", "@x",
    "`x`", "%TAG", "---", "--- a", "...", "... b", "-", "- a", "--", "?", "? a", ":", ": a", "a: b", "a:", "a #b",
    "#a", "a ", " a", "[a]", "{a}", "a, b", "|", ">", "'", '"', "\\", "a\\nb", "a\tb", "\t", "\n", "\n\n", "a\n",
    "a\n\n", "\na", " a\nb", "a\n b\n", "a\n \nb", "a\r\nb", "a\rb", "a\x85b", "a\u2028b", "a\u2029b", "\ufeff",
    "\xa0a", "\u202ea", "\x00", "\x7f", "\x1b[31m", "🐛", "é", "٣", "a\n# b\n", "a\n---\nb", "${A:-b}", "1 2", "/a:/b",
    "0?", "a?b", "http://a/?b=c", "a,b", "a]", "a:]",
]  # fmt: skip


@pytest.mark.parametrize("text", TRAPS)
@pytest.mark.parametrize("wrap", [lambda x: x, lambda x: [x, 1], lambda x: {x: x}, lambda x: {"a": [{x: x}, [x, [x]]]}])
def test_a_trap_is_read_back_as_the_same_text(text: str, wrap: Callable[[str], object]) -> None:
    assert yaml.safe_load(yaml_text(wrap(text))) == wrap(text)


TEXT = st.one_of(
    st.text(),
    st.sampled_from(TRAPS),
    st.text("\n\t #:-ab'\"\\|>*&!%@`,[]{}?=~<.\r\x85\u2028\u2029\ufeff\x00"),
    st.text("0123456789_.:+-eExob T", max_size=8),
    st.text("xé ", min_size=60, max_size=120),
)
FLOAT = st.floats(allow_nan=False, allow_infinity=False)
SCALAR = st.one_of(TEXT, st.integers(), FLOAT, st.booleans(), st.none())
PLAIN = st.recursive(SCALAR, lambda x: st.lists(x) | st.dictionaries(TEXT, x), max_leaves=30)


def identical(one: object, other: object) -> bool:
    """Like ==, but 1, 1.0 and True differ."""
    if isinstance(one, dict) and isinstance(other, dict):
        return list(one) == list(other) and all(identical(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(identical, one, other))
    return type(one) is type(other) and one == other


@given(PLAIN)
def test_any_plain_data_is_read_back_by_a_yaml_1_1_reader(value: object) -> None:
    assert identical(yaml.safe_load(yaml_text(value)), value)


def noted(value: object, text: str) -> object:
    """The same data with a Note around every part."""
    if isinstance(value, dict):
        return Note(text, {key: noted(part, text) for key, part in value.items()}, gap=True)
    if isinstance(value, list):
        return Note(text, [noted(part, text) for part in value])
    return Note(text, value, gap=True)


@given(PLAIN, TEXT)
def test_notes_never_change_the_data(value: object, text: str) -> None:
    assert identical(yaml.safe_load(yaml_text(noted(value, text))), value)


@given(PLAIN)
def test_json_text_is_read_back(value: object) -> None:
    assert identical(json.loads(json_text(value)), value)
    assert json_text(value).endswith("\n")


def test_a_float_is_written_so_that_no_reader_takes_it_for_text() -> None:
    infinite = float("inf")
    assert yaml_text([float("nan"), infinite, -infinite, 1e16]) == "[.nan, .inf, -.inf, 1.0e+16]\n"
    assert yaml.safe_load(yaml_text([infinite, -infinite, 1e16])) == [infinite, -infinite, 1e16]


def test_a_key_too_long_for_one_line_is_written_in_the_long_form() -> None:
    value = {"a": {"k" * 2000: {"b": "c"}, "x\n" * 600: 1}}
    assert yaml.safe_load(yaml_text(value)) == value


def test_a_list_of_scalars_stands_on_one_line_only_while_it_fits() -> None:
    short = ["x" * 20] * 4
    long = [*short, "x" * 20]
    assert len(yaml_text({"k": short}).splitlines()) == 1
    assert len(yaml_text({"k": long}).splitlines()) == 6
    assert max(map(len, yaml_text({"k": {f"k{n}": ["1" * 9] * n for n in range(20)}}).splitlines())) <= WIDTH


@pytest.mark.parametrize("value", [{1: 2}, {"a": object()}, b"x", {"a": {1, 2}}, [[object()]]])
def test_what_is_not_plain_data_is_refused(value: object) -> None:
    with pytest.raises(TypeError):
        yaml_text(value)


def test_it_reads_well() -> None:
    value = Note(
        "Written by Abbey.\n\nEdit abbey.yaml instead.",
        {
            "name": "monastery",
            "services": Note(
                "",
                {
                    "gateway": Note(
                        "Every request enters here: the local app first, then the other host over the tailnet,"
                        " so that a visitor does not notice when one of the two goes away.",
                        {
                            "image": "caddy:2.11.7@sha256:0123",
                            "ports": ["127.0.0.1:8080:8080"],
                            "cap_drop": ["ALL"],
                            "read_only": True,
                            "healthcheck": {
                                "test": ["CMD", "wget", "-q", "http://127.0.0.1:2019/config/"],
                                "interval": "10s",
                                "retries": 3,
                            },
                            "environment": {"TZ": "Europe/Berlin", "NO": "no", "EMPTY": ""},
                            "volumes": [
                                {"type": "bind", "source": Note("read by the gateway alone", "./gateway")},
                                {"type": Note("lost on restart", "tmpfs"), "target": "/tmp"},
                            ],
                            "command": ["sh", "-c", "set -e\nexec caddy run\n"],
                            "labels": {},
                        },
                        gap=True,
                    ),
                    "portal": Note("", {"image": "nginx", "mem_limit": "64m"}, gap=True),
                },
                gap=True,
            ),
        },
    )
    assert yaml_text(value) == snapshot("""\
# Written by Abbey.
#
# Edit abbey.yaml instead.
name: monastery

services:
  # Every request enters here: the local app first, then the other host over the tailnet, so that a
  # visitor does not notice when one of the two goes away.
  gateway:
    image: caddy:2.11.7@sha256:0123
    ports: ["127.0.0.1:8080:8080"]
    cap_drop: [ALL]
    read_only: true
    healthcheck:
      test: [CMD, wget, -q, http://127.0.0.1:2019/config/]
      interval: 10s
      retries: 3
    environment:
      TZ: Europe/Berlin
      "NO": "no"
      EMPTY: ""
    volumes:
      - type: bind
        # read by the gateway alone
        source: ./gateway
      # lost on restart
      - type: tmpfs
        target: /tmp
    command:
      - sh
      - -c
      - |
        set -e
        exec caddy run
    labels: {}

  portal:
    image: nginx
    mem_limit: 64m
""")


def test_tags_are_written_on_one_line() -> None:
    value = {
        "flow": Tagged("!Find", ["authentik_flows.flow", ["slug", "default-authorization"]]),
        "provider": Tagged("!KeyOf", "grafana-provider"),
        "secret": Tagged("!File", "/secrets/grafana, oidc"),
        "providers": [Tagged("!KeyOf", "a"), Tagged("!KeyOf", "b")],
        "name": Tagged("!Format", ["%s: %s", Tagged("!Context", "a"), {"k": None}]),
    }
    assert yaml_text(value) == snapshot("""\
flow: !Find [authentik_flows.flow, [slug, default-authorization]]
provider: !KeyOf grafana-provider
secret: !File "/secrets/grafana, oidc"
providers: [!KeyOf a, !KeyOf b]
name: !Format ["%s: %s", !Context a, {k: null}]
""")
