"""Container networks: one per app, out of one range, with addresses that stay when other apps come and go."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from ipaddress import IPv4Network
from itertools import count

EDGE = "edge"
DATABASE = "database"
PLACES = {EDGE: 0, DATABASE: 1}  # the networks that belong to no app; pg_hba.conf names the second
_PREFIX = 26  # 1,024 networks of up to 60 containers in a /16
_SLOTS = 1 << (_PREFIX - 16)
MAX_NETWORKS = _SLOTS - len(PLACES)


def subnets(pool: str, names: Iterable[str]) -> dict[str, str]:
    """Given the /16 and the apps' networks in order of precedence, return the subnet of each, and of the fixed ones.

    A name alone decides its place. Where two want the same one (one chance in a thousand for each pair), the one
    that comes first keeps it and the other takes its next choice: so an app that is added at the end moves nobody.
    One that is added before the app with which it clashes does move that app.

    Explicit subnets, because Docker's own pools end after about thirty networks and reach into 192.168.0.0/16,
    where home networks are. Raise ValueError when there are more names than places.
    """
    wanted = [name for name in dict.fromkeys(names) if name not in PLACES]
    if len(wanted) > MAX_NETWORKS:
        raise ValueError(f"more than {MAX_NETWORKS} apps do not fit into {pool}")
    taken = {place: name for name, place in PLACES.items()}
    for name in wanted:
        taken[next(slot for slot in _choices(name) if slot not in taken)] = name
    base = int(IPv4Network(pool).network_address)
    return {name: str(IPv4Network((base + slot * (1 << (32 - _PREFIX)), _PREFIX))) for slot, name in taken.items()}


def _choices(name: str) -> Iterable[int]:
    """Yield the places that a name would take, best first; every place comes sooner or later."""
    for attempt in count():
        number = int.from_bytes(hashlib.sha256(f"{name}/{attempt}".encode()).digest()[:4], "big")
        yield len(PLACES) + number % MAX_NETWORKS
