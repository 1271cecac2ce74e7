"""What a data file asks of its own parts though they would not be there, or not in the way in which they are asked."""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterable
from itertools import combinations

from abbey.catalog.container import Condition, Service, Written
from abbey.catalog.schema import App
from abbey.spec.yaml import Path

Seen = Iterable[tuple[Path, str, str]]
_NEVER_BOTH: tuple[set[Condition], ...] = ({"database", "own-database"}, {"oidc", "gate"})


def absences(app: App) -> Seen:
    """Given a data file in which every service that is named exists, return (path, what is wrong, what would be right):
    services that may be missing where they are needed, and files that cannot all be written.
    """
    yield from _routed(app)
    yield from _stepped(app)
    for key, service in app.services.items():
        yield from _written(service, ("services", key, "files"))


def _routed(app: App) -> Seen:
    """Yield services that visitors are sent to and that do not run in every lab."""
    if app.route is None:
        return
    ends: list[tuple[Path, str]] = [(("route", "service"), app.route.service)]
    ends += [(("route", "also", path, "service"), other.service) for path, other in app.route.also.items()]
    for at, key in ends:
        if key in app.services and app.services[key].when:
            yield at, f"visitors are sent to {key}, which `when` keeps from running in some labs", "remove its `when`"
    for path in app.route.also:
        if path.endswith("/") or set(path) & set("*?#%"):
            hint = "write it without a slash at the end; what lies below it goes there too"
            yield ("route", "also", path), f"{path} is no path that the gateway can tell from others", hint


def _stepped(app: App) -> Seen:
    for index, step in enumerate(app.steps):
        service = app.services.get(step.service)
        if service is None:
            continue
        if missing := [word for word in service.when if word not in step.when]:
            what = f"{step.service} runs only where {' and '.join(missing)} is true, and this step would wait for it"
            yield ("steps", index, "service"), what, f"give the step `when: [{', '.join((*step.when, *missing))}]`"
        if step.calls and (service.host_network or not service.own_network):
            what = f"calls are made in the app's own network, and {step.service} is not in it"
            yield ("steps", index, "service"), what, "do it with `run` inside the container"


def _written(service: Service, at: Path) -> Seen:
    for index, file in enumerate(service.files):
        if posixpath.normpath(file.path) != file.path or file.path == "/":
            hint = "write it without `..`, `//` and a slash at the end"
            yield (*at, index, "path"), f"{file.path} is no place of a file", hint
    for (_, first), (index, second) in combinations(enumerate(service.files), 2):
        if not _never_both(first, second) and _in_the_way(first.path, second.path):
            what = f"{second.path} and {first.path} cannot both be there"
            yield (*at, index, "path"), what, "one file has one content, and is no folder"


def _never_both(first: Written, second: Written) -> bool:
    wanted: Collection[Condition] = {*first.when, *second.when}
    return any(pair.issubset(wanted) for pair in _NEVER_BOTH)


def _in_the_way(first: str, second: str) -> bool:
    return first == second or first.startswith(f"{second}/") or second.startswith(f"{first}/")
