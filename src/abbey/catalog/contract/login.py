"""Rules about the login: both sides of it are told, and what is promised is used."""

from __future__ import annotations

from abbey.catalog.contract.rule import Rule, Seen, texts, used
from abbey.catalog.schema import App
from abbey.catalog.template import names
from abbey.report import Severity

_TOLD = "from the request"
_ADDRESS = frozenset({"url", "hostname", "domain"})
_DISCOVERED = frozenset({"oidc.issuer", "oidc.discovery"})
_SINGLE = frozenset({"oidc.authorize", "oidc.token"})


def _sso(name: str, app: App) -> Seen:
    if app.sso.mode == "oidc":
        yield from _client(app)
    elif app.kind == "app" and not app.sso.why:
        yield ("sso",), f"the login is `{app.sso.mode}`, and nothing says why there is no better one"
    if app.sso.mode == "oidc" and app.sso.licence:
        yield ("sso", "licence"), "the login is `oidc`, and costs money"
    for key, service in app.services.items():
        if service.with_oidc and app.sso.mode != "oidc":
            yield ("services", key, "with_oidc"), f"the login is `{app.sso.mode}`, so this is never used"
        if service.with_gate and app.sso.mode != "forward-auth":
            yield ("services", key, "with_gate"), f"the login is `{app.sso.mode}`, so this is never used"
    for role in app.sso.roles:
        if f"role.{role}" not in used(app):
            yield ("sso", "roles", role), f"no setting names `{{{{role.{role}}}}}`, so it is given to nobody"


def _client(app: App) -> Seen:
    wanted = used(app)
    if "oidc.client_id" not in wanted:
        yield ("sso", "oidc"), "no setting tells the app its name as a client, `{{oidc.client_id}}`"
    if not wanted & {"secret.oidc", "text.oidc"}:
        yield ("sso", "oidc"), "no setting gives the app its secret, `{{secret.oidc}}` or `{{text.oidc}}`"
    if not wanted & _DISCOVERED and not wanted >= _SINGLE:
        yield ("sso", "oidc"), "no setting leads the app to the sign-in: issuer, discovery, or authorize and token"
    if app.route is None:
        yield ("sso", "oidc"), "nobody can come back from the sign-in to an app without a route"
    for path, text in texts(app):
        if "admin.group" in names(text) and app.kind == "app":
            yield path, "`{{admin.group}}` is the same in every lab; a role can be given to another group"


def _address(name: str, app: App) -> Seen:
    told = any(_TOLD in line for line in (*app.sources, *app.doubts))
    if app.sso.mode == "oidc" and not used(app) & _ADDRESS and not told:
        yield ("sso", "oidc"), "no setting tells the app its own address"


def _open_page(name: str, app: App) -> Seen:
    if app.sso.mode == "forward-auth" and app.route and app.route.health == "/":
        yield ("route", "health"), "the path of its health is its front page, which then opens without a login"


RULES: tuple[Rule, ...] = (
    Rule(
        "open-page",
        Severity.WARNING,
        why="the other hosts ask for health without a login, so the gate lets that path through",
        fix="a path that shows nothing, e.g. one for health, or /robots.txt",
        look=_open_page,
    ),
    Rule(
        "sso-complete",
        Severity.WARNING,
        why="a login that one side does not know of ends with an error page",
        fix="in `with_oidc`, files or steps `when: [oidc]`: client id, secret and an address of the sign-in; roles as"
        " `{{role.NAME}}`; for any other mode `sso.why`",
        look=_sso,
    ),
    Rule(
        "public-address",
        Severity.WARNING,
        why="an app that does not know its address sends people back to another one after the login",
        fix="give it `{{url}}` or `{{hostname}}` in the setting that its documentation names; or say in `sources` where"
        " it was seen that it takes its address from the request",
        look=_address,
    ),
)
