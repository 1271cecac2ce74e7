"""Child processes of this machine, each in its own session, so that Ctrl-C reaches Abbey and Abbey decides."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Generator, Iterator, Mapping, Sequence
from pathlib import Path

from abbey.engine.shell import Result


class Children:
    """The running children of one shell; may be used from several threads."""

    def __init__(self, *, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> None:
        self._cwd = cwd
        self._env = dict(env) if env is not None else None
        self._running: set[subprocess.Popen[bytes]] = set()
        self._guard = threading.Lock()

    def run(self, argv: Sequence[str], *, stdin: bytes = b"", timeout: float | None = None) -> Result:
        """Run to the end. Raise TimeoutError, with the child and its children gone, when that takes too long."""
        with self._started(argv, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as child:
            try:
                out, err = child.communicate(stdin, timeout=timeout)
            except subprocess.TimeoutExpired:
                raise TimeoutError(f"no answer within {timeout:g} s") from None
            return Result(child.returncode, out, err)

    def stream(self, argv: Sequence[str]) -> Generator[str, None, int]:
        """Yield the lines of standard output and standard error together; return the exit code."""
        with self._started(argv, stdin=subprocess.DEVNULL, stderr=subprocess.STDOUT) as child:
            if child.stdout is not None:
                for line in child.stdout:
                    yield line.decode(errors="replace").rstrip("\r\n")
            return child.wait()

    def kill(self) -> None:
        """End every running child."""
        with self._guard:
            running = list(self._running)
        for child in running:
            _kill(child)

    @contextlib.contextmanager
    def _started(self, argv: Sequence[str], *, stdin: int, stderr: int) -> Iterator[subprocess.Popen[bytes]]:
        with subprocess.Popen(
            list(argv),
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=stderr,
            cwd=self._cwd,
            env=self._env,
            start_new_session=True,
        ) as child:
            with self._guard:
                self._running.add(child)
            try:
                yield child
            finally:
                _kill(child)
                with self._guard:
                    self._running.discard(child)


def _kill(child: subprocess.Popen[bytes]) -> None:
    """End the child and its session, unless it has ended already."""
    if child.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
