"""How the lab's hosts are reached over ssh: real keys, a real known_hosts file, nothing relaxed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.host import make_key, public_key

CONFIG = """\
Host *
    IdentityFile {folder}/identity
    IdentitiesOnly yes
    UserKnownHostsFile {folder}/known_hosts
    GlobalKnownHostsFile /dev/null
    StrictHostKeyChecking yes
    BatchMode yes
    ConnectTimeout 5
"""


@dataclass(frozen=True, slots=True)
class Access:
    """Where the client's side of ssh is: its configuration, identity and known hosts."""

    folder: Path

    @property
    def config(self) -> Path:
        """The file that ABBEY_SSH_CONFIG names."""
        return self.folder / "ssh_config"

    @property
    def known_hosts(self) -> Path:
        """The public keys of the hosts."""
        return self.folder / "known_hosts"

    @property
    def public(self) -> str:
        """The public key that hosts let in."""
        return (self.folder / "identity.pub").read_text()


def prepare_access(folder: Path) -> Access:
    """Given a new folder, make an identity there."""
    folder.mkdir(mode=0o700)
    make_key(folder / "identity")
    return Access(folder)


def write_access(access: Access, hosts: Mapping[str, tuple[str, Path]]) -> None:
    """Given the name by which each host is known, with its address and the folder that holds its host key, write
    the client's configuration and known hosts."""
    blocks = [CONFIG.format(folder=access.folder)]
    keys = []
    for alias, (address, folder) in hosts.items():
        blocks.append(f"Host {alias}\n    HostName {address}\n    HostKeyAlias {alias}\n")
        keys.append(f"{alias} {public_key(folder)}\n")
    # ssh takes the first value it finds, so what is particular stands before what is general.
    access.config.write_text("\n".join([*blocks[1:], blocks[0]]))
    access.known_hosts.write_text("".join(keys))
