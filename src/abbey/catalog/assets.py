"""What comes with Abbey besides its code: the portal, the images, the examples."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from abbey.errors import AbbeyError


def asset(name: str) -> Path:
    """Return a file or folder that is installed with Abbey, or stands in its checkout. Raise AbbeyError without it."""
    package = Path(str(resources.files("abbey")))
    for place in (package / "assets" / name, package.parents[1] / name):
        if place.exists():
            return place
    raise AbbeyError(f"{name} is not installed", hint="install Abbey again, or run it from its checkout")
