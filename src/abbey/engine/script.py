"""The POSIX scripts that run on hosts: constant text, sent as one argument; data comes by arguments and stdin."""

from __future__ import annotations

from importlib.resources import files


def argv(name: str, *arguments: str) -> list[str]:
    """Given a script's name and its arguments, return the command that runs it on any host with a POSIX shell."""
    text = files("abbey.engine").joinpath("scripts", f"{name}.sh").read_text(encoding="utf-8")
    return ["sh", "-c", text, f"abbey-{name}", *arguments]
