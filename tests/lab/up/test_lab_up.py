"""The whole way: one file becomes a running platform on two real hosts, and stays what the file says."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from typing import Any

import pytest
import yaml
from harness.deployed import CANARY, Deployed
from harness.host import Host
from harness.lab import CONTROLLER, KSCLOUD1, MONK, OUTSIDER, Lab
from harness.platform import Platform
from harness.wait import eventually

pytestmark = pytest.mark.lab

NAMES = ("monk", "kscloud1")
OWNED = {"monk": ("Karakeep", "Open WebUI"), "kscloud1": ("Prometheus",)}
UNCHECKED = {"openproject-worker", "karakeep-chrome"}  # their images have nothing that a health check could ask


def services(platform: Platform, host: Host) -> set[str]:
    """Return the services that the compose file on a host names."""
    text = host.run("cat", f"{platform.home(host)}/compose.yaml")
    return set(yaml.safe_load(text)["services"])


def test_the_plan_names_every_service_of_both_hosts_and_why(deployed: Deployed) -> None:
    assert deployed.plan_code == 3
    by_host = re.split(r"^(?=\S+$)", deployed.plan, flags=re.MULTILINE)
    for name in NAMES:
        (part,) = (text for text in by_host if text.startswith(f"{name}\n"))
        own = OWNED[name]
        for title in (
            "Gateway",
            "Portal",
            "Metrics API",
            "Sign-in server",
            "Grafana",
            "Forgejo",
            "Kavita",
            "Door",
            *own,
        ):
            assert re.search(rf"\+ service +{title} +not there yet", part), (name, title)
    assert "PostgreSQL" in deployed.plan


@pytest.mark.parametrize("name", NAMES)
def test_up_leaves_every_service_healthy(deployed: Deployed, name: str) -> None:
    platform, host = deployed.platform, deployed.host(name)
    report = json.loads(platform.abbey("status", "--json").stdout)["hosts"][name]
    assert set(report["services"]) == services(platform, host) == set(platform.containers(host))
    unchecked = {service for service, row in report["services"].items() if row["state"] == "running"}
    assert unchecked == UNCHECKED & services(platform, host)
    assert {row["state"] for service, row in report["services"].items() if service not in unchecked} == {"healthy"}
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
    for app in ("grafana", "forgejo", "kavita", "openproject", "portainer"):
        assert platform.answered_by(host, f"{app}.example.com") == name
    for app, owner in (("karakeep", "monk"), ("open-webui", "monk"), ("prometheus", "kscloud1")):
        assert platform.answered_by(host, f"{app}.example.com") == owner
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


def kept(host: Host, service: str, path: str) -> Any:
    """Return what a stand-in remembers of the post-start steps."""
    return json.loads(host.run("docker", "exec", f"monastery-{service}-1", "cat", path))


@pytest.mark.parametrize("name", NAMES)
def test_steps_have_set_what_no_file_could(deployed: Deployed, name: str) -> None:
    host, secrets = deployed.host(name), deployed.platform.secrets()
    (source,) = kept(host, "forgejo", "/var/lib/gitea/standin_auth.json")
    assert source["--name"] == "authentik"
    assert source["--secret"] == secrets["forgejo/oidc"]
    assert source["--auto-discover-url"].startswith("https://auth.example.com/application/o/forgejo/")
    portainer = kept(host, "portainer", "/data/standin.json")
    assert portainer["settings"]["OAuthSettings"]["ClientSecret"] == secrets["portainer/oidc"]
    assert {"Username": "brother", "Role": 1}.items() <= portainer["users"][1].items()
    kavita = kept(host, "kavita", "/kavita/config/standin.json")
    assert kavita["users"] == {"brother": secrets["kavita/admin_password"]}
    assert kavita["settings"]["oidcConfig"]["provisionAccounts"] is True
    assert kavita["settings"]["cacheDirectory"] == "/kavita/config/cache"  # what it knew besides is still there


def test_a_step_that_must_run_again_changes_what_is_there(deployed: Deployed) -> None:
    platform, host = deployed.platform, deployed.host("monk")
    before = platform.containers(host)
    host.run("sh", "-c", f"echo '# by hand' >> {platform.home(host)}/steps/forgejo/login.sh")
    assert "Forgejo: its login" in platform.up()
    (source,) = kept(host, "forgejo", "/var/lib/gitea/standin_auth.json")
    assert source["id"] == 1
    assert platform.containers(host) == before


def test_prometheus_reaches_what_it_is_told_to_ask_on_both_hosts(deployed: Deployed) -> None:
    platform, host = deployed.platform, deployed.host("kscloud1")
    config = yaml.safe_load(host.run("cat", f"{platform.home(host)}/prometheus/prometheus.yml"))
    asked = {
        (job["job_name"], group["labels"]["host"]): f"http://{group['targets'][0]}{job['metrics_path']}"
        for job in config["scrape_configs"]
        for group in job["static_configs"]
    }
    for job, name in [(job, name) for job in ("gateway", "metrics", "forgejo", "cloudflared") for name in NAMES]:
        assert figures(host, asked[job, name]), (job, name)
    assert "pg_up 1" in figures(host, asked["postgres-exporter", "kscloud1"])
    assert "abbey_host_cpu_ratio" in figures(host, asked["metrics", "monk"])
    assert not figures(host, asked["gateway", "monk"], token="wrong")


def figures(host: Host, address: str, *, token: str = "$(cat /run/secrets/gateway_peer_token)") -> str:
    """Return what is answered where Prometheus' container asks, "" where it is refused."""
    ask = f'wget -q -O - --header "Authorization: Bearer {token}" {address}'
    return host.attempt("docker", "exec", "monastery-prometheus-1", "sh", "-c", ask).stdout


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
    platform.file.write_text(text.replace("  grafana: {roles", "  grafana: {env: {GF_LOG_LEVEL: debug}, roles"))
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
    leaks = {(name, place) for name, value in secrets.items() for place, text in texts.items() if value in text}
    # Programs that read a secret from their environment alone show it to whoever may ask Docker; and Forgejo's own
    # command takes one as an argument, inside its container. Nothing else may show any, and these in no other place.
    shown = {
        (name, f"containers of {host.name}") for host in platform.lab.hosts for name in in_environments(host, secrets)
    }
    assert leaks - shown - {("forgejo/oidc", "command lines")} == set()
    assert ("karakeep/session_secret", "containers of monk") in leaks


def in_environments(host: Host, secrets: Mapping[str, str]) -> set[str]:
    """Return the names of the secrets that stand in an env file on a host, each for one service."""
    home = Platform.home(host)
    text = host.run("sh", "-c", f"cat {home}/secrets/env/*.env")
    return {name for name, value in secrets.items() if value in text}


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
