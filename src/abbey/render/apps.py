"""Configuration files that the apps' own data files give, as they are."""

from __future__ import annotations

from abbey.files import File, FileTree, Quoted
from abbey.model.host import Host
from abbey.model.lab import Lab
from abbey.model.service import Placed, services


def render(lab: Lab, host: Host) -> FileTree:
    """Return apps/SERVICE/… and, where one holds a secret, secrets/files/SERVICE/…; the path goes on as inside."""
    return FileTree((file.file, _file(file)) for service in services(lab, host) for file in service.files)


def _file(placed: Placed) -> File:
    if all(isinstance(piece, str) for piece in placed.content):
        return File("".join(map(str, placed.content)))
    pieces = tuple(piece if isinstance(piece, str) else Quoted(piece, "json") for piece in placed.content)
    return File(pieces, mode=0o444)
