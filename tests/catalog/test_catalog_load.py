"""Data files of a person's own: each thing that would fail later is a fault with its place now."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from abbey.catalog.load import load_catalog
from abbey.catalog.template import OF_DATABASE, OF_LAB, OF_OIDC
from abbey.errors import FileErrors, UsageError
from abbey.model.values import values
from labs import lab_of, text_of, two_hosts

FOO: dict[str, Any] = {
    "title": "Foo",
    "summary": "Some thing",
    "home": "https://foo.example/",
    "contracts": {"owner": "files"},
    "services": {"foo": {"image": {"ref": "docker.io/foo/foo", "tag": "1"}}},
    "route": {"service": "foo", "port": 80},
    "sso": {"mode": "none"},
}


def write(folder: Path, name: str = "foo", **changes: Any) -> Path:
    """Write a data file with top-level parts replaced and, under `service`, keys of its one container added."""
    data = copy.deepcopy(FOO)
    data["services"]["foo"] |= changes.pop("service", {})
    (folder / f"{name}.yaml").write_text(yaml.safe_dump(data | changes, sort_keys=False))
    return folder


def faults(folder: Path) -> list[str]:
    with pytest.raises(FileErrors) as caught:
        load_catalog(folder)
    return [f"{fault.mark.line}: {fault.message} ({fault.hint})" for fault in caught.value.faults]


def test_an_app_of_ones_own_joins_the_catalog(tmp_path: Path) -> None:
    assert load_catalog(write(tmp_path)).apps["foo"].title == "Foo"


@pytest.mark.parametrize("part", ["portal", "gateway", "postgres", "authentik"])
def test_a_part_of_the_platform_is_not_replaced(tmp_path: Path, part: str) -> None:
    (fault,) = faults(write(tmp_path, part))
    assert fault.startswith(f"1: {part} is a part of the platform, and this file would replace it")


@pytest.mark.parametrize("name", ["Foo", "foo bar", "foo.old", "1foo", "foo-"])
def test_a_file_that_no_lab_could_name_is_a_fault(tmp_path: Path, name: str) -> None:
    (fault,) = faults(write(tmp_path, name))
    assert fault.startswith(f"1: the app is called like its file, and cannot be called {name} (up to 30 lower-case")


def test_an_app_of_the_catalog_may_be_replaced(tmp_path: Path) -> None:
    assert load_catalog(write(tmp_path, "kavita")).apps["kavita"].title == "Foo"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"sso": {"mode": "oidc"}}, "15: `sso` is not right: `mode: oidc` needs the app's side of it"),
        ({"sso": {"mode": "none", "bypass": ["^/x$"]}}, "15: `sso` is not right: `bypass` belongs to"),
        ({"route": {"service": "fo", "port": 80}}, "12: there is no service fo in this file (did you mean `foo`?)"),
        ({"service": {"own_network": False}}, "13: the gateway cannot reach foo outside the app's own network"),
        ({"service": {"host_network": True}}, "13: the gateway cannot reach foo outside the app's own network"),
        ({"service": {"secret_files": ["nope"]}}, "12: there is no secret nope in this file"),
        ({"service": {"secret_files": ["oidc"]}}, "12: there is no secret oidc in this file"),
        ({"secrets": {"oidc": "password"}}, "17: `oidc` is the secret of the app as a client"),
        ({"service": {"env": {"K": "{{nope}}"}}}, "12: nothing is called `{{nope}}` here"),
        ({"service": {"env": {"K": "{{Secret.x-y}}"}}}, "12: nothing is called `{{Secret.x-y}}` here"),
        ({"service": {"env": {"K": "{{secret.x}}"}}}, "12: nothing is called `{{secret.x}}` here"),
        ({"service": {"command": ["serve", "{{urls}}"]}}, "13: nothing is called `{{urls}}` here (did you mean `url`?)"),
        ({"service": {"health": {"test": ["CMD", "{{hots}}"]}}}, "14: nothing is called `{{hots}}` here"),
        ({"service": {"env": {"K": "{{db.host}}"}}}, "12: nothing is called `{{db.host}}` here (only an app with"),
        ({"service": {"env": {"K": "{{oidc.issuer}}"}}}, "12: nothing is called `{{oidc.issuer}}` here (only `with_oidc`"),
        ({"first_account": "make {{admin.usr}}"}, "16: nothing is called `{{admin.usr}}` here (did you mean `admin.user`?)"),
        ({"sso": {"mode": "forward-auth", "bypass": ["^/(x"]}}, "17: ^/(x is no regular expression: missing )"),
        ({"sso": {"mode": "forward-auth", "bypass": ["^/x`"]}}, "17: a backquote or a control character cannot"),
        ({"sso": {"mode": "forward-auth", "bypass": ["^/x\n"]}}, "17: a backquote or a control character cannot"),
        ({"sso": {"mode": "forward-auth", "bypass": ["api"]}}, "17: the bypass api would open every path that merely"),
        ({"sso": {"mode": "forward-auth", "bypass": ["^/(?!x)"]}}, "17: the gateway cannot take ^/(?!x)"),
        ({"title": 'The "Best"'}, "1: `title` must be one line without double quotes"),
        ({"title": "{env.PATH}"}, "1: `title` must be one line without double quotes"),
        ({"title": "a`b"}, "1: `title` must be one line without double quotes"),
        ({"title": "a\tb"}, "1: `title` must be one line without double quotes"),
        ({"title": "a\u2028b"}, "1: `title` must be one line without double quotes"),
        ({"summary": "a\u0085b"}, "2: `summary` must be one line of text"),
    ],
)  # fmt: skip
def test_what_would_fail_later_is_a_fault_with_its_place(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    (fault,) = faults(write(tmp_path, **changes))
    assert fault.startswith(said)


SIDE = {"image": {"ref": "docker.io/foo/side", "tag": "1"}, "when": ["oidc"]}
RUN = {"name": "a", "title": "a", "service": "side", "run": "true"}
CALL = {"name": "a", "title": "a", "service": "foo", "calls": [{"request": "GET /"}]}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"service": {"when": ["oidc"]}}, "visitors are sent to foo, which `when` keeps from running in some labs"),
        ({"services": {"foo": FOO["services"]["foo"], "side": SIDE}, "steps": [RUN]}, "give the step `when: [oidc]`)"),
        (
            {"services": {"foo": FOO["services"]["foo"], "side": SIDE}, "steps": [{**RUN, "when": ["gate"]}]},
            "side runs only where oidc is true, and this step would wait for it (give the step `when: [gate, oidc]`)",
        ),
        (
            {"service": {"host_network": True}, "route": None, "steps": [CALL]},
            "calls are made in the app's own network",
        ),
        ({"steps": [{**RUN, "service": "foo", "shell": []}]}, "`steps.0.shell` must have at least 1 entry"),
    ],
)
def test_a_service_that_may_be_missing_is_not_needed(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    (fault,) = faults(write(tmp_path, **changes))
    assert said in fault


@pytest.mark.parametrize("changed", [{}, {"steps": [{**RUN, "when": ["oidc", "gate"]}]}])
def test_a_step_may_ask_for_more_than_its_service(tmp_path: Path, changed: dict[str, Any]) -> None:
    services = {"foo": FOO["services"]["foo"], "side": SIDE}
    assert "foo" in load_catalog(write(tmp_path, services=services, **changed)).apps


@pytest.mark.parametrize("path", ["/etc/../x", "/etc/", "/etc//x", "/", "/./x"])
def test_a_file_has_one_place(tmp_path: Path, path: str) -> None:
    (fault,) = faults(write(tmp_path, service={"files": [{"path": path, "text": ""}]}))
    assert f"{path} is no place of a file" in fault


@pytest.mark.parametrize("other", ["/etc/foo", "/etc", "/etc/foo/bar"])
def test_two_files_do_not_take_one_place(tmp_path: Path, other: str) -> None:
    one, two = {"path": "/etc/foo", "text": "a", "when": ["oidc"]}, {"path": other, "text": "b"}
    (fault,) = faults(write(tmp_path, service={"files": [one, two]}))
    assert f"{other} and /etc/foo cannot both be there" in fault
    load_catalog(write(tmp_path, service={"files": [one, {**two, "when": ["gate"]}]}))


@pytest.mark.parametrize(
    "call",
    [{"check": "body == '{{urls}}'"}, {"when": "'{{urls}}'"}, {"keep": {"x": "'{{urls}}'"}}, {"json": {"{{urls}}": 1}}],
)
def test_every_text_of_a_call_is_looked_at(tmp_path: Path, call: dict[str, Any]) -> None:
    (fault,) = faults(write(tmp_path, steps=[{**CALL, "calls": [{"request": "GET /", **call}]}]))
    assert "nothing is called `{{urls}}` here (did you mean `url`?)" in fault


@pytest.mark.parametrize("call", [{"check": "body == '{{text.a}}'"}, {"check": "a", "says": "not {{text.a}}"}])
def test_no_secret_stands_in_what_is_shown_of_a_call(tmp_path: Path, call: dict[str, Any]) -> None:
    write(tmp_path, secrets={"a": "password"}, steps=[{**CALL, "calls": [{"request": "GET /", **call}]}])
    (fault,) = faults(tmp_path)
    assert "nothing is called `{{text.a}}` here (a secret's own text may stand in the environment" in fault


@pytest.mark.parametrize("path", ["/", "/api/", "/api/*", "/a?b"])
def test_a_path_of_another_service_is_a_plain_one(tmp_path: Path, path: str) -> None:
    also = {path: {"service": "foo", "port": 81}}
    (fault,) = faults(write(tmp_path, route={"service": "foo", "port": 80, "also": also}))
    assert f"{path} is no path that the gateway can tell from others" in fault


def test_an_image_is_built_from_a_folder_that_exists(tmp_path: Path) -> None:
    image = {"ref": "abbey/foo", "build": "metricks"}
    assert faults(write(tmp_path, service={"image": image})) == [
        "10: there is no folder metricks that an image is built from (did you mean `metrics`?)"
    ]


def test_the_database_is_known_where_the_app_has_it_for_sure(tmp_path: Path) -> None:
    text = {"K": "{{db.host}} {{secret.db_password}}"}
    load_catalog(write(tmp_path, database={"contracts": ["owner"]}, service={"with_database": text}))
    load_catalog(write(tmp_path, database={"contracts": ["owner"], "required": True}, service={"env": text}))
    (first, second) = faults(write(tmp_path, database={"contracts": ["owner"]}, service={"env": text}))
    assert "only `with_database` and `when: [database]` know it" in first
    assert "only `with_database` and `when: [database]` know it" in second


def test_every_file_and_every_fault_is_told_at_once(tmp_path: Path) -> None:
    write(tmp_path, "portal")
    write(tmp_path, "a", sso={"mode": "oidc"})
    write(tmp_path, "b", service={"env": {"A": "{{x}}", "B": "{{y}}"}})
    assert len(faults(tmp_path)) == 4


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    (tmp_path / "folder.yaml").mkdir()
    with pytest.raises(UsageError, match=r"folder\.yaml cannot be read: Is a directory"):
        load_catalog(tmp_path)
    (tmp_path / "folder.yaml").rmdir()
    (tmp_path / "link.yaml").symlink_to("nowhere")
    with pytest.raises(UsageError, match=r"link\.yaml cannot be read: No such file"):
        load_catalog(tmp_path)
    (tmp_path / "this").write_text("x")
    with pytest.raises(UsageError, match="this is no folder"):
        load_catalog(tmp_path / "this")
    assert "grafana" in load_catalog(tmp_path / "none").apps


def test_the_names_of_data_files_are_those_that_the_lab_fills_in() -> None:
    lab = lab_of(text_of(two_hosts()))
    grafana = lab.app("grafana")
    known = {name for name in values(lab, lab.hosts[0], grafana) if not name.startswith(("secret.", "role."))}
    assert known == {name for name in OF_LAB | OF_DATABASE | OF_OIDC if not name.startswith("secret.")}
