"""Any valid lab renders; any broken one renders or errors with a place. Never a traceback, never half a tree."""

from __future__ import annotations

import string
from typing import Any

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from abbey.errors import Fault, FileErrors, Mark
from abbey.render import render
from labs import lab_of, steady_catalog, text_of, two_hosts

CATALOG = steady_catalog()
NAMES = st.from_regex(r"[a-z][a-z0-9-]{0,10}[a-z0-9]", fullmatch=True)
LINES = st.text(st.characters(min_codepoint=32, blacklist_categories=("Cs", "Cc")), min_size=1, max_size=40)


@st.composite
def labs(draw: st.DrawFn) -> dict[str, Any]:
    """A valid lab of one to four hosts, with and without database, identity, tunnel and apps."""
    names = draw(st.lists(NAMES, min_size=1, max_size=4, unique=True))
    hosts = {
        name: {
            "ssh": f"root@{name}",
            "tailnet": f"100.64.0.{place + 1}",
            "place": draw(st.sampled_from(["home", "cloud"])),
        }
        for place, name in enumerate(names)
    }
    database = {"primary": draw(st.sampled_from(names))} if draw(st.booleans()) else None
    identity = {"authentik": {"groups": {"family": ["ann"]}}} if database and draw(st.booleans()) else None
    portal = {"title": draw(LINES), "theme": draw(st.sampled_from(["cyberpunk", "calm", "light"]))}
    apps: dict[str, Any] = {}
    for name in draw(st.lists(st.sampled_from(["grafana", "kavita", "forgejo"]), unique=True)):
        app: dict[str, Any] = draw(st.sampled_from([{}, {"owner": names[-1]}, {"memory": "1g"}, {"tag": "9"}]))
        if name != "grafana" and draw(st.booleans()):
            app = {"state": "split", "accept": "divergence"}
        apps[name] = app | {"env": {"MY_TEXT": draw(LINES)}}
    ids = {"account": "0" * 32, "id": "6ff42ae2-765d-4adf-8112-31c55c1551ef"} if draw(st.booleans()) else {}
    ingress = {"cloudflare": {"tunnel": "lab", **ids}} if draw(st.booleans()) else None
    return two_hosts(hosts=hosts, database=database, identity=identity, portal=portal, apps=apps, ingress=ingress)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(labs())
def test_any_valid_lab_renders_to_yaml_that_says_the_same(data: dict[str, Any]) -> None:
    lab = lab_of(text_of(data), CATALOG)
    for tree in render(lab).values():
        compose = yaml.safe_load(tree["compose.yaml"].shown())
        for name, app in data["apps"].items():
            if name in compose["services"]:
                wanted = app["env"]["MY_TEXT"].replace("$", "$$")
                assert compose["services"][name]["environment"]["MY_TEXT"] == wanted
        for path in tree:
            if path.endswith((".yaml", ".yml")):
                yaml.load(tree[path].shown(), Loader=AnyTag)


class AnyTag(yaml.SafeLoader):
    """Reads blueprints too."""


AnyTag.add_multi_constructor("!", lambda loader, suffix, node: suffix)

BROKEN = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), LINES, st.lists(LINES, max_size=3),
    st.dictionaries(LINES, LINES, max_size=3),
)  # fmt: skip


def paths_of(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path of every value inside."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(deeper for key, inner in items for deeper in paths_of(inner, (*path, key)))]


@st.composite
def broken_labs(draw: st.DrawFn) -> dict[str, Any]:
    """A valid lab with one value replaced by anything, removed, or joined by a stranger."""
    data = draw(labs())
    path = draw(st.sampled_from([path for path in paths_of(data) if path]))
    holder: Any = data
    for key in path[:-1]:
        holder = holder[key]
    match draw(st.sampled_from(["replace", "remove", "join"])):
        case "remove":
            del holder[path[-1]]
        case "join" if isinstance(holder, dict):
            holder[draw(LINES)] = draw(BROKEN)
        case _:
            holder[path[-1]] = draw(BROKEN)
    return data


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(broken_labs())
def test_any_broken_lab_renders_or_errors_with_a_place(data: dict[str, Any]) -> None:
    rendered_or_placed(yaml.safe_dump(data, sort_keys=False, allow_unicode=True))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(labs(), st.data())
def test_any_broken_text_renders_or_errors_with_a_place(data: dict[str, Any], draw: st.DataObject) -> None:
    text = text_of(data)
    place = draw.draw(st.integers(0, len(text)))
    cut = draw.draw(st.integers(0, 12))
    piece = draw.draw(st.text(string.printable + "é\u2028\0", max_size=8))
    rendered_or_placed(text[:place] + piece + text[place + cut :])


def rendered_or_placed(text: str) -> None:
    for fault in faults_of(text):
        assert fault.mark.file == "abbey.yaml"
        assert 1 <= fault.mark.line <= text.count("\n") + 2, fault
        assert fault.mark.column >= 1
        assert fault.message


def faults_of(text: str) -> tuple[Fault, ...]:
    try:
        render(lab_of(text, CATALOG))
    except FileErrors as errors:
        return errors.faults or (Fault(Mark("nowhere", 0, 0), ""),)  # an error without a fault is one too
    return ()
