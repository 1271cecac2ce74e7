"""The shared PostgreSQL: where it is, and whose roles and databases it holds."""

from __future__ import annotations

from dataclasses import dataclass

from abbey.model.app import App
from abbey.model.host import Host
from abbey.secrets import SecretRef

PORT = 5432
DOOR = "db"  # the one name that apps know
SERVER_PART = "postgres"
DOOR_PART = "door"
WATCHER = "abbey_metrics"  # the role that reads the server's figures and owns nothing


@dataclass(frozen=True, slots=True)
class Role:
    """A role and the database of the same name that it owns, for one app."""

    name: str
    password: SecretRef


@dataclass(frozen=True, slots=True)
class Database:
    """The primary host, and one role per app that shares it, sorted."""

    primary: Host
    roles: tuple[Role, ...]


def role_name(app: str) -> str:
    """Return the role of an app: SQL names without quotes have no dash."""
    return app.replace("-", "_")


def database_of(primary: Host, apps: tuple[App, ...]) -> Database:
    """Return the database with a role for every app that keeps its state there."""
    return Database(
        primary=primary,
        roles=tuple(
            sorted(
                (Role(role_name(app.name), app.secret("db_password")) for app in apps if app.database),
                key=lambda role: role.name,
            )
        ),
    )


def connections(database: Database, hosts: int) -> int:
    """Return `max_connections`: 25 for each app on each host and 20 for administration, at least 300.

    Authentik alone has run out of the default 100 with two hosts (goauthentik/authentik#9157). Whole hundreds,
    because a new value means a restart, and one more app should not.
    """
    wanted = 20 + 25 * hosts * len(database.roles)
    return max(300, -(-wanted // 100) * 100)
