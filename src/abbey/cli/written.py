"""Files and folders that come into their places together, or not at all."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def beside(
    folder: Path, files: Mapping[str, bytes], folders: Mapping[str, Mapping[str, bytes]]
) -> Iterator[Callable[[], None]]:
    """Write files and folders of files into a hidden folder; give a function that moves each into its place.

    What is in a place then is replaced. Files come last, because they name the folders. Raise OSError when something
    cannot be written; before the function is called nothing has changed then.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".import-", dir=folder) as name:
        new, old = Path(name) / "new", Path(name) / "old"
        new.mkdir()
        old.mkdir()
        for called, content in files.items():
            (new / called).write_bytes(content)
        for called, inner in folders.items():
            for path, content in inner.items():
                target = new / called / path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)

        yield lambda: _put(folder, (*folders, *files), new, old)


def _put(folder: Path, names: tuple[str, ...], new: Path, old: Path) -> None:
    """Move each of the new ones into its place, or put back what was there."""
    moves: list[tuple[Path, Path]] = []
    try:
        for called in names:
            place = folder / called
            ways = [(new / called, place)]
            if place.is_symlink() or place.exists():
                ways.insert(0, (place, old / called))
            for source, target in ways:
                source.rename(target)
                moves.append((source, target))
    except OSError:
        for source, target in reversed(moves):
            target.rename(source)
        raise
