"""Which action waits for which, within a host and across hosts, and the numbers that follow from it."""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import assert_never

from abbey.errors import AbbeyError
from abbey.plan.action import (
    Act,
    Action,
    BuildImages,
    ComposeRemove,
    ComposeUp,
    PullImages,
    Reload,
    Run,
    WriteFiles,
)
from abbey.plan.state import Unit

Key = tuple[str, int]  # host and position in its lane
APPS = (3, 6)  # the stages of apps, on which nothing else stands


@dataclass(frozen=True, slots=True)
class Lane:
    """The acts of one host in the order in which it will do them, and its units by service."""

    host: str
    acts: tuple[Act, ...]
    units: Mapping[str, Unit]


def actions(lanes: Sequence[Lane]) -> tuple[Action, ...]:
    """Return all acts as numbered actions; numbers respect every dependency and the order within each lane.

    Raise AbbeyError when services of two hosts need each other in a circle.
    """
    after = {
        (lane.host, place): _within(lane, place) | _across(lane, place, lanes)
        for lane in lanes
        for place in range(len(lane.acts))
    }
    acts = {(lane.host, place): act for lane in lanes for place, act in enumerate(lane.acts)}
    numbers = _numbers(after)
    return tuple(
        Action(numbers[key], key[0], acts[key], tuple(sorted(numbers[other] for other in after[key])))
        for key in sorted(numbers, key=numbers.__getitem__)
    )


def _within(lane: Lane, place: int) -> set[Key]:
    """Return what the act waits for on its own host: a failure there must stop it, any other must not.

    An app that fails stops its own steps and nothing else: the way in opens for all the others.
    """
    act, before = lane.acts[place], range(place)
    level = _level(lane, act)
    if isinstance(act, Reload):
        chosen = {at for at in before if isinstance(lane.acts[at], WriteFiles)}
        reached = {at: _level(lane, lane.acts[at]) for at in before}
        chosen |= {at for at, found in reached.items() if 0 <= found <= level and found not in APPS}
    else:
        known = [_level(lane, lane.acts[at]) for at in before if not isinstance(lane.acts[at], Reload)]
        levels = [found for found in known if found not in APPS]
        nearest = max((found for found in levels if found < level), default=None)
        chosen = {at for at in before if _level(lane, lane.acts[at]) == nearest}
    if isinstance(act, Run):
        chosen |= {at for at in before if _feeds(lane.acts[at], act.step.service)}
    return {(lane.host, at) for at in chosen}


def _level(lane: Lane, act: Act) -> int:
    """Return the stage of an act; what prepares the host lies below every stage."""
    match act:
        case WriteFiles():
            return -4
        case BuildImages() | PullImages():
            return -3
        case ComposeRemove():
            return -2
        case ComposeUp():
            return lane.units[act.services[0].service].stage
        case Run():
            return lane.units[act.step.service].stage
        case Reload():
            return lane.units[act.service].stage
        case _:
            assert_never(act)


def _across(lane: Lane, place: int, lanes: Sequence[Lane]) -> set[Key]:
    """Return what the act waits for because one of its services needs a service, here or on another host."""
    match lane.acts[place]:
        case ComposeUp(services=services):
            names = [change.service for change in services]
        case Run(step=step):
            names = [step.service]
        case _:
            return set()
    needs = {need for name in names for need in lane.units[name].needs}
    return {
        (other.host, at)
        for other in lanes
        for at, act in enumerate(other.acts)
        if any(host == other.host and _feeds(act, service) for host, service in needs)
    } - {(lane.host, place)}


def _feeds(act: Act, service: str) -> bool:
    match act:
        case ComposeUp(services=services):
            return any(change.service == service for change in services)
        case Run(step=step):
            return step.service == service
        case _:
            return False


def _numbers(after: Mapping[Key, set[Key]]) -> dict[Key, int]:
    waits = {key: set(others) | ({(key[0], key[1] - 1)} if key[1] else set()) for key, others in after.items()}
    ready = [key for key, others in waits.items() if not others]
    heapq.heapify(ready)
    numbers: dict[Key, int] = {}
    while ready:
        key = heapq.heappop(ready)
        numbers[key] = len(numbers) + 1
        for other, others in waits.items():
            if key in others:
                others.remove(key)
                if not others:
                    heapq.heappush(ready, other)
    if len(numbers) < len(after):
        hosts = ", ".join(sorted({host for host, _place in after.keys() - numbers.keys()}))
        raise AbbeyError(
            f"services on {hosts} wait for each other in a circle",
            hint="one of them must come up without the other: look at what they need and at their stages",
        )
    return numbers
