"""Hosts as folders: a LocalShell in a folder of its own, where `docker` is the stand-in. And a shell with a script."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from abbey.engine.event import Event
from abbey.engine.execute import execute
from abbey.engine.local import LocalShell
from abbey.engine.observe import observe
from abbey.engine.shell import Result
from abbey.files import Effect, File, FileTree, OnChange, digest
from abbey.plan.action import Plan
from abbey.plan.diff import diff
from abbey.plan.state import Desired, HostState, Step, Unit
from abbey.report import Done
from abbey.secrets import Secret, SecretRef

STANDIN = Path(__file__).with_name("standin_docker.py")
PASSWORD = SecretRef("postgres/password")
FOLDER = "abbey/lab"


class FakeShell:
    """Answers each command by the first entry whose words all occur in it; remembers every command and stdin."""

    def __init__(self, *answers: tuple[str, Result]) -> None:
        self.answers = answers
        self.calls: list[list[str]] = []
        self.inputs: list[bytes] = []
        self.closed = 0

    def run(self, argv: Sequence[str], *, stdin: bytes = b"", timeout: float | None = None) -> Result:
        self.calls.append(list(argv))
        self.inputs.append(stdin)
        line = " ".join(argv)
        return next((result for words, result in self.answers if words in line), Result(0, b"", b""))

    def stream(self, argv: Sequence[str]) -> Iterator[str]:
        self.calls.append(list(argv))
        yield from ()

    def close(self) -> None:
        self.closed += 1


class WatchedShell:
    """A LocalShell that remembers every command, and calls `before` ahead of each."""

    def __init__(self, inner: LocalShell) -> None:
        self.inner = inner
        self.calls: list[list[str]] = []
        self.before: Callable[[Sequence[str]], None] = lambda argv: None

    def run(self, argv: Sequence[str], *, stdin: bytes = b"", timeout: float | None = None) -> Result:
        self.calls.append(list(argv))
        self.before(argv)
        return self.inner.run(argv, stdin=stdin, timeout=timeout)

    def stream(self, argv: Sequence[str]) -> Iterator[str]:
        self.calls.append(list(argv))
        return self.inner.stream(argv)

    def close(self) -> None:
        self.inner.close()


@dataclass
class Lab:
    """Two hosts as folders and what they must hold; tests change the fields and apply."""

    root: Path
    password: str = "first-password"
    caddyfile: str = "reverse_proxy app"
    app_config: str = "c1"
    steps: tuple[Step, ...] = ()  # of monk, besides those that are always there, with their files
    step_files: tuple[tuple[str, File], ...] = ()
    events: list[Event] = field(default_factory=list)
    shells: dict[str, WatchedShell] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for host in ("kscloud1", "monk"):
            tools = self.root / host / "bin"
            tools.mkdir(parents=True)
            docker = tools / "docker"
            docker.write_text(f'#!/bin/sh\nexec {sys.executable} -I -S {STANDIN} "$@"\n')
            docker.chmod(0o755)
            env = {"PATH": f"{tools}:{os.environ['PATH']}", "STANDIN_DOCKER": str(self.root / host)}
            self.shells[host] = WatchedShell(LocalShell(host, home=self.root / host, env=env))

    def folder(self, host: str) -> Path:
        return self.root / host / FOLDER

    def docker(self, host: str) -> dict[str, Any]:
        path = self.root / host / "state.json"
        return dict(json.loads(path.read_text())) if path.exists() else {}

    def set_docker(self, host: str, **state: object) -> None:
        (self.root / host / "state.json").write_text(json.dumps(self.docker(host) | state))

    def docker_calls(self, host: str) -> list[str]:
        """Return what docker was asked to change, and forget it; looking does not count."""
        path = self.root / host / "calls"
        words = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
        path.unlink(missing_ok=True)
        looks = (["version"], ["ps"], ["image"], ["compose", "version"])
        return [_short(call) for call in words if not any(call[: len(look)] == look for look in looks)]

    def stdin(self, host: str, words: str) -> bytes:
        """Return what the last call of docker that holds these words got on standard input."""
        calls = [" ".join(json.loads(line)) for line in (self.root / host / "calls").read_text().splitlines()]
        number = max(at for at, call in enumerate(calls, 1) if words in call)
        return (self.root / host / f"stdin-{number}").read_bytes()

    def reveal(self, ref: SecretRef) -> Secret | None:
        return Secret(self.password) if ref == PASSWORD else None

    def desired(self) -> list[Desired]:
        return [self._desired("kscloud1"), self._desired("monk")]

    def _desired(self, host: str) -> Desired:
        cloud = host == "kscloud1"
        units = [
            Unit("app", "App", "app:1", self.app_config, 2, needs=(("kscloud1", "postgres"),)),
            Unit("gateway", "Gateway", "caddy:2", "g1", 3, reload=("caddy", "reload")),
        ]
        if cloud:
            units.append(Unit("postgres", "Postgres", "postgres:17", "p1", 1))
        services = {unit.service: {"image": unit.image, "labels": {"abbey.config": unit.config}} for unit in units}
        files = FileTree(
            [
                ("compose.yaml", File(json.dumps({"services": services}))),
                ("gateway/Caddyfile", File(self.caddyfile, on_change=(OnChange("gateway", Effect.RELOAD),))),
                ("secrets/app", File(("password=", PASSWORD), 0o444, (OnChange("app", Effect.RECREATE),))),
                *(() if cloud else self.step_files),
            ]
        )
        digests = {path: digest(body) for path, file in files.items() if (body := file.body(self.reveal)) is not None}
        steps = (
            (Step("roles", "roles and databases", "postgres", ("psql", "-f", "/roles.sql")),) if cloud else self.steps
        )
        return Desired(host, "lab", files, digests, tuple(units), steps)

    def observe(self) -> dict[str, HostState]:
        return {
            one.host: observe(one.host, self.shells[one.host], FOLDER, "lab", paths=one.tree) for one in self.desired()
        }

    def plan(self) -> Plan:
        return diff(self.desired(), self.observe())

    def apply(
        self, on_event: Callable[[Event], None] = lambda event: None, *, check: Callable[[], None] = lambda: None
    ) -> tuple[Done, ...]:
        def seen(event: Event) -> None:
            self.events.append(event)
            on_event(event)

        return execute(
            self.plan(),
            desired=self.desired(),
            shells=self.shells,
            directories=dict.fromkeys(self.shells, FOLDER),
            reveal=self.reveal,
            on_event=seen,
            reason="up",
            check=check,
            wait_seconds=30,
        )


def _short(call: list[str]) -> str:
    """Return a call without what is the same in all."""
    if call[0] == "compose":
        call = call[5:]
    noise = {"--detach", "--wait", "--wait-timeout", "30", "--no-deps", "--no-build", "--quiet-pull", "--no-TTY"}
    return " ".join(word for word in call if word not in noise)
