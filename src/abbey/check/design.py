"""Rules about the design of a lab: what is right as a file, and still worth knowing before it is built."""

from __future__ import annotations

from abbey.catalog.template import fill
from abbey.check.registry import Rule, Seen
from abbey.model.app import App
from abbey.model.lab import Lab
from abbey.report import Severity
from abbey.spec.schema import Contract


def _tunnel_without_id(lab: Lab) -> Seen:
    if lab.tunnel and not lab.tunnel.connected:
        yield lab.tunnel.name, "the tunnel has no account and id yet, so no connector is written"


def _open_app(lab: Lab) -> Seen:
    for app in lab.apps:
        if app.entry.kind == "app" and _is_open(lab, app):
            yield app.name, f"everybody on the internet may use {app.entry.title}, which asks nobody who they are"


def _open_portal(lab: Lab) -> Seen:
    for app in lab.apps:
        if app.entry.kind == "part" and _is_open(lab, app):
            yield app.name, f"everybody on the internet sees the {app.entry.title.lower()} and the figures of the hosts"


def _is_open(lab: Lab, app: App) -> bool:
    """Return whether the app relies on a gate in front of it, and the lab leads strangers to it without one."""
    return lab.tunnel is not None and app.entry.sso.mode == "forward-auth" and app.login == "none"


def _first_visitor(lab: Lab) -> Seen:
    for app in lab.apps:
        if app.entry.first_visitor:
            yield app.name, f"the first person who opens {app.entry.title} becomes {app.entry.first_visitor}"


def _first_account(lab: Lab) -> Seen:
    for app in lab.apps:
        if app.entry.first_account and app.login == "own":
            inside = fill(app.entry.first_account, {"admin.user": lab.admin, "admin.email": lab.email})
            command = f"docker compose exec {app.service_name(app.main)} {inside}"
            where = " and on ".join(app.hosts)
            yield app.name, f"nobody has an account in {app.entry.title} until one is made on {where}: `{command}`"


def _primary_at_home(lab: Lab) -> Seen:
    if lab.database and len(lab.hosts) > 1 and lab.database.primary.place == "home":
        yield lab.database.primary.name, "the shared database is at home: when home goes dark, nobody can sign in"


def _divergence(lab: Lab) -> Seen:
    for app in lab.apps:
        if app.contract is Contract.SPLIT and len(app.hosts) > 1:
            hosts = " and ".join(app.hosts)
            yield app.name, f"{app.entry.title} keeps separate data on {hosts}; what people see depends on who answers"


def _own_accounts(lab: Lab) -> Seen:
    for app in lab.apps:
        if lab.identity and app.login == "own":
            why = f": {app.entry.sso.why}" if app.entry.sso.why else ""
            yield app.name, f"{app.entry.title} keeps its own accounts{why}"


def _no_address(lab: Lab) -> Seen:
    apps = [app.entry.title for app in lab.apps if app.client and "email" in app.client.scopes]
    for user in lab.identity.users if lab.identity and apps else ():
        if lab.identity and user not in lab.identity.addresses:
            yield user, f"{user} has no e-mail address, and {', '.join(apps)} may refuse a login without one"


def _large_uploads(lab: Lab) -> Seen:
    for app in lab.apps:
        route = app.entry.route
        if lab.tunnel and route and route.body and _megabytes(route.body) > 100:
            yield app.name, f"{app.entry.title} takes uploads of {route.body}; Cloudflare's free plan cuts at 100m"


def _megabytes(size: str) -> int:
    return int(size[:-1]) * (1024 if size.endswith("g") else 1)


RULES: tuple[Rule, ...] = (
    Rule(
        "open-app",
        Severity.ERROR,
        why="it has no login of its own, and its catalog entry counts on the lab's",
        fix="add `identity:`, or remove the app",
        look=_open_app,
    ),
    Rule(
        "open-app",
        Severity.WARNING,
        why="figures of the machines help somebody who wants in",
        fix="add `identity:`, and leave `portal.login` at its default",
        look=_open_portal,
    ),
    Rule(
        "first-visitor",
        Severity.WARNING,
        why="whoever comes first may be a stranger",
        fix="open it yourself as soon as it runs, before you tell anybody its address",
        look=_first_visitor,
    ),
    Rule(
        "primary-at-home",
        Severity.WARNING,
        why="sign-in needs the database, and a rented server is more often reachable than a home",
        fix="put `database.primary` on the host in the cloud",
        look=_primary_at_home,
    ),
    Rule(
        "large-uploads",
        Severity.WARNING,
        why="larger requests end with an error that the app never sees",
        fix="upload inside the private network, or in parts where the app can",
        look=_large_uploads,
    ),
    Rule(
        "tunnel-without-id",
        Severity.NOTE,
        why="until then the gateways answer on loopback and in the private network only",
        fix="write `account` and `id` under ingress.cloudflare, and give the tunnel's secret:"
        " `abbey secret set cloudflared/tunnel_secret`",
        look=_tunnel_without_id,
    ),
    Rule(
        "no-address",
        Severity.WARNING,
        why="many apps know people by their address",
        fix="`identity: {authentik: {people: {NAME: ADDRESS}}}` before the account is made, in Authentik afterwards",
        look=_no_address,
    ),
    Rule(
        "divergence",
        Severity.NOTE,
        why="it was accepted in the file: uptime before one truth",
        fix="`state: owner` gives one truth, one hop further away",
        look=_divergence,
    ),
    Rule(
        "first-account",
        Severity.NOTE,
        why="nobody can sign in before",
        fix="run the command in the lab's folder on that host, with a name of your own for NAME",
        look=_first_account,
    ),
    Rule(
        "own-accounts",
        Severity.NOTE,
        why="people have one more password there, and leaving the lab does not end it",
        fix="nothing to do in the lab's file",
        look=_own_accounts,
    ),
)
