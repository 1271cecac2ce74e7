"""`abbey secret`: what lies in the vault, one secret on request, and secrets that a person supplies."""

from __future__ import annotations

import base64
import sys
from pathlib import Path

import click

from abbey.cli import output
from abbey.cli.session import open_lab, open_vault
from abbey.errors import SecretError, UsageError
from abbey.render import render
from abbey.secrets import Kind, Secret, SecretRef

MAX_LENGTH = 4096
UNSAFE = "'\"\\`$"
KEY_BYTES = 32  # what cloudflared makes and Cloudflare asks for
TUNNEL = "cloudflared/tunnel_secret"
_FIT = f"one line of letters, digits and signs other than {UNSAFE}"
_FROM = "it is `TunnelSecret` in the tunnel's credentials file"


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
        shown = [(name, kind, "yes" if exists else f"no: {_way(name, kind)}") for name, kind, exists in rows]
        output.table(shown, head=("SECRET", "KIND", "EXISTS"))
    return 0


def _way(name: str, kind: str) -> str:
    return f"`abbey secret set {name}`" if kind == Kind.GIVEN else "made by the next `abbey up`"


def show_secret(path: Path, name: str) -> int:
    """Print one secret, and nothing else. Raise UsageError for a name of no use, SecretError when it is not made."""
    ref = _known(path, name)
    secret = open_vault(path).get(ref)
    if secret is None:
        raise SecretError(f"there is no secret {name} yet", hint=_way(name, ref.kind))
    output.line(secret.reveal())
    return 0


def set_secret(path: Path, name: str) -> int:
    """Store a secret read from standard input, or asked for without showing it. Raise UsageError for an unfit one."""
    ref = _known(path, name)
    if ref.kind.startswith("tls-"):
        raise UsageError(f"{name} is half of a pair that belongs together", hint="Abbey makes it by itself")
    text = click.prompt("Secret", hide_input=True, err=True) if sys.stdin.isatty() else _read()
    if fault := _fault(text):
        raise UsageError(f"this cannot be a secret: {fault}", hint=_FIT)
    if name == TUNNEL and not _is_key(text):
        raise UsageError(f"{name} must be base64 of at least {KEY_BYTES} bytes", hint=_FROM)
    open_vault(path).put(name, Secret(text))
    output.line(f"stored {name}; `abbey plan` shows who needs to restart")
    return 0


def _known(path: Path, name: str) -> SecretRef:
    ref = _refs(path).get(name)
    if ref is None:
        raise UsageError(f"the lab has no use for a secret {name}", hint="`abbey secret list` names those it has")
    return ref


def _read() -> str:
    """Return standard input without its line end. Any byte is a character here, so that unfit ones are found."""
    text = sys.stdin.buffer.read(MAX_LENGTH + 3).decode("latin-1")
    return text.removesuffix("\n").removesuffix("\r") if text.endswith("\n") else text


def _fault(text: str) -> str:
    """Return why a text is no secret, without repeating any of it; or "". It will stand in SQL, JSON and YAML."""
    if not text:
        return "it is empty"
    if len(text) > MAX_LENGTH:
        return f"it is longer than {MAX_LENGTH} characters"
    if "\n" in text or "\r" in text:
        return "it has more than one line"
    if any(not " " <= char <= "~" for char in text):
        return "it has a character that is not printable ASCII"
    if any(char in UNSAFE for char in text):
        return "it has a quote, a backslash, a backtick or a dollar sign"
    return "it begins or ends with a blank" if text != text.strip() else ""


def _is_key(text: str) -> bool:
    try:
        return len(base64.b64decode(text, validate=True)) >= KEY_BYTES
    except ValueError:
        return False
