"""A platform that abbey deploys to the lab: a folder with its file, and questions to what runs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from harness.host import Host
from harness.lab import ABBEY, CONTROLLER, Lab
from harness.process import LabError, run
from harness.wait import eventually
from harness.workplace import REPOSITORY

PROJECT = "monastery"
TUNNEL_SECRET = "cloudflared/tunnel_secret"  # made by Cloudflare, so a person brings it
GATEWAY = "http://127.0.0.1:8080"


@dataclass(frozen=True, slots=True)
class Page:
    """What a gateway answered."""

    status: int
    body: str


@dataclass(frozen=True, slots=True)
class Platform:
    """The folder of an abbey.yaml, with an age key of its own, and the lab it is for."""

    lab: Lab
    folder: Path
    ssh_config: Path
    said: list[str] = field(default_factory=list, repr=False)  # everything that abbey printed

    @property
    def file(self) -> Path:
        """The lab's file."""
        return self.folder / "abbey.yaml"

    def command(self, *argv: str) -> list[str]:
        """Given arguments, return the command that runs abbey from the controller's place in the networks."""
        return [*self.lab.net.enter(CONTROLLER.name), str(ABBEY), *argv]

    def environment(self) -> Mapping[str, str]:
        """Return the environment in which abbey finds the hosts and its key."""
        key = str(self.folder / "age.key")
        return {**os.environ, "ABBEY_SSH_CONFIG": str(self.ssh_config), "ABBEY_AGE_KEY_FILE": key}

    def abbey(self, *argv: str, stdin: str = "", within: float = 400) -> subprocess.CompletedProcess[str]:
        """Run abbey in the folder; it may fail. What it prints is remembered, unless it was asked for a secret."""
        done = subprocess.run(
            self.command(*argv),
            cwd=self.folder,
            env=self.environment(),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=within,
            check=False,
        )
        if argv[:2] != ("secret", "show"):
            self.said.append(done.stdout + done.stderr)
        return done

    def up(self) -> str:
        """Make the lab true, and return what was said. Raise LabError if it failed."""
        done = self.abbey("up", "--yes")
        if done.returncode:
            raise LabError(f"abbey up ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
        return done.stdout + done.stderr

    def supply(self, **values: str) -> None:
        """Store the tunnel's secret, and these others by `app__name`. Raise LabError if one is refused."""
        wanted = {name.replace("__", "/"): value for name, value in values.items()}
        for name, value in {TUNNEL_SECRET: "dHVubmVsLXNlY3JldC1vZi10aGUtbGFiLWl0cy10ZXN0cw==", **wanted}.items():
            done = self.abbey("secret", "set", name, stdin=value)
            if done.returncode:
                raise LabError(f"abbey secret set {name}: {done.stderr}")

    def secrets(self) -> dict[str, str]:
        """Return every secret of the lab that is one line, by name, as the real `age` reads them."""
        opened = run(["age", "--decrypt", "--identity", self.folder / "age.key", self.folder / "secrets.age"])
        values: dict[str, str] = json.loads(opened)
        return {name: value for name, value in values.items() if "\n" not in value}

    @staticmethod
    def home(host: Host) -> str:
        """Return the lab's folder on a host."""
        return f"/opt/abbey/{PROJECT}" if host.spec.user == "root" else f"/home/{host.spec.user}/abbey/{PROJECT}"

    def containers(self, host: Host) -> dict[str, str]:
        """Return the containers of the platform on a host by service: identity and when it started."""
        ids = host.run("docker", "ps", "--all", "--quiet", "--filter", f"label=com.docker.compose.project={PROJECT}")
        if not ids.split():
            return {}
        look = '{{index .Config.Labels "com.docker.compose.service"}} {{.Id}} {{.State.StartedAt}}'
        rows = host.run("docker", "inspect", "--format", look, *ids.split()).splitlines()
        return {service: rest for service, _, rest in (row.partition(" ") for row in rows)}

    def ask(
        self, host: Host, name: str, path: str = "/", *, method: str = "GET", headers: Mapping[str, str] | None = None
    ) -> Page:
        """Ask a host's gateway for a page of a site, as the tunnel's connector would."""
        words = ["curl", "--silent", "--max-time", "10", "--request", method, "--write-out", "\n%{http_code}"]
        words += [word for key, value in (headers or {}).items() for word in ("--header", f"{key}: {value}")]
        words += ["--header", f"Host: {name}", "--header", "X-Forwarded-Proto: https", GATEWAY + path]
        body, _, status = self.lab.at(host.name, *words).stdout.rpartition("\n")
        return Page(status=int(status or 0), body=body)

    def answered_by(self, host: Host, name: str) -> str:
        """Return which host's container answers a stand-in's site through this host's gateway, "" if none does."""
        page = self.ask(host, name)
        for other in self.lab.hosts:
            for rest in self.containers(other).values():
                if f"container {rest[:12]}<" in page.body:
                    return other.name
        return ""

    def await_health(self, host: Host, service: str) -> None:
        """Wait until a service of a host is healthy."""
        look = ("docker", "inspect", "--format", "{{.State.Health.Status}}", f"{PROJECT}-{service}-1")
        eventually(f"{service} on {host.name} is healthy", lambda: host.attempt(*look).stdout.strip() == "healthy")


@contextmanager
def reference_platform(lab: Lab, folder: Path) -> Iterator[Platform]:
    """Give the reference lab's file, unchanged, in a folder of its own; what it deployed is removed at the end."""
    shutil.copy(REPOSITORY / "examples" / "reference" / "abbey.yaml", folder)
    platform = Platform(lab=lab, folder=folder, ssh_config=lab.access.config)
    yield platform
    platform.abbey("down", "--yes", "--volumes")
    for host in lab.hosts:
        host.run("rm", "-rf", platform.home(host))
