"""The files of one apply as a tar stream: what to put, what to drop, what is owed, and the manifest."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable, Iterable

from abbey.engine.effects import to_line
from abbey.errors import SecretError
from abbey.files import digest
from abbey.plan.action import WriteFiles
from abbey.plan.state import Desired
from abbey.secrets import Secret, SecretRef


def tar(act: WriteFiles, desired: Desired, reveal: Callable[[SecretRef], Secret | None]) -> bytes:
    """Return the stream that the script `write` takes. Raise SecretError when a secret does not exist.

    The member `put` comes last: a stream that was cut does not have it, and the host then changes nothing.
    """
    put = [change.path for change in act.changes if change.change != "remove"]
    drop = [change.path for change in act.changes if change.change == "remove"]
    first = [path for path in drop if any(_in_the_way(path, other) for other in put)]
    bodies = {path: body(path, desired, reveal) for path in put}
    digests = dict(desired.digests) | {path: digest(body) for path, body in bodies.items()}
    manifest = [f"{digests[path]}  {path}" for path in desired.tree]
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for path in put:
            _add(archive, f"files/{path}", bodies[path], mode=desired.tree[path].mode)
        _add(archive, "manifest.sha256", _lines(manifest))
        _add(archive, "pending", _lines(to_line(effect) for effect in act.owes))
        _add(archive, "drop-first", _lines(first))
        _add(archive, "drop-last", _lines(path for path in drop if path not in first))
        _add(archive, "put", _lines(put))
    return stream.getvalue()


def _in_the_way(dropped: str, put: str) -> bool:
    """Return whether a file must go before another can come: one is a folder in the path of the other."""
    return put.startswith(f"{dropped}/") or dropped.startswith(f"{put}/")


def body(path: str, desired: Desired, reveal: Callable[[SecretRef], Secret | None]) -> bytes:
    """Return the bytes of a file that the host must hold. Raise SecretError when a secret does not exist."""
    file = desired.tree[path]
    found = file.body(reveal)
    if found is None:
        missing = ", ".join(sorted({ref.name for ref in file.refs if reveal(ref) is None}))
        raise SecretError(f"{path} needs a secret that does not exist: {missing}")
    return found


def _lines(lines: Iterable[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


def _add(archive: tarfile.TarFile, name: str, body: bytes, *, mode: int = 0o600) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(body), mode
    archive.addfile(member, io.BytesIO(body))
