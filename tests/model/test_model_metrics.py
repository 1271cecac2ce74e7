"""What the metrics API of each host is told about the lab."""

from __future__ import annotations

from typing import Any

import pytest

from abbey.catalog.load import load_catalog
from abbey.model.lab import Lab
from abbey.model.service import Service, services
from abbey.secrets import Kind
from labs import lab_of, text_of, two_hosts

TUNNEL = {"cloudflare": {"tunnel": "abbey", "id": "6ff42ae2-765d-4adf-8112-31c55c1551ef", "account": "0" * 32}}
PEER_OF = {"monk": "cloud=http://100.64.0.2:9101", "cloud": "monk=http://100.64.0.1:9101"}


def lab(**changes: Any) -> Lab:
    return lab_of(text_of(two_hosts(**changes)))


def api(known: Lab, host: str) -> Service:
    return next(service for service in services(known, known.host(host)) if service.name == "metrics")


@pytest.mark.parametrize("host", ["monk", "cloud"])
def test_it_believes_the_portal_and_answers_the_prometheus_beside_it(host: str) -> None:
    known = lab(apps={"prometheus": {"owner": "monk"}}, ingress=TUNNEL)
    env = dict(api(known, host).env)
    assert env["ABBEY_GATEWAYS"] == known.subnets["portal"]
    assert env["ABBEY_READERS"] == (known.subnets["prometheus"] if host == "monk" else "")
    assert env["ABBEY_PEERS"] == PEER_OF[host]
    assert env["ABBEY_TAILNET"] == known.host(host).tailnet
    assert env["ABBEY_TUNNEL"] == "cloudflared"
    assert env["ABBEY_PROJECT"] == "abbey"


def test_a_small_lab_has_nothing_of_it() -> None:
    known = lab(identity=None, database=None, apps={"kavita": {}})
    found = api(known, "monk")
    env = dict(found.env)
    empty = {name for name, text in env.items() if not text}
    assert {"ABBEY_READERS", "ABBEY_TUNNEL", "ABBEY_DATABASE", "ABBEY_DATABASE_PASSWORD_FILE"} < empty
    assert {"ABBEY_FORGEJO_URL", "ABBEY_FORGEJO_USER", "ABBEY_FORGEJO_TOKEN_FILE", "ABBEY_WEATHER"} < empty
    assert found.secrets == ()


def test_forgejo_is_asked_through_the_gateway_beside_it_wherever_it_runs() -> None:
    known = lab(apps={"forgejo": {"owner": "cloud", "host": "git"}})
    for host in ("monk", "cloud"):
        env = dict(api(known, host).env)
        assert env["ABBEY_FORGEJO_URL"] == "http://127.0.0.1:8080"
        assert env["ABBEY_FORGEJO_HOST"] == "git.example.org"
        assert env["ABBEY_FORGEJO_USER"] == "ann"
        assert env["ABBEY_FORGEJO_TOKEN_FILE"] == ""


def test_a_token_is_wanted_only_when_the_lab_s_file_says_so() -> None:
    known = lab(apps={"forgejo": {}}, portal={"forgejo": {"user": "bot", "token": True}})
    found = api(known, "monk")
    assert dict(found.env)["ABBEY_FORGEJO_TOKEN_FILE"] == "/run/secrets/metrics_forgejo_token"
    assert [(ref.name, ref.kind) for ref in found.secrets if ref.name.startswith("metrics/")] == [
        ("metrics/forgejo_token", Kind.GIVEN)
    ]


def test_docker_is_asked_through_a_filter_that_has_no_network() -> None:
    known = lab()
    here = {service.name: service for service in services(known, known.host("monk"))}
    assert here["metrics-socket"].networks == ()
    assert not here["metrics-socket"].entry.host_network
    holders = [name for name, one in here.items() if any("docker.sock" in path.host for path in one.entry.host_paths)]
    assert holders == ["metrics-socket"]
    sharing = {name for name, one in here.items() if any(volume.path == "/run/docker" for volume in one.volumes)}
    assert sharing == {"metrics", "metrics-socket"}


def test_the_filter_and_the_door_are_one_image_of_one_version() -> None:
    apps = load_catalog().apps
    assert apps["metrics"].services["socket"].image == apps["door"].services["door"].image
