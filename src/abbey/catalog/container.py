"""What a data file says about a container of an app."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from abbey.catalog.version import Updates
from abbey.spec.value import EnvName, Flag, Line, Memory, Name, Tag, in_words

Port = Annotated[int, Field(ge=1, le=65535, strict=True)]
Duration = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]*(ms|s|m|h)$")]
AbsolutePath = Annotated[str, StringConstraints(pattern=r"^/[A-Za-z0-9_./@-]*$")]
TreePath = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][A-Za-z0-9_./-]*$")]
Host = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$")]
HostName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$")]
SecretName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,40}$")]
REF = r"^[a-z0-9][a-z0-9.:-]*(/[a-z0-9._-]+)+$"
Words = tuple[str, ...]
Variable = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_.-]{0,120}$"),
    in_words("letters, digits, underscores, dots and dashes, no digit first"),
]
Condition = Literal["oidc", "gate", "database", "own-database", "monitoring", "ingress"]
"""What must be true of the app in this lab: it is a client of the identity provider; forward-auth stands before it;
it uses the shared database, or keeps its own; the lab has something that scrapes; visitors reach the lab, so that the
sign-in has an address which the app itself can ask, too."""
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

    ref: Annotated[
        str, StringConstraints(pattern=REF), in_words("an image with its registry, e.g. docker.io/grafana/grafana")
    ]
    """Repository with its registry, e.g. docker.io/grafana/grafana."""
    tag: Tag = "latest"
    """Version; for an image that Abbey builds, the digest of what goes into it takes its place."""
    digest: Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")] | None = None
    """Pins the content behind the tag."""
    build: Name | None = None
    """Folder of `images/` that the host builds this image from; it is never pulled."""
    source: Line | None = None
    """Where the version was seen."""
    updates: Updates = "major"
    """How far `abbey images update` may go by itself: within the first two numbers (a long-term line); within the
    major version; to any newer one; to any newer one but over no major version (Authentik); nowhere past the major
    version, because data must be moved (databases)."""
    path: Line | None = None
    """The way to a version that an update is refused to."""
    notes: Url | None = None
    """Release notes; `{tag}` stands for the tag without a leading v and without a variant such as -alpine."""


class Health(Fact):
    """How the container shows that it works, with a program that its image really has."""

    test: Annotated[Words, Field(min_length=1)]
    """Arguments run inside the container; exit code 0 is healthy."""
    interval: Duration = "10s"
    timeout: Duration = "5s"
    retries: Annotated[int, Field(ge=1, le=100, strict=True)] = 6
    start: Duration = "30s"
    """Failures do not count during this time after a start."""
    source: Line | None = None
    """Where it was seen that the image has this program."""


class Volume(Fact):
    """A folder of the container that outlives it."""

    name: Name
    path: AbsolutePath
    holds: Literal["data", "own-database", "cache"] = "data"
    """`data` makes the app stateful and must be in its `backup`. `own-database` is data where the app keeps its own
    database, and nothing that matters where it uses the shared one. A `cache` may be lost."""


class Written(Fact):
    """A small configuration file of the app that Abbey writes, shown read-only inside the container."""

    path: AbsolutePath
    """Place inside the container."""
    text: str
    """Content. `{{name}}` is filled in from the lab; `{{text.x}}` is a secret itself, and the file is then one."""
    when: tuple[Condition, ...] = ()
    """Only where all of this is true."""


class Mount(Fact):
    """A file or folder that Abbey writes on the host, shown read-only inside the container."""

    file: TreePath
    """Path in the lab's folder, e.g. gateway or portal/site."""
    path: AbsolutePath
    """Place inside the container."""
    watched: Flag = False
    """The container looks for changes in it by itself, so none concerns it; for folders only, because a file is put in
    place by renaming, and a mount of a single one keeps the old."""


class HostPath(Fact):
    """A file or folder of the host itself."""

    host: AbsolutePath
    path: AbsolutePath
    write: Flag = False
    """The container may change it."""


class Publish(Fact):
    """A port of the container that is opened on the host."""

    at: Literal["loopback", "tailnet", "everywhere"]
    """`everywhere` is every address of the host, for what neither tunnel nor private network can carry."""
    port: Port
    to: Port
    protocol: Literal["tcp", "udp"] = "tcp"
    why: Line | None = None
    """Why it cannot go through the gateway."""


class Service(Fact):
    """One container of the app."""

    image: Image
    when: tuple[Condition, ...] = ()
    """It runs only where all of this is true."""
    entrypoint: Words | None = None
    command: Words | None = None
    user: Annotated[str, StringConstraints(pattern=r"^[0-9]+(:[0-9]+)?$")] | None = None
    """User and group id; the image's own when absent."""
    init: Flag = False
    """Docker's own init is the first process, for programs that leave children behind."""
    env: dict[Variable, str] = {}
    """Environment. `{{name}}` is filled in from the lab; `{{secret.x}}` is the path of the file that holds a secret.
    `{{text.x}}` is the secret itself, for apps that read it from nowhere else; such a variable is written into an
    env file that only the lab's folder holds, never into compose.yaml."""
    with_database: dict[EnvName, str] = {}
    """Environment added when the app uses the shared database."""
    without_database: dict[EnvName, str] = {}
    """Environment added when it keeps its own."""
    with_oidc: dict[EnvName, str] = {}
    """Environment added when it logs people in through the lab's identity provider."""
    with_gate: dict[EnvName, str] = {}
    """Environment added when forward-auth stands before it, e.g. which header names the visitor."""
    volumes: tuple[Volume, ...] = ()
    files: tuple[Written, ...] = ()
    """Configuration files with their content."""
    mounts: tuple[Mount, ...] = ()
    host_paths: tuple[HostPath, ...] = ()
    devices: tuple[AbsolutePath, ...] = ()
    """Devices of the host, e.g. /dev/net/tun."""
    secret_files: tuple[SecretName, ...] = ()
    """Secrets shown as files in /run/secrets though no text of this service names their path."""
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
    names: tuple[HostName, ...] = ()
    """Further names in the app's own network, where the other containers of the app look it up."""
    own_network: Flag = True
    """The container is in the app's own network. Where it is not, and joins no other, it has no network at all."""
    reaches_apps: Flag = False
    """It joins the network of every app that has a route: the gateway."""
    client_secrets: Flag = False
    """It sees the secret of every client of the identity provider, as /run/secrets/APP_oidc."""
    memory: Memory = "256m"
    """Limit; the container is ended when it wants more."""
    shm: Memory | None = None
    read_only: Flag = False
    """The container's own file system cannot be written; only where that is known to work."""
    cap_add: Words = ()
    """Capabilities kept; all others are dropped."""
    health: Health | None = None
    no_health: Line | None = None
    """Why there is no health check: the image has no program that could ask."""
    needs: tuple[Name, ...] = ()
    """Services of this app that must be up first, by their keys."""
    stage: Annotated[int, Field(ge=-1, le=6, strict=True)] = 3
    """Order of starting: -1 the private network, 0 database, 1 door, 2 identity, 3 everything else, 4 the gateway,
    5 the tunnel, 6 what must find the sign-in at its public address when it starts."""
    reload: Words = ()
    """Arguments run inside the container that make it reread its mounted files without a restart."""
    stop_grace: Duration | None = None
    working_dir: AbsolutePath | None = None
    hostname: Name | None = None
    extra_hosts: dict[Host, str] = {}
    """Further names that it can look up, with their addresses."""
