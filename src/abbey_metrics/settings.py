"""What the environment says, typed. Every fault is found before any is reported."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

T = TypeVar("T")

OPEN_METEO = "https://api.open-meteo.com/v1/forecast"
LONGEST_HISTORY = 3600


class SettingsError(Exception):
    """One or more variables cannot be used; `faults` names each with what would be right."""

    def __init__(self, faults: tuple[str, ...]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class Address:
    """A numeric address and a port to listen on."""

    ip: str
    port: int


@dataclass(frozen=True, slots=True)
class Peer:
    """The metrics API of another host: its name and base address."""

    name: str
    url: str


@dataclass(frozen=True, slots=True)
class WeatherSettings:
    """Whose weather to show, and who is asked."""

    latitude: float
    longitude: float
    place: str
    url: str


@dataclass(frozen=True, slots=True)
class ForgejoSettings:
    """Whose activity to show; the token is read from its file at each fetch, so that it can be renewed."""

    url: str
    user: str
    token_file: Path | None


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything the service can be told."""

    host: str
    listen: tuple[Address, ...]
    peers: tuple[Peer, ...]
    weather: WeatherSettings | None
    forgejo: ForgejoSettings | None
    rootfs: str
    history: int


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
        host=read("ABBEY_HOST", "", _name, ""),
        listen=read("ABBEY_LISTEN", "127.0.0.1:9101", _addresses, ()),
        peers=read("ABBEY_PEERS", "", _peers, ()),
        weather=_weather(read),
        forgejo=_forgejo(read, faults),
        rootfs=read("ABBEY_ROOTFS", "", _rootfs, ""),
        history=read("ABBEY_HISTORY", "300", _history, 0),
    )
    if settings.host in {peer.name for peer in settings.peers}:
        faults.append(f"ABBEY_PEERS: {settings.host} is this host itself; name only the others")
    if faults:
        raise SettingsError(tuple(faults))
    return settings


def _weather(read: Callable[..., object]) -> WeatherSettings | None:
    where = read("ABBEY_WEATHER", "", _coordinates, None)
    place = read("ABBEY_WEATHER_PLACE", "", str, "")
    url = read("ABBEY_WEATHER_URL", OPEN_METEO, _url, "")
    if not isinstance(where, tuple):
        return None
    return WeatherSettings(latitude=where[0], longitude=where[1], place=str(place), url=str(url))


def _forgejo(read: Callable[..., object], faults: list[str]) -> ForgejoSettings | None:
    url = read("ABBEY_FORGEJO_URL", "", lambda text: _url(text) if text else "", "")
    user = read("ABBEY_FORGEJO_USER", "", str, "")
    token = read("ABBEY_FORGEJO_TOKEN_FILE", "", str, "")
    if bool(url) != bool(user):
        faults.append("ABBEY_FORGEJO_USER: needed together with ABBEY_FORGEJO_URL, or neither")
    if not url or not user:
        return None
    return ForgejoSettings(url=str(url), user=str(user), token_file=Path(str(token)) if token else None)


def _name(text: str) -> str:
    if not text:
        raise ValueError("missing; the name of this host, such as monk")
    if not all(letter.isalnum() or letter in "-._" for letter in text) or len(text) > 63:
        raise ValueError(f"{text!r} is not a host name; letters, digits and -._ only, at most 63")
    return text


def _addresses(text: str) -> tuple[Address, ...]:
    return tuple(_address(part.strip()) for part in text.split(",") if part.strip())


def _address(text: str) -> Address:
    host, _, port = text.rpartition(":")
    try:
        ip = ipaddress.ip_address(host.removeprefix("[").removesuffix("]"))
    except ValueError:
        raise ValueError(f"{text!r} is not ADDRESS:PORT, such as 127.0.0.1:9101") from None
    if ip.is_unspecified or ip.is_global:
        # The figures are for the lab: nothing may listen where the internet can reach it.
        raise ValueError(f"{ip} is open to the outside; name loopback and tailnet addresses")
    if not port.isdecimal() or not 0 < int(port) < 65536:
        raise ValueError(f"{port!r} in {text!r} is not a port from 1 to 65535")
    return Address(str(ip), int(port))


def _peers(text: str) -> tuple[Peer, ...]:
    peers: dict[str, Peer] = {}
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        name, equals, url = part.partition("=")
        if not equals:
            raise ValueError(f"{part!r} is not NAME=URL, such as kscloud1=http://100.64.0.2:9101")
        if name in peers:
            raise ValueError(f"{name} is named twice")
        peers[name] = Peer(_name(name), _url(url))
    return tuple(peers.values())


def _url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{text!r} is not an http:// or https:// address")
    if parts.username or parts.password:
        raise ValueError("an address must not hold a password; it would be shown in errors")
    return text.rstrip("/")


def _coordinates(text: str) -> tuple[float, float] | None:
    if not text:
        return None
    try:
        latitude, longitude = (float(part) for part in text.split(","))
    except ValueError:
        raise ValueError(f"{text!r} is not LATITUDE,LONGITUDE, such as 52.52,13.41") from None
    if not (abs(latitude) <= 90 and abs(longitude) <= 180):
        raise ValueError(f"{text!r} is not on Earth; latitude is within 90, longitude within 180")
    # Two decimals are about a kilometre: enough for weather, not enough for a doorstep.
    return round(latitude, 2), round(longitude, 2)


def _rootfs(text: str) -> str:
    if text and not text.startswith("/"):
        raise ValueError(f"{text!r} is not an absolute path, such as /host/root")
    return text.rstrip("/")


def _history(text: str) -> int:
    if not text.isdecimal() or int(text) > LONGEST_HISTORY:
        raise ValueError(f"{text!r} is not a number of seconds from 0 to {LONGEST_HISTORY}")
    return int(text)
