"""Lab to one file tree per host, and the services and steps that a plan is made of; pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace

from abbey.files import Effect, File, FileTree, OnChange, digest
from abbey.model.host import Host
from abbey.model.lab import Lab
from abbey.model.service import Service, services
from abbey.plan.state import Desired, Step, Unit
from abbey.render import (
    apps,
    compose,
    dashboards,
    database,
    gateway,
    identity,
    images,
    inside,
    monitoring,
    portal,
    receipts,
    steps,
    tunnel,
)
from abbey.secrets import Secret, SecretRef

# One entry per kind of output; Compose comes last because it labels services with the digests of these.
RENDERERS: tuple[Callable[[Lab, Host], FileTree], ...] = (
    gateway.render,
    inside.render,
    portal.render,
    receipts.render,
    tunnel.render,
    database.render,
    identity.render,
    images.render,
    apps.render,
    monitoring.render,
    dashboards.render,
    steps.render,
)

ROLES = Step(
    name=database.ROLES_STEP,
    title="roles and databases",
    service="postgres",
    argv=("psql", "--quiet", "--username", "postgres", "--file", "/etc/abbey/roles.sql"),
)

# Authentik learns of its own blueprints some time after its worker is healthy; until then this one is refused.
_APPLY = "i=0; until ak apply_blueprint abbey/lab.yaml; do i=$((i+1)); [ $i -lt 20 ] || exit 1; sleep 6; done"
BLUEPRINT = Step(
    name=identity.BLUEPRINT_STEP,
    title="people, groups and logins",
    service="authentik-worker",
    argv=("sh", "-c", _APPLY),
)


def render(lab: Lab) -> dict[str, FileTree]:
    """Return the files of every host, by its name. The same lab gives the same bytes."""
    return {host.name: render_host(lab, host) for host in lab.hosts}


def render_host(lab: Lab, host: Host) -> FileTree:
    """Return the files of one host, each knowing which services a change of it concerns."""
    others = FileTree().merged(*(renderer(lab, host) for renderer in RENDERERS))
    tree = others.merged(compose.render(lab, host, others))
    here = services(lab, host)
    return FileTree((path, _with_effects(path, file, here)) for path, file in tree.items())


def _with_effects(path: str, file: File, here: tuple[Service, ...]) -> File:
    if file.on_change:
        return file
    effects = tuple(
        OnChange(service.name, Effect.RELOAD if service.entry.reload else Effect.RECREATE)
        for service in here
        if service.sees(path)
    )
    return replace(file, on_change=effects)


def desired(lab: Lab, hosts: Iterable[Host], reveal: Callable[[SecretRef], Secret | None]) -> tuple[Desired, ...]:
    """Return what must be true on these hosts. `reveal` gives a secret, or None while it does not exist."""
    return tuple(_desired(lab, host, reveal) for host in hosts)


def _desired(lab: Lab, host: Host, reveal: Callable[[SecretRef], Secret | None]) -> Desired:
    tree = render_host(lab, host)
    labels = compose.labels(lab, host, tree)
    bodies = ((path, file.body(reveal)) for path, file in tree.items())
    return Desired(
        host=host.name,
        project=lab.name,
        tree=tree,
        digests={path: digest(body) for path, body in bodies if body is not None},
        units=tuple(_unit(service, labels) for service in services(lab, host)),
        steps=tuple(_steps(lab, host)),
    )


def _steps(lab: Lab, host: Host) -> Iterator[Step]:
    """Yield the database's host's steps: roles, and the blueprint, which no two workers may apply. Then the apps'."""
    if lab.database and host.name == lab.database.primary.name:
        yield ROLES
        if lab.identity:
            yield BLUEPRINT
    yield from steps.of_apps(lab, host)


def _unit(service: Service, labels: Mapping[str, str]) -> Unit:
    return Unit(
        service=service.name,
        title=service.title,
        image=service.image,
        config=labels[service.name],
        stage=service.entry.stage,
        builds=service.entry.image.build is not None,
        reload=service.entry.reload,
        patience=_seconds(service.health.start) if service.health else 0,
        needs=service.needs,
    )


def _seconds(duration: str) -> int:
    """Given a duration of a data file such as 90s or 15m, return whole seconds."""
    units = {"ms": 0.001, "s": 1, "m": 60, "h": 3600}
    unit = duration.lstrip("0123456789")
    return int(int(duration.removesuffix(unit)) * units[unit])
