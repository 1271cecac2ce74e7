"""The demo's folder: the only place it writes to, and gone when it ends."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from abbey.errors import UsageError
from abbey.sim.postgres import reachable

MARK = ".abbey-demo"


def default_folder(here: Path) -> Path:
    """Return `.demo` below `here`, or a new private folder where root's PostgreSQL could not reach that."""
    if os.geteuid() == 0 and not reachable(here / ".demo"):
        return Path(tempfile.mkdtemp(prefix="abbey-demo-"))
    return here / ".demo"


@contextmanager
def demo_folder(folder: Path, *, keep: bool) -> Iterator[Path]:
    """Make the folder, hold it, and remove it at the end unless it is kept.

    What a demo that was killed left in it is removed first. Raise UsageError when it is not a demo's, or in use.
    """
    folder = folder.absolute()
    mark = folder / MARK
    if folder.exists() and (not folder.is_dir() or (any(folder.iterdir()) and not mark.is_file())):
        raise UsageError(f"{folder} is there and is no demo's", hint="start the demo in another folder")
    folder.mkdir(parents=True, exist_ok=True)
    # Root's PostgreSQL runs as another user, who must be able to pass through.
    folder.chmod(0o711 if os.geteuid() == 0 else 0o700)
    with mark.open("a") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise UsageError(f"another demo uses {folder}", hint="start this one in another folder") from error
        for left in folder.iterdir():
            if left.is_dir():
                shutil.rmtree(left)
        try:
            yield folder
        finally:
            if not keep:
                shutil.rmtree(folder)
