from __future__ import annotations

from pathlib import Path

import pytest

from abbey_metrics.settings import Address, Peer, SettingsError, load


def test_only_the_name_is_needed() -> None:
    settings = load({"ABBEY_HOST": "monk"})
    assert settings.listen == (Address("127.0.0.1", 9101),)
    assert settings.peers == ()
    assert settings.weather is None
    assert settings.forgejo is None


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
            "ABBEY_HISTORY": "60",
        }
    )
    assert [address.ip for address in settings.listen] == ["127.0.0.1", "100.64.0.1", "fd7a:115c:a1e0::1"]
    assert settings.peers == (Peer("kscloud1", "http://100.64.0.2:9101"),)
    assert settings.weather
    assert (settings.weather.latitude, settings.weather.longitude) == (52.52, 13.41)
    assert settings.forgejo
    assert settings.forgejo.token_file == Path("/run/secrets/token")
    assert settings.rootfs == "/host/root"
    assert settings.history == 60


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        load(
            {
                "ABBEY_LISTEN": "monk:9101",
                "ABBEY_PEERS": "kscloud1",
                "ABBEY_WEATHER": "91,0",
                "ABBEY_FORGEJO_URL": "http://127.0.0.1:3000",
                "ABBEY_ROOTFS": "host",
                "ABBEY_HISTORY": "many",
            }
        )
    names = [fault.partition(":")[0] for fault in caught.value.faults]
    assert sorted(names) == [
        "ABBEY_FORGEJO_USER",
        "ABBEY_HISTORY",
        "ABBEY_HOST",
        "ABBEY_LISTEN",
        "ABBEY_PEERS",
        "ABBEY_ROOTFS",
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
