"""What the commands write on the machine they run on: a first lab file, and rendered trees to read."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from abbey.cli import folder, output
from abbey.cli.session import chosen, open_lab
from abbey.errors import UsageError
from abbey.render import render_host

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


def render_to(path: Path, out: Path, *, hosts: tuple[str, ...]) -> int:
    """Write the files of every host into OUT/HOST, with names in place of secrets.

    What an earlier call wrote there and this one does not write is removed; anything else is left alone. Raise
    UsageError, before anything is changed, when something else is in the way.
    """
    lab = open_lab(path)
    trees = {host.name: render_host(lab, host) for host in chosen(lab, hosts)}
    folder.write(out, {f"{host}/{name}": file.shown() for host, tree in trees.items() for name, file in tree.items()})
    for host, tree in trees.items():
        output.line(f"{out / host}: {len(tree)} files")
    return 0
