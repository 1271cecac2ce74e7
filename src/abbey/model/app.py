"""An app in this lab: its place, its contract, its address, its login."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from abbey.catalog.schema import App as Entry
from abbey.catalog.step import Step
from abbey.secrets import Kind, SecretRef
from abbey.spec.schema import Contract


@dataclass(frozen=True, slots=True)
class OidcClient:
    """The app as a client of the identity provider. One value renders both sides, so they cannot disagree."""

    client_id: str
    redirects: tuple[str, ...]  # full addresses
    scopes: tuple[str, ...]
    verified_email: bool

    @property
    def secret(self) -> SecretRef:
        """Return the client secret; the provider and the app read the same one."""
        return SecretRef(f"{self.client_id}/oidc")


@dataclass(frozen=True, slots=True)
class App:
    """A placed app. `hostname` and `url` are empty for parts that visitors never reach."""

    name: str
    entry: Entry
    contract: Contract
    hosts: tuple[str, ...]  # that run it, in the order of the file
    hostname: str
    url: str
    login: Literal["oidc", "forward-auth", "own", "none"]
    client: OidcClient | None
    groups: tuple[str, ...]
    database: bool  # keeps its state in the shared database
    roles: tuple[tuple[str, str], ...] = ()  # (role in the app, group that has it or "")
    env: tuple[tuple[str, str], ...] = ()
    tag: str | None = None
    memory: str | None = None

    @property
    def owner(self) -> str | None:
        """Return the one host that runs it, under the contract `owner`."""
        return self.hosts[0] if self.contract is Contract.OWNER else None

    @property
    def main(self) -> str:
        """Return the key of the service that visitors reach, or else of the first."""
        return self.entry.route.service if self.entry.route else next(iter(self.entry.services))

    @property
    def conditions(self) -> frozenset[str]:
        """Return what is true of it by itself, in the words of data files; condition.py knows what the lab adds."""
        found = {"database" if self.database else "own-database"}
        if self.client:
            found.add("oidc")
        if self.login == "forward-auth":
            found.add("gate")
        return frozenset(found)

    def steps(self, true: frozenset[str]) -> tuple[Step, ...]:
        """Given what is true of it in this lab, return what is done inside it after it has started."""
        return tuple(step for step in self.entry.steps if true.issuperset(step.when))

    def secret(self, name: str) -> SecretRef:
        """Return a secret of the app by its short name. `db_password` and `oidc` are made for it when it has them."""
        if name == "oidc" and self.client:
            return self.client.secret
        kind = Kind.PASSWORD if name == "db_password" else self.entry.secrets[name]
        if kind in (Kind.TLS_KEY, Kind.TLS_CERT):
            return SecretRef(f"{self.name}/tls", kind)  # a pair, made together
        return SecretRef(f"{self.name}/{name}", kind)

    def service_name(self, key: str) -> str:
        """Return the Compose name of one of its services: the app's own, or APP-NAME."""
        return key if key == self.name else f"{self.name}-{key}"
