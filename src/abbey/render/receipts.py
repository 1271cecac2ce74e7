"""The folder in which backups leave their receipts: what made them says so there, and the portal shows it."""

from __future__ import annotations

from abbey.files import File, FileTree
from abbey.model.host import Host
from abbey.model.lab import Lab

FOLDER = "receipts"


def render(lab: Lab, host: Host) -> FileTree:
    """Return receipts/README.md, which makes the folder and says what is to lie there."""
    return FileTree([(f"{FOLDER}/README.md", File(_README))])


_README = """\
# Receipts of backups

Whatever makes a backup of this host leaves a file `backup-NAME.json` here, and the portal shows the newest of each
name. Write it under another name and rename it, so that nobody reads half of one:

    {"name": "photos", "what": "photos and their database", "at": 1763900000, "ok": true, "bytes": 48318382080,
     "proven_at": 1763300000, "error": ""}

`at` is when it ended, in Unix seconds; `bytes` and `proven_at`, when a restore last proved it, may be absent. `error`
says in short words why it did not work, without passwords: every visitor of the portal may read it.

Abbey wrote this file; it makes no backups, and removes no receipts.
"""
