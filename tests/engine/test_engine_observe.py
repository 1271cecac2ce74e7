from __future__ import annotations

import sys
from pathlib import Path

import pytest
from engine_hosts import FakeShell
from inline_snapshot import snapshot

from abbey.engine import docker
from abbey.engine.local import LocalShell
from abbey.engine.observe import observe, parse, read_lock
from abbey.engine.shell import Result
from abbey.errors import AbbeyError, HostError
from abbey.files import Effect, OnChange
from abbey.plan.state import ContainerState

RECORDED = Path(__file__).with_name("recorded")  # said by Docker Engine 26.1.5 and Compose 2.40.3


def recorded(name: str) -> str:
    return (RECORDED / f"{name}.txt").read_text()


def test_a_running_host_is_read_whole() -> None:
    state = parse("monk", recorded("observe-running"))
    assert (state.engine, state.compose) == ("26.1.5+dfsg1", "2.40.3")
    assert {path: f"{seen.mode:o}" for path, seen in state.files.items()} == {
        "compose.yaml": "644",
        "gateway/Caddyfile": "644",
        "notes.txt": "644",
        "secrets/grafana_admin": "444",
    }
    assert set(state.managed) == {"compose.yaml", "gateway/Caddyfile", "secrets/grafana_admin", "gone.txt"}
    assert state.managed["gateway/Caddyfile"] == state.files["gateway/Caddyfile"].digest
    assert state.pending == {OnChange("grafana", Effect.RECREATE), OnChange("roles", Effect.RUN)}
    assert state.lock.startswith("brother@laptop, ")
    assert state.lock.endswith(" ago: up")
    assert state.images == {
        "docker.io/library/bb:1",
        "docker.io/library/bb:old",
        "localhost:5000/monastery/metrics:3f2a",
    }
    gateway = next(one for one in state.containers if one.service == "gateway")
    assert gateway == ContainerState(
        "gateway", "running", "healthy", "bb:1", "c0ffee", gateway.since, "127.0.0.1:8080->8080/tcp"
    )


def test_a_host_without_the_folder_is_an_empty_host() -> None:
    state = parse("monk", recorded("observe-empty"))
    assert (state.files, state.managed, state.containers, state.pending, state.lock) == ({}, {}, (), frozenset(), "")
    assert "docker.io/library/bb:1" in state.images


NO_DOCKER = {
    "observe-no-docker": snapshot("""\
monk: Docker is not installed
    hint: on Debian 13: `apt install docker.io docker-cli docker-compose`; else https://docs.docker.com/engine/install/\
"""),
    "observe-denied": snapshot("""\
monk: this user may not speak to Docker
    hint: on the host: `sudo usermod -aG docker USER`, then log in again; whoever is in that group is root\
"""),
    "observe-no-engine": snapshot("""\
monk: the Docker engine does not answer: Cannot connect to the Docker daemon at unix:///nosuch.sock. Is the docker daemon running?
    hint: on the host: `systemctl status docker`\
"""),
    "observe-no-compose": snapshot("""\
monk: Docker Compose is missing: Abbey needs 2.24 or newer
    hint: install `docker-compose-plugin` (packages of Docker) or `docker-compose` (Debian 13)\
"""),
}


@pytest.mark.parametrize("name", NO_DOCKER)
def test_a_host_without_usable_docker_says_what_is_missing(name: str) -> None:
    with pytest.raises(AbbeyError) as caught:
        parse("monk", recorded(name))
    assert str(caught.value) == NO_DOCKER[name]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("26.1.5+dfsg1", "19.03.15", "monk: Docker Engine 19.03.15 is too old: Abbey needs 20.10 or newer"),
        ("2.40.3", "2.17.2", "monk: Docker Compose 2.17.2 is too old: Abbey needs 2.24 or newer"),
    ],
)
def test_an_old_docker_is_refused_with_the_version_that_is_needed(old: str, new: str, message: str) -> None:
    with pytest.raises(AbbeyError) as caught:
        parse("monk", recorded("observe-empty").replace(old, new))
    assert caught.value.message == message


def test_an_answer_that_was_cut_is_not_an_empty_host() -> None:
    text = recorded("observe-running")
    with pytest.raises(HostError, match="cut off"):
        parse("monk", text[: len(text) // 2])


def test_one_command_looks_at_a_host() -> None:
    shell = FakeShell(("abbey-observe", Result(0, recorded("observe-empty").encode(), b"")))
    observe("monk", shell, "abbey/lab", "lab", paths=["b", "a"])
    assert [call[0:2] + call[3:] for call in shell.calls] == [["sh", "-c", "abbey-observe", "abbey/lab", "lab"]]
    assert shell.inputs == [b"a\nb\n"]


def test_looking_touches_only_managed_and_named_files(tmp_path: Path) -> None:
    folder = tmp_path / "lab with blank"
    (folder / "data").mkdir(parents=True)
    (folder / "named").write_text("n")
    (folder / "data/huge.db").write_text("d")
    tools = tmp_path / "bin"
    tools.mkdir()
    fake = tools / "docker"
    fake.write_text(f"#!{sys.executable} -IS\nprint('99.0')\n")
    fake.chmod(0o755)
    shell = LocalShell("monk", home=tmp_path, env={"PATH": f"{tools}:/usr/bin:/bin"})
    state = observe("monk", shell, "lab with blank", "lab", paths=["named", "absent"])
    assert set(state.files) == {"named"}


def test_compose_ps_names_what_does_not_run_or_is_not_healthy() -> None:
    text = recorded("compose-ps")
    assert docker.read_unhealthy(text) == [("grafana", "monastery-grafana-1")]
    everything = docker.read_unhealthy(text.replace('"State":"running"', '"State":"exited"'))
    assert [service for service, _container in everything] == ["gateway", "grafana"]


def test_what_only_waits_is_told_where_nothing_has_failed() -> None:
    text = recorded("compose-ps").replace('"Health":"healthy"', '"Health":"starting"')
    assert docker.read_unhealthy(text) == [("grafana", "monastery-grafana-1")]
    waits = text.replace('"Health":"unhealthy"', '"Health":"healthy"')
    assert docker.read_unhealthy(waits) == [("gateway", "monastery-gateway-1")]


def test_the_last_check_of_a_container_is_one_line_or_nothing() -> None:
    checks = '{"Status":"unhealthy","Log":[{"Output":"first"},{"Output":"curl: (7)\\n  refused\\n"}]}\n'
    assert docker.read_last_check(checks) == "curl: (7) refused"
    for nothing in ("null\n", "", '{"Status":"starting","Log":null}\n', "Error: no such object"):
        assert docker.read_last_check(nothing) == ""


@pytest.mark.parametrize(
    ("status", "health"),
    [
        ("Up 5 seconds (healthy)", "healthy"),
        ("Up 3 minutes (unhealthy)", "unhealthy"),
        ("Up Less than a second (health: starting)", "starting"),
        ("Up 2 days", ""),
        ("Exited (0) 2 seconds ago", ""),
        ("Up 4 minutes (Paused)", ""),
    ],
)
def test_health_is_read_from_the_status(status: str, health: str) -> None:
    assert docker.read_health(status) == health


@pytest.mark.parametrize(
    ("lines", "text"),
    [
        ([], ""),
        (["200", '{"who": "a@b", "why": "up"}'], "a@b, 3 min ago: up"),
        (["7200", '{"who": "a@b", "why": "up"}'], "a@b, 2 h ago: up"),
        (["5"], "somebody, 5 s ago"),
        (["5", "not json"], "somebody, 5 s ago"),
        (["?"], "somebody, 0 s ago"),
    ],
)
def test_a_lock_is_told_also_when_its_owner_is_not_known(lines: list[str], text: str) -> None:
    assert read_lock(lines) == text
