"""What may stand in an app's data file. One file is everything Abbey knows about an app."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from abbey.catalog.container import (
    AbsolutePath,
    Duration,
    Fact,
    Port,
    SecretName,
    Service,
    Title,
    Url,
    UrlPath,
    Words,
)
from abbey.catalog.step import Step
from abbey.secrets import Kind
from abbey.spec.schema import Contract
from abbey.spec.value import Flag, Line, Memory, Name


class Oidc(Fact):
    """The app is a client of the lab's identity provider."""

    redirects: Annotated[tuple[UrlPath, ...], Field(min_length=1)]
    """Paths at the app's address that receive the authorization code."""
    scopes: Words = ("openid", "profile", "email")
    verified_email: Flag = False
    """The app refuses people whose address is not marked as verified, so the lab marks it."""


class Sso(Fact):
    """How people log in."""

    mode: Literal["oidc", "forward-auth", "own", "none"]
    """`own`: the app keeps its own accounts. `none`: nothing to log in to."""
    why: Line | None = None
    """Why not a better mode."""
    oidc: Oidc | None = None
    roles: dict[Name, Line] = {}
    """Roles that the app gives to members of a group: name → what it may do. `{{role.NAME}}` is the group. `admin` is
    the group homelab-admin unless the lab's file says otherwise; any other is nobody until the file names a group."""
    own_login: Flag = False
    """Behind the gate of `forward-auth` the app asks for an account of its own, so it is not open without the gate."""
    licence: Line | None = None
    """What costs money: a better login that this app has only in a paid edition."""
    bypass: Words = ()
    """Paths (regular expressions that begin with ^/) that programs use without a browser; forward-auth skips them."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.mode == "oidc" and self.oidc is None:
            raise ValueError("`mode: oidc` needs the app's side of it, e.g. `oidc: {redirects: [/callback]}`")
        if self.bypass and self.mode != "forward-auth":
            raise ValueError("`bypass` belongs to `mode: forward-auth`; nothing else stands before the app")
        return self


class Database(Fact):
    """The app can keep its state in the shared PostgreSQL."""

    contracts: Annotated[tuple[Contract, ...], Field(min_length=1)]
    """State contracts under which it does; under the others it keeps its own database."""
    required: Flag = False
    """The app has no database of its own to fall back on."""


class Beside(Fact):
    """Another service of the app behind the same host name."""

    service: Name
    port: Port


class Route(Fact):
    """How the gateway reaches the app."""

    service: Name
    port: Port
    health: AbsolutePath | None = None
    """Path that answers 200 when the app works, without a login; the gateway asks it every few seconds."""
    patience: Duration = "30s"
    """How long the app may take to begin an answer."""
    streams: Flag = False
    """Answers may go on for long (server-sent events, websockets): no limit on the beginning of an answer."""
    body: Memory | None = None
    """Largest request body; Cloudflare's free plan cuts at 100m."""
    also: dict[UrlPath, Beside] = {}
    """Paths that another service of the app answers; what lies below them goes there too."""


class Metrics(Fact):
    """Where the app shows figures in Prometheus' format."""

    service: Name
    port: Port
    path: UrlPath = "/metrics"
    token: SecretName | None = None
    """Secret that the app wants to see as a bearer token."""


class VolumeBackup(Fact):
    """How the data of a volume is copied so that the copy can be used."""

    how: Literal["files", "sqlite", "stop", "dump"]
    """`files`: as it lies, while the app runs. `sqlite`: the databases by SQLite's own online backup, the rest as it
    lies. `stop`: the app is stopped for it. `dump`: a command in the container writes it to standard output."""
    why: Line
    """Why that is enough."""
    databases: tuple[str, ...] = ()
    """SQLite files in the volume, relative; * stands for any name."""
    command: Words = ()
    """For `dump`."""
    leave: tuple[str, ...] = ()
    """Folders in the volume that can be made again, relative."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if (self.how == "sqlite") != bool(self.databases):
            raise ValueError("`databases` belongs to `how: sqlite`, and names them")
        if (self.how == "dump") != bool(self.command):
            raise ValueError("`command` belongs to `how: dump`, and says how")
        return self


class Backup(Fact):
    """What a backup of the app is. Its shared database is dumped with the others and is not named here."""

    volumes: dict[Name, VolumeBackup] = {}
    """Every volume that holds data, by its name."""
    before: Words = ()
    """Command in the main container before copying, e.g. to empty a queue."""
    restore: Line | None = None
    """What must be kept in mind when it is put back."""


class Uses(Fact):
    """What the app needs in ordinary use, all its containers together, to see whether it fits on a host."""

    memory: Memory
    known: Literal["measured", "documented", "guess"]
    """How this figure is known."""


class Tile(Fact):
    """How the app appears on the portal."""

    group: Line = "Apps"
    icon: Annotated[str, StringConstraints(max_length=2)] = ""
    """One or two letters; the first of the title when empty."""
    colour: Literal["cyan", "magenta", "yellow", "green", "orange", "red", "violet", "blue"] = "cyan"
    path: UrlPath = "/"


class App(Fact):
    """Everything Abbey knows about one app."""

    title: Title
    summary: Line
    home: Url
    """The project's own address."""
    kind: Literal["app", "part"] = "app"
    """A `part` belongs to the platform and is placed by Abbey; an `app` is chosen in the lab's file."""
    contracts: Annotated[dict[Contract, Line], Field(min_length=1)]
    """State contracts it can honour, best first, each with the reason."""
    refuses: dict[Contract, Line] = {}
    """State contracts it cannot honour, each with the reason."""
    secrets: dict[SecretName, Kind] = {}
    """Secrets it needs, and how they are made."""
    services: Annotated[dict[Name, Service], Field(min_length=1)]
    """Its containers. One that is named like the app keeps that name; the others become APP-NAME."""
    route: Route | None = None
    sso: Sso = Sso(mode="none")
    database: Database | None = None
    steps: tuple[Step, ...] = ()
    """What is done inside it after it has started."""
    metrics: tuple[Metrics, ...] = ()
    """Where it shows figures."""
    backup: Backup = Backup()
    uses: Uses | None = None
    first_visitor: Line | None = None
    """What the first person who opens the app becomes, where that is more than a visitor."""
    first_account: Line | None = None
    """Command inside the app's main container that makes its first account, where nobody has one after the start."""
    tile: Tile | None = None
    """How an app appears on the portal; parts do not."""
    sources: Words = ()
    """Where the facts in this file come from."""
    doubts: Words = ()
    """What is not known for certain, and what may follow from it."""
