"""What a plan moves between hosts: its containers move, its data does not. And when two plans are the same."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

from abbey.plan.action import Act, ComposeRemove, ComposeUp, Plan


@dataclass(frozen=True, slots=True)
class Move:
    """A service that goes on some hosts and begins on another, without the data that it kept."""

    service: str
    title: str
    origins: tuple[str, ...]
    target: str

    def __str__(self) -> str:
        origins = " and ".join(self.origins)
        return (
            f"{self.title} moves from {origins} to {self.target}: "
            f"its data stays behind on {origins} and it starts empty"
        )


def moves(plan: Plan, keepers: Collection[str]) -> tuple[Move, ...]:
    """Return which services move, sorted. `keepers` names those that keep data on one host only.

    A service that the plan removes on one host and creates on another moves. Others leave nothing behind that the
    lab needs: their data is elsewhere, or each host has its own.
    """
    gone: dict[str, list[str]] = {}
    for action in plan.actions:
        if isinstance(action.act, ComposeRemove):
            for change in action.act.services:
                gone.setdefault(change.service, []).append(action.host)
    found = [
        Move(change.service, change.title, tuple(sorted(gone[change.service])), action.host)
        for action in plan.actions
        if isinstance(action.act, ComposeUp)
        for change in action.act.services
        if change.change == "create" and change.service in gone and change.service in keepers
    ]
    return tuple(sorted(found, key=lambda move: (move.service, move.target)))


def same(one: Plan, other: Plan) -> bool:
    """Return whether both plans change the same on the same hosts, for the same causes.

    Services that only start do not count: they may come up, or become healthy, by themselves.
    """
    return list(_changes(one)) == list(_changes(other))


def _changes(plan: Plan) -> Iterator[tuple[str, Act]]:
    for action in plan.actions:
        act: Act = action.act
        if isinstance(act, ComposeUp):
            act = replace(act, services=tuple(change for change in act.services if change.change != "start"))
            if not act.services:
                continue
        yield action.host, act
