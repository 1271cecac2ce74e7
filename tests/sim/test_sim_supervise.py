from __future__ import annotations

import signal
import sys
import threading
from pathlib import Path

import psutil
import pytest

from abbey.errors import AbbeyError
from abbey.sim.supervise import EndedError, Program, await_ready, kill, start, stop

pytestmark = pytest.mark.process

FOREVER = "import signal; signal.pause()"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); signal.pause()"
PARENT = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {FOREVER!r}]); print('two', flush=True); {FOREVER}"


def program(folder: Path, code: str, *, says: str = "") -> Program:
    one = Program(
        host="monk",
        name="sleeper",
        argv=(sys.executable, "-c", code),
        folder=folder,
        ready=lambda: says in one.log.read_text(),
    )
    return one


def test_a_program_gets_no_environment_but_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANARY", "canary")
    running = start(program(tmp_path, "import os; print('CANARY' in os.environ, os.environ['HOME'])"))
    running.process.wait(timeout=10)
    assert running.program.log.read_text() == f"False {tmp_path}\n"


def test_a_program_that_ends_early_is_told_with_its_last_words(tmp_path: Path) -> None:
    running = start(program(tmp_path, "raise SystemExit('no such address')", says="never"))
    with pytest.raises(AbbeyError, match="ended with 1") as raised:
        await_ready([running], within=10, ended=threading.Event())
    assert "no such address" in raised.value.hint


def test_waiting_ends_when_the_demo_is_told_to(tmp_path: Path) -> None:
    ended = threading.Event()
    ended.set()
    running = start(program(tmp_path, FOREVER, says="never"))
    with pytest.raises(EndedError):
        await_ready([running], within=10, ended=ended)
    assert kill([running]) == 1


def test_a_program_that_does_not_listen_is_killed_at_the_deadline(tmp_path: Path) -> None:
    running = start(program(tmp_path, STUBBORN, says="deaf"))
    await_ready([running], within=10, ended=threading.Event())
    stop([running], within=0.1)
    assert running.process.returncode == -signal.SIGKILL


def test_killing_takes_the_descendants_too(tmp_path: Path) -> None:
    running = start(program(tmp_path, PARENT, says="two"))
    await_ready([running], within=10, ended=threading.Event())
    descendants = psutil.Process(running.process.pid).children(recursive=True)
    assert kill([running]) == 2
    assert all(not one.is_running() or one.status() == psutil.STATUS_ZOMBIE for one in descendants)


def test_what_cannot_be_executed_is_an_error_with_its_name(tmp_path: Path) -> None:
    missing = Program(host="monk", name="gateway", argv=("/no/such/program",), folder=tmp_path, ready=lambda: True)
    with pytest.raises(AbbeyError, match="monk: gateway cannot be started"):
        start(missing)
