"""What may stand in an app's data file. One file is everything Abbey knows about an app."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from abbey.secrets import Kind
from abbey.spec.schema import Contract, EnvName, Flag, Line, Memory, Name, Tag, in_words

Port = Annotated[int, Field(ge=1, le=65535, strict=True)]
Duration = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]*(ms|s|m|h)$")]
AbsolutePath = Annotated[str, StringConstraints(pattern=r"^/[A-Za-z0-9_./@-]*$")]
TreePath = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][A-Za-z0-9_./-]*$")]
SecretName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,40}$")]
Words = tuple[str, ...]
Url = Annotated[str, StringConstraints(pattern=r"^https://[^\s\"'<>]+$")]
# A title stands in double quotes in the gateway's configuration, where braces mean a value.
Title = Annotated[
    str,
    StringConstraints(min_length=1, max_length=60, pattern=r'^[^"`{}\\\x00-\x1f\x7f-\x9f\u2028\u2029]+$'),
    in_words("one line without double quotes, backquotes, braces and backslashes"),
]
UrlPath = Annotated[
    str,
    StringConstraints(pattern=r"^/[^\s\"'<>`{}\\]*$"),
    in_words("a path that begins with a slash, without spaces, quotes and braces"),
]


class Fact(BaseModel):
    """Root of every part of a data file."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Image(Fact):
    """The container image."""

    ref: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.:-]*(/[a-z0-9._-]+)+$")]
    """Repository with its registry, e.g. docker.io/grafana/grafana."""
    tag: Tag = "latest"
    """Version; for an image that Abbey builds, the digest of what goes into it takes its place."""
    digest: Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")] | None = None
    """Pins the content behind the tag."""
    build: Name | None = None
    """Folder of `images/` that the host builds this image from; it is never pulled."""
    source: Line | None = None
    """Where the version was seen."""


class Health(Fact):
    """How the container shows that it works, with a program that its image really has."""

    test: Annotated[Words, Field(min_length=1)]
    """Arguments run inside the container; exit code 0 is healthy."""
    interval: Duration = "10s"
    timeout: Duration = "5s"
    retries: Annotated[int, Field(ge=1, le=100, strict=True)] = 6
    start: Duration = "30s"
    """Failures do not count during this time after a start."""


class Volume(Fact):
    """A folder of the container that outlives it."""

    name: Name
    path: AbsolutePath
    holds: Literal["data", "cache"] = "data"
    """`data` makes the app stateful; a `cache` may be lost."""


class Mount(Fact):
    """A file or folder that Abbey writes on the host, shown read-only inside the container."""

    file: TreePath
    """Path in the lab's folder, e.g. gateway or portal/site."""
    path: AbsolutePath
    """Place inside the container."""


class HostPath(Fact):
    """A folder of the host itself, shown read-only inside the container."""

    host: AbsolutePath
    path: AbsolutePath


class Publish(Fact):
    """A port of the container that is opened on the host: on loopback or in the private network, never outside."""

    at: Literal["loopback", "tailnet"]
    port: Port
    to: Port


class Service(Fact):
    """One container of the app."""

    image: Image
    entrypoint: Words | None = None
    command: Words | None = None
    user: Annotated[str, StringConstraints(pattern=r"^[0-9]+(:[0-9]+)?$")] | None = None
    """User and group id; the image's own when absent."""
    env: dict[EnvName, str] = {}
    """Environment. `{{name}}` is filled in from the lab; `{{secret.x}}` is the path of the file that holds it."""
    with_database: dict[EnvName, str] = {}
    """Environment added when the app uses the shared database."""
    without_database: dict[EnvName, str] = {}
    """Environment added when it keeps its own."""
    with_oidc: dict[EnvName, str] = {}
    """Environment added when it logs people in through the lab's identity provider."""
    volumes: tuple[Volume, ...] = ()
    mounts: tuple[Mount, ...] = ()
    host_paths: tuple[HostPath, ...] = ()
    secret_files: tuple[SecretName, ...] = ()
    """Secrets shown as files in /run/secrets though no environment variable names them."""
    tmpfs: Words = ()
    """Writable folders in memory."""
    publish: tuple[Publish, ...] = ()
    host_network: Flag = False
    host_pid: Flag = False
    joins: tuple[Literal["edge", "database"], ...] = ()
    """Networks joined besides the app's own: `edge` is where the tunnel meets the gateway. `database` is joined by
    an app that may use the shared database only when it does."""
    aliases: Words = ()
    """Further names in the joined networks."""
    own_network: Flag = True
    """The app gets a network of its own."""
    reaches_apps: Flag = False
    """It joins the network of every app that has a route: the gateway."""
    client_secrets: Flag = False
    """It sees the secret of every client of the identity provider, as /run/secrets/APP_oidc."""
    memory: Memory = "256m"
    shm: Memory | None = None
    read_only: Flag = False
    """The container's own file system cannot be written; only where that is known to work."""
    cap_add: Words = ()
    """Capabilities kept; all others are dropped."""
    health: Health | None = None
    stage: Annotated[int, Field(ge=0, le=9, strict=True)] = 3
    """Order of starting: 0 database, 1 door, 2 identity, 3 everything else, 4 the gateway, 5 the tunnel."""
    reload: Words = ()
    """Arguments run inside the container that make it reread its mounted files without a restart."""
    stop_grace: Duration | None = None


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
    first_visitor: Line | None = None
    """What the first person who opens the app becomes, where that is more than a visitor."""
    first_account: Line | None = None
    """Command inside the app's main container that makes its first account, where nobody has one after the start."""
    tile: Tile | None = None
    """How an app appears on the portal; parts do not."""
    sources: Words = ()
    """Where the facts in this file come from."""
