"""The beginning of a data file for an app that is not in the catalog, with comments for whoever goes on with it."""

from __future__ import annotations

import re
from typing import NamedTuple

from abbey.catalog.container import REF
from abbey.emit import yaml_text

_REFERENCE = re.compile(
    r"(?P<ref>[a-z0-9][a-z0-9.:/_-]*?):(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})(?P<digest>@sha256:[0-9a-f]{64})?"
)


class Reference(NamedTuple):
    """An image with its registry, its tag and its digest or ""."""

    ref: str
    tag: str
    digest: str


def reference(text: str) -> Reference | None:
    """Given REF:TAG as one types it after `docker pull`, return it with its registry; None when it is no such thing."""
    found = _REFERENCE.fullmatch(text)
    if found is None:
        return None
    first, _, rest = found["ref"].partition("/")
    if not rest:
        ref = f"docker.io/library/{first}"
    else:
        known = "." in first or ":" in first or first == "localhost"
        ref = found["ref"] if known else f"docker.io/{found['ref']}"
    return Reference(ref, found["tag"], (found["digest"] or "").removeprefix("@")) if re.fullmatch(REF, ref) else None


def blank(name: str, image: Reference | None, port: int) -> str:
    """Return the text of a data file: one container, one volume, the lab's login before it."""
    image = image or Reference(f"docker.io/example/{name}", "0.0.0", "")
    digest = f"\n      digest: {image.digest}" if image.digest else ""
    return _TEXT.format(
        name=name,
        title=_scalar(name.replace("-", " ").capitalize()),
        ref=_scalar(image.ref),
        tag=_scalar(image.tag),
        digest=digest,
        port=port,
        icon=_scalar("".join(re.findall("[a-z0-9]", name))[:2].capitalize()),
    )


def _scalar(text: str) -> str:
    return yaml_text(text).rstrip("\n")


_TEXT = """\
# Everything that Abbey knows about {name}. Delete what you do not need; `abbey app check {name}` says what is missing.
title: {title}
summary: What it is, in one short line
home: https://example.org/{name}

# What it promises when two hosts may answer, best first, each with the reason:
# stateless (keeps nothing), shared (all in the lab's database), owner (lives on one host), split (apart on each host).
contracts:
  owner: its files lie in its own volume
  split: separate data on each host
refuses:
  shared: nothing is known of several instances on one store
  stateless: it keeps files

# Made when they are first needed: password, hex, key, base64; `given` is one that you supply.
# secrets:
#   admin_password: password

services:
  {name}:
    image:
      ref: {ref}
      tag: {tag}{digest}
      # source: where you saw this version
      # notes: https://example.org/releases/v{{tag}}
    # user: "1000:1000"                    # where the image supports it
    # cap_add: [CHOWN, SETGID, SETUID]     # for an image that starts as root; all others are dropped
    env:
      TZ: "{{{{timezone}}}}"
      # BASE_URL: "{{{{url}}}}"
      # ADMIN_PASSWORD_FILE: "{{{{secret.admin_password}}}}"    the path of a file; with `text.` it is the text itself
    volumes:
      - {{name: data, path: /data}}          # the folder whose loss would hurt; `holds: cache` may be lost
    memory: 512m
    # A program that the image really has, and where you saw that it has it:
    # health: {{test: [CMD, wget, -q, -O, /dev/null, "http://127.0.0.1:{port}/"], source: where you saw wget in it}}

# The port that it listens on inside its container. The gateway reaches it there; no port of the host is opened.
route: {{service: {name}, port: {port}}}

# The gateway asks for the lab's login. Where the app can do OpenID Connect itself: mode: oidc, and with_oidc above.
sso:
  mode: forward-auth
  why: nobody has looked yet whether it can do OpenID Connect itself

backup:
  volumes:
    data: {{how: stop, why: nothing changes while it is stopped}}

uses: {{memory: 256m, known: guess}}
tile: {{group: Tools, icon: {icon}, colour: blue}}
# sources:
#   - owner/repository path/of/the/file
"""
