"""Each design rule beside a lab in which it finds something and one in which it does not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from abbey.check.design import RULES
from abbey.check.registry import run
from labs import lab_of, text_of, two_hosts

TUNNEL = {"cloudflare": {"tunnel": "lab", "account": "0" * 32, "id": "6ff42ae2-765d-4adf-8112-31c55c1551ef"}}


@dataclass(frozen=True)
class Example:
    rule: str
    finds: dict[str, Any]
    silent: dict[str, Any]
    subject: str


EXAMPLES = [
    Example("tunnel-without-id", {"ingress": {"cloudflare": {"tunnel": "lab"}}}, {"ingress": TUNNEL}, "lab"),
    Example("open-portal", {"ingress": TUNNEL, "portal": {"login": False}}, {"ingress": TUNNEL}, "portal"),
    Example("primary-at-home", {"database": {"primary": "monk"}}, {"database": {"primary": "cloud"}}, "monk"),
    Example(
        "divergence",
        {"apps": {"kavita": {"state": "split", "accept": "divergence"}}},
        {"apps": {"kavita": {}}},
        "kavita",
    ),
    Example("own-accounts", {"apps": {"kavita": {}}}, {"apps": {"grafana": {}}}, "kavita"),
]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.rule)
def test_a_rule_finds_what_it_looks_for_and_nothing_else(example: Example) -> None:
    found = run(RULES, lab_of(text_of(two_hosts(**example.finds))))
    assert [finding.subject for finding in found if finding.rule == example.rule] == [example.subject]
    silent = run(RULES, lab_of(text_of(two_hosts(**example.silent))))
    assert example.rule not in {finding.rule for finding in silent}


def test_large_uploads_are_a_matter_of_the_tunnel() -> None:
    from dataclasses import replace

    lab = lab_of(text_of(two_hosts(ingress=TUNNEL, apps={"forgejo": {}})))
    forgejo = lab.app("forgejo")
    assert forgejo.entry.route is not None
    large = forgejo.entry.model_copy(update={"route": forgejo.entry.route.model_copy(update={"body": "2g"})})
    apps = tuple(replace(app, entry=large) if app.name == "forgejo" else app for app in lab.apps)
    rules = {finding.rule for finding in run(RULES, replace(lab, apps=apps))}
    assert "large-uploads" in rules
    assert "large-uploads" not in {finding.rule for finding in run(RULES, lab)}
    assert "large-uploads" not in {finding.rule for finding in run(RULES, replace(lab, apps=apps, tunnel=None))}


def test_every_rule_has_an_example() -> None:
    assert {rule.id for rule in RULES} == {example.rule for example in EXAMPLES} | {"large-uploads"}
    assert all(rule.why and rule.fix for rule in RULES)
