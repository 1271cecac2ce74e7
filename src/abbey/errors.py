"""Every error that Abbey raises on purpose. The class carries the exit code; the CLI catches the root once.

AbbeyError                 1  something failed
├── UsageError             2  a command was called wrongly
├── FileErrors             2  one or more Faults in a file that a person wrote
├── SecretError            1  a secret is missing, or the vault cannot be opened
├── HostError              4  a host was not reached
├── LockError              1  another apply holds the host
└── ApplyError             1  an action failed on a host
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """A place in a text: file name as the person gave it, line and column counted from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong in a file: where, what, and what would be right (may be empty)."""

    mark: Mark
    message: str
    hint: str = ""

    def __str__(self) -> str:
        text = f"{self.mark}: {self.message}"
        return f"{text}\n    hint: {self.hint}" if self.hint else text


class AbbeyError(Exception):
    """Root of the tree. `hint` says what to do about it; `exit_code` is what the process returns."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n    hint: {self.hint}" if self.hint else self.message


class UsageError(AbbeyError):
    """A command was called with words that do not fit together."""

    exit_code = 2


class FileErrors(AbbeyError):
    """All the Faults found in the files of a lab, sorted by place; never empty."""

    exit_code = 2

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(sorted(set(faults), key=lambda fault: (fault.mark, fault.message)))
        super().__init__("\n".join(str(fault) for fault in self.faults))


class SecretError(AbbeyError):
    """A secret is missing, or the vault cannot be read or written."""


class HostError(AbbeyError):
    """A host was not reached, or its key is not the one that is known."""

    exit_code = 4

    def __init__(self, host: str, message: str, *, hint: str = "") -> None:
        super().__init__(f"{host}: {message}", hint=hint)
        self.host = host


class LockError(AbbeyError):
    """Another apply holds the lock of a host."""


class ApplyError(AbbeyError):
    """An action failed on a host."""
