"""Which of the host's mounts are disks that a person would recognise."""

from __future__ import annotations

import re
from dataclasses import dataclass

# Kinds that hold data; everything else in the table (proc, overlay, tmpfs, squashfs, ...) is plumbing.
LOCAL = ("ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "f2fs", "bcachefs", "reiserfs", "jfs", "ntfs3", "exfat")
REMOTE = ("nfs", "nfs4", "cifs", "smb3", "ceph", "9p", "virtiofs", "fuseblk")
USER = ("fuse.mergerfs", "fuse.sshfs", "fuse.glusterfs", "fuse.rclone")
KINDS = frozenset(LOCAL + REMOTE + USER)
MOST = 32


@dataclass(frozen=True, slots=True)
class Mount:
    """One line of the mount table."""

    device: str
    point: str
    kind: str


def disks(table: str) -> tuple[Mount, ...]:
    """Given the text of /proc/1/mounts, return one mount per device, the root first, then by path.

    A device mounted several times (bind mounts, subvolumes) is shown once, where its path is shortest.
    The root counts whatever its kind. At most 32 are returned.
    """
    found: dict[str, Mount] = {}
    for mount in sorted(_lines(table), key=lambda mount: (mount.point != "/", len(mount.point), mount.point)):
        if mount.point == "/" or mount.kind in KINDS:
            found.setdefault(mount.device, mount)
    return tuple(sorted(found.values(), key=lambda mount: (mount.point != "/", mount.point))[:MOST])


def below(rootfs: str, mounts: tuple[Mount, ...], own_table: str) -> tuple[Mount, ...]:
    """Given where the host's root is mounted and this process' own mount table, return the mounts that are there.

    What was mounted on the host after a container started may be missing in it. Measured all the same, the empty
    folder in its place would answer with the sizes of the disk that it is on.
    """
    own = {(mount.device, mount.point) for mount in _lines(own_table)}
    return tuple(mount for mount in mounts if (mount.device, f"{rootfs}{mount.point}".rstrip("/") or "/") in own)


def _lines(table: str) -> list[Mount]:
    mounts: list[Mount] = []
    for line in table.splitlines():
        fields = line.split(" ")
        if len(fields) >= 3:
            device, point, kind = (_unescape(field) for field in fields[:3])
            mounts.append(Mount(device, point, kind))
    return mounts


def _unescape(field: str) -> str:
    # The kernel writes blank, tab, newline and backslash as three octal digits.
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), field)
