"""The lab, resolved: no default left open, no name left unlooked-up. Everything after this only reads it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from abbey.catalog.load import Catalog
from abbey.model.app import App
from abbey.model.database import Database
from abbey.model.host import Host
from abbey.model.identity import Identity
from abbey.model.portal import Portal
from abbey.model.tunnel import Tunnel


@dataclass(frozen=True, slots=True, eq=False)
class Lab:
    """Everything that is true about the lab. `apps` holds the parts of the platform too, sorted by name.

    A lab equals itself alone, so that what follows from it can be remembered.
    """

    name: str
    domain: str
    admin: str
    email: str
    timezone: str
    hosts: tuple[Host, ...]
    apps: tuple[App, ...]
    tunnel: Tunnel | None
    identity: Identity | None
    database: Database | None
    portal: Portal
    subnets: Mapping[str, str]  # of the container networks, by name
    catalog: Catalog

    def host(self, name: str) -> Host:
        """Return a host by its name. Raise KeyError when there is none."""
        return {host.name: host for host in self.hosts}[name]

    def app(self, name: str) -> App:
        """Return an app by its name. Raise KeyError when it has no place in this lab."""
        return {app.name: app for app in self.apps}[name]

    def apps_on(self, host: Host) -> tuple[App, ...]:
        """Return the apps that run on a host, sorted by name."""
        return tuple(app for app in self.apps if host.name in app.hosts)

    def others(self, host: Host) -> tuple[Host, ...]:
        """Return the other hosts, in the order of the file."""
        return tuple(other for other in self.hosts if other.name != host.name)
