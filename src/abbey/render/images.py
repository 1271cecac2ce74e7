"""What the host builds its own images from: the folders of `images/` with the sources that go into them."""

from __future__ import annotations

from abbey.files import File, FileTree
from abbey.model.host import Host
from abbey.model.lab import Lab
from abbey.model.service import services


def render(lab: Lab, host: Host) -> FileTree:
    """Return build/NAME/… for every image that the host builds."""
    names = sorted({service.entry.image.build for service in services(lab, host) if service.entry.image.build})
    return FileTree(
        # Scripts stay programs, also those of a person's own image.
        (f"build/{name}/{path}", File(body, mode=0o755 if body.startswith(b"#!") else 0o644))
        for name in names
        for path, body in lab.catalog.contexts[name].items()
    )
