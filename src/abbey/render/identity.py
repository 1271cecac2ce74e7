"""Authentik's side of every login, as one blueprint; the same bytes on every host, or their workers would quarrel."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from abbey.emit import Note, Tagged, yaml_text
from abbey.files import Effect, File, FileTree, OnChange
from abbey.model.app import App, OidcClient
from abbey.model.host import Host
from abbey.model.identity import ADMIN_GROUP, PROVIDER, Identity
from abbey.model.lab import Lab
from abbey.model.secret_file import secret_path

_SCOPES = "goauthentik.io/providers/oauth2/scope-"
_PROXY_SCOPE = "goauthentik.io/providers/proxy/scope-proxy"
_VERIFIED_EMAIL = "scope-verified-email"
_STANDS_ON = (
    "System - OAuth2 Provider - Scopes",
    "System - Proxy Provider - Scopes",
    "Default - Provider authorization flow (implicit consent)",
    "Default - Provider invalidation flow",
)
BLUEPRINT_STEP = "authentik/blueprint"


def render(lab: Lab, host: Host) -> FileTree:
    """Return the blueprint that Authentik's worker applies, or nothing without an identity provider."""
    if lab.identity is None:
        return FileTree()
    applied = OnChange(BLUEPRINT_STEP, Effect.RUN)
    return FileTree([("authentik/lab.yaml", File(blueprint(lab, lab.identity), on_change=(applied,)))])


def blueprint(lab: Lab, identity: Identity) -> str:
    """Return people, groups, and for every app a provider, an application and who may enter."""
    clients = [(app, app.client) for app in lab.apps if app.client]
    gated = [app for app in lab.apps if app.login == "forward-auth"]
    entries: list[object] = [
        *_defaults(),
        *_people(lab, identity),
        *(_verified_email() if any(client.verified_email for _, client in clients) else ()),
        *(entry for app, client in clients for entry in (_client(app, client), _application(app), *_bindings(app))),
        *(entry for app in gated for entry in (_proxy(app), _application(app), *_bindings(app))),
    ]
    if gated:
        entries.append(_outpost(identity, gated))
    document = {
        "version": Note("Written by Abbey. Applied by Authentik's worker whenever it changes.", 1),
        "metadata": {
            "name": f"Lab {lab.name}",
            "labels": {"blueprints.goauthentik.io/instantiate": "true"},
        },
        "entries": entries,
    }
    return yaml_text(document)


def _defaults() -> Iterable[object]:
    """Authentik's own blueprints that this one stands on; on a new database they may not have been applied yet."""
    for place, name in enumerate(_STANDS_ON):
        entry = {
            "model": "authentik_blueprints.metaapplyblueprint",
            "identifiers": {},
            "attrs": {"identifiers": {"name": name}, "required": True},
        }
        yield Note("Authentik's own, applied first." if place == 0 else "", entry, gap=place == 0)


def _find(model: str, field: str, value: str) -> Tagged:
    return Tagged("!Find", [model, [field, value]])


def _scope(name: str) -> Tagged:
    return _find("authentik_providers_oauth2.scopemapping", "managed", f"{_SCOPES}{name}")


def _key(entry: str) -> Tagged:
    return Tagged("!KeyOf", entry)


def _flow(slug: str) -> Tagged:
    return _find("authentik_flows.flow", "slug", slug)


def _people(lab: Lab, identity: Identity) -> Iterable[object]:
    """People are made once and then left alone; who is in which group is kept as the file says."""
    admin = lab.app(PROVIDER).secret("admin_password")
    for place, user in enumerate(identity.users):
        attrs: dict[str, object] = {"name": user, "path": "users"}
        if user in identity.addresses:
            attrs["email"] = identity.addresses[user]
        if user == lab.admin:
            attrs["password"] = Tagged("!File", secret_path(admin))
        entry = {
            "model": "authentik_core.user",
            "id": f"user-{user}",
            "state": "created",
            "identifiers": {"username": user},
            "attrs": attrs,
        }
        yield Note("People: made once, then left alone." if place == 0 else "", entry, gap=True)
    for place, (group, users) in enumerate(identity.groups):
        attrs = {"is_superuser": group == ADMIN_GROUP, "users": [_key(f"user-{user}") for user in users]}
        entry = {
            "model": "authentik_core.group",
            "id": f"group-{group}",
            "identifiers": {"name": group},
            "attrs": attrs,
        }
        yield Note("Groups: exactly these people." if place == 0 else "", entry, gap=True)


def _verified_email() -> Iterable[object]:
    expression = 'return {"email": request.user.email, "email_verified": True}\n'
    yield Note(
        "Authentik calls addresses unverified by default; some apps refuse that.",
        {
            "model": "authentik_providers_oauth2.scopemapping",
            "id": _VERIFIED_EMAIL,
            "identifiers": {"name": "abbey verified email"},
            "attrs": {"scope_name": "email", "expression": expression},
        },
        gap=True,
    )


def _client(app: App, client: OidcClient) -> object:
    scopes: list[object] = [
        _key(_VERIFIED_EMAIL) if scope == "email" and client.verified_email else _scope(scope)
        for scope in client.scopes
    ]
    attrs = {
        "signing_key": _find("authentik_crypto.certificatekeypair", "name", "authentik Self-signed Certificate"),
        "client_type": "confidential",
        "grant_types": ["authorization_code", "refresh_token"],
        "client_id": client.client_id,
        "client_secret": Tagged("!File", secret_path(client.secret)),
        "redirect_uris": [
            {"matching_mode": "strict", "url": url, "redirect_uri_type": "authorization"} for url in client.redirects
        ],
        "sub_mode": "user_uuid",
        "issuer_mode": "per_provider",
        "include_claims_in_id_token": True,
        "property_mappings": scopes,
    }
    entry = _provider(app, "authentik_providers_oauth2.oauth2provider", attrs)
    return Note(f"{app.entry.title}: logs in by OpenID Connect.", entry, gap=True)


def _proxy(app: App) -> object:
    attrs = {
        "mode": "forward_single",
        "external_host": app.url,
        "skip_path_regex": "\n".join(app.entry.sso.bypass),
        "access_token_validity": "hours=24",
        "property_mappings": [
            *(_scope(scope) for scope in ("openid", "profile", "email")),
            _find("authentik_providers_oauth2.scopemapping", "managed", _PROXY_SCOPE),
        ],
    }
    entry = _provider(app, "authentik_providers_proxy.proxyprovider", attrs)
    return Note(f"{app.entry.title}: the gateway asks before it lets anybody in.", entry, gap=True)


def _provider(app: App, model: str, attrs: Mapping[str, object]) -> dict[str, object]:
    flows = {
        "authorization_flow": _flow("default-provider-authorization-implicit-consent"),
        "invalidation_flow": _flow("default-provider-invalidation-flow"),
    }
    return {
        "model": model,
        "id": f"provider-{app.name}",
        "identifiers": {"name": app.name},
        "attrs": {**flows, **attrs},
    }


def _application(app: App) -> object:
    attrs = {
        "name": app.entry.title,
        "provider": _key(f"provider-{app.name}"),
        "policy_engine_mode": "any",
        "meta_launch_url": f"{app.url}/",
    }
    return {
        "model": "authentik_core.application",
        "id": f"application-{app.name}",
        "identifiers": {"slug": app.name},
        "attrs": attrs,
    }


def _bindings(app: App) -> Iterable[object]:
    """One policy per app, in one place, always there: a group that is taken out of the file is out at once.

    A binding per group would stay in Authentik's database when the file no longer names its group.
    """
    tests = [f"ak_is_group_member(request.user, name={json.dumps(group)})" for group in app.groups]
    yield {
        "model": "authentik_policies_expression.expressionpolicy",
        "id": f"policy-{app.name}",
        "identifiers": {"name": f"abbey {app.name}"},
        "attrs": {"expression": f"return {' or '.join(tests) or 'True'}\n"},
    }
    yield {
        "model": "authentik_policies.policybinding",
        "identifiers": {"target": _key(f"application-{app.name}"), "order": 0},
        "attrs": {"policy": _key(f"policy-{app.name}"), "enabled": True, "negate": False, "timeout": 30},
    }


def _outpost(identity: Identity, gated: list[App]) -> object:
    attrs = {
        "name": "authentik Embedded Outpost",
        "type": "proxy",
        "providers": [_key(f"provider-{app.name}") for app in gated],
        "config": {
            "authentik_host": f"{identity.url}/",
            "authentik_host_browser": "",
            "authentik_host_insecure": False,
            "log_level": "info",
            "refresh_interval": "minutes=5",
        },
    }
    entry = {
        "model": "authentik_outposts.outpost",
        "id": "outpost",
        "identifiers": {"managed": "goauthentik.io/outposts/embedded"},
        "attrs": attrs,
    }
    return Note("The embedded outpost. This list replaces its own, so it must be complete.", entry, gap=True)
