"""Receipts of backups. Whatever makes a backup leaves one behind, and this only reads.

A receipt is the file `backup-NAME.json` in the folder for receipts, put there whole (written under another name and
renamed). It holds one JSON object:

    {
      "name": "immich",                  which backup this is, at most 64 letters; the newest receipt of it counts
      "what": "photos and database",     what is in it, for a person; at most 200 letters
      "at": 1763900000,                  when it ended, in Unix seconds
      "ok": true,                        whether it worked
      "bytes": 48318382080,              how large it is; null or absent when not known
      "proven_at": 1763300000,           when a restore last proved it; null or absent when none did
      "error": ""                        why it did not work, in short words without passwords
    }

Keys that are not named here are left out of account, so that a receipt may say more to others.
"""

from __future__ import annotations

from itertools import islice
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from abbey_metrics.clock import Clock
from abbey_metrics.platform import Backup, Backups

LARGEST = 65_536
MOST = 200
MOST_LISTED = 10_000
MOST_NAMED = 3
LAST_SECOND = 253_402_300_799.0  # of the year 9999


class _Receipt(BaseModel):
    """A receipt, strictly: a text in place of a number is a fault of its writer, who should hear of it."""

    model_config = ConfigDict(strict=True)

    name: str = Field(min_length=1, max_length=64)
    what: str = Field(default="", max_length=200)
    at: float = Field(ge=0, le=LAST_SECOND)
    ok: bool
    bytes: int | None = Field(default=None, ge=0, lt=1 << 63)
    proven_at: float | None = Field(default=None, ge=0, le=LAST_SECOND)
    error: str = Field(default="", max_length=500)


def read_backups(folder: Path, clock: Clock) -> Backups:
    """Given the folder for receipts, return those that are there, by name, and in `error` which cannot be used.

    At most 200 files of at most 64 KiB are read. Raise OSError when the folder cannot be read.
    """
    newest: dict[str, Backup] = {}
    faults: list[str] = []
    names = islice(folder.iterdir(), MOST_LISTED)
    paths = sorted(path for path in names if path.name.startswith("backup-") and path.suffix == ".json")
    for path in paths[:MOST]:
        try:
            backup = _backup(path)
        except (OSError, ValueError):
            faults.append(path.name[:80])
            continue
        if backup.name not in newest or newest[backup.name].at <= backup.at:
            newest[backup.name] = backup
    return Backups(
        at=round(clock.wall(), 3),
        error=_explain(faults, left_out=len(paths) - MOST),
        list=tuple(newest[name] for name in sorted(newest)),
    )


def _backup(path: Path) -> Backup:
    # A pipe in this place would hold whoever opens it, for ever.
    if not path.is_file():
        raise ValueError("not a file")
    with path.open("rb") as file:
        text = file.read(LARGEST + 1)
    if len(text) > LARGEST:
        raise ValueError("too large")
    receipt = _Receipt.model_validate_json(text)
    return Backup(receipt.name, receipt.what, receipt.at, receipt.ok, receipt.bytes, receipt.proven_at, receipt.error)


def _explain(faults: list[str], *, left_out: int) -> str:
    words = []
    if faults:
        more = f" and {len(faults) - MOST_NAMED} more" if len(faults) > MOST_NAMED else ""
        words.append(f"no receipt: {', '.join(faults[:MOST_NAMED])}{more}")
    if left_out > 0:
        words.append(f"{left_out} receipts were not read, there are too many")
    return "; ".join(words)
