"""What may stand in a variable of the environment: each function returns the value, or raises ValueError in words."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Address:
    """A numeric address and a port."""

    ip: str
    port: int


@dataclass(frozen=True, slots=True)
class Peer:
    """The metrics API of another host: its name and base address."""

    name: str
    url: str


@dataclass(frozen=True, slots=True)
class Server:
    """A database server: the host that it is on, and where it listens."""

    host: str
    at: Address


def name(text: str) -> str:
    """Return the name of a host."""
    if not text:
        raise ValueError("missing; the name of this host, such as monk")
    if not all(letter.isalnum() or letter in "-._" for letter in text) or len(text) > 63:
        raise ValueError(f"{text!r} is not a host name; letters, digits and -._ only, at most 63")
    return text


def host(text: str) -> str:
    """Return the name of a web site, or nothing."""
    labels = text.split(".")
    if text and not (len(text) <= 253 and all(re.fullmatch(r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)", one) for one in labels)):
        raise ValueError(f"{text!r} is not a host name, such as forgejo.example.com")
    return text


def words(text: str) -> tuple[str, ...]:
    """Return what stands between commas."""
    return tuple(filter(None, (part.strip() for part in text.split(","))))


def listens(text: str) -> tuple[Address, ...]:
    """Return addresses to listen on, none of which the internet can reach."""
    return tuple(_private(address(part)) for part in words(text))


def address(text: str) -> Address:
    """Return an address with its port."""
    host, _, port = text.rpartition(":")
    try:
        ip = ipaddress.ip_address(host.removeprefix("[").removesuffix("]"))
    except ValueError:
        raise ValueError(f"{text!r} is not ADDRESS:PORT, such as 127.0.0.1:9101") from None
    if not port.isdecimal() or not 0 < int(port) < 65536:
        raise ValueError(f"{port!r} in {text!r} is not a port from 1 to 65535")
    return Address(str(ip), int(port))


def _private(found: Address) -> Address:
    ip = ipaddress.ip_address(found.ip)
    if ip.is_unspecified or ip.is_global:
        # The figures are for the lab: nothing may listen where the internet can reach it.
        raise ValueError(f"{ip} is open to the outside; name loopback and tailnet addresses")
    return found


def ip(text: str) -> str:
    """Return a numeric address, or nothing."""
    try:
        return str(ipaddress.ip_address(text)) if text else ""
    except ValueError:
        raise ValueError(f"{text!r} is not a numeric address, such as 100.64.0.1") from None


def networks(text: str) -> tuple[Network, ...]:
    """Return ranges of addresses."""
    found = []
    for part in words(text):
        try:
            found.append(ipaddress.ip_network(part))
        except ValueError:
            raise ValueError(f"{part!r} is not a range of addresses, such as 172.30.4.0/24") from None
    return tuple(found)


def peers(text: str) -> tuple[Peer, ...]:
    """Return the other hosts, each once."""
    return tuple(Peer(name(key), url(value)) for key, value in _pairs(text, "kscloud1=http://100.64.0.2:9101"))


def servers(text: str) -> tuple[Server, ...]:
    """Return the database servers, each once."""
    return tuple(Server(name(key), address(value)) for key, value in _pairs(text, "kscloud1=100.64.0.2:5432"))


def _pairs(text: str, example: str) -> tuple[tuple[str, str], ...]:
    found: dict[str, str] = {}
    for part in words(text):
        key, equals, value = part.partition("=")
        if not equals:
            raise ValueError(f"{part!r} is not NAME=ADDRESS, such as {example}")
        if key in found:
            raise ValueError(f"{key} is named twice")
        found[key] = value
    return tuple(found.items())


def url(text: str) -> str:
    """Return an address of the web, without the slash at its end."""
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{text!r} is not an http:// or https:// address")
    if parts.username or parts.password:
        raise ValueError("an address must not hold a password; it would be shown in errors")
    return text.rstrip("/")


def docker(text: str) -> str:
    """Return where Docker, or what filters questions to it, is asked; or nothing."""
    if text.startswith("unix:///"):
        return text
    return url(text) if text else ""


def coordinates(text: str) -> tuple[float, float] | None:
    """Return latitude and longitude, rounded, or None for nothing."""
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


def path(text: str) -> str:
    """Return an absolute path without the slash at its end, or nothing."""
    if text and not text.startswith("/"):
        raise ValueError(f"{text!r} is not an absolute path, such as /host/root")
    return text.rstrip("/")
