"""That what services name is there: other services, volumes, networks, secrets, configs; and no circles."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from abbey.catalog.compose.node import Node
from abbey.catalog.compose.project import Project
from abbey.catalog.compose.values import mount, ports, words
from abbey.errors import Fault
from abbey.spec.yaml import shown


def references(project: Project) -> Iterator[Fault]:
    """Yield what Compose would refuse because a service names something that is not there."""
    for key, service in project.services.items():
        if not service.get("image") and not service.get("build") and not service.get("provider"):
            at = project.whole.map["services"].key_mark(key)
            yield Fault(at, f"the service {shown(key)} has neither image nor build")
        yield from _services(project, key, service)
        yield from _named(project, service)
        yield from _values(service)
    yield from _circles(project)


def _services(project: Project, key: str, service: Node) -> Iterator[Fault]:
    every = {*project.services, *project.left}
    needs = service.get("depends_on")
    for name, how in (needs.map if needs else {}).items():
        required = (how.get("required") or how.but("true")).text.lower() != "false"
        if name not in every and required and needs:
            yield Fault(needs.key_mark(name), f"{shown(key)} depends on {shown(name)}, which is not in the file")
    for word in ("network_mode", "pid", "ipc"):
        node = service.get(word)
        other = node.text.removeprefix("service:") if node and node.text.startswith("service:") else None
        if node and other is not None and other not in every:
            yield Fault(node.mark, f"there is no service {shown(other)}")


def _named(project: Project, service: Node) -> Iterator[Fault]:
    for word in ("secrets", "configs"):
        for entry in (service.get(word) or service.but([])).list:
            name = entry.text if entry.scalar else (entry.get("source") or entry.but("")).text
            if name not in project.part(word):
                yield Fault(entry.mark, f"there is no `{shown(name)}` in the file's `{word}`")
    networks = service.get("networks")
    for name in networks.map if networks else ():
        if name != "default" and name not in project.part("networks") and networks:
            yield Fault(networks.key_mark(name), f"there is no `{shown(name)}` in the file's `networks`")
    for entry in (service.get("volumes") or service.but([])).list:
        found = mount(entry)
        if found.kind == "volume" and found.source and found.source not in project.part("volumes"):
            yield Fault(entry.mark, f"there is no `{shown(found.source)}` in the file's `volumes`")


def _values(service: Node) -> Iterator[Fault]:
    """Yield what is no port, no mount and no command."""
    for word in ("ports", "volumes", "secrets", "configs"):
        for entry in (service.get(word) or service.but([])).list:
            if not (entry.text or entry.map):
                yield Fault(entry.mark, f"an entry of `{word}` must be a text or a mapping")
            elif word == "ports":
                try:
                    ports(entry)
                except OverflowError:
                    pass  # a range that is too large for an app file is still one
                except ValueError as error:
                    yield Fault(entry.mark, str(error))
            elif word == "volumes" and not mount(entry).target:
                yield Fault(entry.mark, "a mount must say where in the container it is")
    health = service.get("healthcheck")
    for node in (service.get("command"), service.get("entrypoint"), health.get("test") if health else None):
        try:
            words(node) if node and not (health and node is health.get("test") and node.scalar) else ()
        except ValueError as error:
            yield Fault(node.mark if node else service.mark, f"the quotes of this command do not match: {error}")


def _circles(project: Project) -> Iterator[Fault]:
    needs: Mapping[str, set[str]] = {
        key: set(node.map) if (node := service.get("depends_on")) else set()
        for key, service in project.services.items()
    }
    free: set[str] = set()
    while more := {key for key, wanted in needs.items() if key not in free and not (wanted & needs.keys()) - free}:
        free |= more
    for key in sorted(needs.keys() - free):
        node = project.services[key].get("depends_on")
        yield Fault(node.mark if node else project.whole.mark, f"{shown(key)} depends on itself, over others")
