"""Effects owed on one host: what its services need because files changed, or because an apply was cut short."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from abbey.files import Effect, OnChange
from abbey.plan.action import Act, ComposeUp, FileChange, Reload, Run
from abbey.plan.state import Desired, HostState

UNFINISHED = "an earlier apply did not finish it"

Due = Mapping[OnChange, str]  # effect → its cause, for people


def due(desired: Desired, state: HostState, changes: Iterable[FileChange]) -> Due:
    """Return every effect that is due on the host with its cause, sorted.

    A service that cannot reread its files is recreated instead. Effects of services and steps that are no longer
    wanted are dropped.
    """
    units = {unit.service: unit for unit in desired.units}
    steps = {step.name for step in desired.steps}
    found: dict[OnChange, str] = {}
    for change in changes:
        file = desired.tree.get(change.path)
        for effect in file.on_change if file else ():
            found.setdefault(effect, f"its {'secret ' if change.secret else ''}file {change.path} changed")
    for effect in state.pending:
        found.setdefault(effect, UNFINISHED)
    result: dict[OnChange, str] = {}
    for effect, cause in sorted(found.items()):
        if effect.effect is Effect.RUN:
            if effect.service in steps:
                result[effect] = cause
        elif unit := units.get(effect.service):
            kind = effect.effect if unit.reload else Effect.RECREATE
            result.setdefault(OnChange(unit.service, kind), cause)
    return result


def owes(act: Act) -> tuple[OnChange, ...]:
    """Return the effects that cannot be seen on the host until this act ends well, so that they are written down."""
    match act:
        case ComposeUp():
            return tuple(OnChange(service, Effect.RECREATE) for service in act.force)
        case Reload():
            return (OnChange(act.service, Effect.RELOAD),)
        case Run():
            return (OnChange(act.step.name, Effect.RUN),)
        case _:
            return ()


def settles(act: Act) -> tuple[OnChange, ...]:
    """Return the effects that are no longer due once this act has ended well."""
    if isinstance(act, ComposeUp):
        kinds = (Effect.RECREATE, Effect.RELOAD)
        return tuple(OnChange(change.service, kind) for change in act.services for kind in kinds)
    return owes(act)
