"""Kavita's part that Abbey's post-start step talks to: its first account, its token, its settings.

Paths and shapes from Kareadita/Kavita's API controllers; only what the step uses, and strict about it.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

STATE = Path("/kavita/config/standin.json")
APPSETTINGS = Path("/kavita/config/appsettings.json")
TOKEN = "standin-token"
SETTINGS: dict[str, Any] = {
    "cacheDirectory": "/kavita/config/cache",
    "port": 5000,
    "oidcConfig": {
        "authority": "",
        "clientId": "",
        "provisionAccounts": False,
        "requireVerifiedEmail": True,
        "syncUserSettings": False,
        "rolesPrefix": "",
        "rolesClaim": "",
        "defaultRoles": [],
        "autoLogin": False,
        "disablePasswordAuthentication": False,
        "providerName": "OpenID Connect",
    },
}


def answer(method: str, path: str, headers: dict[str, str], sent: bytes) -> tuple[int, Any] | None:
    """Return the status and the answer of a request that Kavita would answer itself, None for any other."""
    state = json.loads(STATE.read_text()) if STATE.exists() else {"users": {}, "settings": SETTINGS}
    body = json.loads(sent) if sent.startswith(b"{") else {}
    signed_in = headers.get("Authorization") == f"Bearer {TOKEN}"
    match method, path.split("?")[0].lower():
        case "POST", "/api/account/register":
            if state["users"]:
                return 400, "Not allowed"
            if len(body["password"]) < 6:
                return 400, "Password too short"
            state["users"][body["username"]] = body["password"]
            result: tuple[int, Any] = (200, {"username": body["username"], "token": TOKEN})
        case "POST", "/api/account/login":
            if state["users"].get(body["username"]) != body["password"]:
                return 401, "Your credentials are not correct"
            return 200, {"username": body["username"], "token": TOKEN}
        case "GET", "/api/admin/exists":
            return 200, bool(state["users"])
        case "GET", "/api/settings":
            # Kavita has its client from the file, and the login is on when it found the sign-in; here it is supposed to.
            client = json.loads(APPSETTINGS.read_text())["OpenIdConnectSettings"]
            state["settings"]["oidcConfig"] |= {
                "enabled": all(client[key] for key in ("Authority", "ClientId", "Secret"))
            }
            return (200, state["settings"]) if signed_in else (401, "")
        case "POST", "/api/settings":
            if not signed_in:
                return 401, ""
            if body.keys() < SETTINGS.keys():
                return 400, "the whole document is wanted"
            state["settings"] = body
            result = (200, body)
        case _:
            return None
    draft = STATE.with_suffix(".new")
    draft.write_text(json.dumps(state))
    os.replace(draft, STATE)
    return result
