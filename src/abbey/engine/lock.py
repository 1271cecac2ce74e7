"""One apply at a time per host: a folder made atomically, with who, when and why beside it."""

from __future__ import annotations

import contextlib
import json
import uuid
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from abbey.engine import script
from abbey.engine.audit import operator
from abbey.engine.observe import read_lock
from abbey.engine.shell import Shell
from abbey.errors import AbbeyError, ApplyError, LockError

HELD = 75
TIMEOUT = 30.0


@contextlib.contextmanager
def held(shells: Mapping[str, Shell], directories: Mapping[str, str], *, reason: str) -> Iterator[None]:
    """Hold the locks of all these hosts, taken in the order of their names; release them whatever happens.

    Raise LockError naming the owner when one is taken; then none stays taken.
    """
    token = uuid.uuid4().hex
    with contextlib.ExitStack() as stack:
        for host in sorted(shells):
            shell, directory = shells[host], directories[host]
            # Registered first: an interruption while taking must release too. The token keeps others' locks safe.
            stack.callback(_release, shell, directory, token)
            _take(host, shell, directory, token=token, reason=reason)
        yield


def break_lock(shell: Shell, directory: str) -> None:
    """Release the lock of a host, whoever holds it. Raise ApplyError when that fails."""
    result = shell.run(script.argv("unlock", directory), timeout=TIMEOUT)
    if result.code != 0:
        raise ApplyError(f"the lock could not be broken: {result.complaint}")


def _take(host: str, shell: Shell, directory: str, *, token: str, reason: str) -> None:
    when = datetime.now(UTC).isoformat(timespec="seconds")
    owner = {"who": operator(), "host": host, "when": when, "why": reason, "token": token}
    result = shell.run(script.argv("lock", directory), stdin=json.dumps(owner).encode(), timeout=TIMEOUT)
    if result.code == HELD:
        raise LockError(
            f"{host} is locked by {read_lock(result.text.splitlines())}",
            hint="wait for it; if that apply is dead: `abbey up --break-lock`",
        )
    if result.code != 0:
        raise ApplyError(
            f"{host}: {directory} cannot be used: {result.complaint}",
            hint="the user of `ssh:` must be able to make and write this folder",
        )


def _release(shell: Shell, directory: str, token: str) -> None:
    # A host that went away keeps its lock; the next apply names the owner and the way out.
    with contextlib.suppress(AbbeyError):
        shell.run(script.argv("unlock", directory, token), timeout=TIMEOUT)
