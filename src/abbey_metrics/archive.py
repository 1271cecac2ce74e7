"""The file that rings are kept in: SQLite, one row per slot, overwritten in place, so that it never grows."""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from abbey_metrics.rings import SLOTS, Rings

log = logging.getLogger(__name__)

APPLICATION = 0x41626279
SCHEMA = 1
CREATE = f"""
BEGIN;
CREATE TABLE hosts (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE steps (id INTEGER PRIMARY KEY, step BLOB NOT NULL);
PRAGMA application_id = {APPLICATION};
PRAGMA user_version = {SCHEMA};
COMMIT;
"""
# A step is some 60 bytes, and each commit writes whole pages.
PAGE = 512
# Each checkpoint waits for the disk twice: about once in five minutes.
CHECKPOINT_PAGES = 1000
SETTINGS = f"""
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES};
PRAGMA journal_size_limit = {PAGE * CHECKPOINT_PAGES};
PRAGMA cache_size = -128;
"""
LOCK_SECONDS = 1.0

WORDS = {
    sqlite3.SQLITE_BUSY: "another program holds the file",
    sqlite3.SQLITE_LOCKED: "another program holds the file",
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_READONLY: "the file cannot be written",
    sqlite3.SQLITE_CANTOPEN: "the file cannot be opened",
    sqlite3.SQLITE_IOERR: "the disk reports an error",
}


class UnusableError(OSError):
    """What lies there is not a history that can be used."""


class Archive:
    """An open file with the rings of some hosts. Every fault is an OSError in words.

    The lock is held all the time: then SQLite needs no shared memory, whose loss with its disk would end the process.
    """

    def __init__(self, path: Path, hosts: Sequence[str]) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        with self._in_words():
            self._db = sqlite3.connect(path, timeout=LOCK_SECONDS, isolation_level=None)
        try:
            with self._in_words():
                self._prepare()
                self._numbers = self._enlist(hosts)
        except OSError:
            self._db.close()
            raise

    def close(self) -> None:
        """Put everything into the one file and let go of it."""
        with suppress(sqlite3.Error):
            self._db.close()

    def read(self) -> dict[str, Rings]:
        """Return the rings of every host; what is no step is left out."""
        names = {number: name for name, number in self._numbers.items()}
        found = {name: Rings() for name in names.values()}
        with self._in_words():
            for key, step in self._db.execute("SELECT id, step FROM steps"):
                with suppress(ValueError, KeyError, TypeError):
                    found[names[key // SLOTS]].restore(key % SLOTS, step)
        return found

    def write(self, steps: Mapping[tuple[str, int], bytes]) -> None:
        """Given dumped slots by host and slot, keep them all or none."""
        rows = [(self._numbers[host] * SLOTS + slot, step) for (host, slot), step in sorted(steps.items())]
        with self._in_words():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                self._db.executemany("REPLACE INTO steps VALUES (?, ?)", rows)
                self._db.execute("COMMIT")
            except sqlite3.Error:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    def _prepare(self) -> None:
        self._db.execute(f"PRAGMA page_size = {PAGE}")
        self._db.execute("PRAGMA locking_mode = EXCLUSIVE")
        if not self._one("SELECT count(*) FROM sqlite_schema"):
            self._db.executescript(SETTINGS)
            self._db.executescript(CREATE)
        elif self._one("PRAGMA application_id") != APPLICATION:
            raise UnusableError("it belongs to another program")
        elif self._one("PRAGMA user_version") != SCHEMA:
            raise UnusableError("another version of Abbey wrote it")
        else:
            self._db.executescript(SETTINGS)
        if self._one("PRAGMA quick_check(1)") != "ok":
            raise UnusableError("it is damaged")

    def _enlist(self, hosts: Sequence[str]) -> dict[str, int]:
        """Give every host a number, and forget those that have left the lab."""
        self._db.execute("BEGIN IMMEDIATE")
        for number, name in self._db.execute("SELECT number, name FROM hosts").fetchall():
            if name not in hosts:
                self._db.execute(
                    "DELETE FROM steps WHERE id BETWEEN ? AND ?", (number * SLOTS, (number + 1) * SLOTS - 1)
                )
                self._db.execute("DELETE FROM hosts WHERE number = ?", (number,))
        self._db.executemany("INSERT OR IGNORE INTO hosts (name) VALUES (?)", [(name,) for name in hosts])
        numbers = dict(self._db.execute("SELECT name, number FROM hosts").fetchall())
        self._db.execute("COMMIT")
        return numbers

    def _one(self, question: str) -> object:
        with closing(self._db.execute(question)) as answer:
            return answer.fetchone()[0]

    @contextmanager
    def _in_words(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF
            raise OSError(WORDS.get(code, str(error))) from error
        except sqlite3.Error as error:
            raise UnusableError("it is damaged, or no history at all") from error


def open_archive(path: Path, hosts: Sequence[str]) -> Archive:
    """Given where the file is or shall be, return it open; one that cannot be used is moved aside and replaced.

    Raise OSError in words when there can be no file.
    """
    try:
        return Archive(path, hosts)
    except UnusableError as error:
        aside = _move_aside(path)
        log.warning("%s is not used, %s; it is %s now, and a new one begins", path, error, aside.name)
        return Archive(path, hosts)


def _move_aside(path: Path) -> Path:
    aside = path.with_name(f"{path.name}.unusable")
    # What waits in the journal belongs to the old file, and would spoil a new one.
    for suffix in ("-wal", "-shm", ""):
        with suppress(FileNotFoundError):
            aside.with_name(aside.name + suffix).unlink()
        with suppress(FileNotFoundError):
            path.with_name(path.name + suffix).replace(aside.with_name(aside.name + suffix))
    return aside
