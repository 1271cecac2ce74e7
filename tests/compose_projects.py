"""The ten stacks in `fixtures`, in the style of what projects publish, and what the real Compose makes of one."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

FIXTURES = Path(__file__).parent / "catalog" / "compose" / "fixtures"
PROJECTS = ("cloud", "dns", "git", "home", "media", "monitoring", "notes", "photos", "play", "proxy")
HOME = Path("/home/ann")


def config(folder: Path, *arguments: str, check: bool = True) -> Any:
    """Return what `docker compose config` says of a folder; no variable comes from here."""
    import compose as package

    program = Path(str(package.__file__)).parent / "docker-compose"
    result = subprocess.run(
        [str(program), *arguments, "config", "--format", "json"],
        capture_output=True, text=True, timeout=60, check=False, cwd=folder,
        env={"HOME": str(HOME), "PATH": os.environ["PATH"]},
    )  # fmt: skip
    if result.returncode != 0:
        assert not check, result.stderr
        return None
    return json.loads(result.stdout)


def plain(text: str | None) -> str | None:
    """Return a text of Compose's answer as a container sees it."""
    return None if text is None else text.replace("$$", "$")
