"""What the metrics API says of a real host, from inside its container, beside what that host says of itself."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from harness.deployed import Deployed
from harness.host import Host
from harness.lab import KSCLOUD1, MONK
from harness.platform import PROJECT
from harness.wait import eventually

pytestmark = pytest.mark.lab

NAMES = ("monk", "kscloud1")
METRICS = f"{PROJECT}-metrics-1"
API = "http://127.0.0.1:9101/api/v1"
# Asks the filter before Docker's socket, from the container that it is for.
FILTER = """\
import http.client, socket, sys
connection = http.client.HTTPConnection("docker")
connection.sock = socket.socket(socket.AF_UNIX)
connection.sock.connect("/run/docker/docker.sock")
connection.request(sys.argv[1], sys.argv[2])
print(connection.getresponse().status)
"""


def told(host: Host, path: str) -> dict[str, Any]:
    """Return an answer of the metrics API, asked on the host itself."""
    answer: dict[str, Any] = json.loads(host.run("curl", "--silent", "--fail", "--max-time", "10", f"{API}/{path}"))
    return answer


def table(text: str) -> dict[str, int]:
    """Return the sizes of /proc/meminfo in bytes."""
    return {key: int(value) * 1024 for key, value in re.findall(r"^(\w+):\s+(\d+) kB$", text, re.MULTILINE)}


def near(one: float, other: float, tolerance: float) -> bool:
    """Return whether two figures, read at slightly different moments, mean the same."""
    return abs(one - other) <= tolerance


@pytest.mark.parametrize("name", NAMES)
def test_figures_from_the_container_are_those_of_the_host(deployed: Deployed, name: str) -> None:
    host = deployed.host(name)
    figures, memory = told(host, "host"), table(host.run("cat", "/proc/meminfo"))
    assert figures["missing"] == []
    assert figures["memory"]["total"] == memory["MemTotal"]
    assert near(figures["memory"]["available"], memory["MemAvailable"], 0.05 * memory["MemTotal"])
    assert figures["swap"]["total"] == memory["SwapTotal"]
    assert len(figures["cpu"]["cores"]) == int(host.run("nproc", "--all"))
    assert near(figures["uptime"], float(host.run("cat", "/proc/uptime").split()[0]), 5)
    assert near(figures["cpu"]["load"][2], float(host.run("cat", "/proc/loadavg").split()[2]), 0.5)
    size, mounts = (
        host.run("df", "--block-size=1", "--output=size,target", "/").splitlines()[1].split(),
        figures["disks"],
    )
    assert (mounts[0]["mount"], mounts[0]["total"]) == (size[1], int(size[0]))
    assert not [disk for disk in mounts if disk["mount"].startswith(("/etc/", "/host", "/var/lib/abbey"))]


@pytest.mark.parametrize("name", NAMES)
def test_links_and_programs_from_the_container_are_those_of_the_host(deployed: Deployed, name: str) -> None:
    host = deployed.host(name)
    links = {link["name"]: link for link in told(host, "host")["network"]["interfaces"]}
    rows = dict(re.findall(r"^\s*(\S+):\s*(\d+)", host.run("cat", "/proc/net/dev"), re.MULTILINE))
    assert set(links) == {link for link in rows if not link.startswith(("lo", "veth", "sit", "ip6tnl"))}
    carried = [link for link in links if not link.startswith(("br-", "docker"))]
    assert carried
    for link in carried:
        before = links[link]["rx_total"]
        assert before <= int(rows[link]) <= before + 50_000_000
    processes = told(host, "platform")["processes"]
    assert near(processes["count"], len(re.findall(r"^\d+$", host.run("ls", "/proc"), re.MULTILINE)), 25)
    assert {"dockerd", "postgres" if name == "kscloud1" else "python"} & {row["name"] for row in processes["top"]}


@pytest.mark.parametrize("name", NAMES)
def test_containers_from_the_filter_are_those_of_the_engine(deployed: Deployed, name: str) -> None:
    host = deployed.host(name)
    names = set(host.run("docker", "ps", "--all", "--format", "{{.Names}}").split())

    def seen() -> dict[str, dict[str, Any]]:
        return {row["name"]: row for row in told(host, "platform")["containers"]["list"]}

    eventually("all containers are told", lambda: set(seen()) == names)
    rows = seen()
    assert {row["state"] for row in rows.values()} == {"up"}
    assert rows[f"{PROJECT}-grafana-1"]["app"] == "grafana"
    for row in rows.values():
        assert row["memory"] > 0, row["name"]
        assert row["cpu"] is not None, row["name"]


def test_a_container_that_stops_is_told_and_so_is_one_that_comes_back(deployed: Deployed) -> None:
    host, other = deployed.host("monk"), deployed.host("kscloud1")

    def states() -> dict[str, str]:
        apps = {app["name"]: app["hosts"] for app in told(other, "lab")["apps"]}
        return {name: state for name, state in apps["grafana"].items() if isinstance(state, str)}

    host.run("docker", "stop", f"{PROJECT}-grafana-1")
    try:
        eventually("the other host tells of it", lambda: states() == {"monk": "down", "kscloud1": "up"})
    finally:
        host.run("docker", "start", f"{PROJECT}-grafana-1")
        deployed.platform.await_health(host, "grafana")
    eventually("it is told to be back", lambda: states() == {"monk": "up", "kscloud1": "up"})


@pytest.mark.parametrize("name", NAMES)
def test_docker_is_asked_for_nothing_that_tells_secrets_or_changes_anything(deployed: Deployed, name: str) -> None:
    host = deployed.host(name)

    def status(method: str, path: str) -> int:
        return int(host.run("docker", "exec", METRICS, "python", "-c", FILTER, method, path))

    assert status("GET", "/v1.41/containers/json?all=1") == status("GET", "/version") == 200
    refused = (
        ("GET", f"/containers/{METRICS}/json"),
        ("GET", f"/v1.41/containers/{METRICS}/json"),
        ("GET", f"/containers/json/../{METRICS}/json"),
        ("GET", f"//containers/{METRICS}/json"),
        ("GET", f"/containers%2f{METRICS}/json"),
        ("GET", f"/containers/{METRICS}/logs?stdout=1"),
        ("GET", f"/containers/{METRICS}/archive?path=/run/secrets"),
        ("POST", "/containers/json"),
        ("POST", f"/containers/{METRICS}/stop"),
        ("POST", "/session"),
        ("GET", "/info"),
        ("GET", "/secrets"),
    )
    assert {status(*question) for question in refused} == {403}


@pytest.mark.parametrize(("name", "tailnet"), [("monk", MONK.tailnet), ("kscloud1", KSCLOUD1.tailnet)])
def test_tailnet_tunnel_and_database_are_seen_from_either_host(deployed: Deployed, name: str, tailnet: str) -> None:
    host = deployed.host(name)

    def well() -> bool:
        platform = told(host, "platform")
        servers = platform["databases"]
        return (
            platform["tailnet"]["state"] == "up"
            and platform["tunnel"]["state"] == "up"
            and [(server["host"], server["state"], server["role"]) for server in servers]
            == [("kscloud1", "up", "primary")]
        )

    eventually("the platform is told to be well", well)
    assert told(host, "platform")["tailnet"]["address"] == tailnet


def test_a_container_that_is_killed_loses_no_more_than_the_last_sample(deployed: Deployed) -> None:
    host = deployed.host("kscloud1")
    eventually("there is a past", lambda: len(known(host)) > 20)
    before = known(host)
    host.run("docker", "kill", METRICS)
    host.run("docker", "start", METRICS)
    deployed.platform.await_health(host, "metrics")
    eventually("what was kept is read", lambda: len(known(host)) > len(before) - 2)
    after = known(host)
    oldest = min(after)
    lost = {at for at in before if at > oldest} - set(after)
    assert len(lost) <= 1, lost
    assert lost <= {max(before)}


def known(host: Host) -> dict[float, float]:
    """Return the seconds of the last minutes for which the host's own processor time is known."""
    past = told(host, f"history?host={host.name}&range=5m")
    values = enumerate(past["columns"]["cpu"])
    return {past["start"] + number * past["step"]: value for number, value in values if value is not None}


def test_visitors_get_the_tiles_of_their_groups_and_strangers_no_figures(deployed: Deployed) -> None:
    platform, host = deployed.platform, deployed.host("monk")

    def tiles(groups: str) -> set[str]:
        page = platform.ask(host, "example.com", headers={"X-Standin-User": "sister", "X-Standin-Groups": groups})
        return set(re.findall(r'data-app="([^"]+)"', page.body))

    everything = tiles("homelab-admin|family")
    assert "portainer" in everything - tiles("family")
    assert "portainer" not in tiles("not-homelab-admin|homelab-admin-not")
    # Headers that a visitor sends are not those that the gateway sets.
    page = platform.ask(host, "example.com", headers={"X-Authentik-Groups": "homelab-admin"})
    assert 'data-app="portainer"' not in page.body
    sister = {"X-Standin-User": "sister", "X-Standin-Groups": "family"}
    lab = json.loads(platform.ask(host, "example.com", "/api/v1/lab", headers=sister).body)
    assert "portainer" not in {app["name"] for app in lab["apps"]}
    assert all(view["platform"]["containers"] is None for view in lab["platforms"] if view["platform"])
    assert platform.ask(host, "example.com", "/api/v1/people", headers=sister).status in (403, 404)
    # A container of another app has a way to the host's address, and still learns nothing.
    ask = ("docker", "exec", f"{PROJECT}-grafana-1", "curl", "-s", "-o", "/dev/null", "-w", "%{http_code}")
    assert host.attempt(*ask, "--max-time", "5", f"http://{MONK.tailnet}:9101/api/v1/host").stdout in ("403", "000")
