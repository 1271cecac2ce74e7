"""`abbey up` from the call to the hosts: two hosts that are folders, on which `docker` is the stand-in."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from abbey.cli.entry import call
from abbey.engine.local import LocalShell
from abbey.errors import ApplyError
from labs import REPOSITORY, text_of, two_hosts

STANDIN = REPOSITORY / "tests" / "engine" / "standin_docker.py"
HOSTS = {
    "monk": {"ssh": "root@monk", "tailnet": "100.64.0.1", "folder": "lab"},
    "cloud": {"ssh": "root@cloud", "tailnet": "100.64.0.2", "folder": "lab"},
}
LOCK = "lab/.abbey/lock"


@dataclass
class Places:
    """The folder with the lab's file, and the hosts' folders."""

    root: Path
    capsys: pytest.CaptureFixture[str]

    def describe(self, **changes: object) -> None:
        lab = {"hosts": HOSTS, "identity": None, "apps": {}} | changes
        (self.root / "abbey.yaml").write_text(text_of(two_hosts(**lab)))

    def said(self, *words: str, code: int = 0) -> str:
        found = call(list(words))
        captured = self.capsys.readouterr()
        assert found == code, captured.out + captured.err
        assert "Traceback" not in captured.out + captured.err
        return captured.out + captured.err

    def host(self, name: str) -> Path:
        return self.root / "hosts" / name

    def docker(self, name: str) -> dict[str, Any]:
        return dict(json.loads((self.host(name) / "state.json").read_text()))

    def set_docker(self, name: str, **state: object) -> None:
        path = self.host(name) / "state.json"
        path.write_text(json.dumps((self.docker(name) if path.exists() else {}) | state))

    def lock(self, name: str) -> Path:
        lock = self.host(name) / LOCK
        lock.mkdir(parents=True)
        (lock / "owner").write_text(json.dumps({"who": "sister@laptop", "why": "up", "token": "t"}))
        return lock


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Places:
    places = Places(tmp_path, capsys)
    for name in HOSTS:
        tools = places.host(name) / "bin"
        tools.mkdir(parents=True)
        (tools / "docker").write_text(f'#!/bin/sh\nexec {sys.executable} -I {STANDIN} "$@"\n')
        (tools / "docker").chmod(0o755)

    def shell(name: str, target: str) -> LocalShell:
        home = places.host(name)
        env = {"PATH": f"{home / 'bin'}:{os.environ['PATH']}", "STANDIN_DOCKER": str(home)}
        return LocalShell(name, home=home, env=env)

    monkeypatch.setattr("abbey.engine.ssh.SshShell", shell)
    monkeypatch.setenv("ABBEY_AGE_KEY_FILE", str(tmp_path / "age.key"))
    monkeypatch.chdir(tmp_path)
    places.describe()
    return places


def person(monkeypatch: pytest.MonkeyPatch, answer: Callable[[], bool]) -> None:
    """Let somebody sit at the terminal who answers so when asked."""
    monkeypatch.setattr("abbey.cli.output.interactive", lambda: True)
    monkeypatch.setattr("abbey.cli.output.agreed", lambda question: answer())


def test_the_first_up_tells_of_the_login_also_when_a_secret_was_there_before(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    places.describe(identity={"authentik": {}}, apps={"grafana": {}})
    places.set_docker("monk", failing="pull")
    monkeypatch.setattr("abbey.cli.vault._read", lambda: "by-hand-1")
    places.said("secret", "set", "grafana/admin_password")
    failed = places.said("up", "--yes", code=1)
    assert "abbey secret show authentik/admin_password" in failed, "also when the rest went wrong"
    assert "Keep a copy of the age key" in failed
    places.set_docker("monk", failing="")
    assert "age key" not in places.said("up", "--yes")
    assert places.said("secret", "show", "grafana/admin_password") == "by-hand-1\n"


def test_a_plan_that_is_no_longer_true_is_not_carried_out(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    places.said("up", "--yes")
    places.describe(portal={"title": "Other"})

    def meanwhile() -> bool:
        containers = places.docker("monk")["containers"]
        del containers["metrics"]
        places.set_docker("monk", containers=containers)
        return True

    before = places.docker("cloud")
    person(monkeypatch, meanwhile)
    text = places.said("up", code=1)
    assert "the hosts changed after the plan was shown; nothing was done" in text
    assert "metrics" not in places.docker("monk")["containers"]
    assert places.docker("cloud") == before
    assert not any((places.host(name) / LOCK).exists() for name in HOSTS)
    person(monkeypatch, lambda: True)
    assert "metrics" in places.said("up").lower()
    assert "nothing to do" in places.said("plan")


def test_a_lock_is_broken_only_after_the_plan_was_confirmed(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = places.lock("monk")
    assert "locked by sister@laptop" in places.said("up", "--yes", code=1)
    person(monkeypatch, lambda: False)
    assert "nothing was changed" in places.said("up", "--break-lock", code=2)
    assert lock.exists()
    places.said("up", "--yes", "--break-lock")
    assert not lock.exists()


def test_a_lock_that_cannot_be_broken_is_told(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = places.lock("monk")

    def refuse(shell: object, directory: str) -> None:
        raise ApplyError(f"the lock could not be broken: {directory} is read-only")

    monkeypatch.setattr("abbey.cli.apply.break_lock", refuse)
    assert "lab is read-only" in places.said("up", "--yes", "--break-lock", code=1)
    assert lock.exists()
    assert not (places.root / "secrets.age").exists()


def test_a_service_moves_without_its_data_only_when_that_is_accepted(places: Places) -> None:
    places.said("up", "--yes")
    places.describe(database={"primary": "monk"})
    warning = "PostgreSQL moves from cloud to monk: its data stays behind on cloud and it starts empty"
    assert places.said("plan", code=3).endswith(f"\n\nwarning: {warning}\n")
    assert json.loads(places.said("plan", "--json", code=3))["warnings"] == [warning]
    refused = places.said("up", "--yes", code=2)
    assert "abbey up --accept-empty postgres" in refused
    places.said("up", "--yes", "--accept-empty", "kavita", code=2)
    assert "postgres" in places.docker("cloud")["containers"]
    places.said("up", "--yes", "--accept-empty", "postgres")
    assert "postgres" not in places.docker("cloud")["containers"]
    assert "postgres" in places.docker("monk")["containers"]


def test_a_service_without_data_of_its_own_moves_freely(places: Places) -> None:
    places.describe(apps={"grafana": {"hosts": ["monk"]}})
    places.said("up", "--yes")
    places.describe(apps={"grafana": {"hosts": ["cloud"]}})
    assert "warning" not in places.said("plan", code=3)
    places.said("up", "--yes")
