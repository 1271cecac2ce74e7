"""The containers of this host, put together from what Docker, the kernel and portal.json say of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from abbey_metrics.cgroups import Usage
from abbey_metrics.docker import Listed
from abbey_metrics.platform import Container, ContainerState
from abbey_metrics.restarts import Restarts

MOST = 500
LONGEST = 200
PROJECT, SERVICE, ONE_OFF = (f"com.docker.compose.{word}" for word in ("project", "service", "oneoff"))
# Docker is from 2013. What says that it is older was built to be the same each time and says nothing of its age.
FIRST_IMAGE = 1_356_998_400

STATES = {
    "running": ContainerState.UP,
    "restarting": ContainerState.RESTARTING,
    "paused": ContainerState.PAUSED,
}
# Of a container that runs, Docker tells its health only in words behind those of its age.
HEALTH = {
    "(unhealthy)": ContainerState.UNHEALTHY,
    "(health: starting)": ContainerState.STARTING,
    "(Paused)": ContainerState.PAUSED,
}
_SPAN = re.compile(r"(?:Up|Exited \(-?\d+\)|Restarting \(-?\d+\)) (.+?)(?: ago)?(?: \([^()]*\))?")


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known besides Docker's list: use by container, the making of images, owners of services, restarts."""

    usage: Mapping[str, Usage]
    made: Mapping[str, int]
    owners: Mapping[str, str]
    restarts: Restarts
    now: float


def state_of(listed: Listed) -> ContainerState:
    """Given a container of Docker's list, return how it does."""
    state = STATES.get(listed.state, ContainerState.DOWN)
    if state is not ContainerState.UP:
        return state
    return next((found for words, found in HEALTH.items() if listed.status.endswith(words)), state)


def span_of(status: str) -> str:
    """Given Docker's words ("Up 3 minutes (healthy)", "Exited (0) 2 days ago"), return the span in them, or ""."""
    match = _SPAN.fullmatch(status)
    return match[1][:40] if match else ""


def running(listed: Listed) -> bool:
    """Return whether the container has processes, and so uses something."""
    return listed.state in ("running", "paused")


def containers(all_: tuple[Listed, ...], project: str, facts: Facts) -> tuple[Container, ...]:
    """Given Docker's list and the lab's Compose project, return at most 500 containers, those of the lab first.

    A container has a service and an app only as part of the lab. One that runs a single command and ends has none: it
    says nothing of how an app does.
    """
    found = [_container(listed, project, facts) for listed in all_]
    return tuple(sorted(found, key=lambda one: (not one.service, one.name, one.id))[:MOST])


def _container(listed: Listed, project: str, facts: Facts) -> Container:
    labels = listed.labels or {}
    of_lab = labels.get(PROJECT) == project and labels.get(ONE_OFF, "False") != "True"
    service = labels.get(SERVICE, "")[:LONGEST] if of_lab and project else ""
    usage = facts.usage.get(listed.id, Usage())
    made = facts.made.get(listed.image_id) or facts.made.get(listed.image) or 0
    return Container(
        id=listed.id[:12],
        name=_name(listed)[:LONGEST],
        app=facts.owners.get(service, ""),
        service=service,
        image=listed.image[:LONGEST],
        state=state_of(listed),
        since=span_of(listed.status),
        cpu=usage.cpu,
        memory=usage.memory,
        memory_limit=usage.memory_limit,
        restarts=facts.restarts.count(listed.id, facts.now),
        image_age=round(max(0.0, facts.now - made)) if made >= FIRST_IMAGE else None,
    )


def _name(listed: Listed) -> str:
    # A link from another container is a further name, "/other/alias".
    names = [name.removeprefix("/") for name in listed.names or ()]
    return next((name for name in names if "/" not in name), listed.id[:12])
