"""Ports, networks and names of a service."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from abbey.catalog.compose.ledger import Loss
from abbey.catalog.compose.node import Node
from abbey.catalog.compose.values import MAX_PORTS, Port, free_choice, ports
from abbey.catalog.compose.work import Part, Work
from abbey.errors import Mark
from abbey.spec.yaml import shown

OPEN = ("", "0.0.0.0", "::", "*")  # noqa: S104
_LOOPBACK = re.compile(r"127\.|::1$|localhost$")
# Ports under which something else than a web page answers.
_OTHER = frozenset(
    (21, 22, 23, 25, 53, 67, 110, 123, 139, 143, 161, 389, 445, 465, 514, 587, 636, 853, 993, 995, 1433, 1514, 1521,
     1883, 2222, 3306, 3478, 3479, 4222, 5060, 5222, 5269, 5349, 5432, 5433, 5672, 6379, 8883, 9042, 9093, 11211,
     25565, 26379, 27017, 51413, 51820)
)  # fmt: skip
# They lead to others; the gateway does that here.
_PROXY = re.compile(r"(^|/)(traefik|nginx-proxy-manager|nginx-proxy|swag)(:|@|$)")
_TLS = frozenset((443, 8443, 9443))
_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")
_KNOWN_AS = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")
_SHIFT = 10_000


@dataclass(frozen=True, slots=True)
class Web:
    """A port that may be the app's web page; the best has the lowest rank."""

    rank: int
    service: str
    port: int
    mark: Mark


def web(work: Work) -> Iterator[Web]:
    """Yield what may be the page that visitors open, in the order of the file."""
    for name, service in work.project.services.items():
        mode = service.get("network_mode")
        if name not in work.keys or (mode and mode.text in ("host", "none")):
            continue
        proxy = bool(_PROXY.search((service.get("image") or service.but("")).text))
        for page in _pages(name, service):
            yield replace(page, rank=5) if proxy and page.rank < 5 else page


def _pages(name: str, service: Node) -> Iterator[Web]:
    for node in (service.get("ports") or service.but([])).list:
        for port in _safely(node):
            if port.protocol == "tcp":
                yield Web(_rank(port, node), name, port.target, port.mark)
    labels = service.get("labels")
    for key, node in (labels.map if labels else {}).items():
        if key.endswith(".loadbalancer.server.port") and node.text.isdigit() and 0 < int(node.text) < 65536:
            yield Web(1, name, int(node.text), node.mark)
    for node in (service.get("expose") or service.but([])).list:
        if node.text.isdigit() and 0 < int(node.text) < 65536 and int(node.text) not in _OTHER:
            yield Web(2, name, int(node.text), node.mark)


def _rank(port: Port, node: Node) -> int:
    if port.target in _OTHER:
        return 6
    if port.target in _TLS:
        return 4
    if port.target >= 10_000 or "-" in _words(node):
        return 3
    if port.published is None:
        return 2
    return 1 if _LOOPBACK.match(port.address) else 0


def _safely(node: Node) -> list[Port]:
    try:
        return ports(node)
    except (ValueError, OverflowError):
        return []


def convert(part: Part) -> None:
    """Carry over how the service is reached, and how it reaches others."""
    mode = part.take("network_mode")
    if mode and mode.text == "host":
        part.made["host_network"] = True
        part.ledger.carried(part.way("network_mode"), "network modes")
    elif mode and mode.text in ("bridge", "default"):
        part.ledger.unneeded(part.way("network_mode"), mode.mark)
    elif mode:
        part.lost("network_mode", "it gets the app's own network like the others")
    for at, node in enumerate((part.take("ports") or part.node.but([])).list):
        _entry(part, node, ("ports", str(at)))
    _networks(part)
    _extra_hosts(part)
    host = part.take("hostname")
    if host and _HOST.fullmatch(host.text) and re.fullmatch(r"[a-z]([a-z0-9-]{0,28}[a-z0-9])?", host.text):
        part.made["hostname"] = host.text
        part.ledger.carried(part.way("hostname"), "host names")
    elif host:
        part.lost("hostname", "it must be up to 30 lower-case letters, digits and dashes, a letter first")


def _entry(part: Part, node: Node, at: tuple[str, ...]) -> None:
    way, what = part.way(*at), f"{part.name}: port {shown(_words(node))}"
    if not node.scalar:
        part.ledger.seen(*(part.way(*at, key) for key in ("target", "published", "host_ip", "protocol")))
        part.ledger.seen(*(part.way(*at, key) for key in ("mode", "name", "app_protocol")))
    if part.made.get("host_network"):
        part.ledger.changed(way, node.mark, what, "Docker ignores `ports` of what uses the host's network")
        return
    try:
        found = ports(node)
    except OverflowError:
        why = f"more than {MAX_PORTS} ports; Docker starts a program for each"
        part.ledger.lost(way, node.mark, what, why, "give the app a smaller range, or `host_network: true`")
        return
    if found[0].protocol not in ("tcp", "udp"):
        part.ledger.lost(way, node.mark, what, f"Abbey opens no ports of {shown(found[0].protocol)}")
        return
    if found[0].published is None:
        do = f"write `publish: [{{at: loopback, port: …, to: {found[0].target}}}]` if somebody needs it"
        part.ledger.lost(way, node.mark, what, "Docker chose a free port of the host at each start", do)
        return
    if free_choice(node):
        part.ledger.changed(way, node.mark, what, f"Docker chose out of the range; now it is {found[0].published}")
    for port in found:
        _publish(part, port, what)
    part.ledger.carried(way, "ports", len(found))


def _words(node: Node) -> str:
    if node.scalar:
        return node.text
    parts = [(node.get(key) or node.but("")).text for key in ("host_ip", "published", "target")]
    return ":".join(filter(None, parts))


def _publish(part: Part, port: Port, what: str) -> None:
    number = port.published or port.target
    if holder := part.work.around.ports.get(number):
        moved = next(place for place in range(number + _SHIFT, 131072) if place % 65536 not in part.work.around.ports)
        moved = moved % 65536 or 1
        why = f"port {number} of the host belongs to {holder}, so it is {moved} now"
        part.ledger.losses.append(Loss(port.mark, "changed", what, why, "let those who use it know"))
        number = moved
    entry: dict[str, object] = {"at": "loopback", "port": number, "to": port.target}
    entries = part.made.setdefault("publish", [])
    assert isinstance(entries, list)  # noqa: S101
    entry |= {"protocol": "udp"} if port.protocol == "udp" else {}
    if entry in entries:
        return
    entries.append(entry)
    if not _LOOPBACK.match(port.address):
        where = "every address" if port.address in OPEN else shown(port.address)
        why = f"was open on {where} of the host; now only on loopback"
        is_web = port.protocol == "tcp" and port.target not in _OTHER
        do = (
            "visitors reach the app's page through the gateway; for others write `at: tailnet`, or `at: everywhere`"
            if is_web
            else "no gateway carries this: write `at: tailnet`, or `at: everywhere` to open it as it was"
        )
        part.ledger.losses.append(Loss(port.mark, "changed", what, why, do))


def _networks(part: Part) -> None:
    names: list[str] = []
    networks = part.take("networks")
    for network, node in (networks.map if networks else {}).items():
        part.ledger.seen(part.way("networks", network) if not node.map else part.way("networks", network, "aliases"))
        names += [alias.text for alias in (node.get("aliases") or node.but([])).list if alias.scalar]
    called = part.take("container_name")
    if called:
        names.append(called.text)
        part.ledger.carried(part.way("container_name"), "names")
    if networks:
        part.ledger.counts["networks"] += len(networks.map)
        if not networks.map:
            part.ledger.seen(part.way("networks"))
    if part.made.get("host_network"):
        return
    own = part.work.keys[part.name]
    own = own if own == part.work.app else f"{part.work.app}-{own}"
    kept: list[str] = []
    for name in dict.fromkeys((part.name, *names)):
        if name == own or name in kept:
            continue
        if name in part.work.around.names or not _KNOWN_AS.fullmatch(name):
            why = "the gateway is called like that, or asks another app by that name"
            do = f"write {own} wherever {shown(name)} stands as a host name"
            part.ledger.losses.append(Loss(part.node.mark, "lost", f"{part.name}: the name {shown(name)}", why, do))
        else:
            kept.append(name)
    if kept:
        part.made["names"] = kept


def _extra_hosts(part: Part) -> None:
    hosts = part.take("extra_hosts")
    made: dict[str, str] = {}
    for name, node in (hosts.map if hosts else {}).items():
        host, address = (
            (name, node.text) if node.value is not None else (name.partition(":")[0], name.partition(":")[2])
        )
        if _HOST.fullmatch(host) and address:
            made[host] = address
            part.ledger.carried(part.way("extra_hosts", name), "extra hosts")
        else:
            part.ledger.lost(part.way("extra_hosts", name), node.mark, f"{part.name}: extra host {shown(name)}",
                             "it must be one name in lower case with one address")  # fmt: skip
    if made:
        part.made["extra_hosts"] = made
