"""The whole way: one file becomes a running platform on two real hosts, and stays what the file says."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import dataclass, field

import pytest
import yaml
from harness.host import Host
from harness.lab import CONTROLLER, KSCLOUD1, MONK, OUTSIDER, Lab
from harness.platform import Platform
from harness.wait import eventually
from harness.watch import command_lines

pytestmark = pytest.mark.lab

CANARY = "canary-7f3kq9w2xv5m8z1t"
NAMES = ("monk", "kscloud1")


@dataclass(frozen=True, slots=True)
class Deployed:
    """A platform after its first `abbey up`, with what was said and seen on the way."""

    platform: Platform
    plan_code: int
    plan: str = field(repr=False)
    up: str = field(repr=False)
    command_lines: frozenset[str] = field(repr=False)

    def host(self, name: str) -> Host:
        return {host.name: host for host in self.platform.lab.hosts}[name]


@pytest.fixture(scope="module")
def deployed(platform: Platform) -> Deployed:
    planned = platform.abbey("plan")
    platform.supply(grafana__admin_password=CANARY)
    with command_lines() as seen:
        said = platform.up()
    return Deployed(
        platform=platform, plan_code=planned.returncode, plan=planned.stdout, up=said, command_lines=frozenset(seen)
    )


def services(platform: Platform, host: Host) -> set[str]:
    """Return the services that the compose file on a host names."""
    text = host.run("cat", f"{platform.home(host)}/compose.yaml")
    return set(yaml.safe_load(text)["services"])


def test_the_plan_names_every_service_of_both_hosts_and_why(deployed: Deployed) -> None:
    assert deployed.plan_code == 3
    by_host = re.split(r"^(?=\S+$)", deployed.plan, flags=re.MULTILINE)
    for name in NAMES:
        (part,) = (text for text in by_host if text.startswith(f"{name}\n"))
        for title in ("Gateway", "Portal", "Metrics API", "Sign-in server", "Grafana", "Forgejo", "Kavita", "Door"):
            assert re.search(rf"\+ service +{title} +not there yet", part), (name, title)
    assert "PostgreSQL" in deployed.plan


@pytest.mark.parametrize("name", NAMES)
def test_up_leaves_every_service_healthy(deployed: Deployed, name: str) -> None:
    platform, host = deployed.platform, deployed.host(name)
    report = json.loads(platform.abbey("status", "--json").stdout)["hosts"][name]
    assert set(report["services"]) == services(platform, host) == set(platform.containers(host))
    assert {row["state"] for row in report["services"].values()} == {"healthy"}
    assert report["pending"] == ""


@pytest.mark.parametrize("name", NAMES)
def test_either_gateway_reaches_portal_metrics_and_apps(deployed: Deployed, name: str) -> None:
    platform, host = deployed.platform, deployed.host(name)
    portal = platform.ask(host, "example.com")
    assert portal.status == 200
    assert "<title>Monastery" in portal.body
    figures = platform.ask(host, "example.com", "/api/v1/host")
    assert figures.status == 200
    assert name in figures.body
    for app in ("grafana", "forgejo", "kavita"):
        assert platform.answered_by(host, f"{app}.example.com") == name
    # Sign-in is served beside the database, whichever gateway is asked.
    assert platform.answered_by(host, "auth.example.com") == "kscloud1"


@pytest.mark.parametrize("name", NAMES)
def test_an_unknown_site_is_misdirected(deployed: Deployed, name: str) -> None:
    assert deployed.platform.ask(deployed.host(name), "nobody.example.com").status == 421


@pytest.mark.parametrize("name", NAMES)
def test_a_dead_app_is_answered_by_the_other_host(deployed: Deployed, name: str) -> None:
    platform, host = deployed.platform, deployed.host(name)
    other = next(one for one in NAMES if one != name)
    host.run("docker", "stop", "monastery-grafana-1")
    try:
        answers = [platform.answered_by(host, "grafana.example.com") for _ in range(5)]
        assert answers == [other] * 5
    finally:
        host.run("docker", "start", "monastery-grafana-1")
    eventually("its own app answers again", lambda: platform.answered_by(host, "grafana.example.com") == name)
    platform.await_health(host, "grafana")


def test_a_second_up_does_nothing(deployed: Deployed) -> None:
    platform = deployed.platform
    before = {host.name: platform.containers(host) for host in platform.lab.hosts}
    assert "nothing to do" in platform.up()
    assert {host.name: platform.containers(host) for host in platform.lab.hosts} == before
    assert platform.abbey("plan").returncode == 0


def test_an_edited_setting_recreates_that_app_alone(deployed: Deployed) -> None:
    platform = deployed.platform
    before = {host.name: platform.containers(host) for host in platform.lab.hosts}
    text = platform.file.read_text()
    platform.file.write_text(text.replace("  grafana: {}\n", "  grafana: {env: {GF_LOG_LEVEL: debug}}\n"))
    platform.up()
    for host in platform.lab.hosts:
        after = platform.containers(host)
        assert {service for service in after if after[service] != before[host.name][service]} == {"grafana"}
        settings = host.run("docker", "inspect", "--format", "{{.Config.Env}}", "monastery-grafana-1")
        assert "GF_LOG_LEVEL=debug" in settings
    assert platform.abbey("plan").returncode == 0


def test_a_file_changed_by_hand_is_found_and_undone(deployed: Deployed) -> None:
    platform, host = deployed.platform, deployed.host("monk")
    before = platform.containers(host)
    path = f"{platform.home(host)}/gateway/Caddyfile"
    written = host.run("cat", path)
    host.run("sh", "-c", f"echo '# by hand' >> {path}")
    planned = platform.abbey("plan")
    assert planned.returncode == 3
    assert re.search(r"~ file +gateway/Caddyfile", planned.stdout)
    assert "kscloud1\n" not in planned.stdout
    platform.up()
    assert host.run("cat", path) == written
    assert platform.containers(host) == before  # the gateway reread its file and went on


PSYCOPG = """\
import sys, psycopg
password, sslmode = sys.stdin.read().split()
with psycopg.connect(host=sys.argv[1], user="grafana", dbname="grafana", password=password, sslmode=sslmode,
                     connect_timeout=5) as connection:
    print(connection.execute("select current_user").fetchone()[0])
"""


def test_the_database_answers_in_the_tailnet_by_password_and_tls_alone(deployed: Deployed) -> None:
    lab, password = deployed.platform.lab, deployed.platform.secrets()["grafana/db_password"]

    def login(word: str, sslmode: str) -> str:
        done = lab.at(MONK.name, sys.executable, "-c", PSYCOPG, KSCLOUD1.tailnet, stdin=f"{word} {sslmode}")
        return done.stdout + done.stderr

    assert login(password, "require") == "grafana\n"
    assert "password authentication failed" in login("wrong", "require")
    assert "no encryption" in login(password, "disable")


def listening(host: Host) -> set[tuple[str, int]]:
    """Return the addresses and ports that anything on a host listens on."""
    rows = host.run("ss", "--listening", "--tcp", "--udp", "--numeric", "--no-header").splitlines()
    places = (row.split()[4].rpartition(":") for row in rows)
    return {(address.strip("[]").partition("%")[0], int(port)) for address, _, port in places}


def test_nothing_but_sshd_listens_outside(deployed: Deployed) -> None:
    lab = deployed.platform.lab
    for host, station in ((lab.monk, MONK), (lab.kscloud1, KSCLOUD1)):
        inside = {"127.0.0.1", "127.0.0.11", "::1", station.tailnet}
        places = listening(host)
        assert {place for place in places if place[0] not in inside} <= {("0.0.0.0", 22), ("::", 22)}
        assert (station.tailnet, 8081) in places
        for port in sorted({port for _, port in places} | {80, 443, 2375}):
            for neighbour in (OUTSIDER, CONTROLLER):
                code = reach(lab, neighbour.name, station.internet, port)
                assert code == (0 if port == 22 else 7), (station.name, port)


def reach(lab: Lab, station: str, address: str, port: int) -> int:
    """Return 0 if a connection from a station is accepted, 7 if it is refused."""
    probe = "import socket, sys; sys.exit(7 * bool(socket.socket().connect_ex((sys.argv[1], int(sys.argv[2])))))"
    return lab.at(station, sys.executable, "-c", probe, address, str(port)).returncode


def test_no_secret_is_shown_anywhere(deployed: Deployed) -> None:
    platform = deployed.platform
    secrets = platform.secrets()
    arrived = ("docker", "exec", "monastery-grafana-1", "cat", "/run/secrets/grafana_admin_password")
    assert secrets["grafana/admin_password"] == platform.lab.monk.run(*arrived) == CANARY
    assert len(secrets) >= 8
    texts = {"what abbey printed": "\n".join([deployed.plan, deployed.up, *platform.said])}
    texts["command lines"] = "\n".join(deployed.command_lines)
    texts["the folder of the lab"] = "\n".join(
        path.read_text() for path in platform.folder.iterdir() if path.is_file() and path.name != "age.key"
    )
    for host in platform.lab.hosts:
        home = platform.home(host)
        texts[f"audit log of {host.name}"] = host.run("sh", "-c", f"cat {home}/.abbey/*")
        names = host.run("docker", "ps", "--quiet").split()
        texts[f"containers of {host.name}"] = host.run("docker", "inspect", *names)
        texts[f"logs of {host.name}"] = platform.abbey("logs", "--host", host.name).stdout
        public = f"find {home} -path {home}/secrets -prune -o -type f -exec cat {{}} +"
        texts[f"files of {host.name}"] = host.run("sh", "-c", public)
    assert "abbey" in texts["command lines"]
    leaks = [(name, place) for name, value in secrets.items() for place, text in texts.items() if value in text]
    assert leaks == []


@pytest.mark.parametrize("name", NAMES)
def test_secret_files_are_behind_a_closed_door(deployed: Deployed, name: str) -> None:
    host = deployed.host(name)
    home = deployed.platform.home(host)
    assert host.run("stat", "--format=%a %U", f"{home}/secrets").split() == ["700", host.spec.user]
    stranger = host.attempt("setpriv", "--reuid=65534", "--clear-groups", "ls", f"{home}/secrets")
    assert stranger.returncode
    assert "Permission denied" in stranger.stderr


def test_down_leaves_data_and_up_finds_it_again(deployed: Deployed) -> None:
    platform, primary = deployed.platform, deployed.host("kscloud1")
    ask = ("docker", "exec", "monastery-postgres-1", "psql", "-U", "postgres", "-Atc")
    primary.run(*ask, "create table kept as select 42 as answer")
    volumes = {host.name: host.run("docker", "volume", "ls", "--quiet") for host in platform.lab.hosts}
    assert platform.abbey("down", "--yes").returncode == 0
    for host in platform.lab.hosts:
        assert platform.containers(host) == {}
        assert host.run("docker", "volume", "ls", "--quiet") == volumes[host.name] != ""
        assert host.run("docker", "network", "ls", "--quiet", "--filter", "name=monastery") == ""
    platform.up()
    assert primary.run(*ask, "table kept").strip() == "42"
    assert platform.abbey("plan").returncode == 0
