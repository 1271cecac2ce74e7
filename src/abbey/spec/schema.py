"""What may stand in abbey.yaml. Docstrings become the descriptions of the JSON Schema that editors read."""

# ruff: noqa: RUF012  pydantic copies defaults; ruff does not see that Part is a model

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

from abbey.spec.portal import PortalSpec
from abbey.spec.value import (
    Address,
    Domain,
    Email,
    EnvName,
    Flag,
    Folder,
    GroupName,
    Label,
    Memory,
    Name,
    Part,
    SshTarget,
    Subnet,
    Tag,
    UserName,
    nothing_is_empty,
)


class Contract(StrEnum):
    """What an app promises about its state when more than one host may answer."""

    STATELESS = "stateless"
    SHARED = "shared"
    OWNER = "owner"
    SPLIT = "split"


class Admin(Part):
    """The person who owns the lab."""

    user: UserName
    """Name of the first account, in the identity provider and in the apps."""
    email: Email
    """Address of that account."""


class HostSpec(Part):
    """A machine of the lab."""

    ssh: SshTarget
    """Target for the ssh program, e.g. `brother@monk.lan` or a Host of your ssh configuration; `local` means here."""
    tailnet: Address
    """The host's stable IPv4 address in the private network, e.g. 100.64.0.1."""
    place: Literal["home", "cloud"] = "home"
    """Where the host stands: at home behind a router, or at a provider."""
    folder: Folder | None = None
    """Folder on the host that holds the lab; /opt/abbey/LAB for root, abbey/LAB in the home folder otherwise."""


class Cloudflare(Part):
    """One Cloudflare Tunnel with a connector on every host."""

    tunnel: Name
    """Name of the tunnel."""
    account: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")] | None = None
    """Cloudflare account id; with `id`, connectors are written for every host."""
    id: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")] | None = None
    """Tunnel id. Its secret is `cloudflared/tunnel_secret` in the vault."""


class Ingress(Part):
    """How visitors reach the lab. Exactly one way."""

    cloudflare: Cloudflare
    """A Cloudflare Tunnel: no inbound port at home."""


class Tailscale(Part):
    """The hosts are joined by Tailscale (or any network that gives each its `tailnet` address)."""

    container: Flag = False
    """Run Tailscale in a container on every host, where it is not installed on the host itself."""


class Network(Part):
    """The private network between the hosts, and the address range of containers."""

    tailscale: Annotated[Tailscale, BeforeValidator(nothing_is_empty)] = Tailscale()
    """Tailscale joins the hosts."""
    containers: Subnet = "172.30.0.0/16"
    """Range out of which every app gets a network of its own, the same on each host.

    Run `abbey down` before you change it: Docker keeps the addresses of networks that are in use."""


class Authentik(Part):
    """Authentik, one login for every app."""

    host: Label = "auth"
    """Sign-in host name in front of the domain."""
    groups: dict[GroupName, tuple[UserName, ...]] = {}
    """Groups and who is in them. Apps are opened to groups by `groups:` on the app."""
    people: dict[UserName, Email] = {}
    """E-mail addresses of people, given when their accounts are made; later changed in Authentik. Many apps know
    people by their address and refuse whoever has none."""


class Identity(Part):
    """Who may open what. Exactly one provider."""

    authentik: Annotated[Authentik, BeforeValidator(nothing_is_empty)]
    """Authentik on every host, on one shared database."""


class DatabaseSpec(Part):
    """One PostgreSQL for every app that can share it, reachable inside the private network only."""

    primary: Name
    """The host that holds it."""


class AppSpec(Part):
    """An app of the catalog, and what differs from its defaults."""

    state: Contract | None = None
    """State contract; the catalog's first when absent."""
    owner: Name | None = None
    """The one host that runs an app with `state: owner`."""
    accept: Literal["divergence"] | None = None
    """`state: split` keeps separate data on each host; write `divergence` to accept that."""
    hosts: Annotated[tuple[Name, ...], Field(min_length=1)] | None = None
    """Hosts that run it; all when absent. Not with `state: owner`."""
    host: Label | None = None
    """Name in front of the domain; the app's own when absent."""
    groups: tuple[GroupName, ...] = ()
    """Only people in one of these groups may open it; everybody who can log in when empty."""
    roles: dict[Name, GroupName] = {}
    """Role in the app → the group whose members have it, e.g. `{admin: homelab-admin}`; `abbey app show` names them."""
    env: dict[EnvName, str] = {}
    """Environment variables for the app, over those of the catalog, taken as they stand here. Never a secret."""
    tag: Tag | None = None
    """Tag of the app's main image instead of the catalog's; side containers with other images keep theirs."""
    memory: Memory | None = None
    """Memory limit of the app's main container, e.g. 512m or 2g."""


def _one_host(hosts: dict[str, HostSpec]) -> dict[str, HostSpec]:
    if not hosts:
        raise ValueError("a lab needs at least one host")
    return hosts


class Spec(Part):
    """A self-hosted lab on one or more machines, described by one file."""

    lab: Name
    """Name of the lab; also of its Compose project on every host."""
    domain: Domain
    """The portal answers at this name, each app at a name in front of it."""
    admin: Admin
    """The person who owns the lab."""
    timezone: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_+/-]{1,64}$")] = "UTC"
    """Time zone of the apps, e.g. Europe/Berlin."""
    hosts: Annotated[dict[Name, HostSpec], AfterValidator(_one_host)]
    """The machines."""
    ingress: Ingress | None = None
    """How visitors reach the lab; without it, gateways answer on loopback and in the private network only."""
    network: Annotated[Network, BeforeValidator(nothing_is_empty)] = Network()
    """The private network between the hosts."""
    identity: Identity | None = None
    """One login for all apps; without it, every app keeps its own."""
    database: DatabaseSpec | None = None
    """One shared PostgreSQL; needed by `identity`."""
    portal: Annotated[PortalSpec, BeforeValidator(nothing_is_empty)] = PortalSpec()
    """The front page."""
    apps: dict[Name, Annotated[AppSpec, BeforeValidator(nothing_is_empty)]] = {}
    """The apps, by their name in the catalog or in a file of `apps/` beside this one."""
