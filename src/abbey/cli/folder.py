"""A folder of written files that remembers which they are, so that nobody else's are touched when they change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from abbey.errors import UsageError

MARKER = ".abbey-render"  # lists the files that were written, one path a line


def write(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write the files, by relative path, and remove those of an earlier call that are not among them.

    Raise UsageError, before anything is changed, when something that an earlier call did not write is in the way.
    """
    try:
        _require_folder(folder)
        earlier = _listed(folder)
        for path in files:
            _require_free(folder, path, earlier)
        folder.mkdir(parents=True, exist_ok=True)
        _list(folder, earlier | set(files))  # also what is about to come: the next call finishes an interrupted one
        for path in earlier - set(files):
            _remove(folder, path)
        for path, content in files.items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.unlink(missing_ok=True)
            target.write_bytes(content)
        _list(folder, set(files))
    except OSError as error:
        raise UsageError(f"{folder} cannot be written: {error.strerror}") from None


def _require_folder(folder: Path) -> None:
    if folder.is_symlink() and not folder.exists():
        raise UsageError(f"{folder} is a link that leads nowhere", hint="name a folder with --out")
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file", hint="name a folder with --out")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / MARKER).is_file():
        raise UsageError(f"{folder} holds other things", hint="name an empty folder with --out")


def _require_free(folder: Path, path: str, earlier: set[str]) -> None:
    target = folder / path
    for parent in _parents(folder, path):
        if parent.is_symlink() or (parent.exists() and not parent.is_dir()):
            raise UsageError(f"{parent} is no folder", hint="move it away, or name another folder with --out")
    there = target.is_symlink() or target.exists()
    if there and (path not in earlier or (target.is_dir() and not target.is_symlink())):
        raise UsageError(
            f"{target} was not written by `abbey render`", hint="move it away, or name another folder with --out"
        )


def _listed(folder: Path) -> set[str]:
    """Return what the marker lists. It may have been edited: only paths that stay inside the folder count."""
    if not (folder / MARKER).is_file():
        return set()
    lines = (folder / MARKER).read_text(encoding="utf-8", errors="replace").splitlines()
    paths = {line: PurePosixPath(line) for line in lines if line and "\0" not in line}
    return {line for line, path in paths.items() if not path.is_absolute() and ".." not in path.parts and path.name}


def _list(folder: Path, paths: set[str]) -> None:
    marker = folder / MARKER
    marker.unlink(missing_ok=True)
    marker.write_text("".join(f"{path}\n" for path in sorted(paths)), encoding="utf-8")


def _remove(folder: Path, path: str) -> None:
    """Remove the file and the folders that it leaves empty, unless somebody put something else in their place."""
    parents = list(_parents(folder, path))
    target = folder / path
    if any(parent.is_symlink() or not parent.is_dir() for parent in parents):
        return
    if target.is_symlink() or target.is_file():
        target.unlink()
    for parent in reversed(parents):
        if any(parent.iterdir()):
            return
        parent.rmdir()


def _parents(folder: Path, path: str) -> Iterator[Path]:
    """Yield the folders between the outer one and the file, from the outside in."""
    return (folder / part for part in list(PurePosixPath(path).parents)[-2::-1])
