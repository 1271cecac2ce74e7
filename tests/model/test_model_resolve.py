from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from inline_snapshot import snapshot

from abbey.catalog.load import Catalog, load_catalog
from abbey.catalog.schema import Sso
from abbey.errors import FileErrors
from abbey.model.ingress import sites
from abbey.model.network import DATABASE, EDGE, MAX_NETWORKS, subnets
from abbey.model.promise import promise
from abbey.model.service import services
from abbey.render import desired
from abbey.spec.schema import Contract
from labs import CanaryVault, lab_of, text_of, two_hosts


def faults(catalog: Catalog | None = None, **changes: Any) -> list[str]:
    with pytest.raises(FileErrors) as caught:
        lab_of(text_of(two_hosts(**changes)), catalog)
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
            "kavita": ("owner", ("monk",), "oidc", "kavita.example.org"),
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
    catalog = load_catalog()
    own = catalog.apps["kavita"].model_copy(update={"sso": Sso(mode="own")})
    found = faults(
        replace(catalog, apps={**catalog.apps, "kavita": own}),
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


def test_what_is_authentiks_own_is_left_to_it() -> None:
    groups = {"authentik Admins": ["ann"], "family": ["akadmin"]}
    people = {"akadmin": "other@example.org"}
    authentik = {"groups": groups, "people": people}
    found = faults(identity={"authentik": authentik}, admin={"user": "akadmin", "email": "a@example.org"})
    assert [text.split(": ")[1].split(" (")[0] for text in found] == [
        "akadmin is an account of Authentik's own",
        "authentik Admins is a group of Authentik's own",
        "akadmin is an account of Authentik's own",
        "akadmin has another address under `admin`, a@example.org",
        "akadmin is an account of Authentik's own",
    ]


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


def test_an_app_that_is_added_last_moves_no_network_and_the_platforms_never_move() -> None:
    names = [f"app{number}" for number in range(300)]  # so many that several clash
    for count in range(0, 300, 20):
        fewer, more = subnets("172.30.0.0/16", names[:count]), subnets("172.30.0.0/16", names)
        assert {name: more[name] for name in fewer} == fewer
    assert len(set(more.values())) == 302
    assert (more[EDGE], more[DATABASE]) == ("172.30.0.0/26", "172.30.0.64/26")


def test_a_name_alone_decides_where_nothing_clashes() -> None:
    names = ["grafana", "kavita", "forgejo"]
    assert subnets("172.30.0.0/16", names) == subnets("172.30.0.0/16", reversed(names))


def test_every_place_can_be_filled_and_no_more() -> None:
    names = [f"app{number}" for number in range(MAX_NETWORKS)]
    assert len(set(subnets("172.30.0.0/16", names).values())) == 1024
    with pytest.raises(ValueError, match="more than 1022"):
        subnets("172.30.0.0/16", [*names, "one-more"])


def test_another_range_of_containers_moves_every_service_that_has_a_network() -> None:
    def labels(**changes: Any) -> dict[str, str]:
        lab = lab_of(text_of(two_hosts(**changes)))
        return {unit.service: unit.config for one in desired(lab, lab.hosts, CanaryVault().get) for unit in one.units}

    before, after = labels(), labels(network={"containers": "172.29.0.0/16"})
    assert {name for name in before if before[name] == after[name]} == {"metrics-socket"}


def test_a_time_zone_must_exist() -> None:
    assert faults(timezone="Europe/Berln") == [
        "26: there is no time zone Europe/Berln (did you mean `Europe/Berlin`?)",
    ]
    assert faults(timezone="berlin") == ["26: there is no time zone berlin (did you mean `Europe/Berlin`?)"]
    assert faults(timezone="posix/Europe/Berlin") == [
        "26: there is no time zone posix/Europe/Berlin (did you mean `Europe/Berlin`?)"
    ]
    assert lab_of(text_of(two_hosts(timezone="Europe/Berlin"))).timezone == "Europe/Berlin"


@pytest.mark.parametrize(
    ("tailnet", "said"),
    [
        ("203.0.113.10", "`hosts.monk.tailnet` is not right: must be an address that only the private network knows"),
        ("8.8.8.8", "`hosts.monk.tailnet` is not right: must be an address that only the private network knows"),
        ("0.0.0.0", "`hosts.monk.tailnet` is not right: must be an address that only the private network knows"),
        ("monk", "`hosts.monk.tailnet` is not right: must be four numbers with dots, e.g. 100.64.0.1"),
        ("127.0.0.1", "127.0.0.1 is the machine itself, and the other hosts would not reach monk there"),
    ],
)
def test_a_host_is_reached_in_the_private_network(tailnet: str, said: str) -> None:
    hosts = {"monk": {"ssh": "ann@monk", "tailnet": tailnet}, "cloud": {"ssh": "a@b", "tailnet": "192.168.1.2"}}
    (fault,) = faults(hosts=hosts)
    assert said in fault


def test_a_lab_that_only_this_machine_can_name_may_be_on_loopback() -> None:
    hosts = {"monk": {"ssh": "local", "tailnet": "127.100.0.1"}}
    lab = lab_of(text_of(two_hosts(domain="lab.localhost", hosts=hosts, database={"primary": "monk"})))
    assert lab.hosts[0].tailnet == "127.100.0.1"


@pytest.mark.parametrize(
    ("pool", "said"),
    [
        ("100.70.0.0/16", "must be a private range, inside 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16"),
        ("8.8.0.0/16", "must be a private range, inside 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16"),
        ("172.30.0.0/24", "must be a /16, e.g. 172.30.0.0/16"),
        ("172.30.0.1/16", "must be a range that ends with .0.0/16"),
    ],
)
def test_containers_live_in_a_private_range(pool: str, said: str) -> None:
    (fault,) = faults(network={"containers": pool})
    assert f"`network.containers` is not right: {said}" in fault


def test_settings_of_the_file_are_taken_as_they_stand() -> None:
    lab = lab_of(
        text_of(two_hosts(apps={"grafana": {"env": {"GF_X": "{{domain}} {{nope}}", "GF_SERVER_DOMAIN": "a"}}}))
    )
    env = dict(next(service for service in services(lab, lab.hosts[0]) if service.name == "grafana").env)
    assert (env["GF_X"], env["GF_SERVER_DOMAIN"]) == ("{{domain}} {{nope}}", "a")
    assert env["GF_SERVER_ROOT_URL"] == "https://grafana.example.org/"


def test_a_tag_is_that_of_the_apps_main_image_alone() -> None:
    lab = lab_of(text_of(two_hosts(apps={"grafana": {"tag": "99"}})))
    grafana = lab.app("grafana")
    main = grafana.entry.services["grafana"]
    other = main.model_copy(
        update={"image": main.image.model_copy(update={"ref": "docker.io/library/redis", "tag": "8"})}
    )
    more = {"grafana": main, "worker": main, "cache": other}
    app = replace(grafana, entry=grafana.entry.model_copy(update={"services": more}))
    found = services(replace(lab, apps=(*(one for one in lab.apps if one.name != "grafana"), app)), lab.hosts[0])
    assert {service.name: service.image for service in found if service.app is app} == {
        "grafana": "docker.io/grafana/grafana:99",
        "grafana-worker": "docker.io/grafana/grafana:99",
        "grafana-cache": "docker.io/library/redis:8",
    }


def test_an_app_that_needs_the_database_says_so_when_there_is_none() -> None:
    catalog = load_catalog()
    entry = catalog.apps["forgejo"]
    assert entry.database is not None
    needy = entry.model_copy(update={"database": entry.database.model_copy(update={"required": True})})
    own = replace(catalog, apps={**catalog.apps, "forgejo": needy})

    def fault(**changes: Any) -> str:
        with pytest.raises(FileErrors) as caught:
            lab_of(text_of(two_hosts(**changes)), own)
        return caught.value.faults[0].message

    apps = {"forgejo": {"owner": "monk"}}
    lab_of(text_of(two_hosts(apps=apps)), own)
    assert fault(apps=apps, identity=None, database=None) == (
        "Forgejo needs the shared database, and this lab has none"
    )
    split = {"forgejo": {"state": "split", "accept": "divergence"}}
    assert fault(apps=split) == "Forgejo needs the database, and has none as `split`"


@pytest.mark.parametrize("contract", list(Contract))
def test_the_sentence_of_an_app_on_one_host_speaks_of_one(contract: Contract) -> None:
    lab = lab_of(text_of(two_hosts()))
    app = replace(lab.app("kavita"), contract=contract, hosts=("monk",))
    text = promise(app, hosts=("monk", "cloud"), primary="cloud")
    assert " on monk" in text
    assert not re.search("any host|each of|does not run", text, re.IGNORECASE)


@pytest.mark.parametrize("contract", list(Contract))
def test_every_contract_has_a_sentence(contract: Contract) -> None:
    lab = lab_of(text_of(two_hosts()))
    app = replace(lab.app("kavita"), contract=contract)
    assert promise(app, hosts=("monk", "cloud"), primary="cloud").endswith(".")
