"""A small two-host lab for planning: a database on kscloud1, an app on both hosts, a gateway that reloads."""

from __future__ import annotations

from dataclasses import replace

from abbey.files import Effect, File, FileTree, OnChange, digest
from abbey.plan.state import ContainerState, Desired, FileState, HostState, Step, Unit
from abbey.secrets import Secret, SecretRef

PASSWORD = SecretRef("postgres/password")
CANARY = "canary-3f9b1c"


def reveal(ref: SecretRef) -> Secret | None:
    return Secret(CANARY)


def tree(caddyfile: str = "reverse_proxy app", *, db: bool = False) -> FileTree:
    files = [
        ("compose.yaml", File("services")),
        ("gateway/Caddyfile", File(caddyfile, on_change=(OnChange("gateway", Effect.RELOAD),))),
        ("secrets/app", File(("password=", PASSWORD), 0o444, (OnChange("app", Effect.RECREATE),))),
    ]
    if db:
        files.append(("postgres/roles.sql", File("create role app", on_change=(OnChange("roles", Effect.RUN),))))
    return FileTree(files)


def digests(files: FileTree) -> dict[str, str]:
    return {path: digest(body) for path, file in files.items() if (body := file.body(reveal)) is not None}


APP = Unit("app", "App", "app:1", "c-app", 2, needs=(("kscloud1", "postgres"),))
GATEWAY = Unit("gateway", "Gateway", "caddy:2", "c-gateway", 3, reload=("caddy", "reload"))
POSTGRES = Unit("postgres", "Postgres", "postgres:17", "c-postgres", 1)
METRICS = Unit("metrics", "Metrics", "abbey/metrics:1", "c-metrics", 1, builds=True)
ROLES = Step("roles", "roles and databases", "postgres", ("psql", "-f", "/roles.sql"))


def desired(host: str, *, caddyfile: str = "reverse_proxy app") -> Desired:
    files = tree(caddyfile, db=host == "kscloud1")
    units = (GATEWAY, APP, METRICS, *([POSTGRES] if host == "kscloud1" else []))
    steps = (ROLES,) if host == "kscloud1" else ()
    return Desired(host, "lab", files, digests(files), units, steps)


def settled(wanted: Desired) -> HostState:
    """Return the state of a host on which everything is as desired."""
    return HostState(
        host=wanted.host,
        engine="26.1.5",
        compose="2.40.3",
        files={path: FileState(wanted.digests[path], file.mode) for path, file in wanted.tree.items()},
        managed=dict(wanted.digests),
        containers=tuple(
            ContainerState(unit.service, "running", "healthy", unit.image, unit.config) for unit in wanted.units
        ),
        images=frozenset(
            {
                "docker.io/library/app:1",
                "docker.io/library/caddy:2",
                "docker.io/library/postgres:17",
                "docker.io/abbey/metrics:1",
            }
        ),
    )


def with_container(seen: HostState, service: str, **changes: str) -> HostState:
    """Return the state with one container changed."""
    containers = [replace(one, **changes) if one.service == service else one for one in seen.containers]
    return replace(seen, containers=tuple(containers))


def without_container(state: HostState, service: str) -> HostState:
    return replace(state, containers=tuple(one for one in state.containers if one.service != service))


def with_file(state: HostState, path: str, file: FileState | None) -> HostState:
    """Return the state with one file changed, or gone."""
    files = {name: seen for name, seen in state.files.items() if name != path}
    return replace(state, files=files | ({path: file} if file else {}))
