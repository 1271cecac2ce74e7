"""Rules about a lab. A rule is one function with an id, a severity, a why and a fix; it yields (subject, message)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from abbey.model.lab import Lab
from abbey.report import Finding, Severity

Seen = Iterable[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Rule:
    """What is looked for, how much it matters, why, and what to do about it."""

    id: str
    severity: Severity
    why: str
    fix: str
    look: Callable[[Lab], Seen]


def run(rules: Iterable[Rule], lab: Lab) -> tuple[Finding, ...]:
    """Return what the rules find, the gravest first."""
    return sorted_by_gravity(
        Finding(rule.id, rule.severity, subject, message, why=rule.why, fix=rule.fix)
        for rule in rules
        for subject, message in rule.look(lab)
    )


def sorted_by_gravity(found: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return the findings, the gravest first, and those of one rule together."""
    order = list(Severity)
    return tuple(sorted(found, key=lambda finding: (order.index(finding.severity), finding.rule, finding.subject)))
