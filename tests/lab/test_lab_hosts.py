"""The lab itself: two Docker hosts, reached by their keys, joined by a private network."""

from __future__ import annotations

from pathlib import Path

import pytest
from harness.host import cut_power, restore_power
from harness.images import references
from harness.lab import ALIASES, CONTROLLER, KSCLOUD1, MONK, OUTSIDER, USERS, Lab
from harness.process import LabError
from harness.seed import images_of
from harness.wait import eventually

pytestmark = pytest.mark.lab

REACH = ("curl", "--silent", "--output", "/dev/null", "--max-time", "3", "--write-out", "%{http_code}")
STANDIN = "docker.io/grafana/grafana"
# As careful as a stand-in insists on, and without what the program itself would need.
CAREFUL = ("--cap-drop=ALL", "--security-opt=no-new-privileges", "--memory=64m", "--env=STANDIN_WANTS={}")


def grafana() -> str:
    return next(reference for reference in references() if reference.startswith(f"{STANDIN}:"))


@pytest.mark.parametrize("name", sorted(ALIASES))
def test_a_person_reaches_each_host_by_its_key(lab: Lab, name: str) -> None:
    asked = lab.ssh(f"{USERS[name]}@{ALIASES[name]}", "hostname; id -un; docker compose version --short")
    assert asked.stdout.split() == [name, USERS[name], "2.40.3"], asked.stderr


def test_a_host_with_another_key_is_refused(lab: Lab, tmp_path: Path) -> None:
    swapped = tmp_path / "known_hosts"
    (own, other) = lab.access.known_hosts.read_text().splitlines()
    swapped.write_text(f"{own.split()[0]} {' '.join(other.split()[1:])}\n")
    config = tmp_path / "ssh_config"
    config.write_text(lab.access.config.read_text().replace(str(lab.access.known_hosts), str(swapped)))
    asked = lab.at(CONTROLLER.name, "ssh", "-F", str(config), "brother@monk.lan", "true")
    assert asked.returncode == 255
    assert "HOST IDENTIFICATION HAS CHANGED" in asked.stderr


def test_hosts_share_no_identity_and_have_every_image(lab: Lab) -> None:
    identities = {host.run("docker", "info", "--format", "{{.ID}} {{.Name}}") for host in lab.hosts}
    assert len(identities) == 2
    # Docker lists images of its own registry without the registry's name.
    wanted = {reference.removeprefix("docker.io/").removeprefix("library/") for reference in references()}
    for host in lab.hosts:
        assert wanted <= images_of(host)


def test_what_is_published_in_the_tailnet_is_not_outside(lab: Lab) -> None:
    page = f"{KSCLOUD1.tailnet}:3999"
    run = ("docker", "run", "--detach", "--rm", "--name", "standin", "--read-only", *CAREFUL)
    lab.kscloud1.run(*run, f"--publish={page}:3000", grafana())
    try:
        eventually("the page in the tailnet", lambda: lab.at(MONK.name, *REACH, f"http://{page}").stdout == "200")
        for station in (OUTSIDER, MONK, CONTROLLER):
            assert lab.at(station.name, *REACH, f"http://{KSCLOUD1.internet}:3999").returncode == 7  # refused
        assert lab.at(OUTSIDER.name, *REACH, f"http://{page}").returncode == 7  # no way there
    finally:
        lab.kscloud1.run("docker", "rm", "--force", "standin")


def test_nothing_of_a_host_is_seen_on_this_machine(lab: Lab) -> None:
    here = Path("/proc/net/dev").read_text()
    assert "tail0" not in here
    assert "docker0" not in here
    for host in lab.hosts:
        assert "tail0" in host.run("cat", "/proc/net/dev")


def test_a_container_is_back_after_a_power_cut(lab: Lab) -> None:
    lab.monk.run("docker", "run", "--detach", "--restart=unless-stopped", "--name", "standin", *CAREFUL, grafana())
    cut_power(lab.monk)
    try:
        with pytest.raises(LabError, match="monk is down"):
            lab.monk.run("true")
    finally:
        restore_power(lab.monk)
    ask = ("docker", "exec", "standin", "curl", "--silent", "http://127.0.0.1:3000/")
    eventually("the container answers again", lambda: "standin_app" in lab.monk.attempt(*ask).stdout)
    lab.monk.run("docker", "rm", "--force", "standin")
