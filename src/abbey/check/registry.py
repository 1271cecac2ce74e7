"""Rules about a lab. A rule is one function with an id, a severity, a why and a fix; it yields (subject, message)."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from abbey import report
from abbey.model.lab import Lab
from abbey.report import Finding, Severity

Seen = Iterable[tuple[str, str]]
Rule = report.Rule[Callable[[Lab], Seen]]


def run(rules: Iterable[Rule], lab: Lab) -> tuple[Finding, ...]:
    """Return what the rules find, the gravest first."""
    return sorted_by_gravity(rule.finding(subject, message) for rule in rules for subject, message in rule.look(lab))


def sorted_by_gravity(found: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return the findings, the gravest first, and those of one rule together."""
    order = list(Severity)
    return tuple(sorted(found, key=lambda finding: (order.index(finding.severity), finding.rule, finding.subject)))
