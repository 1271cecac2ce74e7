from __future__ import annotations

from typing import Any

import pytest
from inline_snapshot import snapshot

from abbey.errors import FileErrors
from abbey.model.app import promise
from abbey.model.ingress import sites
from abbey.model.service import services
from abbey.spec.schema import Contract
from labs import lab_of, text_of, two_hosts


def faults(**changes: Any) -> list[str]:
    with pytest.raises(FileErrors) as caught:
        lab_of(text_of(two_hosts(**changes)))
    return [f"{fault.mark.line}: {fault.message} ({fault.hint})" for fault in caught.value.faults]


def test_defaults_are_filled_and_parts_are_placed() -> None:
    lab = lab_of(text_of(two_hosts()))
    placed = {app.name: (str(app.contract), app.hosts, app.login, app.hostname) for app in lab.apps}
    both = ("monk", "cloud")
    assert placed == snapshot(
        {
            "authentik": ("shared", both, "none", "auth.example.org"),
            "door": ("stateless", both, "none", ""),
            "gateway": ("stateless", both, "none", ""),
            "grafana": ("shared", both, "oidc", "grafana.example.org"),
            "kavita": ("owner", ("monk",), "own", "kavita.example.org"),
            "metrics": ("stateless", both, "none", ""),
            "portal": ("stateless", both, "forward-auth", "example.org"),
            "postgres": ("owner", ("cloud",), "none", ""),
        }
    )


def test_an_app_without_a_database_falls_back_to_one_owner() -> None:
    lab = lab_of(text_of(two_hosts(identity=None, database=None)))
    grafana = lab.app("grafana")
    assert (grafana.contract, grafana.hosts, grafana.database, grafana.login) == (
        Contract.OWNER,
        ("monk",),
        False,
        "own",
    )
    assert "GF_DATABASE_TYPE" not in dict(next(s for s in services(lab, lab.hosts[0]) if s.name == "grafana").env)


def test_two_truths_must_be_typed_out() -> None:
    assert faults(apps={"kavita": {"state": "split"}}) == snapshot(
        [
            "24: `split` keeps separate data on each host: what people see in Kavita depends on who answers (write `accept: divergence` to accept that, or `state: owner`)"
        ]
    )


def test_a_contract_that_the_app_cannot_honour_is_refused_with_the_reason() -> None:
    assert faults(
        apps={"kavita": {"state": "shared"}, "grafana": {"state": "split", "accept": "divergence"}}
    ) == snapshot(
        [
            "24: Kavita cannot be `shared`: it knows SQLite only (it can be: owner, split)",
            "26: Grafana cannot be `split`: dashboards would differ from request to request, and the shared database makes that needless (it can be: shared, owner)",
        ]
    )


def test_every_cross_check_is_reported_at_once() -> None:
    found = faults(
        hosts={
            "monk": {"ssh": "a@b", "tailnet": "100.64.0.1"},
            "cloud": {"ssh": "a@b", "tailnet": "100.64.0.1"},
        },
        database={"primary": "claud"},
        apps={
            "graphana": {},
            "gateway": {},
            "grafana": {"groups": ["famly"], "hosts": ["mnk"]},
            "kavita": {"owner": "monk", "hosts": ["monk"], "groups": ["family"]},
            "forgejo": {"host": "auth", "accept": "divergence"},
        },
    )
    assert found == snapshot(
        [
            "11: cloud and monk have the same ssh: a@b (each host is another machine)",
            "12: cloud and monk have the same tailnet: 100.64.0.1 (each host is another machine)",
            "20: there is no host claud (did you mean `cloud`?)",
            "22: there is no app graphana in the catalog (did you mean `grafana`? An app of your own is a data file apps/graphana.yaml beside this file)",
            "23: gateway is a part of the platform (Abbey places it by itself; remove it here)",
            "26: there is no group famly (did you mean `family`?)",
            "28: there is no host mnk (did you mean `monk`?)",
            "32: an app with an owner runs on that one host (write `owner: monk`)",
            "34: kavita keeps its own accounts, so the lab's groups cannot limit it (remove `groups`, and limit people inside the app)",
            "37: nothing can diverge under `owner` (remove it)",
        ]
    )


def test_identity_needs_the_shared_database() -> None:
    assert faults(database=None) == snapshot(
        [
            "15: Authentik needs one shared database: a code issued on one host is redeemed on another (add `database: {primary: monk}`)"
        ]
    )


def test_the_same_host_name_twice_is_refused() -> None:
    assert faults(apps={"grafana": {"host": "auth"}, "kavita": {}}) == snapshot(
        ["24: auth.example.org already belongs to authentik (give it another name: `grafana: {host: grafana-2}`)"]
    )


def test_sign_in_prefers_the_host_beside_the_database_on_every_gateway() -> None:
    lab = lab_of(text_of(two_hosts()))
    first = {host.name: next(s for s in sites(lab, host) if s.app == "authentik").upstreams for host in lab.hosts}
    assert first == {
        "monk": ("100.64.0.2:8081", "authentik-server:9000"),
        "cloud": ("authentik-server:9000", "100.64.0.1:8081"),
    }


def test_an_owned_app_is_reached_from_everywhere_and_served_to_peers_by_its_owner_only() -> None:
    lab = lab_of(text_of(two_hosts()))
    kavita = {host.name: next(s for s in sites(lab, host) if s.app == "kavita") for host in lab.hosts}
    assert (kavita["monk"].upstreams, kavita["monk"].local) == (("kavita:5000",), "kavita:5000")
    assert (kavita["cloud"].upstreams, kavita["cloud"].local) == (("100.64.0.1:8081",), "")


def test_adding_an_app_moves_no_network_of_another() -> None:
    from abbey.model.network import subnets

    names = [f"app{number}" for number in range(20)]
    before = subnets("172.30.0.0/16", names)
    after = subnets("172.30.0.0/16", [*names, "zebra"])
    assert {name: after[name] for name in names} == before
    assert len(set(after.values())) == len(after)


@pytest.mark.parametrize("contract", list(Contract))
def test_every_contract_has_a_sentence(contract: Contract) -> None:
    from dataclasses import replace

    lab = lab_of(text_of(two_hosts()))
    app = replace(lab.app("kavita"), contract=contract)
    assert promise(app, hosts=("monk", "cloud"), primary="cloud").endswith(".")
