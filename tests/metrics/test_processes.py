"""The table of processes: of a made-up /proc, and of this machine's own."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest
from standin_host import Now

from abbey_metrics.clock import Clock
from abbey_metrics.platform import Process, Processes
from abbey_metrics.processes import PAGE, TICKS, TOP, ProcessTable


class Proc:
    """A /proc that a test writes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def process(self, pid: int, name: str, *, seconds: float = 0.0, pages: int = 1, started: int = 5) -> None:
        fields = ["0"] * 50
        fields[0], fields[11], fields[12] = "S", str(round(seconds * TICKS)), "0"
        fields[19], fields[21] = str(started), str(pages)
        (self.folder / str(pid)).mkdir(exist_ok=True)
        (self.folder / str(pid) / "stat").write_text(f"{pid} ({name}) {' '.join(fields)}\n")


@pytest.fixture
def proc(tmp_path: Path) -> Proc:
    (tmp_path / "uptime").write_text("1 1")
    return Proc(tmp_path)


def _shown(table: Processes) -> list[tuple[str, float]]:
    return [(process.name, process.cpu) for process in table.top]


def test_the_busiest_first_and_then_the_largest(proc: Proc, now: Now) -> None:
    for pid, (name, pages) in enumerate([("small", 1), ("large", 9), ("busy", 2)], start=100):
        proc.process(pid, name, seconds=7.0, pages=pages)
    table = ProcessTable(str(proc.folder), now.clock())
    table.read()
    proc.process(102, "busy", seconds=8.0, pages=2)
    now.pass_(4.0)
    read = table.read()
    assert (read.count, read.at, read.top[0]) == (3, now.wall, Process(102, "busy", 25.0, 2 * PAGE))
    assert _shown(read) == [("busy", 25.0), ("large", 0.0), ("small", 0.0)]


def test_names_may_hold_blanks_and_parentheses(proc: Proc, now: Now) -> None:
    proc.process(7, "a) S 1 (b")
    (proc.folder / "8").mkdir()
    (proc.folder / "8" / "stat").write_bytes(b"8 (\xff\xfe) S" + b" 0" * 50)
    assert {process.name for process in ProcessTable(str(proc.folder), now.clock()).read().top} == {
        "a) S 1 (b",
        "\ufffd\ufffd",
    }


def test_a_number_that_is_used_again_is_another_process(proc: Proc, now: Now) -> None:
    proc.process(7, "first", seconds=90.0, started=1)
    table = ProcessTable(str(proc.folder), now.clock())
    table.read()
    proc.process(7, "second", seconds=1.0, started=2)
    now.pass_(4.0)
    assert _shown(table.read()) == [("second", 25.0)]


def test_what_ended_or_makes_no_sense_is_left_out(proc: Proc, now: Now) -> None:
    proc.process(7, "good")
    (proc.folder / "8").mkdir()  # it ended between the list and the reading
    (proc.folder / "9").mkdir()
    (proc.folder / "9" / "stat").write_text("9 (short) S 1 2\n")
    read = ProcessTable(str(proc.folder), now.clock()).read()
    assert (read.count, _shown(read)) == (1, [("good", 0.0)])


def test_only_the_busiest_are_shown(proc: Proc, now: Now) -> None:
    for pid in range(3 * TOP):
        proc.process(pid + 1, f"p{pid}")
    read = ProcessTable(str(proc.folder), now.clock()).read()
    assert (read.count, len(read.top)) == (3 * TOP, TOP)


def _burn(done: multiprocessing.synchronize.Event) -> None:
    while not done.is_set():
        sum(range(10_000))


def test_a_real_program_that_works_is_among_the_busiest() -> None:
    context = multiprocessing.get_context("spawn")
    done = context.Event()
    child = context.Process(target=_burn, args=(done,))
    child.start()
    try:
        table = ProcessTable("/proc", Clock())
        for _ in range(200):
            table.read()
            child.join(0.1)
            name = Path(f"/proc/{child.pid}/comm").read_text().strip()
            found = [process for process in table.read().top if process.pid == child.pid and process.cpu > 5]
            if found:
                break
    finally:
        done.set()
        child.join()
    assert found
    assert found[0].name == name
    assert found[0].memory > 1_000_000
