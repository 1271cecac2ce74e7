"""The tunnel's configuration, the same on every host: every name goes to the gateway, which knows the rest."""

from __future__ import annotations

from abbey.emit import Note, yaml_text
from abbey.files import File, FileTree
from abbey.model.host import Host
from abbey.model.ingress import PUBLIC_PORT
from abbey.model.lab import Lab

METRICS_PORT = 20241  # what the health check asks


def render(lab: Lab, host: Host) -> FileTree:
    """Return the connector's configuration and credentials, or nothing while the tunnel has no id yet."""
    tunnel = lab.tunnel
    if tunnel is None or not tunnel.connected:
        return FileTree()
    # A wildcard, so that a new app does not restart the connectors; the gateway refuses names it does not know.
    rules = [{"hostname": name, "service": f"http://gateway:{PUBLIC_PORT}"} for name in (lab.domain, f"*.{lab.domain}")]
    config = {
        "tunnel": Note(f"Tunnel {tunnel.name}. Written by Abbey, the same on every host.", tunnel.id),
        "credentials-file": "/run/tunnel/credentials.json",
        "metrics": f"0.0.0.0:{METRICS_PORT}",
        "grace-period": "30s",
        "originRequest": {"connectTimeout": "5s"},
        "ingress": Note("The first rule that fits wins; the last one fits everything.", [*rules, _REST], gap=True),
    }
    credentials = (
        f'{{"AccountTag":"{tunnel.account}","TunnelSecret":"',
        tunnel.secret,
        f'","TunnelID":"{tunnel.id}"}}\n',
    )
    return FileTree(
        [
            ("cloudflared/config.yml", File(yaml_text(config))),
            ("secrets/cloudflared/credentials.json", File(credentials, mode=0o444)),
        ]
    )


_REST = {"service": "http_status:404"}
