from __future__ import annotations

import ipaddress
from pathlib import Path

import pytest

from abbey_metrics.settings import DatabaseSettings, SettingsError, load
from abbey_metrics.words import Address, Peer, Server


def test_only_the_name_is_needed() -> None:
    settings = load({"ABBEY_HOST": "monk"})
    assert settings.listen == (Address("127.0.0.1", 9101),)
    assert settings.peers == ()
    assert settings.weather is None
    assert settings.forgejo is None
    assert settings.database is None
    assert (settings.access.gateways, settings.access.readers, settings.access.admin_group) == ((), (), "homelab-admin")
    assert (settings.tailnet, settings.docker, settings.project, settings.tunnel) == ("", "", "", "")
    assert (settings.portal, settings.state, settings.backups) == (None, None, None)
    assert settings.timezone == "UTC"


def test_everything_is_read() -> None:
    settings = load(
        {
            "ABBEY_HOST": "monk",
            "ABBEY_LISTEN": "127.0.0.1:9101, 100.64.0.1:9101,[fd7a:115c:a1e0::1]:9101",
            "ABBEY_PEERS": "kscloud1=http://100.64.0.2:9101/",
            "ABBEY_WEATHER": "52.52437, 13.41053",
            "ABBEY_WEATHER_PLACE": "Berlin",
            "ABBEY_FORGEJO_URL": "http://127.0.0.1:3000",
            "ABBEY_FORGEJO_USER": "brother",
            "ABBEY_FORGEJO_TOKEN_FILE": "/run/secrets/token",
            "ABBEY_ROOTFS": "/host/root/",
            "ABBEY_GATEWAYS": "172.30.4.0/24, 127.0.0.1",
            "ABBEY_READERS": "172.30.2.0/24,fd00::/64",
            "ABBEY_ADMIN_GROUP": "abbots",
            "ABBEY_TAILNET": "100.64.0.1",
            "ABBEY_DATABASE": "monk=100.64.0.1:5432, kscloud1=[fd7a:115c:a1e0::2]:5432",
            "ABBEY_DATABASE_USER": "watcher",
            "ABBEY_DATABASE_PASSWORD_FILE": "/run/secrets/database",
            "ABBEY_DOCKER": "http://172.30.9.2:2375/",
            "ABBEY_PROJECT": "lab",
            "ABBEY_TUNNEL": "cloudflared",
            "ABBEY_PORTAL": "/srv/site/portal.json",
            "ABBEY_STATE": "/state/",
            "ABBEY_BACKUPS": "/backups",
            "ABBEY_TIMEZONE": "Europe/Berlin",
        }
    )
    assert [address.ip for address in settings.listen] == ["127.0.0.1", "100.64.0.1", "fd7a:115c:a1e0::1"]
    assert settings.peers == (Peer("kscloud1", "http://100.64.0.2:9101"),)
    assert settings.weather
    assert (settings.weather.latitude, settings.weather.longitude) == (52.52, 13.41)
    assert settings.forgejo
    assert settings.forgejo.token_file == Path("/run/secrets/token")
    assert settings.rootfs == "/host/root"
    assert [str(network) for network in settings.access.gateways] == ["172.30.4.0/24", "127.0.0.1/32"]
    assert ipaddress.ip_network("fd00::/64") in settings.access.readers
    assert settings.access.admin_group == "abbots"
    assert settings.tailnet == "100.64.0.1"
    assert settings.database == DatabaseSettings(
        servers=(Server("monk", Address("100.64.0.1", 5432)), Server("kscloud1", Address("fd7a:115c:a1e0::2", 5432))),
        user="watcher",
        password_file=Path("/run/secrets/database"),
    )
    assert (settings.docker, settings.project, settings.tunnel) == ("http://172.30.9.2:2375", "lab", "cloudflared")
    assert (settings.portal, settings.state) == (Path("/srv/site/portal.json"), Path("/state"))
    assert (settings.backups, settings.timezone) == (Path("/backups"), "Europe/Berlin")


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        load(
            {
                "ABBEY_LISTEN": "monk:9101",
                "ABBEY_PEERS": "kscloud1",
                "ABBEY_WEATHER": "91,0",
                "ABBEY_FORGEJO_URL": "http://127.0.0.1:3000",
                "ABBEY_ROOTFS": "host",
                "ABBEY_GATEWAYS": "portal",
                "ABBEY_READERS": "172.30.4.1/24",
                "ABBEY_TAILNET": "monk",
                "ABBEY_DATABASE": "monk=100.64.0.1",
                "ABBEY_DOCKER": "/var/run/docker.sock",
                "ABBEY_PORTAL": "portal.json",
                "ABBEY_STATE": "state",
                "ABBEY_BACKUPS": "./backups",
            }
        )
    names = [fault.partition(":")[0] for fault in caught.value.faults]
    assert sorted(names) == [
        "ABBEY_BACKUPS",
        "ABBEY_DATABASE",
        "ABBEY_DOCKER",
        "ABBEY_FORGEJO_USER",
        "ABBEY_GATEWAYS",
        "ABBEY_HOST",
        "ABBEY_LISTEN",
        "ABBEY_PEERS",
        "ABBEY_PORTAL",
        "ABBEY_READERS",
        "ABBEY_ROOTFS",
        "ABBEY_STATE",
        "ABBEY_TAILNET",
        "ABBEY_WEATHER",
    ]


@pytest.mark.parametrize("listen", ["0.0.0.0:9101", "[::]:9101", "8.8.8.8:9101", "127.0.0.1:0", "127.0.0.1"])
def test_the_outside_is_never_listened_to(listen: str) -> None:
    with pytest.raises(SettingsError, match="ABBEY_LISTEN"):
        load({"ABBEY_HOST": "monk", "ABBEY_LISTEN": listen})


@pytest.mark.parametrize(
    "peers", ["monk=http://100.64.0.1:9101", "a=ftp://x", "a=http://u:canary@x", "a=http://x,a=http://y", "=http://x"]
)
def test_peers_that_cannot_be_asked_are_refused(peers: str) -> None:
    with pytest.raises(SettingsError, match="ABBEY_PEERS") as caught:
        load({"ABBEY_HOST": "monk", "ABBEY_PEERS": peers})
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("docker", ["unix:///var/run/docker.sock", "http://127.0.0.1:2375"])
def test_docker_is_asked_by_socket_or_address(docker: str) -> None:
    assert load({"ABBEY_HOST": "monk", "ABBEY_DOCKER": docker}).docker == docker


@pytest.mark.parametrize("docker", ["tcp://127.0.0.1:2375", "unix://docker.sock", "http://u:canary@127.0.0.1"])
def test_docker_anywhere_else_is_refused(docker: str) -> None:
    with pytest.raises(SettingsError, match="ABBEY_DOCKER") as caught:
        load({"ABBEY_HOST": "monk", "ABBEY_DOCKER": docker})
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("servers", ["monk", "monk=100.64.0.1:5432,monk=100.64.0.2:5432", "monk=db.example:5432"])
def test_database_servers_are_numeric_addresses_named_once(servers: str) -> None:
    with pytest.raises(SettingsError, match="ABBEY_DATABASE"):
        load({"ABBEY_HOST": "monk", "ABBEY_DATABASE": servers})


def test_a_host_is_no_peer_of_itself() -> None:
    with pytest.raises(SettingsError, match="ABBEY_PEERS: monk is this host itself"):
        load({"ABBEY_HOST": "monk", "ABBEY_PEERS": "monk=http://100.64.0.1:9101"})
