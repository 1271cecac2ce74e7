"""What differs on one host: files and services, each difference with its cause."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from abbey.files import Effect, OnChange
from abbey.plan.action import FileChange, ServiceChange
from abbey.plan.effect import Due
from abbey.plan.image import long_form
from abbey.plan.state import ContainerState, Desired, FileState, HostState, Unit

STUCK = frozenset({"paused", "dead", "removing"})  # states that a plain start does not end


def file_changes(desired: Desired, state: HostState) -> tuple[FileChange, ...]:
    """Return the files to write and to remove, sorted by path.

    A file is in order when its bytes and mode are as desired and the manifest says that an apply put it there.
    The last condition finds files whose effects may have been lost by an apply that was cut short.
    """
    changes = [_file_change(path, desired, state) for path in desired.tree]
    dropped = [path for path in state.managed if path not in desired.tree and path in state.files]
    changes += [FileChange(path, "remove", "no longer wanted") for path in dropped]
    return tuple(sorted((change for change in changes if change), key=lambda change: change.path))


def _file_change(path: str, desired: Desired, state: HostState) -> FileChange | None:
    file, wanted = desired.tree[path], desired.digests.get(path)
    seen, recorded = state.files.get(path), state.managed.get(path)
    if seen is None:
        cause = "not there yet" if recorded is None else "removed on the host by hand"
        return FileChange(path, "create", cause, file.secret)
    if seen.digest != wanted or recorded != wanted:
        return FileChange(path, "update", _update_cause(wanted, seen, recorded, secret=file.secret), file.secret)
    if seen.mode != file.mode:
        return FileChange(path, "mode", f"mode is {seen.mode:04o}, not {file.mode:04o}", file.secret)
    return None


def _update_cause(wanted: str | None, seen: FileState, recorded: str | None, *, secret: bool) -> str:
    if wanted is None:
        return "its secret is not made yet"
    if seen.digest == wanted:
        return "there already, but no apply has recorded it"
    if recorded is None:
        return "there already, but not written by Abbey"
    if recorded != seen.digest:
        return "changed on the host by hand"
    return "a secret or the lab file has changed" if secret else "the lab file asks for other content"


def service_changes(desired: Desired, state: HostState, effects: Due) -> dict[str, ServiceChange]:
    """Return what each differing service needs, by service, in order of stage and name."""
    seen: dict[str, ContainerState] = {}
    for container in sorted(state.containers, key=lambda found: (found.service, found.state != "running")):
        seen.setdefault(container.service, container)
    found: dict[str, ServiceChange] = {}
    for unit in sorted(desired.units, key=lambda wanted: (wanted.stage, wanted.service)):
        forced = effects.get(OnChange(unit.service, Effect.RECREATE), "")
        if change := _service_change(unit, seen.get(unit.service), forced):
            found[unit.service] = change
    return found


def _service_change(unit: Unit, seen: ContainerState | None, forced: str) -> ServiceChange | None:
    """Return what one service needs.

    One that is still starting is waited for, because others may rely on it. One that is unhealthy needs a person:
    another apply would not heal it, and must not hold up what else has changed.
    """
    if seen is None:
        return ServiceChange(unit.service, unit.title, "create", "not there yet")
    if cause := _recreate_cause(unit, seen) or forced:
        return ServiceChange(unit.service, unit.title, "recreate", cause)
    if seen.state in STUCK:
        return ServiceChange(unit.service, unit.title, "recreate", f"it is {seen.state}")
    if seen.state == "created":
        return ServiceChange(unit.service, unit.title, "start", "it was never started")
    if seen.state == "exited":
        return ServiceChange(unit.service, unit.title, "start", "it has stopped")
    if seen.health == "starting":
        return ServiceChange(unit.service, unit.title, "start", "it is not healthy yet")
    return None


def _recreate_cause(unit: Unit, seen: ContainerState) -> str:
    if long_form(seen.image) != long_form(unit.image):
        if seen.image.startswith("sha256:"):
            return f"its image {unit.image} is another one now"
        return f"its image changes from {seen.image} to {unit.image}"
    if seen.config != unit.config:
        return "its configuration changed" if seen.config else "not made by Abbey"
    return ""


def forced(changes: Iterable[ServiceChange], state: HostState, effects: Due) -> tuple[str, ...]:
    """Return the services, sorted, that Compose itself would see no reason to recreate."""
    stuck = {container.service for container in state.containers if container.state in STUCK}
    return tuple(
        sorted(
            change.service
            for change in changes
            if change.change == "recreate"
            and (change.service in stuck or OnChange(change.service, Effect.RECREATE) in effects)
        )
    )


def removed_services(desired: Desired, state: HostState) -> tuple[ServiceChange, ...]:
    """Return the services that have a container on the host but no place in the lab any more, sorted."""
    names = {container.service for container in state.containers} - {unit.service for unit in desired.units}
    return tuple(ServiceChange(name, name, "remove", "no longer wanted") for name in sorted(names))


def missing_images(
    desired: Desired, state: HostState, changes: dict[str, ServiceChange], *, builds: bool
) -> tuple[ServiceChange, ...]:
    """Return the images of changing services that must first be built (`builds`) or pulled, each once, in order."""
    units = {unit.service: unit for unit in desired.units}
    wanted = [units[name] for name in changes if units[name].builds == builds]
    missing = {unit.image: unit.service for unit in reversed(wanted) if long_form(unit.image) not in state.images}
    change: Literal["build", "pull"] = "build" if builds else "pull"
    return tuple(
        ServiceChange(missing[image], image, change, "not on the host")
        for image in dict.fromkeys(unit.image for unit in wanted)
        if image in missing
    )
