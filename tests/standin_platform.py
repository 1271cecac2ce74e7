"""What may run on a host that tests own."""

from __future__ import annotations

from abbey_metrics.platform import (
    Backup,
    Backups,
    Container,
    Containers,
    ContainerState,
    Database,
    Link,
    Platform,
    Processes,
    Role,
    Standby,
    Tailnet,
    Tunnel,
)

NOW = 1_700_000_000.0


def container(name: str, state: ContainerState = ContainerState.UP, *, app: str = "") -> Container:
    return Container(
        id="0123456789ab",
        name=name,
        app=app,
        service=app,
        image=f"example.org/{name}:1",
        state=state,
        since="3 hours",
        cpu=150.0,
        memory=4096,
        memory_limit=None,
        restarts=2,
        image_age=86400.0,
    )


def database(host: str, state: Link = Link.UP, error: str = "") -> Database:
    standby = Standby("kscloud1", "streaming", 16, 0.5)
    return Database(host, NOW, state, Role.PRIMARY, None, (standby,), 0.002, 7, 100, 5000, error)


def standin_platform() -> Platform:
    """Return a host with one part of each kind."""
    return Platform(
        host="monk",
        at=NOW,
        processes=Processes(NOW, 42, ()),
        containers=Containers(
            NOW, "", (container("forgejo-1", app="forgejo"), container("stray", ContainerState.UNHEALTHY))
        ),
        tailnet=Tailnet(NOW, "100.64.0.1", "tailscale0", Link.UP, ""),
        tunnel=Tunnel(NOW, Link.DOWN, None, "it does not run"),
        databases=(database("kscloud1"), database("monk")),
        backups=Backups(
            NOW,
            "",
            (
                Backup("photos", "photos", NOW - 3600, True, 1000, NOW - 7200, ""),
                Backup("mail", "mail", NOW - 60, False, None, None, "disk full"),
            ),
        ),
    )
