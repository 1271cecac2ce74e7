"""Who asks, and what they may see: decided by the address that a request comes from."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit

from abbey_metrics.settings import Settings
from abbey_metrics.words import Network

# Whoever got into the lab's private network was let in by a key; these are all the addresses it gives.
TAILNET = tuple(map(ipaddress.ip_network, ("100.64.0.0/10", "fd7a:115c:a1e0::/48")))
LOOPBACK = tuple(map(ipaddress.ip_network, ("127.0.0.0/8", "::1/128")))
USERNAME, GROUPS, HOST = b"x-authentik-username", b"x-authentik-groups", b"host"
# Of a header that comes twice, one was not written by the gateway. This is no text, so it names nobody.
DOUBTFUL = b"\xff"
LONGEST = 8192
K = TypeVar("K")
V = TypeVar("V")
# Answers to the same question are remembered, up to this many of each kind.
REMEMBERED = 256


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who asks. A reader is a program of the lab and may read everything; others are people behind the portal.

    `name` and `groups` are empty for whoever came without a login.
    """

    reader: bool
    admin: bool
    name: str = ""
    groups: tuple[str, ...] = ()


class RefusedError(Exception):
    """A request that is not answered: the status of HTTP, and why in words."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status, self.why = status, why


READER = Visitor(reader=True, admin=True)


class Gate:
    """Decides who asks. A gateway is always a gateway, also where it shares its address with a reader."""

    def __init__(self, settings: Settings) -> None:
        self._gateways = settings.access.gateways
        self._readers = (*LOOPBACK, *TAILNET, *_own(settings), *settings.access.readers)
        self._admins = settings.access.admin_group
        self._standings: dict[str, bool | None] = {}
        self._hosts: dict[bytes, bool] = {}
        self._visitors: dict[tuple[bytes | None, bytes | None], Visitor] = {}

    def admit(self, scope: Mapping[str, Any]) -> Visitor:
        """Given a request, return who asks. Raise RefusedError when it is not answered."""
        client = scope["client"]
        source = client[0] if client else ""
        try:
            reader = self._standings[source]
        except KeyError:
            reader = _remember(self._standings, source, self._reads(source))
        if reader is None:
            raise RefusedError(403, "this address may not ask; see ABBEY_READERS and ABBEY_GATEWAYS")
        name = groups = None
        for key, value in scope["headers"]:
            if key == HOST:
                self._check(value)
            elif key == USERNAME:
                name = value if name is None else DOUBTFUL
            elif key == GROUPS:
                groups = value if groups is None else DOUBTFUL
        if reader:
            return READER
        try:
            return self._visitors[name, groups]
        except KeyError:
            return _remember(self._visitors, (name, groups), self._visitor(name or b"", groups or b""))

    def _check(self, host: bytes) -> None:
        try:
            known = self._hosts[host]
        except KeyError:
            known = _remember(self._hosts, host, _is_address(host))
        if not known:
            # A page elsewhere may point a name of its own at a private address, and let a browser ask there.
            raise RefusedError(421, "ask by address: names are not answered here")

    def _reads(self, source: str) -> bool | None:
        """Return whether an address is a reader (True), a gateway (False), or neither."""
        try:
            ip = ipaddress.ip_address(source)
        except ValueError:
            return None
        ip = getattr(ip, "ipv4_mapped", None) or ip
        if any(ip in network for network in self._gateways):
            return False
        return True if any(ip in network for network in self._readers) else None

    def _visitor(self, name: bytes, groups: bytes) -> Visitor:
        member = tuple(sorted({group for group in _text(groups).split("|") if group}))
        return Visitor(reader=False, admin=self._admins in member, name=_text(name), groups=member)


def _remember(known: dict[K, V], key: K, value: V) -> V:
    if len(known) >= REMEMBERED:
        known.clear()
    known[key] = value
    return value


def _own(settings: Settings) -> Iterable[Network]:
    """Yield the addresses of this host and of the others, as ranges of one."""
    texts = [at.ip for at in settings.listen] + [settings.tailnet]
    texts += [urlsplit(peer.url).hostname or "" for peer in settings.peers]
    for text in texts:
        try:
            yield ipaddress.ip_network(text)
        except ValueError:
            continue  # none, or a name: what it means is not asked for, since the answer could be forged


def _is_address(host: bytes) -> bool:
    """Return whether a header Host names nothing, this machine, or an address."""
    try:
        text = host.decode("ascii")
        name = urlsplit(f"//{text}").hostname or ""
        # More than a name and a port is nothing that a browser sends.
        return not text or (not set("@/?#") & set(text) and (name == "localhost" or bool(ipaddress.ip_address(name))))
    except ValueError:
        return False


def _text(value: bytes) -> str:
    """Return a header as text; nothing where it is too long, not UTF-8, or holds what cannot be shown."""
    if len(value) > LONGEST:
        return ""
    try:
        text = value.decode().strip()
    except UnicodeDecodeError:
        return ""
    return text if text.isprintable() else ""
