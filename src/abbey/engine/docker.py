"""The docker command: argument lists to run and pure readers of its JSON. Nothing here runs anything."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

from abbey.plan.image import long_form
from abbey.plan.state import ContainerState

# The files that Abbey writes need nothing newer than the engine of Debian 12; Compose has had a settled --wait and
# JSON output since January 2024.
ENGINE_MINIMUM = (20, 10)
COMPOSE_MINIMUM = (2, 24)

NOBODY = "65534:65534"


def compose(directory: str, *words: str, project: str = "") -> list[str]:
    """Return `docker compose` on the compose.yaml of a folder, as if typed in that folder."""
    named = ["--project-name", project] if project else []
    return ["docker", "compose", "--file", f"{directory}/compose.yaml", *named, *words]


def up(directory: str, services: Sequence[str], *, project: str, wait: int, force: bool) -> list[str]:
    """Return the command that brings exactly these services up and waits until they are healthy."""
    forced = ["--force-recreate"] if force else []
    words = ["up", "--detach", "--wait", "--wait-timeout", str(wait), "--no-deps", "--no-build", "--quiet-pull"]
    return compose(directory, *words, *forced, *services, project=project)


def execute(directory: str, service: str, argv: Sequence[str], *, project: str, user: str = "") -> list[str]:
    """Return the command that runs `argv` inside the running container of a service, without a terminal."""
    by = ["--user", user] if user else []
    return compose(directory, "exec", "--no-TTY", *by, service, *argv, project=project)


def run_beside(image: str, network: str, argv: Sequence[str]) -> list[str]:
    """Return the command that runs `argv` in a container of its own that can do little, and is gone afterwards.

    It carries no label of the project, so that nobody takes it for a service; its image is on the host already.
    """
    program, *words = argv
    held = ["--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--user", NOBODY]
    held += ["--memory", "128m", "--no-healthcheck", "--pull", "never", "--network", network]
    return ["docker", "run", "--rm", "--interactive", *held, "--entrypoint", program, image, *words]


def containers_of(project: str, services: Iterable[str]) -> list[list[str]]:
    """Return one command per service that lists the ids of its containers, also of services no longer in the file."""
    mine = f"label=com.docker.compose.project={project}"
    return [
        ["docker", "ps", "--all", "--quiet", "--filter", mine, "--filter", f"label=com.docker.compose.service={name}"]
        for name in services
    ]


def read_lines(text: str) -> list[dict[str, Any]]:
    """Given what docker prints with a JSON format, one object per line, return the objects."""
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def read_containers(text: str) -> tuple[ContainerState, ...]:
    """Given the container lines of the observing script, return the containers, sorted by service; no one-off runs."""
    return tuple(
        sorted(
            (
                ContainerState(
                    service=line["service"],
                    state=line["state"],
                    health=read_health(line["status"]),
                    image=line["image"],
                    config=line["config"],
                    since=line["status"],
                    ports=line["ports"],
                )
                for line in read_lines(text)
                if line["oneoff"] != "True"
            ),
            key=lambda container: (container.service, container.state),
        )
    )


def read_health(status: str) -> str:
    """Given a status such as `Up 3 minutes (unhealthy)`, return healthy, unhealthy, starting or nothing."""
    found = re.search(r"\((healthy|unhealthy|health: starting)\)$", status)
    return found[1].removeprefix("health: ") if found else ""


def read_images(text: str) -> frozenset[str]:
    """Given the image lines of the observing script, return every reference by which an image can be named."""
    references = set()
    for line in read_lines(text):
        if line["repository"] == "<none>":
            continue
        if line["tag"] != "<none>":
            references.add(long_form(f"{line['repository']}:{line['tag']}"))
        if line["digest"] != "<none>":
            references.add(long_form(f"{line['repository']}@{line['digest']}"))
    return frozenset(references)


def last_check(container: str) -> list[str]:
    """Return the command that prints the last health checks of a container as JSON, for `read_last_check`."""
    return ["docker", "inspect", "--format", "{{json .State.Health}}", container]


def read_last_check(text: str) -> str:
    """Return what the last health check said, on one line, or nothing when there was none."""
    for line in read_lines(text):
        for check in (line.get("Log") or [])[-1:]:
            return " ".join(str(check["Output"]).split())
    return ""


def read_unhealthy(text: str) -> list[tuple[str, str]]:
    """Given `docker compose ps --format json`, return (service, container) of those not running or not healthy.

    Those that only wait or are still starting are left out where another has failed: they tell nothing.
    """
    failed, waiting = set(), set()
    for line in read_lines(text):
        one = line["Service"], line["Name"]
        if line["State"] == "created" or line.get("Health") == "starting":
            waiting.add(one)
        elif line["State"] != "running" or line.get("Health") == "unhealthy":
            failed.add(one)
    return sorted(failed or waiting)


def version(text: str) -> tuple[int, int]:
    """Given `26.1.5+dfsg1` or `v2.40.3`, return major and minor; (0, 0) when it is neither."""
    found = re.match(r"v?(\d+)\.(\d+)", text.strip())
    return (int(found[1]), int(found[2])) if found else (0, 0)
