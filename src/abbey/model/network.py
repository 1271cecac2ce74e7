"""Container networks: one per app, out of one range, with addresses that stay when other apps come and go."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from ipaddress import IPv4Network

EDGE = "edge"
DATABASE = "database"
_PREFIX = 26  # 1,024 networks of up to 60 containers in a /16
_SLOTS = 1 << (_PREFIX - 16)


def subnets(pool: str, names: Iterable[str]) -> dict[str, str]:
    """Given the /16 and network names, return the subnet of each. A name alone decides its place, save for a clash.

    Explicit subnets, because Docker's own pools end after about thirty networks and reach into 192.168.0.0/16,
    where home networks are. Raise ValueError when there are more names than places.
    """
    wanted = sorted(set(names))
    if len(wanted) > _SLOTS:
        raise ValueError(f"more than {_SLOTS} networks do not fit into {pool}")
    base = int(IPv4Network(pool).network_address)
    taken: dict[int, str] = {}
    for name in wanted:
        slot = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big") % _SLOTS
        while slot in taken:
            slot = (slot + 1) % _SLOTS
        taken[slot] = name
    return {name: str(IPv4Network((base + slot * (1 << (32 - _PREFIX)), _PREFIX))) for slot, name in taken.items()}
