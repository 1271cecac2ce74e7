"""Portainer's part that Abbey's post-start step talks to: its accounts and its settings.

Paths and shapes from portainer/portainer api/http/handler and the schema of 2.39.1; only what the step uses.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

STATE = Path("/data/standin.json")
TOKEN = "standin-jwt"
PASSWORD = Path("/run/secrets/portainer_admin_password")
START: dict[str, Any] = {
    "settings": {"AuthenticationMethod": 1, "OAuthSettings": {"ClientID": ""}, "LogoURL": ""},
    "users": [{"Id": 1, "Username": "admin", "Role": 1}],
}


def answer(method: str, path: str, headers: dict[str, str], sent: bytes) -> tuple[int, Any] | None:
    """Return the status and the answer of a request that Portainer would answer itself, None for any other."""
    if not path.startswith("/api/"):
        return None
    state = json.loads(STATE.read_text()) if STATE.exists() else START
    body = json.loads(sent) if sent.startswith(b"{") else {}
    place = path.split("?")[0].removeprefix("/api")
    if (method, place) in (("GET", "/system/status"), ("GET", "/status")):
        return 200, {"Version": "2.39.6", "InstanceID": "standin"}
    if (method, place) == ("POST", "/auth"):
        right = body == {"Username": "admin", "Password": PASSWORD.read_text().strip()}
        return (200, {"jwt": TOKEN}) if right else (422, {"message": "Invalid credentials"})
    if headers.get("Authorization") != f"Bearer {TOKEN}":
        return 401, {"message": "A valid authorization token is missing"}
    result = _inside(state, method, place, body)
    draft = STATE.with_suffix(".new")
    draft.write_text(json.dumps(state))
    os.replace(draft, STATE)
    return result


def _inside(state: dict[str, Any], method: str, place: str, body: dict[str, Any]) -> tuple[int, Any]:
    kind, _, number = place.strip("/").partition("/")
    match method, kind:
        case "GET", "settings":
            shown = {**state["settings"], "OAuthSettings": {**state["settings"]["OAuthSettings"], "ClientSecret": ""}}
            return 200, shown
        case "PUT", "settings":
            state["settings"] |= body
            return 200, state["settings"]
        case "GET", "users":
            return 200, state["users"]
        case "POST", "users":
            if any(user["Username"] == body["Username"] for user in state["users"]):
                return 409, {"message": "User already exists"}
            user = {"Id": len(state["users"]) + 1, "Username": body["Username"], "Role": body["Role"]}
            state["users"].append(user)
            return 200, user
        case "PUT", "users":
            for user in state["users"]:
                if str(user["Id"]) == number:
                    user |= body
                    return 200, user
            return 404, {"message": "Unable to find a user with the specified identifier inside the database"}
    return 404, {"message": f"standin_portainer does not know {method} {place}"}
