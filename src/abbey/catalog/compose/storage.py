"""Volumes, host paths, memory, configs and secret files of a service."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from abbey.catalog.compose.ledger import Way
from abbey.catalog.compose.node import Node
from abbey.catalog.compose.values import Mount, memory, mount, options
from abbey.catalog.compose.work import Part, is_absolute, literal, named
from abbey.spec.yaml import shown

MAX_FILE = 256 << 10
_SOCKETS = ("docker.sock", "podman.sock", "containerd.sock")
_HARMLESS = frozenset(("cached", "delegated", "consistent"))
_PROXY = (
    "add a service `socket` with image docker.io/tecnativa/docker-socket-proxy, "
    "`host_paths: [{host: /var/run/docker.sock, path: /var/run/docker.sock}]` and the few API sections in `env`; "
    "then give this one DOCKER_HOST=tcp://APP-socket:2375"
)


def convert(part: Part) -> None:
    """Carry over everything that is mounted."""
    for at, node in enumerate((part.take("volumes") or part.node.but([])).list):
        _mount(part, mount(node), ("volumes", str(at)))
    for at, node in enumerate((part.take("volumes_from") or part.node.but([])).list):
        _volumes_from(part, node, ("volumes_from", str(at)))
    for at, node in enumerate((part.take("tmpfs") or part.node.but([])).list):
        part.made.setdefault("tmpfs", []).append(node.text)  # type: ignore[attr-defined]
        part.ledger.carried(part.way("tmpfs", str(at)), "tmpfs")
    for word in ("configs", "secrets"):
        for at, node in enumerate((part.take(word) or part.node.but([])).list):
            _file(part, node, word, (word, str(at)))


def _volumes_from(part: Part, node: Node, at: tuple[str, ...]) -> None:
    """Mount what another service mounts."""
    name, _, mode = node.text.partition(":")
    other = part.work.project.services.get(name)
    if other is None:
        part.ledger.lost(part.way(*at), node.mark, f"{part.name}: volumes from {shown(name)}", "it is not imported")
        return
    for entry in (other.get("volumes") or other.but([])).list:
        found = mount(entry)
        if found.source or found.kind != "volume":
            _mount(part, replace(found, read_only=found.read_only or mode == "ro"), at)
    part.ledger.carried(part.way(*at), "volumes from others")


def _add(part: Part, key: str, entry: dict[str, object]) -> None:
    entries = part.made.setdefault(key, [])
    assert isinstance(entries, list)  # noqa: S101
    entries.append(entry)


def _mount(part: Part, found: Mount, at: tuple[str, ...]) -> None:
    way, mark, what = part.way(*at), found.node.mark, f"{part.name}: mount at {shown(found.target)}"
    if not is_absolute(found.target):
        part.ledger.lost(way, mark, what, "an app file cannot hold this path", "mount it at a plainer path")
    elif found.kind == "tmpfs":
        _tmpfs(part, found, way)
    elif found.kind == "volume":
        _volume(part, found, way, what)
    elif found.kind == "bind":
        _bind(part, found, way, what)
    else:
        part.ledger.lost(way, mark, what, f"mounts of the type {shown(found.kind)} are not known", "use a volume")
    if not found.node.scalar:
        part.ledger.done.discard(way)
        part.ledger.seen(*(part.way(*at, key) for key in ("type", "source", "target", "read_only", "consistency")))
        _further(part, found, at, what)


def _further(part: Part, found: Mount, at: tuple[str, ...], what: str) -> None:
    """Report the rarer options of the long form."""
    for word in ("bind", "volume", "tmpfs"):
        inner = found.node.get(word)
        for key, node in (inner.map if inner else {}).items():
            way = part.way(*at, word, key)
            if key == "create_host_path" or (word == "tmpfs" and key in ("size", "mode")):
                part.ledger.seen(way)
            else:
                part.ledger.lost(way, node.mark, f"{what}, {word}.{shown(key)}", "an app file has no word for it")
    if not found.node.map:
        part.ledger.seen(part.way(*at))


def _tmpfs(part: Part, found: Mount, way: Way) -> None:
    inner = found.node.get("tmpfs")
    extra = [f"{key}={node.text}" for key, node in (inner.map if inner else {}).items() if key in ("size", "mode")]
    words = part.made.setdefault("tmpfs", [])
    assert isinstance(words, list)  # noqa: S101
    words.append(f"{found.target}{':' if extra else ''}{','.join(extra)}")
    part.ledger.carried(way, "tmpfs")


def _volume(part: Part, found: Mount, way: Way, what: str) -> None:
    names = part.work.volumes
    old = found.source or f"{part.name}{found.target}"
    if old not in names:
        names[old] = named(found.source or f"{part.work.keys[part.name]}-{Path(found.target).name}", names.values())
    _add(part, "volumes", {"name": names[old], "path": found.target})
    part.ledger.carried(way, "volumes")
    mark = found.node.mark
    if found.read_only:
        part.ledger.changed(way, mark, what, "was read-only, and the container may write to the volume now")
    for word in options(found.node):
        why = f"the option {shown(word)} is not carried over"
        if word not in _HARMLESS:
            part.ledger.lost(way, mark, what, why, "an empty volume is filled from the image, as with any volume")


def _bind(part: Part, found: Mount, way: Way, what: str) -> None:
    mark, source = found.node.mark, found.source
    path = _on_host(part, found)
    if path.endswith(_SOCKETS) or path in ("/run", "/var/run"):
        why = "whoever has Docker's socket is root on the host, so Abbey gives it to no app"
        part.ledger.lost(way, mark, f"{what} from {shown(source)}", why, _PROXY.replace("APP", part.work.app))
        return
    if not is_absolute(path):
        part.ledger.lost(way, mark, f"{what} from {shown(source)}", "an app file cannot hold this path",
                         "move it to a path of letters, digits, dots, dashes and @")  # fmt: skip
        return
    entry: dict[str, object] = {"host": path, "path": found.target}
    _add(part, "host_paths", entry if found.read_only else {**entry, "write": True})
    part.ledger.carried(way, "host paths")
    why = f"it is {path} on the lab's host from now on, and must exist there before `abbey up`; no backup holds it"
    if not source.startswith("/"):
        do = f"copy it to {path} on the host, or write another path"
        if found.read_only and Path(path).is_file():
            do += "; a small text file can stand in `files` instead"
        part.ledger.changed(way, mark, f"{what} from {shown(source)}", why, do)
    if path == "/":
        part.ledger.changed(way, mark, what, "the container sees everything on the host", "mount less where it can do")
    for word in options(found.node):
        if word not in _HARMLESS:
            part.ledger.lost(way, mark, f"{what}, option {shown(word)}", "an app file has no word for it")


def _on_host(part: Part, found: Mount) -> str:
    """Return the path on the host, absolute and without detours."""
    source = found.source
    if source == "~" or source.startswith("~/"):
        source = f"{part.work.around.home}{source[1:]}"
    return os.path.normpath(os.path.join(os.path.abspath(found.node.base), source))


def _file(part: Part, node: Node, word: str, at: tuple[str, ...]) -> None:
    """Carry over a config or secret as a file in its place."""
    name = node.text if node.scalar else (node.get("source") or node.but("")).text
    wish = "" if node.scalar else (node.get("target") or node.but("")).text
    folder = "/run/secrets/" if word == "secrets" else "/"
    target = wish if wish.startswith("/") else f"{folder}{wish or name}"
    source = part.work.project.part(word).get(name)
    way, what = part.way(*at), f"{part.name}: {word} {shown(name)}"
    top: Way = (word, name)
    text = None if source is None else _content(part, source, word, top)
    if not node.scalar:
        part.ledger.seen(*(part.way(*at, key) for key in ("source", "target")))
        for key in node.map.keys() & {"uid", "gid", "mode"}:
            why = "such a file can be read by the container's user, whoever that is"
            part.ledger.changed(part.way(*at, key), node.mark, f"{what}, {key}", why)
    if not is_absolute(target):
        part.ledger.lost(way, node.mark, what, "an app file cannot hold this path", "give it a plainer `target`")
    elif word == "configs":
        if text is None:
            part.ledger.lost(way, node.mark, what, "its text is not here", "write it into `files` of the service")
        else:
            _add(part, "files", {"path": target, "text": literal(text)})
            part.ledger.carried(way, "files")
    else:
        _secret(part, node, name, text=text, target=target, way=way)
    if not node.scalar:
        part.ledger.done.discard(way)
        part.ledger.seen(part.way(*at, "source"))


def _secret(part: Part, node: Node, name: str, *, text: str | None, target: str, way: Way) -> None:
    stripped = None if text is None else text.rstrip("\r\n")
    short = part.work.secrets.take(name, stripped or None)
    what = f"{part.name}: secret {shown(name)}"
    if stripped and any(char in stripped for char in '"\\\n\r\t'):
        part.made.setdefault("secret_files", []).append(short)  # type: ignore[attr-defined]
        why = f"it has several lines or quotes, so it is at /run/secrets/{part.work.app}_{short} instead of {target}"
        do = f"let the app read that path; `{{{{secret.{short}}}}}` in `env` stands for it"
        part.ledger.changed(way, node.mark, what, why, do)
    else:
        end = "\n" if text and text.endswith("\n") else ""
        _add(part, "files", {"path": target, "text": f"{{{{text.{short}}}}}{end}"})
    part.ledger.carried(way, "secrets")
    if not stripped:
        do = f"`abbey secret set {part.work.app}/{short}`"
        part.ledger.lost(way, node.mark, what, "its value is not here", do)


def _content(part: Part, source: Node, word: str, top: Way) -> str | None:
    """Return the text of a top-level config or secret, or None when this machine does not have it."""
    if content := source.get("content"):
        part.ledger.seen((*top, "content"))
        return content.text
    if variable := source.get("environment"):
        part.ledger.seen((*top, "environment"))
        return part.work.project.known.get(variable.text)
    file = source.get("file")
    if file is None:
        return None
    part.ledger.seen((*top, "file"))
    path = file.base / Path(
        file.text.replace("~", str(part.work.around.home), 1) if file.text[:1] == "~" else file.text
    )
    try:
        if path.is_file() and path.stat().st_size <= MAX_FILE:
            text = path.read_text(encoding="utf-8")
            return text if "\0" not in text else None
    except (OSError, ValueError):
        pass
    return None


def size(part: Part, key: str, node: Node) -> str | None:
    """Return a size in the form of data files, or None after reporting that it is none."""
    try:
        return memory(node.text)
    except ValueError as error:
        part.ledger.lost(part.way(key), node.mark, f"{part.name}: {key}", str(error))
        return None
