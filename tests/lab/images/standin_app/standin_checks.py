"""What a stand-in insists on before it serves: that it was given what the program it stands for would need.

`wants` is written by hand in images.yaml from the real program's documentation, not from Abbey's data file:

    env: {NAME: regular expression that the whole value matches}    unset: [NAME that must not be there]
    read: [file that must be readable and not empty]                write: [folder that must be writable]
    reach: [host:port that must accept a connection]                uid: number it must run as
    reach_socket: true where Docker's socket must be there
    text: {file: regular expression that is found in it, where the file is there}
    roles: {regular expression over the command line: {the same again, for containers started so}}
"""

from __future__ import annotations

import os
import re
import socket
import tempfile
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

PATIENCE = 60  # seconds until something that must be reached is


def for_role(wants: Mapping[str, Any], command: str) -> list[Mapping[str, Any]]:
    """Return what is wanted of every container of the image, and of those started by such a command line."""
    roles = wants.get("roles", {})
    return [wants, *(more for pattern, more in roles.items() if re.search(pattern, command))]


def complaints(wants: Mapping[str, Any]) -> Iterable[str]:
    """Yield what is wrong with this container. Values are not shown: some are secrets."""
    for name, pattern in wants.get("env", {}).items():
        if name not in os.environ:
            yield f"the variable {name} is missing"
        elif not re.fullmatch(pattern, os.environ[name]):
            yield f"the variable {name} does not look like {pattern}"
    yield from (f"the variable {name} must not be set" for name in wants.get("unset", ()) if name in os.environ)
    yield from (f"the file {name} cannot be read, or is empty" for name in wants.get("read", ()) if not content(name))
    for name, pattern in wants.get("text", {}).items():
        if Path(name).exists() and not re.search(pattern, content(name)):
            yield f"{pattern} is not found in the file {name}"
    yield from (f"the folder {name} is not writable" for name in wants.get("write", ()) if not writable(name))
    yield from (f"{place} does not answer" for place in wants.get("reach", ()) if not answers(place))
    if wants.get("reach_socket") and not Path("/var/run/docker.sock").is_socket():
        yield "it has no Docker socket to guard"
    if os.getuid() != wants.get("uid", os.getuid()):
        yield f"it runs as user {os.getuid()}, not {wants['uid']}"


def carelessness(allowed_socket: bool) -> Iterable[str]:
    """Yield what no container of a lab may have or lack, whatever it is for."""
    status = dict(line.split(":\t", 1) for line in Path("/proc/self/status").read_text().splitlines() if ":\t" in line)
    if status["NoNewPrivs"].strip() != "1":
        yield "it may gain privileges"
    if int(status["CapBnd"], 16).bit_count() > 8:
        yield "it has kept most capabilities"
    if Path("/sys/fs/cgroup/memory.max").exists() and Path("/sys/fs/cgroup/memory.max").read_text().strip() == "max":
        yield "it has no limit of memory"
    if not allowed_socket and Path("/var/run/docker.sock").exists():
        yield "it has Docker's socket"
    yield from (f"the variable {name} was not filled in" for name, value in os.environ.items() if "{{" in value)


def content(name: str) -> str:
    """Return the text of a file, or nothing when it cannot be read."""
    try:
        return Path(name).read_text()
    except OSError:
        return ""


def writable(name: str) -> bool:
    """Return whether a file can be made in a folder."""
    try:
        with tempfile.TemporaryFile(dir=name):
            return True
    except OSError:
        return False


def answers(place: str) -> bool:
    """Return whether a connection to host:port is accepted in time."""
    host, _, port = place.rpartition(":")
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            socket.create_connection((host, int(port)), timeout=2).close()
            return True
        except OSError:
            time.sleep(0.5)
    return False
