"""What may stand in abbey.yaml. Docstrings become the descriptions of the JSON Schema that editors read."""

from __future__ import annotations

from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, Strict, StringConstraints


def in_words(text: str) -> Any:
    """Return what an error says instead of a regular expression; editors that know the key show it too."""
    return Field(json_schema_extra={"patternErrorMessage": text})


Flag = Annotated[bool, Strict()]
NAME = r"^[a-z]([a-z0-9-]{0,28}[a-z0-9])?$"
NAME_IN_WORDS = "up to 30 lower-case letters, digits and dashes, a letter first"
Name = Annotated[str, StringConstraints(pattern=NAME), in_words(NAME_IN_WORDS)]
GroupName = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._-]{0,62}$"),
    in_words("letters, digits, spaces, dots and dashes, at most 63"),
]
UserName = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z_][a-z0-9_.-]{0,31}$"),
    in_words("lower-case letters, digits, dots and dashes, a letter first"),
]
Email = Annotated[
    str,
    StringConstraints(pattern=r"^[^@\s\"'<>]+@[^@\s\"'<>]+\.[^@\s\"'<>]+$", max_length=254),
    in_words("an e-mail address, e.g. ann@example.com"),
]
Domain = Annotated[
    str,
    StringConstraints(
        pattern=r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$", max_length=200
    ),
    in_words("a domain of yours, e.g. example.com"),
]
Label = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"),
    in_words("a single name of lower-case letters, digits and dashes, without dots"),
]
# No control character and none of the further ends of a line that YAML and JavaScript know.
Line = Annotated[
    str,
    StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]+$"),
    in_words("one line of text"),
]
# A target of the ssh program: never starts with a dash, so it can never be read as an option.
SshTarget = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9_\[][A-Za-z0-9_.:@/%\[\]-]{0,253}$"),
    in_words("what you would type after ssh, e.g. ann@host.lan or ssh://ann@host.lan:2222"),
]
Memory = Annotated[
    str, StringConstraints(pattern=r"^[1-9][0-9]{0,6}[mg]$"), in_words("a number and m or g, e.g. 512m or 2g")
]
EnvName = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,120}$"),
    in_words("letters, digits and underscores, no digit first"),
]
Tag = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$"), in_words("an image tag, e.g. 13.2.3")
]


_LOCAL = tuple(IPv4Network(text) for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"))  # RFC 1918
_TAILNET = IPv4Network("100.64.0.0/10")
_LOOPBACK = IPv4Network("127.0.0.0/8")  # resolve() allows it to a lab that nobody outside this machine can name


def _address(text: str) -> str:
    try:
        address = IPv4Address(text)
    except ValueError:
        raise ValueError("must be four numbers with dots, e.g. 100.64.0.1") from None
    if not any(address in network for network in (_TAILNET, *_LOCAL, _LOOPBACK)):
        ranges = ", ".join(str(network) for network in (_TAILNET, *_LOCAL))
        raise ValueError(f"must be an address that only the private network knows, in {ranges}")
    return str(address)


def _folder(text: str) -> str:
    if ".." in text.split("/"):
        raise ValueError("must not climb with ..")
    return text


def _subnet(text: str) -> str:
    try:
        network = IPv4Network(text)
    except ValueError:
        raise ValueError("must be a range that ends with .0.0/16, e.g. 172.30.0.0/16") from None
    if network.prefixlen != 16:
        raise ValueError("must be a /16, e.g. 172.30.0.0/16")
    if not any(network.subnet_of(private) for private in _LOCAL):
        raise ValueError(f"must be a private range, inside {', '.join(str(private) for private in _LOCAL)}")
    return str(network)


Address = Annotated[str, AfterValidator(_address)]
Folder = Annotated[
    str,
    StringConstraints(pattern=r"^/?[A-Za-z0-9_][A-Za-z0-9_./-]{0,200}$"),
    AfterValidator(_folder),
    in_words("a path of letters, digits, dots, dashes and slashes, absolute or below the home folder"),
]
Subnet = Annotated[str, AfterValidator(_subnet)]


def _nothing_is_empty(value: Any) -> Any:
    return {} if value is None else value


class Part(BaseModel):
    """Root of every part of the file: frozen, and a key that is not named here is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


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

    tailscale: Annotated[Tailscale, BeforeValidator(_nothing_is_empty)] = Tailscale()
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

    authentik: Annotated[Authentik, BeforeValidator(_nothing_is_empty)]
    """Authentik on every host, on one shared database."""


class DatabaseSpec(Part):
    """One PostgreSQL for every app that can share it, reachable inside the private network only."""

    primary: Name
    """The host that holds it."""


class Weather(Part):
    """Weather on the portal, from Open-Meteo; the hosts ask, never the visitor's browser."""

    place: Line
    """Name shown on the portal."""
    latitude: Annotated[float, Strict(), Field(ge=-90, le=90)]
    """Degrees north."""
    longitude: Annotated[float, Strict(), Field(ge=-180, le=180)]
    """Degrees east."""


class PortalSpec(Part):
    """The front page of the lab, at the domain itself."""

    title: Line | None = None
    """Shown at the top; the lab's name when absent."""
    theme: Literal["cyberpunk", "calm", "light"] = "cyberpunk"
    """Colours to start with; a visitor may choose another."""
    weather: Weather | None = None
    """Show the weather of a place."""
    login: Flag = True
    """Ask for the lab's login before showing the portal, where there is an identity provider."""


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
    network: Annotated[Network, BeforeValidator(_nothing_is_empty)] = Network()
    """The private network between the hosts."""
    identity: Identity | None = None
    """One login for all apps; without it, every app keeps its own."""
    database: DatabaseSpec | None = None
    """One shared PostgreSQL; needed by `identity`."""
    portal: Annotated[PortalSpec, BeforeValidator(_nothing_is_empty)] = PortalSpec()
    """The front page."""
    apps: dict[Name, Annotated[AppSpec, BeforeValidator(_nothing_is_empty)]] = {}
    """The apps, by their name in the catalog or in a file of `apps/` beside this one."""
