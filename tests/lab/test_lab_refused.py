"""What abbey does when a host is not the one it knows, or is not there: nothing, and it says so."""

from __future__ import annotations

from pathlib import Path

import pytest
from harness.lab import Lab
from harness.platform import TUNNEL_SECRET, Platform

pytestmark = pytest.mark.lab


@pytest.fixture
def stranger(lab: Lab, platform: Platform, tmp_path: Path) -> Platform:
    """The platform as seen by a person who knows another key for monk."""
    known = tmp_path / "known_hosts"
    mine, other = lab.access.known_hosts.read_text().splitlines()
    known.write_text(f"{mine.split()[0]} {' '.join(other.split()[1:])}\n{other}\n")
    config = tmp_path / "ssh_config"
    config.write_text(lab.access.config.read_text().replace(str(lab.access.known_hosts), str(known)))
    return Platform(lab=lab, folder=platform.folder, ssh_config=config)


def traces(platform: Platform) -> list[str]:
    """Return what an apply would change on the hosts: containers, images, networks, and files with their times."""
    look = "(docker ps -aq; docker image ls -q; docker network ls -q) | sort; find {} -printf '%p %T@\\n' 2>/dev/null || true"
    return [host.run("sh", "-c", look.format(platform.home(host))) for host in platform.lab.hosts]


def test_what_only_a_person_knows_is_asked_for_before_anything_changes(platform: Platform) -> None:
    before = traces(platform)
    done = platform.abbey("up", "--yes")
    assert done.returncode == 1
    assert f"abbey secret set {TUNNEL_SECRET}" in done.stderr
    assert traces(platform) == before


@pytest.mark.parametrize("words", [("plan",), ("up", "--yes"), ("status",)])
def test_a_host_with_another_key_is_not_touched(stranger: Platform, words: tuple[str, ...]) -> None:
    before = traces(stranger)
    done = stranger.abbey(*words)
    assert done.returncode == 4
    assert "monk: " in done.stdout + done.stderr
    assert "host key" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert traces(stranger) == before
