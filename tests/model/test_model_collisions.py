"""Names and ports that two apps would both take."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from abbey.catalog.load import Catalog, load_catalog
from abbey.catalog.schema import App
from abbey.errors import FileErrors
from labs import lab_of, text_of, two_hosts

SHIPPED = load_catalog()


def entry(service: str, *, secrets: dict[str, str] | None = None, **keys: Any) -> App:
    return App.model_validate(
        {
            "title": "Foo",
            "summary": "Some thing",
            "home": "https://foo.example/",
            "contracts": {"shared": "all in the database", "stateless": "nothing kept"},
            "secrets": secrets or {},
            "services": {service: {"image": {"ref": "docker.io/foo/foo"}, **keys}},
            "database": {"contracts": ["shared"]},
        }
    )


def catalog(own: dict[str, App]) -> Catalog:
    return replace(SHIPPED, apps={**SHIPPED.apps, **own})


def faults(own: dict[str, App], *, state: str = "stateless") -> list[str]:
    apps = {name: {"state": state} for name in own}
    with pytest.raises(FileErrors) as caught:
        lab_of(text_of(two_hosts(apps=apps)), catalog(own))
    return [f"{fault.mark.line}: {fault.message}" for fault in caught.value.faults]


@pytest.mark.parametrize("name", ["edge", "database"])
def test_the_platforms_networks_are_reserved(name: str) -> None:
    assert faults({name: entry(name)}) == [
        f"24: the network `{name}` belongs to the platform, and each app has a network that is called like it"
    ]


def test_a_service_is_not_called_like_a_service_or_alias_of_another() -> None:
    assert faults({"authentik-server": entry("authentik-server")}) == [
        "24: authentik-server would take the service name `authentik-server`, which authentik has already"
    ]
    assert faults({"db": entry("db")}) == ["24: db would take the service name `db`, which door has already"]
    assert faults({"foo": entry("foo", aliases=["gateway"])}) == [
        "24: foo would take the service name `gateway`, which gateway has already"
    ]
    assert faults({"foo": entry("bar"), "foo-bar": entry("foo-bar")}) == [
        "26: foo-bar would take the service name `foo-bar`, which foo has already"
    ]


def test_no_app_is_called_localhost() -> None:
    assert faults({"localhost": entry("localhost")}) == [
        "24: on every host and in every container, `localhost` is the machine itself"
    ]


def test_secret_files_are_not_shared_by_accident() -> None:
    own = {"foo": entry("foo", secrets={"db_x": "password"}), "foo-db": entry("foo-db", secrets={"x": "password"})}
    assert faults(own) == ["26: foo-db would take the secret file `foo_db_x`, which foo has already"]
    assert faults({"foo": entry("foo", secrets={"tls_key": "password", "pair": "tls-key"})}) == [
        "24: foo would take the secret file `foo_tls_key` twice"
    ]


@pytest.mark.parametrize(
    ("at", "port", "holder"),
    [
        ("loopback", 8080, "gateway"),
        ("tailnet", 8081, "gateway"),
        ("loopback", 9101, "metrics"),
        ("tailnet", 9101, "metrics"),
    ],
)
def test_a_port_of_the_platform_is_taken_on_every_host(at: str, port: int, holder: str) -> None:
    found = faults({"foo": entry("foo", publish=[{"at": at, "port": port, "to": 80}])})
    assert found == [
        f"24: foo would take port {port} on the {at} address of {host}, which {holder} has already"
        for host in ("cloud", "monk")
    ]


def test_the_databases_port_is_taken_on_its_host_only() -> None:
    assert faults({"foo": entry("foo", publish=[{"at": "loopback", "port": 5432, "to": 80}])}) == [
        "24: foo would take port 5432 on the loopback address of cloud, which postgres has already"
    ]


def test_ports_of_apps_that_meet_nowhere_do_not_collide() -> None:
    own = {name: entry(name, publish=[{"at": "tailnet", "port": 25, "to": 25}]) for name in ("foo", "bar")}
    apart = {"foo": {"state": "stateless", "hosts": ["monk"]}, "bar": {"state": "stateless", "hosts": ["cloud"]}}
    lab_of(text_of(two_hosts(apps=apart)), catalog(own))
    assert len(faults(own)) == 2


@pytest.mark.parametrize("name", ["pg-foo", "none", "public", "template1"])
def test_roles_that_the_server_keeps_are_refused(name: str) -> None:
    own = {name: entry(name)}
    assert faults(own, state="shared") == [
        f"24: PostgreSQL keeps the name `{name.replace('-', '_')}` for itself,"
        " and each app has a role that is called like it"
    ]
    lab_of(text_of(two_hosts(apps={name: {"state": "stateless"}})), catalog(own))
