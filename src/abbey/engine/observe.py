"""One host in one command: what it is, what it holds, what it runs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from abbey.engine import docker, script
from abbey.engine.effects import from_line
from abbey.engine.shell import Shell
from abbey.errors import AbbeyError, HostError
from abbey.plan.state import FileState, HostState

TIMEOUT = 60.0
PREFIX = "#abbey:"
DIGEST_LENGTH = 64


def observe(host: str, shell: Shell, directory: str, project: str, *, paths: Iterable[str] = ()) -> HostState:
    """Return the state of a host by one command; the folder need not exist yet.

    Files looked at are those that an earlier apply wrote and those in `paths`: never anybody's data. Raise HostError
    when the host is not reached, AbbeyError when it has no usable Docker.
    """
    listed = "".join(f"{path}\n" for path in sorted(set(paths)))
    result = shell.run(script.argv("observe", directory, project), stdin=listed.encode(), timeout=TIMEOUT)
    if result.code != 0:
        raise HostError(host, f"it could not be looked at: {result.complaint}", hint="it needs a POSIX shell")
    return parse(host, result.text)


def parse(host: str, text: str) -> HostState:
    """Given the output of the observing script, return the state. Raise AbbeyError when there is no usable Docker."""
    sections = _sections(text)
    if "end" not in sections:
        raise HostError(host, "its answer was cut off", hint="run the command again")
    _require_docker(host, sections)
    modes = dict(line.split(" ", 1)[::-1] for line in sections.get("modes", []))
    digests = _manifest(sections.get("digests", []))
    return HostState(
        host=host,
        engine=_only(sections["engine"]),
        compose=_only(sections["compose"]),
        files={path: FileState(digest, int(modes[path], 8)) for path, digest in digests.items() if path in modes},
        managed=_manifest(sections.get("managed", [])),
        containers=docker.read_containers("\n".join(sections["containers"])),
        images=docker.read_images("\n".join(sections["images"])),
        pending=frozenset(effect for line in sections.get("pending", []) if (effect := from_line(line))),
        lock=read_lock(sections.get("lock", [])),
    )


def _sections(text: str) -> dict[str, list[str]]:
    sections: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in text.splitlines():
        if line.startswith(PREFIX):
            lines = sections.setdefault(line.removeprefix(PREFIX), [])
        elif line:
            lines.append(line)
    return sections


def _only(lines: list[str]) -> str:
    return lines[0].strip() if lines else ""


def _manifest(lines: list[str]) -> Mapping[str, str]:
    """Given lines as `sha256sum` writes them, return path → digest."""
    return {line[DIGEST_LENGTH + 2 :]: line[:DIGEST_LENGTH] for line in lines if len(line) > DIGEST_LENGTH + 2}


def read_lock(lines: list[str]) -> str:
    """Given the age in seconds and the owner of a lock, return who holds it, for people; or "" without a lock."""
    if not lines:
        return ""
    try:
        owner = json.loads(lines[1])
        return f"{owner['who']}, {_age(int(lines[0]))} ago: {owner['why']}"
    except (IndexError, ValueError, KeyError, TypeError):
        return f"somebody, {_age(int(lines[0]) if lines[0].isdigit() else 0)} ago"


def _age(seconds: int) -> str:
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{max(seconds, 0)} s"


def _require_docker(host: str, sections: Mapping[str, list[str]]) -> None:
    engine, compose = _only(sections["engine"]), _only(sections["compose"])
    complaint = "\n".join(sections["engine.err"])
    least_engine = ".".join(map(str, docker.ENGINE_MINIMUM))
    least_compose = ".".join(map(str, docker.COMPOSE_MINIMUM))
    if not engine:
        raise _no_engine(host, complaint)
    if docker.version(engine) < docker.ENGINE_MINIMUM:
        raise AbbeyError(
            f"{host}: Docker Engine {engine} is too old: Abbey needs {least_engine} or newer",
            hint="Debian 13 has it as `docker.io`; for other systems see https://docs.docker.com/engine/install/",
        )
    if not docker.version(compose)[0]:
        raise AbbeyError(
            f"{host}: Docker Compose is missing: Abbey needs {least_compose} or newer",
            hint="install `docker-compose-plugin` (packages of Docker) or `docker-compose` (Debian 13)",
        )
    if docker.version(compose) < docker.COMPOSE_MINIMUM:
        raise AbbeyError(
            f"{host}: Docker Compose {compose} is too old: Abbey needs {least_compose} or newer",
            hint="install `docker-compose-plugin` (packages of Docker) or `docker-compose` (Debian 13)",
        )


def _no_engine(host: str, complaint: str) -> AbbeyError:
    if "not found" in complaint:
        return AbbeyError(
            f"{host}: Docker is not installed",
            hint="on Debian 13: `apt install docker.io docker-cli docker-compose`; else"
            " https://docs.docker.com/engine/install/",
        )
    if "permission denied" in complaint.lower():
        return AbbeyError(
            f"{host}: this user may not speak to Docker",
            hint="on the host: `sudo usermod -aG docker USER`, then log in again; whoever is in that group is root",
        )
    return AbbeyError(
        f"{host}: the Docker engine does not answer: {complaint or 'no message'}",
        hint="on the host: `systemctl status docker`",
    )
