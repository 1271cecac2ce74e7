"""Placing an app: its contract, its hosts, its address and its login, or the reasons why not."""

from __future__ import annotations

from typing import Literal

from abbey.catalog.load import Catalog
from abbey.catalog.schema import App as Entry
from abbey.model.app import App, OidcClient
from abbey.model.faults import Faults, did_you_mean
from abbey.model.identity import ADMIN_GROUP, PROVIDER
from abbey.spec.schema import AppSpec, Contract, Spec

Login = Literal["oidc", "forward-auth", "own", "none"]


def place_part(spec: Spec, catalog: Catalog, name: str) -> App:
    """Return a part of the platform in its place: PostgreSQL on the primary, everything else on every host."""
    entry = catalog.apps[name]
    contract = next(iter(entry.contracts))
    owned = contract is Contract.OWNER and spec.database is not None
    hosts = (spec.database.primary,) if owned and spec.database else tuple(spec.hosts)
    hostname = ""
    if name == "portal":
        hostname = spec.domain
    elif name == PROVIDER and spec.identity:
        hostname = f"{spec.identity.authentik.host}.{spec.domain}"
    login = _login(spec, entry)
    if name == "portal" and not spec.portal.login:
        login = "none"
    return _app(spec, entry, AppSpec(), name=name, contract=contract, hosts=hosts, hostname=hostname, login=login)


def place_app(spec: Spec, catalog: Catalog, name: str, *, faults: Faults) -> App | None:
    """Return an app of the file in its place, or None after adding to `faults` everything that does not fit."""
    wish = spec.apps[name]
    entry = catalog.apps.get(name)
    apps = [known for known, other in catalog.apps.items() if other.kind == "app"]
    if entry is None:
        hint = f"{did_you_mean(name, apps)} An app of your own is a data file apps/{name}.yaml beside this file"
        faults.add(("apps", name), f"there is no app {name} in the catalog", hint)
        return None
    if entry.kind == "part":
        faults.add(("apps", name), f"{name} is a part of the platform", "Abbey places it by itself; remove it here")
        return None
    before = len(faults.found)
    contract = _contract(spec, entry, name, faults=faults)
    _check_database(spec, entry, name, contract=contract, faults=faults)
    hosts = _hosts(spec, wish, name, contract=contract, faults=faults)
    login = _login(spec, entry)
    _check_groups(spec, wish, name, login=login, faults=faults)
    _check_roles(spec, entry, wish, name, faults=faults)
    if len(faults.found) > before:
        return None
    hostname = f"{wish.host or name}.{spec.domain}"
    return _app(spec, entry, wish, name=name, contract=contract, hosts=hosts, hostname=hostname, login=login)


def _app(
    spec: Spec,
    entry: Entry,
    wish: AppSpec,
    *,
    name: str,
    contract: Contract,
    hosts: tuple[str, ...],
    hostname: str,
    login: Login,
) -> App:
    url = f"https://{hostname}" if hostname and entry.route else ""
    oidc = entry.sso.oidc
    return App(
        name=name,
        entry=entry,
        contract=contract,
        hosts=hosts,
        hostname=hostname if entry.route else "",
        url=url,
        login=login,
        client=OidcClient(
            client_id=name,
            redirects=tuple(f"{url}{path}" for path in oidc.redirects),
            scopes=oidc.scopes,
            verified_email=oidc.verified_email,
        )
        if login == "oidc" and oidc
        else None,
        groups=wish.groups,
        roles=tuple((role, wish.roles.get(role, ADMIN_GROUP if role == "admin" else "")) for role in entry.sso.roles),
        database=bool(spec.database and entry.database and contract in entry.database.contracts),
        env=tuple(sorted(wish.env.items())),
        tag=wish.tag,
        memory=wish.memory,
    )


def _contract(spec: Spec, entry: Entry, name: str, *, faults: Faults) -> Contract:
    wish = spec.apps[name]
    wanted = wish.state or (Contract.OWNER if wish.owner else None) or _default(spec, entry)
    if wanted not in entry.contracts:
        reason = entry.refuses.get(wanted, "nothing is known that would make it safe")
        choices = ", ".join(entry.contracts)
        faults.add(("apps", name, "state"), f"{entry.title} cannot be `{wanted}`: {reason}", f"it can be: {choices}")
        return wanted
    if wanted is Contract.SHARED and entry.database and not spec.database:
        faults.add(
            ("apps", name, "state"),
            f"{entry.title} can only be `shared` on the shared database, and this lab has none",
            f"add `database: {{primary: {next(iter(spec.hosts))}}}`, or `state: owner`",
        )
    if wanted is Contract.SPLIT and wish.accept != "divergence" and len(spec.hosts) > 1:
        faults.add(
            ("apps", name),
            f"`split` keeps separate data on each host: what people see in {entry.title} depends on who answers",
            "write `accept: divergence` to accept that, or `state: owner`",
        )
    if wish.accept and wanted is not Contract.SPLIT:
        faults.add(("apps", name, "accept"), f"nothing can diverge under `{wanted}`", "remove it")
    return wanted


def _check_database(spec: Spec, entry: Entry, name: str, *, contract: Contract, faults: Faults) -> None:
    database = entry.database
    if database is None or not database.required or contract not in entry.contracts:
        return
    if contract not in database.contracts:
        choices = " or ".join(f"`state: {choice}`" for choice in database.contracts)
        faults.add(("apps", name, "state"), f"{entry.title} needs the database, and has none as `{contract}`", choices)
    elif spec.database is None and contract is not Contract.SHARED:
        hint = f"add `database: {{primary: {next(iter(spec.hosts))}}}`"
        faults.add(("apps", name), f"{entry.title} needs the shared database, and this lab has none", hint)


def _default(spec: Spec, entry: Entry) -> Contract:
    """Return the best contract that needs nobody's consent. Two truths must be typed out."""
    for contract in entry.contracts:
        on_database = contract is Contract.SHARED and entry.database is not None
        if contract is not Contract.SPLIT and (spec.database or not on_database):
            return contract
    return next(iter(entry.contracts))


def _hosts(spec: Spec, wish: AppSpec, name: str, *, contract: Contract, faults: Faults) -> tuple[str, ...]:
    for index, host in enumerate(wish.hosts or ()):
        if host not in spec.hosts:
            faults.add(("apps", name, "hosts", index), f"there is no host {host}", did_you_mean(host, spec.hosts))
    if wish.owner and wish.owner not in spec.hosts:
        faults.add(("apps", name, "owner"), f"there is no host {wish.owner}", did_you_mean(wish.owner, spec.hosts))
    if wish.owner and contract is not Contract.OWNER:
        faults.add(("apps", name, "owner"), f"under `{contract}` no host owns it", "remove `owner`, or `state: owner`")
    if contract is Contract.OWNER:
        if wish.hosts:
            hint = f"write `owner: {wish.hosts[0]}`"
            faults.add(("apps", name, "hosts"), "an app with an owner runs on that one host", hint)
        return (wish.owner or next(iter(spec.hosts)),)
    return tuple(host for host in spec.hosts if wish.hosts is None or host in wish.hosts)


def _login(spec: Spec, entry: Entry) -> Login:
    mode = entry.sso.mode
    if spec.identity is None and mode in ("oidc", "forward-auth"):
        return "none" if mode == "forward-auth" and not entry.sso.own_login else "own"
    return mode


def _check_roles(spec: Spec, entry: Entry, wish: AppSpec, name: str, *, faults: Faults) -> None:
    if wish.roles and spec.identity is None:
        faults.add(("apps", name, "roles"), "there is no identity provider that knows groups", "add `identity:`")
        return
    known = {*spec.identity.authentik.groups, ADMIN_GROUP} if spec.identity else set()
    for role, group in wish.roles.items():
        if role not in entry.sso.roles:
            hint = did_you_mean(role, entry.sso.roles) if entry.sso.roles else "people get their roles inside the app"
            faults.add(("apps", name, "roles", role), f"{entry.title} has no role {role}", hint)
        elif group not in known:
            faults.add(("apps", name, "roles", role), f"there is no group {group}", did_you_mean(group, known))


def _check_groups(spec: Spec, wish: AppSpec, name: str, *, login: Login, faults: Faults) -> None:
    if not wish.groups:
        return
    if spec.identity is None:
        faults.add(("apps", name, "groups"), "there is no identity provider that knows groups", "add `identity:`")
        return
    known = {*spec.identity.authentik.groups, ADMIN_GROUP}
    for index, group in enumerate(wish.groups):
        if group not in known:
            faults.add(("apps", name, "groups", index), f"there is no group {group}", did_you_mean(group, known))
    if login not in ("oidc", "forward-auth"):
        faults.add(
            ("apps", name, "groups"),
            f"{name} keeps its own accounts, so the lab's groups cannot limit it",
            "remove `groups`, and limit people inside the app",
        )
