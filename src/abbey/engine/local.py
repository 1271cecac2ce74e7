"""This machine as a host: the same commands without ssh."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from abbey.engine.process import Children
from abbey.engine.shell import Result
from abbey.errors import HostError


class LocalShell:
    """Runs commands on this machine, in the user's home folder or in `home`, with the given environment if any."""

    def __init__(self, host: str, *, home: Path | None = None, env: Mapping[str, str] | None = None) -> None:
        self._host = host
        self._children = Children(cwd=home or Path.home(), env=env)

    def run(self, argv: Sequence[str], *, stdin: bytes = b"", timeout: float | None = None) -> Result:
        """Run the command to its end. Raise HostError when it is not found or does not end in time."""
        try:
            return self._children.run(argv, stdin=stdin, timeout=timeout)
        except TimeoutError as error:
            raise HostError(self._host, f"{argv[0]}: {error}") from None
        except FileNotFoundError:
            return Result(127, b"", f"{argv[0]}: not found".encode())

    def stream(self, argv: Sequence[str]) -> Iterator[str]:
        """Yield the lines of the command's output as they come; closing the iterator ends the command."""
        try:
            yield from self._children.stream(argv)
        except FileNotFoundError:
            raise HostError(self._host, f"{argv[0]}: not found") from None

    def close(self) -> None:
        """End every command that still runs."""
        self._children.kill()
