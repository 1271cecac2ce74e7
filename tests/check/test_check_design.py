"""Each design rule beside a lab in which it finds something and one in which it does not."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest

from abbey.catalog.load import Catalog, load_catalog
from abbey.catalog.schema import Sso
from abbey.check.design import RULES
from abbey.check.registry import run
from abbey.model.app import App
from abbey.model.lab import Lab
from abbey.report import Severity
from labs import lab_of, text_of, two_hosts

TUNNEL = {"cloudflare": {"tunnel": "lab", "account": "0" * 32, "id": "6ff42ae2-765d-4adf-8112-31c55c1551ef"}}


def own_accounts() -> Catalog:
    """Return the catalog with a Forgejo that keeps its own accounts and has none after the start."""
    catalog = load_catalog()
    command = "forgejo admin user create --admin --username NAME --email {{admin.email}} --random-password"
    update = {"sso": Sso(mode="own"), "steps": (), "first_account": command}
    return replace(catalog, apps={**catalog.apps, "forgejo": catalog.apps["forgejo"].model_copy(update=update)})


@dataclass(frozen=True)
class Example:
    rule: str
    finds: dict[str, Any]
    silent: dict[str, Any]
    subject: str


EXAMPLES = [
    Example("tunnel-without-id", {"ingress": {"cloudflare": {"tunnel": "lab"}}}, {"ingress": TUNNEL}, "lab"),
    Example("open-app", {"ingress": TUNNEL, "portal": {"login": False}}, {"ingress": TUNNEL}, "portal"),
    Example("primary-at-home", {"database": {"primary": "monk"}}, {"database": {"primary": "cloud"}}, "monk"),
    Example(
        "divergence",
        {"apps": {"kavita": {"state": "split", "accept": "divergence"}}},
        {"apps": {"kavita": {}}},
        "kavita",
    ),
    Example(
        "no-address",
        {"apps": {"grafana": {}}},
        {"identity": {"authentik": {"groups": {"family": ["bob"]}, "people": {"bob": "bob@example.org"}}}},
        "bob",
    ),
    Example("first-visitor", {"apps": {"karakeep": {}}}, {"apps": {"forgejo": {}}}, "karakeep"),
    Example("first-account", {"apps": {"forgejo": {}}}, {"apps": {"kavita": {}}}, "forgejo"),
    Example("own-accounts", {"apps": {"forgejo": {}}}, {"apps": {"grafana": {}}}, "forgejo"),
]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.rule)
def test_a_rule_finds_what_it_looks_for_and_nothing_else(example: Example) -> None:
    catalog = own_accounts()
    found = run(RULES, lab_of(text_of(two_hosts(**example.finds)), catalog))
    assert [finding.subject for finding in found if finding.rule == example.rule] == [example.subject]
    silent = run(RULES, lab_of(text_of(two_hosts(**example.silent)), catalog))
    assert example.rule not in {finding.rule for finding in silent}


def test_an_app_that_counts_on_the_login_is_an_error_without_one() -> None:
    lab = lab_of(text_of(two_hosts(ingress=TUNNEL, identity=None, database=None)))
    kavita = lab.app("kavita")
    gated = kavita.entry.model_copy(update={"sso": Sso(mode="forward-auth")})
    open_app = replace(kavita, entry=gated, login="none")

    def seen(app: App, lab: Lab) -> dict[str, Severity]:
        apps = tuple(app if app.name == one.name else one for one in lab.apps)
        found = run(RULES, replace(lab, apps=apps))
        return {finding.subject: finding.severity for finding in found if finding.rule == "open-app"}

    assert seen(open_app, lab) == {"kavita": Severity.ERROR, "portal": Severity.WARNING}
    assert seen(replace(open_app, login="forward-auth"), lab) == {"portal": Severity.WARNING}
    assert seen(open_app, replace(lab, tunnel=None)) == {}


def test_the_command_for_the_first_account_can_be_copied() -> None:
    split = {"forgejo": {"state": "split", "accept": "divergence"}}
    lab = lab_of(text_of(two_hosts(apps=split)), own_accounts())
    (found,) = (finding.message for finding in run(RULES, lab) if finding.rule == "first-account")
    assert found == (
        "nobody has an account in Forgejo until one is made on monk and on cloud: `docker compose exec forgejo"
        " forgejo admin user create --admin --username NAME --email ann@example.org --random-password`"
    )


def test_large_uploads_are_a_matter_of_the_tunnel() -> None:
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
