"""What happened and what was found: plain values that every layer can make and only the CLI prints."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

Look = TypeVar("Look")


class Outcome(StrEnum):
    """How an action ended."""

    OK = "ok"
    FAILED = "failed"
    SKIPPED = "skipped"  # something it depends on failed


@dataclass(frozen=True, slots=True)
class Done:
    """One executed action: its id in the plan, host, one-line text, outcome, seconds, and the error if any."""

    id: int
    host: str
    text: str
    outcome: Outcome
    seconds: float
    error: str = ""


class Severity(StrEnum):
    """How much a finding matters."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Finding:
    """One result of a check: rule id, severity, what was seen, why it matters, how to fix it."""

    rule: str
    severity: Severity
    subject: str
    message: str
    why: str = ""
    fix: str = ""


@dataclass(frozen=True)  # without slots: Python 3.11 cannot make one through its alias with a type otherwise
class Rule(Generic[Look]):
    """What is looked for, how much it matters, why, and what to do about it. `look` is given what is judged."""

    id: str
    severity: Severity
    why: str
    fix: str
    look: Look

    def finding(self, subject: str, message: str) -> Finding:
        """Return what the rule has found."""
        return Finding(self.id, self.severity, subject, message, why=self.why, fix=self.fix)
