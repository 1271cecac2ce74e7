"""The portal: what the page knows about the lab, and the nginx that serves it."""

from __future__ import annotations

from abbey.emit import json_text
from abbey.files import File, FileTree
from abbey.model.host import Host
from abbey.model.lab import Lab


def render(lab: Lab, host: Host) -> FileTree:
    """Return portal/site/… and portal/conf.d/… of a host."""
    return FileTree([("portal/site/portal.json", File(json_text({"lab": lab.name, "host": host.name})))])
