"""Roles of people inside an app: which groups have them, and names that nobody has."""

from __future__ import annotations

from typing import Any

import pytest

from abbey.errors import FileErrors
from labs import lab_of, text_of, two_hosts


def roles(**changes: Any) -> dict[str, str]:
    return dict(lab_of(text_of(two_hosts(**changes))).app("grafana").roles)


def fault(**changes: Any) -> str:
    with pytest.raises(FileErrors) as caught:
        roles(**changes)
    (one,) = caught.value.faults
    return f"{one.message} ({one.hint})"


def test_an_administrator_is_in_the_labs_own_group_unless_the_file_says_otherwise() -> None:
    assert roles(apps={"grafana": {}})["admin"] == "homelab-admin"
    assert set(roles(apps={"grafana": {}}).values()) == {"homelab-admin", ""}
    assert roles(apps={"grafana": {"roles": {"editor": "homelab-admin"}}})["editor"] == "homelab-admin"


def test_a_role_or_group_that_nobody_has_is_named() -> None:
    said = fault(apps={"grafana": {"roles": {"editr": "homelab-admin"}}})
    assert said == "Grafana has no role editr (did you mean `editor`?)"
    said = fault(apps={"grafana": {"roles": {"editor": "homelab-admins"}}})
    assert said == "there is no group homelab-admins (did you mean `homelab-admin`?)"
    said = fault(apps={"gatus": {"roles": {"admin": "homelab-admin"}}})
    assert said == "Gatus has no role admin (people get their roles inside the app)"


def test_without_an_identity_provider_nobody_has_a_role() -> None:
    said = fault(identity=None, database=None, apps={"grafana": {"roles": {"admin": "homelab-admin"}}})
    assert said == "there is no identity provider that knows groups (add `identity:`)"
