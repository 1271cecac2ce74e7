"""The seam to a host: run a command, follow a command, hang up. Ssh, local and test shells stand behind it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Result:
    """How a command ended: exit code, standard output, standard error."""

    code: int
    out: bytes
    err: bytes

    @property
    def text(self) -> str:
        """Return standard output as text; bytes that are not UTF-8 are replaced."""
        return self.out.decode(errors="replace")

    @property
    def complaint(self) -> str:
        """Return what the command said about its failure: standard error, else standard output, else the code."""
        said = [text for text in (self.err.decode(errors="replace"), self.text) if text.strip()]
        return said[0].strip("\r\n") if said else f"it ended with code {self.code} and said nothing"


class Shell(Protocol):
    """A way to run commands on one host, as one user, starting in that user's home folder."""

    def run(self, argv: Sequence[str], *, stdin: bytes = b"", timeout: float | None = None) -> Result:
        """Run the command to its end. Raise HostError when the host is not reached or does not answer in time."""

    def stream(self, argv: Sequence[str]) -> Iterator[str]:
        """Yield the lines of the command's output as they come; closing the iterator ends the command."""

    def close(self) -> None:
        """End every command that still runs and the connection. The shell may be used again: it reconnects."""
