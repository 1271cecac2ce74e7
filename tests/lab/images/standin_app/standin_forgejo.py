"""Forgejo's own command, as far as Abbey's post-start step uses it: its login sources, kept beside its data.

Words and columns from `forgejo admin auth` (cmd/admin_auth*.go); strict about what it does not know.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

STATE = Path("/var/lib/gitea/standin_auth.json")
FLAGS = {
    "--name", "--provider", "--key", "--secret", "--auto-discover-url", "--scopes", "--group-claim-name",
    "--admin-group", "--restricted-group", "--skip-local-2fa", "--id", "--icon-url", "--required-claim-name",
    "--required-claim-value",
}  # fmt: skip
BARE = {"--skip-local-2fa"}


def command(called: str, arguments: list[str]) -> int | None:
    """Do `forgejo admin auth …` and return its exit code; None for what is no such command."""
    if called != "forgejo" or "auth" not in arguments:
        return None
    words = arguments[arguments.index("auth") + 1 :]
    sources = json.loads(STATE.read_text()) if STATE.exists() else []
    if words[0] == "list":
        print("ID\tName\tType\tEnabled")
        for source in sources:
            print(f"{source['id']}\t{source['--name']}\tOAuth2\ttrue")
        return 0
    given = flags(words[1:])
    if words[0] == "add-oauth":
        sources.append({"id": len(sources) + 1, **given})
    elif words[0] == "update-oauth":
        (source,) = (one for one in sources if str(one["id"]) == given.pop("--id"))
        source |= given
    else:
        print(f"standin_forgejo does not know {words[0]}", file=sys.stderr)
        return 1
    draft = STATE.with_suffix(".new")
    draft.write_text(json.dumps(sources))
    os.replace(draft, STATE)
    return 0


def flags(words: list[str]) -> dict[str, str]:
    """Return the flags of a call. End when one is unknown to Forgejo, or has no value."""
    found: dict[str, str] = {}
    rest = iter(words)
    for word in rest:
        name, equals, value = word.partition("=")
        if name not in FLAGS:
            raise SystemExit(f"flag provided but not defined: {word}")
        found[name] = value if equals else "true" if name in BARE else next(rest)
    if not all(value for name, value in found.items() if name != "--restricted-group"):
        raise SystemExit(f"empty: {', '.join(name for name, value in found.items() if not value)}")
    return found
