"""What was done, by whom, with what outcome: one JSON line per action in `.abbey/audit.log` on the host."""

from __future__ import annotations

import getpass
import json
import platform
from collections.abc import Iterable
from datetime import UTC, datetime

from abbey.engine import script
from abbey.engine.effects import to_line
from abbey.engine.shell import Shell
from abbey.errors import ApplyError
from abbey.files import OnChange
from abbey.report import Done

TIMEOUT = 30.0


def operator() -> str:
    """Return who runs Abbey, as `user@machine`."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a user without a name, as in some containers
        user = "unknown"
    return f"{user}@{platform.node()}"


def record(shell: Shell, directory: str, done: Done, *, reason: str, settled: Iterable[OnChange]) -> None:
    """Append an action to the host's audit log and strike out the effects it settled, in one command.

    `done` must hold no secret. Raise ApplyError when the host cannot write it.
    """
    entry = {
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "who": operator(),
        "why": reason,
        "what": done.text,
        "outcome": done.outcome.value,
        "seconds": round(done.seconds, 1),
        "error": done.error.partition("\n")[0],
    }
    line = f"{json.dumps(entry)}\n".encode()
    result = shell.run(script.argv("settle", directory, *map(to_line, settled)), stdin=line, timeout=TIMEOUT)
    if result.code != 0:
        raise ApplyError(f"the outcome could not be written down: {result.complaint}")


def owe(shell: Shell, directory: str, effects: Iterable[OnChange]) -> None:
    """Write effects down on the host before they are begun. Raise ApplyError when the host cannot write them."""
    result = shell.run(script.argv("owe", directory, *map(to_line, effects)), timeout=TIMEOUT)
    if result.code != 0:
        raise ApplyError(f"what is owed could not be written down: {result.complaint}")
