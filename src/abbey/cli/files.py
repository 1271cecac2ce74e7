"""What the commands write on the machine they run on: a first lab file, and rendered trees to read."""

from __future__ import annotations

import shutil
import tempfile
from importlib import resources
from pathlib import Path

from abbey.cli import output
from abbey.cli.session import chosen, open_lab
from abbey.errors import UsageError
from abbey.render import render_host

MARKER = ".abbey-render"  # a folder with this file was written by `abbey render`, so it may be replaced
STARTERS = ("two-hosts", "one-host")


def init(path: Path, *, starter: str) -> int:
    """Write a commented lab file and check it. Raise UsageError when the file is there already."""
    text = resources.files("abbey.cli").joinpath("starters", f"{starter}.yaml").read_text()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x") as file:
            file.write(text)
    except FileExistsError:
        raise UsageError(f"{path} is there already", hint="name another with -f, or edit this one") from None
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from None
    lab = open_lab(path)
    output.line(f"wrote {path}: {len(lab.hosts)} host{'s' if len(lab.hosts) > 1 else ''}, domain {lab.domain}")
    output.line("Put your own names and addresses in, then: abbey check, abbey plan, abbey up")
    return 0


def render_to(path: Path, folder: Path, *, hosts: tuple[str, ...]) -> int:
    """Write the files of every host into FOLDER/HOST, with names in place of secrets.

    Raise UsageError when the folder holds something that `abbey render` did not write.
    """
    lab = open_lab(path)
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file", hint="name a folder with --out")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / MARKER).exists():
        raise UsageError(f"{folder} holds other things", hint="name an empty folder with --out")
    trees = {host.name: render_host(lab, host) for host in chosen(lab, hosts)}
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    except OSError as error:
        raise UsageError(f"{folder} cannot be written: {error.strerror}") from None
    try:
        (fresh / MARKER).touch()
        for host, tree in trees.items():
            for name, file in tree.items():
                target = fresh / host / name
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(file.shown())
        fresh.chmod(0o755)
        if folder.exists():
            shutil.rmtree(folder)
        fresh.replace(folder)
    except OSError as error:
        raise UsageError(f"{folder} cannot be written: {error.strerror}") from None
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    for host, tree in trees.items():
        output.line(f"{folder / host}: {len(tree)} files")
    return 0
