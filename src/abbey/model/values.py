"""What `{{name}}` stands for in a data file, for one app on one host."""

from __future__ import annotations

from abbey.model.app import App
from abbey.model.database import DOOR, PORT, role_name
from abbey.model.host import Host
from abbey.model.identity import ADMIN_GROUP
from abbey.model.lab import Lab
from abbey.model.metrics import told
from abbey.model.secret_file import secret_path
from abbey.secrets import SecretRef


def secrets(lab: Lab, app: App) -> dict[str, SecretRef]:
    """Return the secrets of an app by the names after `secret.` and `text.` in its data file."""
    names = [*app.entry.secrets, *(("db_password",) if app.database else ()), *(("oidc",) if _client(lab, app) else ())]
    return {name: app.secret(name) for name in names}


def values(lab: Lab, host: Host, app: App) -> dict[str, str]:
    """Return what `{{name}}` may stand for in the data file of an app, on a host."""
    known = {
        "lab": lab.name,
        "domain": lab.domain,
        "timezone": lab.timezone,
        "admin.user": lab.admin,
        "admin.email": lab.email,
        "admin.group": ADMIN_GROUP,
        "host.name": host.name,
        "host.tailnet": host.tailnet,
        "url": app.url,
        "hostname": app.hostname,
        "network.app": lab.subnets[app.name],
        **told(lab, host),
    }
    known["braces"] = "{{"  # for a text in which they mean something to the app
    known |= {f"role.{role}": group for role, group in app.roles}
    known |= {f"secret.{name}": secret_path(ref) for name, ref in secrets(lab, app).items()}
    if app.database:
        role = role_name(app.name)
        known |= {"db.host": DOOR, "db.port": str(PORT), "db.name": role, "db.user": role}
    if app.client and lab.identity:
        known |= lab.identity.endpoints(app.client.client_id)
    return known


def _client(lab: Lab, app: App) -> bool:
    return app.client is not None and lab.identity is not None
