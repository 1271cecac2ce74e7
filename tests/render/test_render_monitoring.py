"""What Prometheus is told to ask, what Grafana is given, and what PostgreSQL lets them see."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from abbey.catalog.load import load_catalog
from abbey.files import FileTree
from abbey.model.lab import Lab
from abbey.model.monitoring import TOKEN, figures
from abbey.model.service import services
from abbey.render import render
from abbey.sim.programs import find_programs
from labs import CANARY, CanaryVault, lab_of, steady_catalog, text_of, two_hosts

TUNNEL = {"cloudflare": {"tunnel": "abbey", "id": "6ff42ae2-765d-4adf-8112-31c55c1551ef", "account": "0" * 32}}
TOKEN_FILE = "/run/secrets/gateway_peer_token"
Trees = dict[str, FileTree]


def lab(*, prometheus: object = None, **changes: Any) -> Lab:
    apps = {"grafana": {}, **({} if prometheus is None else {"prometheus": prometheus})}
    return lab_of(text_of(two_hosts(apps=apps, ingress=TUNNEL, **changes)), steady_catalog())


@pytest.fixture(scope="module")
def watched() -> Lab:
    return lab(prometheus={"owner": "monk"})


@pytest.fixture(scope="module")
def trees(watched: Lab) -> Trees:
    return render(watched)


def shown(trees: Trees, host: str, path: str) -> str:
    return trees[host][path].shown().decode()


def jobs(trees: Trees, host: str) -> dict[str, dict[str, Any]]:
    read = yaml.safe_load(shown(trees, host, "prometheus/prometheus.yml"))
    return {job["job_name"]: job for job in read["scrape_configs"]}


def targets(job: dict[str, Any]) -> dict[str, str]:
    return {group["labels"]["host"]: group["targets"][0] for group in job["static_configs"]}


def test_prometheus_asks_both_hosts(trees: Trees) -> None:
    found = jobs(trees, "monk")
    assert targets(found["metrics"]) == {"monk": "100.64.0.1:9101", "cloud": "100.64.0.2:9101"}
    for job in ("gateway", "cloudflared", "grafana", "authentik-server", "authentik-worker"):
        assert targets(found[job]) == {"monk": "gateway:8081", "cloud": "100.64.0.2:8081"}
        assert found[job]["metrics_path"] == f"/.abbey/metrics/{job}"
        assert found[job]["authorization"] == {"credentials_file": TOKEN_FILE}
    assert targets(found["prometheus"]) == {"monk": "gateway:8081"}
    assert targets(found["postgres-exporter"]) == {"cloud": "100.64.0.2:8081"}
    labels = found["authentik-worker"]["static_configs"][1]["labels"]
    assert labels == {"host": "cloud", "app": "authentik", "instance": "cloud"}


def test_two_of_them_ask_the_same_each_from_its_own_side() -> None:
    trees = render(lab(prometheus={"state": "split", "accept": "divergence"}))
    mine, theirs = jobs(trees, "monk"), jobs(trees, "cloud")
    assert mine.keys() == theirs.keys()
    assert targets(mine["grafana"]) == {"monk": "gateway:8081", "cloud": "100.64.0.2:8081"}
    assert targets(theirs["grafana"]) == {"monk": "100.64.0.1:8081", "cloud": "gateway:8081"}
    sources = yaml.safe_load(shown(trees, "monk", "grafana/datasources/abbey.yaml"))["datasources"]
    assert [(source["name"], source["uid"], source["isDefault"]) for source in sources] == [
        ("Prometheus on monk", "prometheus", True),
        ("Prometheus on cloud", "prometheus-cloud", False),
    ]


def test_every_grafana_is_given_the_same(trees: Trees) -> None:
    """They share one database, so the last to start would win."""
    mine, theirs = (
        {path: file.shown() for path, file in trees[host].items() if path.startswith("grafana/")}
        for host in ("monk", "cloud")
    )
    assert mine == theirs
    (source,) = yaml.safe_load(mine["grafana/datasources/abbey.yaml"])["datasources"]
    assert source["url"] == "http://gateway:8081/.abbey/inside/prometheus/monk"
    assert source["secureJsonData"] == {"httpHeaderValue1": f"Bearer $__file{{{TOKEN_FILE}}}"}


def test_a_question_to_prometheus_goes_to_its_host_and_no_further(trees: Trees) -> None:
    here, there = shown(trees, "monk", "gateway/inside.caddy"), shown(trees, "cloud", "gateway/inside.caddy")
    assert "reverse_proxy prometheus:9090" in here
    assert "reverse_proxy 100.64.0.2" not in here
    assert "reverse_proxy 100.64.0.1:8081" in there
    assert "prometheus:9090" not in there


def test_the_token_is_in_its_file_and_nowhere_else(trees: Trees) -> None:
    vault = CanaryVault()
    for tree in trees.values():
        holders = [path for path, file in tree.items() if TOKEN in file.refs]
        assert holders == ["secrets/gateway_peer_token"]
        for path, file in tree.items():
            if not path.startswith("secrets/"):
                assert CANARY.encode() not in (file.body(vault.get) or b""), path


def test_who_needs_the_token_sees_it(watched: Lab) -> None:
    for host in watched.hosts:
        holders = {service.name for service in services(watched, host) if TOKEN in service.secrets}
        assert holders == ({"gateway", "grafana", "prometheus"} if host.name == "monk" else {"gateway", "grafana"})


def test_the_gateway_joins_the_network_of_what_it_fetches_figures_from(watched: Lab) -> None:
    (gateway,) = (service for service in services(watched, watched.host("cloud")) if service.name == "gateway")
    assert "postgres" in dict(gateway.networks)
    assert "database" not in dict(gateway.networks)


@pytest.mark.parametrize(("ingress", "found"), [(TUNNEL, ["foo-side", "foo-side.2"]), (None, [])])
def test_figures_come_from_what_runs(tmp_path: Path, ingress: object, found: list[str]) -> None:
    side = {"image": {"ref": "docker.io/foo/side", "tag": "1"}, "when": ["ingress"]}
    foo = {
        "title": "Foo",
        "summary": "Foo",
        "home": "https://foo.example/",
        "contracts": {"owner": "files"},
        "services": {"foo": {"image": {"ref": "docker.io/foo/foo", "tag": "1"}}, "side": side},
        "metrics": [{"service": "side", "port": 9000}, {"service": "side", "port": 9001}],
    }
    (tmp_path / "foo.yaml").write_text(yaml.safe_dump(foo))
    known = lab_of(text_of(two_hosts(apps={"foo": {}, "prometheus": {}}, ingress=ingress)), load_catalog(tmp_path))
    assert [one.job for one in figures(known, known.hosts[0]) if one.app == "foo"] == found


def test_without_prometheus_nothing_is_opened() -> None:
    for host, tree in render(lab()).items():
        assert "gateway/inside.caddy" not in tree
        assert "prometheus/prometheus.yml" not in tree
        caddyfile = tree["gateway/Caddyfile"].shown().decode()
        assert ".abbey" not in caddyfile
        assert "inside" not in caddyfile
        assert "@figures path /metrics /metrics/*" in caddyfile  # what Grafana would show to whoever asks stays closed
        assert "secrets/gateway_peer_token" not in tree
        assert "exporter" not in tree["compose.yaml"].shown().decode(), host


def test_without_prometheus_grafana_says_what_is_missing() -> None:
    tree = render(lab())["monk"]
    assert [path for path in tree if path.startswith("grafana/boards/")] == ["grafana/boards/home.json"]
    (panel,) = json.loads(tree["grafana/boards/home.json"].shown())["panels"]
    assert "prometheus: {}" in panel["options"]["content"]
    read = yaml.safe_load(tree["grafana/datasources/abbey.yaml"].shown())
    assert (read["datasources"], read["prune"]) == ([], True)


def test_visitors_do_not_see_the_figures_of_an_app(trees: Trees) -> None:
    """Grafana would show its own to whoever asks for /metrics."""
    caddyfile = shown(trees, "monk", "gateway/Caddyfile")
    assert caddyfile.count("@figures path /metrics /metrics/*") == 2  # for visitors, and for the other gateway


def watchers(tree: FileTree) -> list[tuple[str, ...]]:
    """Return the lines of pg_hba.conf for the role that reads figures, without the address."""
    lines = tree["postgres/pg_hba.conf"].shown().decode().splitlines()
    return [tuple(line.split()[:5]) for line in lines if "abbey_metrics" in line]


def watcher(address: str) -> tuple[str, ...]:
    return ("hostssl", "postgres", "abbey_metrics", address, "scram-sha-256")


def test_every_host_s_metrics_api_may_read_the_figures_of_the_database() -> None:
    known = lab()
    found = render(known)
    assert watchers(found["cloud"]) == [watcher("100.64.0.1/32"), watcher("100.64.0.2/32")]
    for host in known.hosts:
        (api,) = (service for service in services(known, host) if service.name == "metrics")
        env = dict(api.env)
        assert env["ABBEY_DATABASE"] == "cloud=100.64.0.2:5432"
        assert env["ABBEY_DATABASE_PASSWORD_FILE"] == "/run/secrets/postgres_metrics_password"
        assert [ref.name for ref in api.secrets] == ["postgres/metrics_password"]


def test_the_database_has_a_role_that_counts_and_reads_nothing_else(trees: Trees, watched: Lab) -> None:
    expected = ["100.64.0.1/32", "100.64.0.2/32", watched.subnets["postgres"]]
    assert watchers(trees["cloud"]) == [watcher(address) for address in expected]
    roles = shown(trees, "cloud", "secrets/postgres/roles.sql")
    assert 'GRANT pg_monitor TO "abbey_metrics";' in roles
    assert "<secret postgres/metrics_password>" in roles
    assert 'CREATE DATABASE "abbey_metrics"' not in roles


# --- the real promtool


def ran(argv: list[str]) -> None:
    result = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, f"{argv}\n{result.stdout}{result.stderr}"


@pytest.mark.process
def test_promtool_takes_the_configuration(trees: Trees, program: Callable[[str], Path], tmp_path: Path) -> None:
    token, config = tmp_path / "token", tmp_path / "prometheus.yml"
    token.write_text("x")
    config.write_text(shown(trees, "monk", "prometheus/prometheus.yml").replace(TOKEN_FILE, str(token)))
    ran([str(program("promtool")), "check", "config", str(config)])


# --- the real PostgreSQL


@pytest.fixture
def server(trees: Trees, tmp_path: Path) -> Iterator[Callable[..., str]]:
    """A PostgreSQL with the rendered roles in it, put in twice; asked by psql as whoever is named."""
    programs = find_programs().postgres
    folder = Path(tempfile.mkdtemp(prefix="abbey-"))  # a socket's path must be short
    roles, user = folder / "roles.sql", []
    roles.write_bytes(trees["cloud"]["secrets/postgres/roles.sql"].body(CanaryVault().get) or b"")
    if os.getuid() == 0:  # the server refuses root
        shutil.chown(folder, 65534, 65534)
        user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    data = folder / "data"
    env = {"PGPASSWORD": CANARY + "postgres/metrics_passwordpassword", "PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}

    def run(*argv: str, well: bool = True) -> str:
        found = subprocess.run(
            [*user, *argv], capture_output=True, text=True, timeout=60, check=False, env=env, cwd="/"
        )
        assert (found.returncode == 0) is well, f"{argv}\n{found.stdout}{found.stderr}"
        return (found.stdout + found.stderr).strip()

    def ask(question: str, who: str = "abbey_metrics", where: str = "postgres", *, well: bool = True) -> str:
        access = ["-h", str(folder), "-U", who, "-d", where]
        return run(str(programs / "psql"), "-XAtq", *access, "-c", question, well=well)

    run(str(programs / "initdb"), "-D", str(data), "-U", "postgres", "--auth", "scram-sha-256", "--auth-local", "trust")
    (data / "pg_hba.conf").write_text(
        "local all postgres trust\nlocal sameuser all scram-sha-256\nlocal postgres abbey_metrics scram-sha-256\n"
    )
    options = f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off"
    run(str(programs / "pg_ctl"), "-D", str(data), "-l", str(folder / "log"), "-w", "-o", options, "start")
    try:
        for _ in range(2):
            run(str(programs / "psql"), "-Xq", "-h", str(folder), "-U", "postgres", "-f", str(roles))
        yield ask
    finally:
        run(str(programs / "pg_ctl"), "-D", str(data), "-m", "immediate", "-w", "stop")
        shutil.rmtree(folder)


@pytest.mark.process
def test_the_role_sees_the_figures_and_changes_nothing(server: Callable[..., str]) -> None:
    assert int(server("SELECT pg_database_size('authentik')")) > 0
    assert server("SELECT pg_is_in_recovery(), count(*) > 0 FROM pg_stat_activity WHERE query IS NOT NULL") == "f|t"
    assert "read-only" in server("CREATE TABLE public.x ()", well=False)
    assert "permission denied" in server("BEGIN READ WRITE; CREATE TABLE public.x ()", well=False)
    assert "permission denied" in server("SELECT rolpassword FROM pg_authid", well=False)
    server("SELECT 1", where="authentik", well=False)
    assert server("SELECT rolsuper, rolcreatedb, rolconnlimit FROM pg_roles WHERE rolname = current_user") == "f|f|7"
