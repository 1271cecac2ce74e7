"""Desired hosts and observed hosts to a Plan: pure, sorted, so that planning twice gives the same plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby

from abbey.files import Effect, OnChange
from abbey.plan.action import (
    FRESH,
    Act,
    BuildImages,
    ComposeRemove,
    ComposeUp,
    Plan,
    PullImages,
    Reload,
    Run,
    ServiceChange,
    WriteFiles,
)
from abbey.plan.change import file_changes, forced, missing_images, removed_services, service_changes
from abbey.plan.effect import Due, due, owes
from abbey.plan.order import Lane, actions
from abbey.plan.state import Desired, HostState


def diff(desired: Sequence[Desired], states: Mapping[str, HostState]) -> Plan:
    """Given what each host must be and what was seen on it, return the actions that make it so.

    A host without a state counts as empty. Raise AbbeyError when services need each other in a circle.
    """
    wanted = sorted(desired, key=lambda host: host.host)
    return Plan(actions([_lane(host, states.get(host.host, HostState(host.host))) for host in wanted]))


def _lane(desired: Desired, state: HostState) -> Lane:
    """Return the acts of one host in their order.

    Services that are no longer wanted go before the new ones come up: a renamed service holds the port that its
    successor needs, and an apply that waited for the port would never converge.
    """
    files = file_changes(desired, state)
    effects = due(desired, state, files)
    services = service_changes(desired, state, effects)
    later = [*_stages(desired, state, services, effects), *_reloads(desired, state, services, effects)]
    acts: list[Act] = []
    if files:
        owed = {effect for act in later for effect in owes(act)}
        acts.append(WriteFiles(files, tuple(sorted(owed))))
    if built := missing_images(desired, state, services, builds=True):
        acts.append(BuildImages(built))
    if pulled := missing_images(desired, state, services, builds=False):
        acts.append(PullImages(pulled))
    if removed := removed_services(desired, state):
        acts.append(ComposeRemove(removed))
    return Lane(desired.host, (*acts, *later), {unit.service: unit for unit in desired.units})


def _stages(
    desired: Desired, state: HostState, services: Mapping[str, ServiceChange], effects: Due
) -> list[ComposeUp | Run]:
    """Return, for each stage in turn, one ComposeUp of its differing services and the runs of its steps."""
    acts: list[ComposeUp | Run] = []
    runs = _runs(desired, services, effects)
    units = sorted(desired.units, key=lambda unit: (unit.stage, unit.service))
    for _stage, group in groupby(units, key=lambda unit: unit.stage):
        names = [unit.service for unit in group]
        if changes := tuple(services[name] for name in names if name in services):
            acts.append(ComposeUp(changes, forced(changes, state, effects)))
        acts += [run for run in runs if run.step.service in names]
    return acts


def _runs(desired: Desired, services: Mapping[str, ServiceChange], effects: Due) -> list[Run]:
    """Return the steps that must run: their service is new or recreated, their file changed, or they were cut."""
    titles = {unit.service: unit.title for unit in desired.units}
    runs = []
    for step in desired.steps:
        change = services.get(step.service)
        cause = effects.get(OnChange(step.name, Effect.RUN), "")
        if change and change.change in ("create", "recreate"):
            cause = f"{titles[step.service]} is {'new' if change.change == 'create' else 'recreated'}"
        if cause:
            runs.append(Run(step, cause, fresh=bool(change and change.change in FRESH)))
    return runs


def _reloads(desired: Desired, state: HostState, services: Mapping[str, ServiceChange], effects: Due) -> list[Reload]:
    """Return the reloads of services that keep running; one that comes up anyway reads its files then."""
    up = {container.service for container in state.containers}
    return [
        Reload(unit.service, unit.title, unit.reload, cause)
        for unit in sorted(desired.units, key=lambda unit: (unit.stage, unit.service))
        if unit.service in up
        and unit.service not in services
        and (cause := effects.get(OnChange(unit.service, Effect.RELOAD)))
    ]
