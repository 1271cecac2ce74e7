"""`abbey secret`: what lies in the vault, one secret on request, and secrets that a person supplies."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from abbey.cli import output
from abbey.cli.session import open_lab, open_vault
from abbey.errors import SecretError, UsageError
from abbey.render import render
from abbey.secrets import Kind, Secret, SecretRef


def _refs(path: Path) -> dict[str, SecretRef]:
    lab = open_lab(path)
    return {_name(ref): ref for tree in render(lab).values() for ref in tree.refs()}


def _name(ref: SecretRef) -> str:
    return f"{ref.name}.{ref.kind.removeprefix('tls-')}" if ref.kind.startswith("tls-") else ref.name


def list_secrets(path: Path, *, as_json: bool) -> int:
    """Print the name of every secret that the lab needs, and whether it exists."""
    vault = open_vault(path)
    rows = [(name, ref.kind.value, vault.get(ref) is not None) for name, ref in sorted(_refs(path).items())]
    if as_json:
        output.document([{"name": name, "kind": kind, "exists": exists} for name, kind, exists in rows])
    else:
        shown = [(name, kind, "yes" if exists else _missing(name, kind)) for name, kind, exists in rows]
        output.table(shown, head=("SECRET", "KIND", "EXISTS"))
    return 0


def _missing(name: str, kind: str) -> str:
    return f"no: `abbey secret set {name}`" if kind == Kind.GIVEN else "made by the next `abbey up`"


def show_secret(path: Path, name: str) -> int:
    """Print one secret, and nothing else. Raise SecretError when there is none of that name."""
    ref = _refs(path).get(name)
    secret = open_vault(path).get(ref) if ref else None
    if secret is None:
        raise SecretError(f"there is no secret {name}", hint="`abbey secret list` names them")
    output.line(secret.reveal())
    return 0


def set_secret(path: Path, name: str) -> int:
    """Store a secret read from standard input, or asked for without showing it."""
    known = _refs(path)
    if name not in known:
        raise UsageError(f"the lab has no use for a secret {name}", hint="`abbey secret list` names those it has")
    if known[name].kind.startswith("tls-"):
        raise UsageError(f"{name} is half of a pair that belongs together", hint="Abbey makes it by itself")
    text = click.prompt("Secret", hide_input=True, err=True) if sys.stdin.isatty() else sys.stdin.read().rstrip("\n")
    if not text or "\n" in text:
        raise UsageError("a secret is one line of text")
    open_vault(path).put(name, Secret(text))
    output.line(f"stored {name}; `abbey plan` shows who needs to restart")
    return 0
