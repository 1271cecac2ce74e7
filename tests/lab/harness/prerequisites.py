"""Whether this machine can hold the lab, told in words when it cannot."""

from __future__ import annotations

import os
import shutil

from harness.process import attempt
from harness.workplace import LAYERED, filesystem, root

PROGRAMS = ("mmdebstrap", "ip", "nsenter", "unshare", "setpriv", "ssh", "ssh-keygen", "age")


def missing() -> str:
    """Return why the lab cannot be here, or "" if it can."""
    if os.geteuid():
        return "the two-host lab needs root, for namespaces and mounts"
    if absent := [program for program in PROGRAMS if not shutil.which(program)]:
        return f"the two-host lab needs {', '.join(absent)} (apt-get install mmdebstrap iproute2 openssh-client age)"
    spaces = ("--mount", "--net", "--pid", "--uts", "--ipc", "--fork")
    if attempt(["unshare", *spaces, "mount", "-t", "tmpfs", "tmpfs", "/mnt"]).returncode:
        return "the two-host lab needs namespaces and mounts, which this machine refuses"
    if (kind := filesystem(root())) in LAYERED:
        return f"{root()} is on {kind}, where Docker cannot keep images: name a folder on a disk in ABBEY_LAB_DIR"
    return ""
