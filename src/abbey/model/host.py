"""A machine of the lab."""

from __future__ import annotations

from dataclasses import dataclass

from abbey.spec.schema import HostSpec

LOCAL = "local"  # ssh target that means: this machine, no ssh


@dataclass(frozen=True, slots=True)
class Host:
    """Name, ssh target, address in the private network, place (home or cloud), folder that holds the lab."""

    name: str
    ssh: str
    tailnet: str
    place: str
    folder: str


def host_of(lab: str, name: str, spec: HostSpec) -> Host:
    """Return the host. Root keeps the lab in /opt/abbey; anybody else in the home folder, where no root is needed."""
    root = spec.ssh.startswith("root@") or spec.ssh.startswith("ssh://root@")
    folder = spec.folder or (f"/opt/abbey/{lab}" if root else f"abbey/{lab}")
    return Host(name=name, ssh=spec.ssh, tailnet=spec.tailnet, place=spec.place, folder=folder)
