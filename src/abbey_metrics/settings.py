"""What the environment says, typed. Every fault is found before any is reported."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from abbey_metrics import words
from abbey_metrics.words import Address, Network, Peer, Server

T = TypeVar("T")
OPEN_METEO = "https://api.open-meteo.com/v1/forecast"


class SettingsError(Exception):
    """One or more variables cannot be used; `faults` names each with what would be right."""

    def __init__(self, faults: tuple[str, ...]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class WeatherSettings:
    """Whose weather to show, and who is asked."""

    latitude: float
    longitude: float
    place: str
    url: str


@dataclass(frozen=True, slots=True)
class ForgejoSettings:
    """Whose activity to show; the token is read from its file at each fetch, so that it can be renewed.

    `host` is the name by which a gateway at `url` knows Forgejo; empty when Forgejo itself is asked.
    """

    url: str
    user: str
    token_file: Path | None
    host: str


@dataclass(frozen=True, slots=True)
class DatabaseSettings:
    """The servers of the shared database, and as whom they are asked; the password is read from its file each time."""

    servers: tuple[Server, ...]
    user: str
    password_file: Path | None


@dataclass(frozen=True, slots=True)
class Access:
    """Who may ask. `gateways` are the ranges of the portal, which name visitors in headers that are believed.

    `readers` are further ranges that may read everything, besides loopback, the tailnet and the other hosts. Members
    of `admin_group` may see containers and processes.
    """

    gateways: tuple[Network, ...]
    readers: tuple[Network, ...]
    admin_group: str


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything the service can be told. What is empty or None is not configured."""

    host: str
    listen: tuple[Address, ...]
    access: Access
    tailnet: str
    """This host's address in the private network; also the one from which the other hosts are asked."""
    peers: tuple[Peer, ...]
    weather: WeatherSettings | None
    forgejo: ForgejoSettings | None
    database: DatabaseSettings | None
    docker: str
    """`unix:///path` or `http://address:port` of a proxy that lets a few questions through to Docker."""
    project: str
    """The Compose project whose containers are the lab's."""
    tunnel: str
    """Compose name of the tunnel's connector."""
    portal: Path | None
    """portal.json: which apps there are, their containers, and who may open them."""
    state: Path | None
    """A folder that outlives the service: history, and what people chose."""
    backups: Path | None
    """The folder in which backups leave their receipts."""
    rootfs: str
    timezone: str


def load(env: Mapping[str, str]) -> Settings:
    """Given an environment, return the settings. Raise SettingsError with every fault in it."""
    faults: list[str] = []

    def read(name: str, default: str, parse: Callable[[str], T], instead: T) -> T:
        try:
            return parse(env.get(name, "").strip() or default)
        except ValueError as error:
            faults.append(f"{name}: {error}")
            return instead

    settings = Settings(
        host=read("ABBEY_HOST", "", words.name, ""),
        listen=read("ABBEY_LISTEN", "127.0.0.1:9101", words.listens, ()),
        access=Access(
            gateways=read("ABBEY_GATEWAYS", "", words.networks, ()),
            readers=read("ABBEY_READERS", "", words.networks, ()),
            admin_group=read("ABBEY_ADMIN_GROUP", "homelab-admin", str, ""),
        ),
        tailnet=read("ABBEY_TAILNET", "", words.ip, ""),
        peers=read("ABBEY_PEERS", "", words.peers, ()),
        weather=_weather(read),
        forgejo=_forgejo(read, faults),
        database=_database(read),
        docker=read("ABBEY_DOCKER", "", words.docker, ""),
        project=read("ABBEY_PROJECT", "", str, ""),
        tunnel=read("ABBEY_TUNNEL", "", str, ""),
        portal=read("ABBEY_PORTAL", "", _path, None),
        state=read("ABBEY_STATE", "", _path, None),
        backups=read("ABBEY_BACKUPS", "", _path, None),
        rootfs=read("ABBEY_ROOTFS", "", words.path, ""),
        timezone=read("ABBEY_TIMEZONE", "UTC", str, ""),
    )
    if settings.host in {peer.name for peer in settings.peers}:
        faults.append(f"ABBEY_PEERS: {settings.host} is this host itself; name only the others")
    if faults:
        raise SettingsError(tuple(faults))
    return settings


def _path(text: str) -> Path | None:
    return Path(words.path(text)) if text else None


def _weather(read: Callable[..., object]) -> WeatherSettings | None:
    where = read("ABBEY_WEATHER", "", words.coordinates, None)
    place = read("ABBEY_WEATHER_PLACE", "", str, "")
    url = read("ABBEY_WEATHER_URL", OPEN_METEO, words.url, "")
    if not isinstance(where, tuple):
        return None
    return WeatherSettings(latitude=where[0], longitude=where[1], place=str(place), url=str(url))


def _forgejo(read: Callable[..., object], faults: list[str]) -> ForgejoSettings | None:
    url = read("ABBEY_FORGEJO_URL", "", lambda text: words.url(text) if text else "", "")
    user = read("ABBEY_FORGEJO_USER", "", str, "")
    token = read("ABBEY_FORGEJO_TOKEN_FILE", "", str, "")
    host = read("ABBEY_FORGEJO_HOST", "", words.host, "")
    if bool(url) != bool(user):
        faults.append("ABBEY_FORGEJO_USER: needed together with ABBEY_FORGEJO_URL, or neither")
    if not url or not user:
        return None
    return ForgejoSettings(str(url), str(user), Path(str(token)) if token else None, str(host))


def _database(read: Callable[..., object]) -> DatabaseSettings | None:
    servers = read("ABBEY_DATABASE", "", words.servers, ())
    user = read("ABBEY_DATABASE_USER", "abbey_metrics", str, "")
    password = read("ABBEY_DATABASE_PASSWORD_FILE", "", _path, None)
    if not isinstance(servers, tuple) or not servers:
        return None
    return DatabaseSettings(servers, str(user), password if isinstance(password, Path) else None)
