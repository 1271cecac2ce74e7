from __future__ import annotations

import logging
import os
import random
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from samples import MINUTE, kept, known, pasts, sample

from abbey_metrics.archive import CREATE, Archive, open_archive
from abbey_metrics.clerk import Clerk
from abbey_metrics.documents import Past, Range
from abbey_metrics.figures import HostFigures
from abbey_metrics.history import FILE, History
from abbey_metrics.rings import Rings

PROGRAM = Path(__file__).with_name("program_that_keeps.py")
ENDLESS = 30.0


def until(true: Callable[[], object]) -> None:
    """Wait until something is true, and fail when that takes for ever."""
    deadline = time.monotonic() + ENDLESS
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@contextmanager
def program(folder: Path, second: int, pause: float, *limit: int) -> Iterator[subprocess.Popen[str]]:
    """Run the program that keeps samples from a second on."""
    argv = [sys.executable, str(PROGRAM), str(folder), str(second), str(pause), *map(str, limit)]
    with subprocess.Popen(
        argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        try:
            yield running
        finally:
            running.kill()


@contextmanager
def running(folder: Path, *hosts: str, retry: float = 0.05) -> Iterator[History]:
    """Run history with a file."""
    history = History(hosts or ["monk"], folder=folder, retry=retry)
    history.start()
    try:
        yield history
    finally:
        history.stop()


def heard(history: History, figures: HostFigures) -> bool:
    """Add a sample, which makes history look at what its thread has read; return False, to be asked again."""
    history.add(figures)
    return False


def expected(first: int, last: int) -> dict[Range, Past]:
    """Return what is known after the program kept the samples of these seconds, and `kept` has added its own."""
    history = History(["monk"], folder=None)
    for at in range(first, last + 1):
        history.add(sample(at, at % 100))
    history.add(sample(last + 10, None))
    return pasts(history)


def test_after_a_kill_at_any_moment_no_more_than_the_last_sample_is_lost(tmp_path: Path) -> None:
    first = second = MINUTE + 50  # minutes and tens end while it runs
    chance = random.Random(7)
    for _ in range(6):
        with program(tmp_path, second, 0.15) as process:
            assert process.stdout
            until(lambda: process.stdout and process.stdout.readline())
            time.sleep(chance.uniform(0.2, 1.4))
            process.send_signal(signal.SIGKILL)
            said = [second, *map(int, process.stdout)]
        # One more may have been kept than it found the time to say.
        last = next(
            (
                last
                for last in (said[-1] + 1, said[-1], said[-1] - 1)
                if kept(tmp_path, last + 10) == expected(first, last)
            ),
            None,
        )
        assert last is not None
        second = last + 1


def test_asked_to_end_nothing_is_lost(tmp_path: Path) -> None:
    with program(tmp_path, MINUTE, 0) as process:
        assert process.stdout
        said = [int(process.stdout.readline()) for _ in range(70)]
        process.send_signal(signal.SIGTERM)
        said += map(int, process.stdout)
        assert process.wait(ENDLESS) == 0
    assert kept(tmp_path, said[-1] + 10) == expected(MINUTE, said[-1])


def test_told_to_stop_at_once_everything_that_came_is_kept(tmp_path: Path) -> None:
    with running(tmp_path) as history:
        history.add(sample(MINUTE, 5.0))
    assert known(kept(tmp_path, MINUTE + 1)[Range.MINUTES]) == {MINUTE: 5.0}


def test_a_day_of_three_hosts_is_read_again_as_it_was(tmp_path: Path) -> None:
    hosts = ["monk", "kscloud1", "nas"]
    memory = History(hosts, folder=None)
    with running(tmp_path, *hosts) as history:
        for n in range(0, 90_000, 47):
            for number, host in enumerate(hosts):
                for each in (history, memory):
                    each.add(sample(MINUTE + n, float((n + number) % 100), host))
    for host in hosts:
        memory.add(sample(MINUTE + 90_000, None, host))
        assert kept(tmp_path, MINUTE + 90_000, host, hosts) == pasts(memory, host)


def test_the_file_of_a_host_that_left_the_lab_forgets_it(tmp_path: Path) -> None:
    with running(tmp_path, "monk", "old") as history:
        history.add(sample(MINUTE, 5.0, "old"))
        history.add(sample(MINUTE, 7.0))
    with running(tmp_path, "monk"):
        pass
    with closing(sqlite3.connect(tmp_path / FILE)) as file:
        assert file.execute("SELECT name FROM hosts").fetchall() == [("monk",)]
        assert file.execute("SELECT count(*) FROM steps").fetchone() == (3,)
    assert known(kept(tmp_path, MINUTE + 1)[Range.MINUTES]) == {MINUTE: 7.0}


def test_the_file_does_not_grow_after_its_first_day(tmp_path: Path) -> None:
    sizes = []
    for day in range(3):
        with running(tmp_path) as history:
            for n in range(0, 86_400, 7):
                history.add(sample(MINUTE + day * 86_400 + n, float(n % 100)))
            journal = tmp_path / f"{FILE}-wal"
            assert not journal.exists() or journal.stat().st_size < 2**20
        sizes.append((tmp_path / FILE).stat().st_size)
    assert sizes[0] == sizes[2]
    assert sizes[0] < 2**18


def test_only_the_service_may_read_the_file(tmp_path: Path) -> None:
    with running(tmp_path / "state"):
        until((tmp_path / "state" / FILE).exists)
    assert stat.S_IMODE((tmp_path / "state" / FILE).stat().st_mode) == 0o600


def _text(path: Path) -> None:
    path.write_text("no history at all " * 100)


def _foreign(path: Path) -> None:
    with closing(sqlite3.connect(path)) as file:
        file.executescript("CREATE TABLE films (name TEXT); INSERT INTO films VALUES ('x');")


def _newer(path: Path) -> None:
    with closing(sqlite3.connect(path)) as file:
        file.executescript(CREATE)
        file.executescript("PRAGMA user_version = 99")


def _damaged(path: Path) -> None:
    archive = Archive(path, ["monk"])
    rings = Rings()
    archive.write({("monk", slot): rings.dump(slot) for slot in range(2000)})
    archive.close()
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(8192))


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_text, "it is damaged, or no history at all"),
        (_foreign, "it belongs to another program"),
        (_newer, "another version of Abbey wrote it"),
        (_damaged, "it is damaged"),
    ],
)
def test_a_file_that_cannot_be_used_is_moved_aside_and_a_new_one_begins(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, spoil: Callable[[Path], None], words: str
) -> None:
    spoil(tmp_path / FILE)
    spoilt = (tmp_path / FILE).read_bytes()
    with running(tmp_path) as history:
        history.add(sample(MINUTE, 5.0))
    assert len(caplog.messages) == 1
    assert f"{words}; it is {FILE}.unusable now" in caplog.messages[0]
    assert (tmp_path / f"{FILE}.unusable").read_bytes() == spoilt
    assert known(kept(tmp_path, MINUTE + 1)[Range.MINUTES]) == {MINUTE: 5.0}


def test_rows_that_are_no_steps_are_left_out(tmp_path: Path) -> None:
    with running(tmp_path) as history:
        history.add(sample(MINUTE, 5.0))
    with closing(sqlite3.connect(tmp_path / FILE)) as file:
        file.executescript(
            "INSERT INTO steps VALUES (5, x'00'), (99999999, zeroblob(48)), (-7, zeroblob(48)), (2500, zeroblob(48)), (2501, 'x'), (2502, 7)"
        )
    assert known(kept(tmp_path, MINUTE + 1)[Range.MINUTES]) == {MINUTE: 5.0}


def test_while_there_can_be_no_file_memory_goes_on_and_it_is_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    folder = tmp_path / "state"
    folder.write_text("a file where the folder should be")
    with running(folder, retry=0.01) as history:
        for n in range(400):
            history.add(sample(MINUTE + n, float(n % 100)))
        until(lambda: caplog.messages)
        time.sleep(0.1)  # for several attempts
        assert caplog.messages == ["history cannot be kept: File exists; it is held in memory, and tried again"]
        assert len(known(history.past("monk", Range.MINUTES))) == 300
        folder.unlink()
        until(lambda: len(caplog.messages) == 2 or heard(history, sample(MINUTE + 399, 99.0)))
        assert caplog.messages[1:] == ["history is kept again"]
    # What came while there was no file is in it now.
    assert len(known(kept(folder, MINUTE + 400)[Range.MINUTES])) == 299
    assert len(known(kept(folder, MINUTE + 400)[Range.HOUR])) == 40


def test_a_file_that_another_program_holds_is_waited_for(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with running(tmp_path) as history:
        history.add(sample(MINUTE, 5.0))
    with closing(sqlite3.connect(tmp_path / FILE, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        with running(tmp_path) as history:
            history.add(sample(MINUTE + 1, 6.0))
            until(lambda: caplog.messages)
            assert "another program holds the file" in caplog.messages[0]
            other.close()
            until(
                lambda: heard(history, sample(MINUTE + 2, 7.0)) or len(known(history.past("monk", Range.MINUTES))) == 3
            )
    assert known(kept(tmp_path, MINUTE + 3)[Range.MINUTES]) == {MINUTE: 5.0, MINUTE + 1: 6.0, MINUTE + 2: 7.0}


def test_a_trouble_is_over_when_something_was_kept_and_not_before(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    outcomes: list[bool | OSError] = [OSError("full"), False, OSError("full"), True, OSError("full")]

    def work() -> bool:
        outcome = outcomes.pop(0) if outcomes else False
        if isinstance(outcome, OSError):
            raise outcome
        return outcome

    clerk = Clerk("it", work, retry=0.01)
    clerk.start()
    until(lambda: len(outcomes) == 1)
    clerk.ask()
    until(lambda: len(caplog.messages) == 3)
    clerk.stop()
    trouble = "it cannot be kept: full; it is held in memory, and tried again"
    assert caplog.messages == [trouble, "it is kept again", trouble]


def test_when_the_disk_takes_nothing_for_a_while_nothing_is_lost(tmp_path: Path) -> None:
    with program(tmp_path, MINUTE, 0.01, 24 * 1024) as process:
        assert process.stdout
        assert process.stderr
        assert "history cannot be kept: the disk" in process.stderr.readline()
        assert process.stdin
        process.stdin.write("\n")
        process.stdin.flush()
        assert process.stderr.readline() == "history is kept again\n"
        process.send_signal(signal.SIGTERM)
        *_, last = map(int, process.stdout)
    assert kept(tmp_path, last + 10) == expected(MINUTE, last)


def test_a_frozen_disk_delays_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    thaw = threading.Event()

    def standin_frozen(path: Path, hosts: tuple[str, ...]) -> Archive:
        thaw.wait(ENDLESS)
        return open_archive(path, hosts)

    monkeypatch.setattr("abbey_metrics.keeper.open_archive", standin_frozen)
    history = History(["monk"], folder=tmp_path)
    history.start()
    for n in range(700):
        history.add(sample(MINUTE + n, float(n % 100)))
    assert len(known(history.past("monk", Range.MINUTES))) == 300
    thaw.set()
    until(lambda: heard(history, sample(MINUTE + 699, 99.0)) or (tmp_path / FILE).exists())
    history.stop()
    assert len(known(kept(tmp_path, MINUTE + 700)[Range.HOUR])) == 70


def test_a_disk_that_stays_frozen_does_not_keep_the_service_from_ending(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    thaw = threading.Event()

    def standin_frozen(_path: Path, _hosts: tuple[str, ...]) -> Archive:
        thaw.wait(ENDLESS)
        raise OSError("thawed")

    monkeypatch.setattr("abbey_metrics.keeper.open_archive", standin_frozen)
    with running(tmp_path) as history:
        history.add(sample(MINUTE))
    assert not thaw.is_set()
    thaw.set()


def test_a_clock_that_was_ahead_does_not_hide_what_is_kept(tmp_path: Path) -> None:
    with running(tmp_path) as history:
        history.add(sample(MINUTE, 5.0))
        history.add(sample(MINUTE + 10**8, 99.0))
    with running(tmp_path) as history:
        history.add(sample(MINUTE + 30, 6.0))
    assert known(kept(tmp_path, MINUTE + 31)[Range.MINUTES]) == {MINUTE: 5.0, MINUTE + 30: 6.0}
