"""What every data file keeps to beyond its form: rules that the files of Abbey are tested with.

A file of a person's own is looked at with the same rules by `abbey check`, which warns and refuses nothing.
"""

from __future__ import annotations

from abbey.catalog.contract import images, login, record, secret, state
from abbey.catalog.contract.rule import Rule
from abbey.catalog.schema import App
from abbey.report import Finding
from abbey.spec.yaml import Document

RULES: tuple[Rule, ...] = (*images.RULES, *secret.RULES, *state.RULES, *login.RULES, *record.RULES)


def findings(name: str, app: App, document: Document) -> tuple[Finding, ...]:
    """Given an app and the file that it was read from, return what the rules find, each with its place in the file."""
    return tuple(
        rule.finding(name, f"{document.mark(path)}: {message}")
        for rule in RULES
        for path, message in rule.look(name, app)
    )
