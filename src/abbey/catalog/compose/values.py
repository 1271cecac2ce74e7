"""Ports, mounts, durations, sizes and commands of a Compose file, as values. ValueError says what is wrong with one."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from abbey.catalog.compose.node import Node
from abbey.errors import Mark

MAX_PORTS = 200
_RANGE = re.compile(r"([0-9]{1,5})(?:-([0-9]{1,5}))?")
_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?([kmgt]?)i?b?", re.IGNORECASE)
_SPAN = re.compile(r"([0-9]+(?:\.[0-9]+)?)(us|µs|ns|ms|s|m|h)")
_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}


@dataclass(frozen=True, slots=True)
class Port:
    """A port of the container, and where it is opened on the host; `published` is None for one that Docker chooses."""

    address: str
    published: int | None
    target: int
    protocol: str
    mark: Mark


@dataclass(frozen=True, slots=True)
class Mount:
    """Something mounted; `source` is empty for an anonymous volume, and `node` is the place it came from."""

    kind: str
    source: str
    target: str
    read_only: bool
    node: Node


def _span(text: str, what: str) -> tuple[int, int]:
    found = _RANGE.fullmatch(text)
    if found is None:
        raise ValueError(f"the {what} must be a number from 1 to 65535, or a range of them")
    first, last = int(found[1]), int(found[2] or found[1])
    if not 1 <= first <= last <= 65535:
        raise ValueError(f"the {what} must be a number from 1 to 65535, or a range of them")
    return first, last


def ports(node: Node) -> list[Port]:
    """Return one entry of `ports` as the ports it means. Raise ValueError when it is none, or too many."""
    address, published, target, protocol = _port_parts(node)
    first, last = _span(target, "port of the container")
    if last - first >= MAX_PORTS:
        raise OverflowError(f"more than {MAX_PORTS} ports")
    outer: tuple[int, int] | None = _span(published, "port of the host") if published else None
    if outer and outer[1] - outer[0] != last - first and first != last:
        raise ValueError("both ranges must be equally long")
    return [
        Port(address, outer[0] + number - first if outer else None, number, protocol, node.mark)
        for number in range(first, last + 1)
    ]


def free_choice(node: Node) -> bool:
    """Return whether Docker may choose a port of the host out of a range."""
    _, published, target, _ = _port_parts(node)
    return "-" in published and "-" not in target


def _port_parts(node: Node) -> tuple[str, str, str, str]:
    """Return address, published, target and protocol as they stand there."""
    if isinstance(node.value, dict):
        parts = {key: (node.get(key) or node.but("")).text for key in ("host_ip", "published", "target", "protocol")}
        return parts["host_ip"], parts["published"], parts["target"], parts["protocol"].lower() or "tcp"
    text, _, protocol = node.text.partition("/")
    address = ""
    if text.startswith("["):
        address, _, text = text[1:].partition("]:")
    words = text.rsplit(":", 2)
    if len(words) == 3:
        address = words[0]
    return address, words[-2] if len(words) > 1 else "", words[-1], protocol.lower() or "tcp"


def port_key(node: Node) -> object:
    """Return what makes two entries of `ports` the same one."""
    return _port_parts(node)


def target_of(node: Node, key: str) -> str:
    """Return the place inside the container that tells entries of volumes, devices, secrets or configs apart."""
    if isinstance(node.value, dict):
        return (node.get("target") or node.get("source") or node.but("")).text
    return mount(node).target if key == "volumes" else node.text.split(":")[min(1, node.text.count(":"))]


def mount(node: Node) -> Mount:
    """Return one entry of `volumes`. A long form keeps its further keys in `node`."""
    if isinstance(node.value, dict):
        parts = {key: (node.get(key) or node.but("")).text for key in ("type", "source", "target", "read_only")}
        return Mount(parts["type"], parts["source"], parts["target"], parts["read_only"].lower() == "true", node)
    words = node.text.split(":")
    if len(words) == 1:
        return Mount("volume", "", words[0], False, node)
    source, target, options = words[0], words[1], (words[2] if len(words) > 2 else "").split(",")
    kind = "bind" if source.startswith((".", "/", "~")) else "volume"
    return Mount(kind, source, target.rstrip("/") or "/", "ro" in options, node)


def options(node: Node) -> list[str]:
    """Return the options at the end of the short form of a volume, but rw and ro."""
    words = node.text.split(":") if node.scalar else []
    return [word for word in (words[2].split(",") if len(words) > 2 else []) if word not in ("ro", "rw", "")]


def seconds(text: str) -> float:
    """Return a duration such as 1m30s in seconds. Raise ValueError when it is none."""
    if text.isdigit() and text == "0":
        return 0.0
    spans = list(_SPAN.finditer(text))
    if not spans or "".join(span[0] for span in spans) != text:
        raise ValueError("this is no duration; e.g. 1m30s")
    return sum(float(span[1]) * _SECONDS[span[2]] for span in spans)


def duration(text: str) -> str:
    """Return a duration as data files write it, e.g. 90s. Raise ValueError when it is none, or nothing."""
    amount = seconds(text)
    if amount >= 1 and amount == int(amount):
        return f"{int(amount)}s"
    if amount < 0.001:
        raise ValueError("no time at all")
    return f"{round(amount * 1000)}ms"


def memory(text: str) -> str:
    """Return a size such as 1.5gb as data files write it, e.g. 1536m. Raise ValueError when it is none."""
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        raise ValueError("this is no size; e.g. 512m")
    factor = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}[found[2].lower()]
    amount = max(1, -(-int(float(found[1]) * factor) // (1 << 20))) if float(found[1]) else 0
    if not 0 < amount < 10_000_000:
        raise ValueError("this is no limit")
    return f"{amount >> 10}g" if amount % 1024 == 0 else f"{amount}m"


def words(node: Node) -> tuple[str, ...]:
    """Return a command as its arguments. Raise ValueError when its quotes do not match."""
    if isinstance(node.value, list):
        return tuple(part.text for part in node.list)
    return tuple(shlex.split(node.text, posix=True))


def leaves(node: Node, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Node]]:
    """Yield every single value with the way to it; empty lists and mappings count as one."""
    inner: list[tuple[str, Node]] = list(node.map.items()) or [(str(at), part) for at, part in enumerate(node.list)]
    if not inner:
        yield path, node
    for key, part in inner:
        yield from leaves(part, (*path, key))
