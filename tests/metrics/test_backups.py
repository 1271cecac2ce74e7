"""Receipts of backups, whole, wrong and hostile."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from standin_host import Now

from abbey_metrics.backups import LARGEST, MOST, read_backups
from abbey_metrics.platform import Backup

GOOD = {
    "name": "immich",
    "what": "photos and database",
    "at": 1_763_900_000,
    "ok": True,
    "bytes": 48_318_382_080,
    "proven_at": 1_763_300_000.5,
    "error": "",
}


def _receipt(folder: Path, file: str, **changes: Any) -> None:
    (folder / f"backup-{file}.json").write_text(json.dumps(GOOD | changes))


def test_a_receipt_is_shown_as_it_was_written(tmp_path: Path, now: Now) -> None:
    _receipt(tmp_path, "immich", note="for others")
    found = read_backups(tmp_path, now.clock())
    assert (found.at, found.error) == (now.wall, "")
    assert found.list == (
        Backup("immich", "photos and database", 1_763_900_000, True, 48_318_382_080, 1_763_300_000.5, ""),
    )


def test_receipts_come_by_name_and_the_newest_of_a_backup_counts(tmp_path: Path, now: Now) -> None:
    _receipt(tmp_path, "2", name="zulip")
    _receipt(tmp_path, "3", name="immich", at=5, what="old")
    _receipt(tmp_path, "1", name="immich", at=6, what="new")
    found = read_backups(tmp_path, now.clock())
    assert [(one.name, one.what) for one in found.list] == [("immich", "new"), ("zulip", "photos and database")]


def test_what_need_not_be_said(tmp_path: Path, now: Now) -> None:
    (tmp_path / "backup-a.json").write_text('{"name": "a", "at": 5, "ok": false}')
    assert read_backups(tmp_path, now.clock()).list == (Backup("a", "", 5, False, None, None, ""),)


@pytest.mark.parametrize(
    "changes",
    [
        {"name": ""},
        {"name": 5},
        {"name": "x" * 65},
        {"what": ["photos"]},
        {"at": "yesterday"},
        {"at": None},
        {"at": -1},
        {"at": float("nan")},
        {"at": 1e300},
        {"ok": "yes"},
        {"bytes": -1},
        {"bytes": 1.5},
        {"bytes": 1 << 70},
        {"proven_at": float("inf")},
        {"error": "x" * 501},
    ],
)
def test_a_receipt_that_is_wrong_is_named_and_the_others_count(
    tmp_path: Path, now: Now, changes: dict[str, Any]
) -> None:
    _receipt(tmp_path, "good")
    _receipt(tmp_path, "bad", **changes)
    found = read_backups(tmp_path, now.clock())
    assert (found.error, len(found.list)) == ("no receipt: backup-bad.json", 1)


@pytest.mark.parametrize(
    "text", [b"", b"[]", b"null", b"\xff\xfe", b"{" * 10_000, json.dumps(GOOD).encode() + b" " * LARGEST]
)
def test_a_file_that_is_no_receipt_at_all(tmp_path: Path, now: Now, text: bytes) -> None:
    (tmp_path / "backup-bad.json").write_bytes(text)
    assert read_backups(tmp_path, now.clock()).error == "no receipt: backup-bad.json"


def test_pipes_and_folders_are_not_read(tmp_path: Path, now: Now) -> None:
    os.mkfifo(tmp_path / "backup-pipe.json")
    (tmp_path / "backup-folder.json").mkdir()
    assert read_backups(tmp_path, now.clock()).error == "no receipt: backup-folder.json, backup-pipe.json"


def test_other_files_are_nobodys_receipts(tmp_path: Path, now: Now) -> None:
    (tmp_path / "backup-immich.json.tmp").write_text("{")
    (tmp_path / "notes.json").write_text("{")
    found = read_backups(tmp_path, now.clock())
    assert (found.error, found.list) == ("", ())


def test_too_many_receipts_are_said_to_be_too_many(tmp_path: Path, now: Now) -> None:
    for number in range(MOST + 3):
        _receipt(tmp_path, f"{number:04}", name=f"b{number:04}")
    found = read_backups(tmp_path, now.clock())
    assert (len(found.list), found.error) == (MOST, "3 receipts were not read, there are too many")


def test_many_faults_are_counted(tmp_path: Path, now: Now) -> None:
    for number in range(5):
        (tmp_path / f"backup-{number}.json").write_text("no")
    error = read_backups(tmp_path, now.clock()).error
    assert error == "no receipt: backup-0.json, backup-1.json, backup-2.json and 2 more"


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path, now: Now) -> None:
    with pytest.raises(OSError, match="No such file"):
        read_backups(tmp_path / "missing", now.clock())
