"""Whatever stands in a Compose file: it is refused with places, or becomes an app file that Abbey takes."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from abbey.catalog.coherence import incoherences
from abbey.catalog.compose.convert import convert
from abbey.catalog.compose.dotenv import EnvFileError, parse_env
from abbey.catalog.compose.forms import BUILD, HEALTH, SERVICE, TOP
from abbey.catalog.compose.read import files_of, read
from abbey.catalog.compose.work import Around
from abbey.catalog.compose.write import text_of
from abbey.catalog.load import load_catalog
from abbey.catalog.schema import App
from abbey.errors import FileErrors
from abbey.spec.load import load
from abbey.spec.yaml import parse

CONTEXTS = frozenset(load_catalog().contexts)
TASTY = st.sampled_from(
    ["a", "b", "./x", "a:b:c", "80:80", "8000-8100:9000", "1-70000", "[::1]:5:6", "99999", "53:53/udp", "${X}", "${X:-y}",
     "${X:?}", "$", "$$", "{{ x }}", "{{text.y}}", "1m30s", "0s", "5gb", "0", "-1", "true", "", "~", "~/x", "host",
     "service:a", "none", "/var/run/docker.sock:/s", "vol:/data", "/a:/b:ro,z", "a b", "'", '"', "é\u2028", "NONE",
     "postgres://u:p@h/d", "A=b", "PASSWORD=x", "=", "db_password", "1000:1000", "image:tag@sha256:0", "UPPER/x:y", ".."]
)  # fmt: skip
SCALARS = st.one_of(TASTY, st.none(), st.booleans(), st.integers(-5, 70000), st.floats(), st.text(max_size=8))
INNER = st.sampled_from(
    ["type", "source", "target", "published", "host_ip", "protocol", "read_only", "file", "content", "external", "name",
     "condition", "required", "aliases", "service", "path", "context", "args", "dockerfile_inline", "resources",
     "limits", "memory", "tmpfs", "size", "driver_opts", "a", "b", "PASSWORD", "API_KEY", *HEALTH, *BUILD]
)  # fmt: skip
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(INNER | TASTY, inner, max_size=3), max_leaves=6
)
PLAIN: st.SearchStrategy[Any] = st.dictionaries(INNER, SCALARS | st.lists(TASTY, max_size=2), max_size=4)
SHAPED: dict[str, st.SearchStrategy[Any]] = {
    "text": SCALARS,
    "flag": st.booleans(),
    "texts": st.lists(TASTY, max_size=3),
    "list": st.lists(TASTY | PLAIN, max_size=3),
    "pairs": st.dictionaries(TASTY, SCALARS, max_size=3) | st.lists(TASTY, max_size=3),
    "named": st.dictionaries(st.sampled_from(["a", "b", "web"]), PLAIN | st.none(), max_size=2),
    "words": TASTY | st.lists(TASTY, max_size=3),
    "map": PLAIN | st.dictionaries(INNER, PLAIN, max_size=3),
    "build": PLAIN,
}
ENTRIES = st.sampled_from(sorted(SERVICE)).flatmap(
    lambda key: st.tuples(st.just(key), SHAPED.get(SERVICE[key], VALUES) | VALUES)
)
SERVICES = st.dictionaries(
    st.sampled_from(["a", "b", "Odd_Name.1", "web"]),
    st.lists(ENTRIES, max_size=4).map(lambda pairs: {"image": "x", **dict(pairs)}),
    min_size=1,
    max_size=3,
)
FILES = st.fixed_dictionaries(
    {"services": SERVICES},
    optional={key: VALUES for key in TOP if key != "services"},
)


def taken(content: bytes) -> bool:
    """Import a file in a folder of its own, and return whether it was one."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "compose.yaml").write_bytes(content)
        try:
            app = convert(read(files_of(folder)), around=Around(ports={80: "gateway"}))
        except FileErrors as error:
            assert all(fault.mark.line >= 1 for fault in error.faults)  # noqa: PT017
            return False
        text = text_of(app, ["compose.yaml"])
        document = parse(text, "apps/x.yaml")
        found = incoherences(load(App, document), document, folders=CONTEXTS | app.contexts.keys())
        assert not found, (text, found)
        return True


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(FILES)
def test_a_file_of_any_values_is_refused_or_becomes_an_app(data: dict[str, Any]) -> None:
    taken(yaml.safe_dump(data, allow_unicode=True, sort_keys=False).encode())


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(ENTRIES)
def test_a_key_of_any_value_is_refused_or_becomes_an_app(entry: tuple[str, Any]) -> None:
    parts = {"vol": {"external": True}}, {"a": {"content": "{{ x }}"}, "b": {"file": "none"}}
    service = {"image": "x", entry[0]: entry[1]}
    data = {"services": {"a": service, "web": {"image": "y:1"}}, "volumes": parts[0], "secrets": parts[1]}
    taken(yaml.safe_dump({**data, "configs": parts[1]}).encode())


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60) | st.text(alphabet="a:-<*&![]{}'\"$ \n|>?#%@,0", max_size=40).map(str.encode))
def test_any_bytes_are_refused_with_a_place_or_taken(content: bytes) -> None:
    taken(content)
    taken(b"services:\n  a:\n    image: x\n    command: " + content)


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="AB=:'\"\\$ {}#\n\t-?+xn", max_size=40))
def test_any_env_file_is_read_or_refused_with_its_line(text: str) -> None:
    try:
        assert all(line.line >= 1 and line.name for line in parse_env(text, {"A": "1"}))
    except EnvFileError as error:
        assert 1 <= error.line <= text.count("\n") + 1  # noqa: PT017


def test_deep_and_large_files_cost_nothing() -> None:
    bomb = "x: &a0 [1,1,1,1,1,1,1,1,1,1]\n" + "".join(
        f"y{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9)
    )
    merges = "".join(f"x{n}: &m{n} {{<<: [{', '.join([f'*m{n - 1}'] * 9)}], k{n}: 1}}\n" for n in range(1, 9))
    for text in (bomb, "x-m: &m0 {a: 1}\n" + merges, "[" * 100_000, "services: &s {a: *s}", "x: " + "{a: " * 60):
        assert not taken(text.encode())
    nested = "${A:-" * 5000 + "}" * 5000
    assert not taken(f"services:\n  a: {{image: x, hostname: '{nested}'}}\n".encode())
