"""Folders of the lab: what is kept between runs, and one folder per run that is removed with it."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from harness.process import identity, owner, run

REPOSITORY = Path(__file__).resolve().parents[3]
LAYERED = {
    "overlayfs",
    "tmpfs",
    "aufs",
    "ramfs",
}  # Docker's overlay2 cannot sit on an overlay; images do not fit in memory


@dataclass(frozen=True, slots=True)
class Workplace:
    """Where this run works. `name` is unique on this machine while the run lives."""

    root: Path
    run: Path
    name: str

    @property
    def cache(self) -> Path:
        """The folder of results that later runs use again."""
        return self.root / "cache"


def root() -> Path:
    """Return the lab's folder: the one ABBEY_LAB_DIR names, else `.lab` in the repository."""
    return Path(os.environ.get("ABBEY_LAB_DIR") or REPOSITORY / ".lab").resolve()


def filesystem(folder: Path) -> str:
    """Given a folder that may not exist yet, return the kind of file system it would be on."""
    while not folder.exists():
        folder = folder.parent
    return run(["stat", "--file-system", "--format=%T", folder]).strip()


@contextlib.contextmanager
def workplace() -> Iterator[Workplace]:
    """Make the folder of this run, after removing those whose owners are gone; remove it at the end."""
    home = root()
    (home / "cache").mkdir(parents=True, exist_ok=True)
    sweep(home)
    name = f"abbey-{hashlib.sha256(f'{home} {owner()}'.encode()).hexdigest()[:8]}"
    folder = home / "runs" / name
    folder.mkdir(parents=True)
    (folder / "owner").write_text(owner())
    try:
        yield Workplace(root=home, run=folder, name=name)
    finally:
        discard(folder)


def sweep(home: Path) -> None:
    """Remove the folders and control groups of runs whose recorded owner no longer exists. Their processes and
    namespaces ended with that owner; only what the kernel cannot take back is left to remove."""
    for folder in sorted((home / "runs").glob("abbey-*")):
        record = folder / "owner"
        text = record.read_text() if record.exists() else ""
        if not text or identity(int(text.split()[0])) != text:
            discard(folder)


def discard(folder: Path) -> None:
    """Remove the folder of a run and the empty control groups that bear its name."""
    groups = Path("/sys/fs/cgroup")
    for group in (groups / folder.name, *groups.glob(f"*/{folder.name}")):
        for inner, _, _ in os.walk(group, topdown=False):
            with contextlib.suppress(OSError):  # not empty: something in it still ends
                os.rmdir(inner)
    shutil.rmtree(folder, ignore_errors=True)


def recipe(*parts: str | bytes | Path) -> str:
    """Given all that decides a result, return a short name for it. A folder stands for its files."""
    digest = hashlib.sha256()
    for part in parts:
        for name, content in _contents(part):
            digest.update(f"{name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()[:16]


def _contents(part: str | bytes | Path) -> Iterator[tuple[str, bytes]]:
    if isinstance(part, Path):
        files = sorted(path for path in part.rglob("*") if path.is_file()) if part.is_dir() else [part]
        yield from ((str(path.relative_to(part)), path.read_bytes()) for path in files)
    else:
        yield "", part.encode() if isinstance(part, str) else part


def cached(place: Workplace, name: str, make: Callable[[Path], None]) -> Path:
    """Given the name of a result and how to make it, return where it is. It is made once, and never half:
    others that want it meanwhile wait."""
    target = place.cache / name
    with (place.cache / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not target.exists():
            draft = place.cache / f"{name}.draft"
            _remove(draft)
            make(draft)
            draft.rename(target)
        os.utime(target)  # so that what is in use is the newest
        _thin(target)
    return target


def _thin(newest: Path) -> None:
    """Keep the two results of this kind that were used last: this checkout's state and the one before."""
    kind = newest.name.rpartition("-")[0]
    siblings = [path for path in newest.parent.glob(f"{kind}-*") if path.suffix not in (".lock", ".draft")]
    for old in sorted(siblings, key=lambda path: path.stat().st_mtime, reverse=True)[2:]:
        _remove(old)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
