"""Start programs that cannot outlive this one, and run short ones."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path


class LabError(Exception):
    """The lab could not be built or asked; the message says what was tried and what came back."""


def run(argv: Sequence[str | Path], *, stdin: str | None = None, within: float = 120) -> str:
    """Given a command that must succeed, return what it printed. Raise LabError with its words if it fails."""
    done = attempt(argv, stdin=stdin, within=within)
    if done.returncode:
        words = f"{done.stdout}\n{done.stderr}".strip()[-4000:]
        raise LabError(f"{' '.join(map(str, argv))} ended with {done.returncode}:\n{words}")
    return done.stdout


def attempt(
    argv: Sequence[str | Path], *, stdin: str | None = None, within: float = 120
) -> subprocess.CompletedProcess[str]:
    """Given a command that may fail, return its exit code and what it printed."""
    return subprocess.run(
        list(map(str, argv)), input=stdin or "", capture_output=True, text=True, timeout=within, check=False
    )


def start(argv: Sequence[str | Path], *, log: Path) -> subprocess.Popen[bytes]:
    """Given a command that stays, start it so that the kernel kills it when this process ends, however it ends.

    Must be called on a thread that lives as long as the lab: the kernel watches the thread, not the process.
    """
    with log.open("ab") as output:
        return subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", *map(str, argv)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # a Ctrl-C in the terminal reaches pytest, which then stops this in order
        )


def stop(process: subprocess.Popen[bytes], *, within: float = 15) -> None:
    """End a started process: ask, wait, then kill."""
    process.terminate()
    try:
        process.wait(within)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def children(pid: int) -> tuple[int, ...]:
    """Given a process, return its children as numbered in this PID namespace."""
    with contextlib.suppress(OSError):
        return tuple(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))
    return ()


def identity(pid: int) -> str:
    """Given a process, return a text that no later process with the same number shares, or "" if it is gone."""
    with contextlib.suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return "" if fields[0] == "Z" else f"{pid} {fields[19]}"
    return ""


def owner() -> str:
    """Return the identity of this process."""
    return identity(os.getpid())
