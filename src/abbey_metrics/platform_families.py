"""What runs on a host as families of figures."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from prometheus_client.core import Metric

from abbey_metrics.families import Families
from abbey_metrics.platform import Backup, Container, ContainerState, Database, Link, Platform, Role

# Seconds. What was read longer ago is no longer how it is: every part is read at least once a minute.
OLD = 150.0


def platform_families(make: Families, platform: Platform) -> Iterator[Metric]:
    """Yield every family of what runs on the host itself; other hosts tell of themselves."""

    def fresh(at: float | None) -> bool:
        return at is not None and platform.at - at < OLD

    if (processes := platform.processes) and fresh(processes.at):
        yield make.one("abbey_host_processes", "Programs that run.", processes.count)
    if (containers := platform.containers) and fresh(containers.at):
        yield from _containers(make, containers.list)
    if tailnet := platform.tailnet:
        about = "Whether this host's address in the private network is there."
        yield make.one("abbey_tailnet_up", about, _up(tailnet.state))
    if tunnel := platform.tunnel:
        yield make.one("abbey_tunnel_up", "Whether this host's connector reaches Cloudflare.", _up(tunnel.state))
    for database in platform.databases:
        if database.host == platform.host:
            yield from _database(make, database)
    if (backups := platform.backups) and fresh(backups.at):
        yield from _backups(make, backups.list, platform.at)


def platform_faults(platform: Platform) -> Iterator[str]:
    """Yield the names of the parts of which something could not be read."""
    read = {"processes": platform.processes, "containers": platform.containers, "backups": platform.backups}
    yield from (name for name, part in read.items() if part and part.error)
    links = [("tailnet", platform.tailnet), ("tunnel", platform.tunnel)]
    asked = [*links, *(("database", one) for one in platform.databases if one.host == platform.host)]
    # One that is down has an error too, which says why; it was read all the same.
    yield from (name for name, part in asked if part and part.error and part.state is Link.UNKNOWN)


def _containers(make: Families, containers: tuple[Container, ...]) -> Iterator[Metric]:
    def each(name: str, about: str, value: Callable[[Container], float | None]) -> Metric:
        values = (((one.name, one.app), value(one)) for one in containers)
        return make.gauges(f"abbey_container_{name}", about, ("container", "app"), values)

    said = (((one.name, one.app), {"service": one.service, "image": one.image}) for one in containers)
    yield make.infos("abbey_container", "What a container is.", ("container", "app"), said)
    yield each(
        "up",
        "Whether a container runs, and passes its health check where it has one.",
        lambda one: one.state is ContainerState.UP,
    )
    yield each(
        "cpu_ratio", "Processor time in use, of one core.", lambda one: None if one.cpu is None else one.cpu / 100
    )
    yield each("memory_bytes", "Memory in use, without what the kernel could take back.", lambda one: one.memory)
    yield each("memory_limit_bytes", "Memory that a container may use.", lambda one: one.memory_limit)
    yield each("restarts", "Restarts that were seen in the last 24 hours.", lambda one: one.restarts)
    yield each("image_age_seconds", "Age of a container's image.", lambda one: one.image_age)


def _database(make: Families, database: Database) -> Iterator[Metric]:
    yield make.one("abbey_database_up", "Whether the database server of this host answers.", _up(database.state))
    if database.state is not Link.UP:
        return  # what it was before is no longer known
    primary = None if database.role is None else database.role is Role.PRIMARY
    yield make.one("abbey_database_primary", "Whether it is the primary; the others are standbys.", primary)
    yield make.one("abbey_database_lag_seconds", "How far a standby is behind its primary.", database.lag)
    yield make.one("abbey_database_answer_seconds", "How long it took to answer.", database.answer)
    yield make.one("abbey_database_connections", "Connections in use.", database.connections)
    yield make.one("abbey_database_connections_limit", "Connections that there can be.", database.most)
    yield make.one("abbey_database_size_bytes", "Size of all databases.", database.size)
    about = "a standby has not applied yet, as its primary sees it."
    pending = (((standby.name,), standby.lag_bytes) for standby in database.standbys)
    yield make.gauges("abbey_database_standby_lag_bytes", f"Bytes that {about}", ("standby",), pending)
    late = (((standby.name,), standby.lag) for standby in database.standbys)
    yield make.gauges("abbey_database_standby_lag_seconds", f"Seconds of what {about}", ("standby",), late)


def _backups(make: Families, backups: tuple[Backup, ...], now: float) -> Iterator[Metric]:
    def each(name: str, about: str, value: Callable[[Backup], float | None]) -> Metric:
        values = (((one.name,), value(one)) for one in backups)
        return make.gauges(f"abbey_backup_{name}", about, ("backup",), values)

    yield each("ok", "Whether the last backup worked.", lambda one: one.ok)
    yield each("age_seconds", "Seconds since the last backup ended.", lambda one: max(0.0, now - one.at))
    yield each("size_bytes", "Size of the last backup.", lambda one: one.bytes)
    yield each(
        "proven_age_seconds",
        "Seconds since a restore last proved the backup.",
        lambda one: None if one.proven_at is None else max(0.0, now - one.proven_at),
    )


def _up(state: Link) -> float | None:
    return None if state is Link.UNKNOWN else state is Link.UP
