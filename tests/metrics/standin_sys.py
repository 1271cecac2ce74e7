"""A /sys that tests own, for psutil, which has the paths of the real one written into it."""

from __future__ import annotations

import builtins
import glob
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest


def stand_in_for_sys(patch: pytest.MonkeyPatch, root: Path) -> None:
    """Let psutil find below a folder what it looks for below /."""

    def find(pattern: str) -> list[str]:
        return [path.removeprefix(str(root)) for path in glob.glob(f"{root}{pattern}")]

    def open_(path: str, *args: Any, **kwargs: Any) -> Any:
        return builtins.open(f"{root}{path}" if path.startswith("/sys/") else path, *args, **kwargs)

    patch.setattr("psutil._pslinux.glob", SimpleNamespace(glob=find))
    patch.setattr("psutil._common.open", open_, raising=False)
    patch.setattr("psutil._pslinux.POWER_SUPPLY_PATH", str(root / "sys/class/power_supply"))
