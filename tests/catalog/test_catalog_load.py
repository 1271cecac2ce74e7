"""Data files of a person's own: each thing that would fail later is a fault with its place now."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from abbey.catalog.load import load_catalog
from abbey.catalog.template import OF_DATABASE, OF_LAB, OF_OIDC
from abbey.errors import FileErrors
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


def test_the_names_of_data_files_are_those_that_the_lab_fills_in() -> None:
    lab = lab_of(text_of(two_hosts()))
    grafana = lab.app("grafana")
    known = {name for name in values(lab, lab.hosts[0], grafana) if not name.startswith(("secret.", "role."))}
    assert known == {name for name in OF_LAB | OF_DATABASE | OF_OIDC if not name.startswith("secret.")}
