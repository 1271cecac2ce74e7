"""The demo as a person meets it, with its real programs, and what it leaves behind: nothing."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import psutil
import pytest

from abbey.errors import AbbeyError, UsageError
from abbey.sim import demo, probe
from abbey.sim.demo import Event, Kind, lab_in
from abbey.sim.example import demo_lab
from abbey.sim.hosts import lay_out
from abbey.sim.lab import DemoLab
from abbey.sim.postgres import NOBODY
from abbey.sim.programs import Programs, find_caddy, wheel_nginx, wheel_postgres
from abbey.sim.verdict import check

pytestmark = pytest.mark.process

SECONDS = 60
RUN = """
import sys
from pathlib import Path
from abbey.sim import demo
sys.exit(demo.run(
    Path(sys.argv[1]), port=None, name=sys.argv[2],
    on_event=lambda event: print(event.kind, event.text, flush=True), board=lambda board: None,
))
"""


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that the unprivileged user of root's PostgreSQL can reach; pytest's own is closed to others."""
    folder = Path(tempfile.mkdtemp(prefix="abbey-test-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


def eventually(question: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + SECONDS
    while not question():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def processes_in(folder: Path) -> list[str]:
    """Return the processes that run in the folder or were started with it."""
    found = []
    for process in psutil.process_iter(["cmdline", "cwd", "status"]):
        words = " ".join(process.info["cmdline"] or [])
        inside = str(folder) in words or (process.info["cwd"] or "").startswith(f"{folder}/")
        if inside and process.info["status"] != psutil.STATUS_ZOMBIE:
            found.append(words)
    return found


@contextmanager
def demo_elsewhere(folder: Path, name: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Give a demo that another process runs, and the address that it says to open."""
    command = [sys.executable, "-c", RUN, str(folder), name]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        assert process.stdout is not None
        said = []
        for line in process.stdout:
            said.append(line)
            if line.startswith("ready open "):
                break
        assert said, "the demo said nothing"
        assert said[-1].startswith("ready open "), "".join(said)
        yield process, said[-1].removeprefix("ready open ").strip()
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=SECONDS)


def test_the_whole_round_passes_and_leaves_nothing() -> None:
    events: list[Event] = []
    verdict = check(events.append)
    assert verdict.passed, [one for one in verdict.probes if not one.passed]
    assert verdict.exit_code == 0
    killed = [one for one in verdict.probes if "is killed" in one.name]
    assert [one.seen.split(", ")[1] for one in killed] == ["0 failed", "0 failed"]
    folder = Path(next(one.text for one in events if one.kind is Kind.STEP).rpartition(" ")[2])
    assert not folder.exists()
    assert processes_in(folder) == []


def test_a_host_is_killed_and_revived_from_another_process(open_folder: Path) -> None:
    name = f"test-orders-{os.getpid()}"
    folder = open_folder / "demo"
    with demo_elsewhere(folder, name) as (process, url):
        edge = httpx2.URL(url)
        address, host = f"http://127.0.0.1:{edge.port}/manifest.webmanifest", {"Host": edge.netloc.decode()}

        def served_by() -> set[str]:
            answers = [httpx2.get(address, headers=host, trust_env=False) for _ in range(8)]
            assert {answer.status_code for answer in answers} == {200}
            return {answer.headers["x-standin-edge"] for answer in answers}

        assert served_by() == {"monk", "kscloud1"}
        assert "processes killed at once" in demo.kill("monk", name=name)
        assert served_by() == {"kscloud1"}
        with pytest.raises(UsageError, match="monk is down already"):
            demo.kill("monk", name=name)
        with pytest.raises(UsageError, match="running already"):
            demo.run(None, port=None, on_event=lambda event: None, board=lambda board: None, name=name)
        assert "monk is back" in demo.revive("monk", name=name)
        assert served_by() == {"monk", "kscloud1"}
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=SECONDS) == 0
    assert not folder.exists()
    assert processes_in(folder) == []


def test_nothing_outlives_a_demo_that_is_killed(open_folder: Path) -> None:
    folder = open_folder / "demo"
    with demo_elsewhere(folder, f"test-sigkill-{os.getpid()}") as (process, _):
        children = psutil.Process(process.pid).children(recursive=True)
        assert len(children) > 10
        process.kill()
        process.wait(timeout=SECONDS)
        assert eventually(lambda: not [one for one in children if one.is_running() and one.status() != "zombie"])
    assert processes_in(folder) == []


def test_split_databases_fail_the_probe_as_they_must(open_folder: Path) -> None:
    with lab_in(open_folder / "demo", port=None, ended=threading.Event(), say=lambda event: None, split=True) as lab:
        across = list(probe.codes_across(lab))
        assert [(one.passed, one.seen.split(",")[0]) for one in across] == [(False, "400 invalid_grant")] * 2
        same = probe.code_across(lab, lab.layout.monk, lab.layout.monk)
        assert same.passed, same.seen


def test_the_programs_of_the_wheels_serve_without_a_door(open_folder: Path) -> None:
    programs = Programs(postgres=wheel_postgres(), caddy=find_caddy(), nginx=wheel_nginx(), haproxy=None)
    lab = DemoLab(
        folder=open_folder / "demo", lab=demo_lab(), layout=lay_out(port=None, doors=False), programs=programs
    )
    try:
        lab.up()
        for result in (*probe.codes_across(lab), probe.login_through_edge(lab, lab.layout.hosts), probe.guarded(lab)):
            assert result.passed, result
    finally:
        lab.down()
    assert processes_in(open_folder) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to be dropped")
def test_root_is_dropped_for_postgresql_and_no_user_is_made(open_folder: Path) -> None:
    users = pwd.getpwall()
    closed = open_folder / "closed"
    closed.mkdir(mode=0o700)
    lab = DemoLab(
        folder=open_folder / "demo",
        lab=demo_lab(),
        layout=lay_out(port=None, doors=False),
        # Where the unprivileged user cannot go, as a virtual environment below /root.
        programs=Programs(copy_of(wheel_postgres(), closed), find_caddy(), wheel_nginx(), None),
    )
    try:
        lab.up()
        server = next(one for one in lab.running["kscloud1"] if one.program.name == "postgres")
        family = [psutil.Process(server.process.pid), *psutil.Process(server.process.pid).children(recursive=True)]
        assert {uid for one in family for uid in one.uids()} == {NOBODY}
    finally:
        lab.down()
    assert pwd.getpwall() == users


def copy_of(programs: Path, folder: Path) -> Path:
    return Path(shutil.copytree(programs.parent, folder / "postgres")) / "bin"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to be dropped")
def test_a_folder_that_postgresql_cannot_reach_is_a_clear_error(open_folder: Path) -> None:
    open_folder.chmod(0o700)
    folder = open_folder / "demo"
    with (
        pytest.raises(AbbeyError, match="an unprivileged user cannot reach"),
        lab_in(folder, port=None, ended=threading.Event(), say=lambda event: None),
    ):
        pytest.fail("it must not begin")
    assert not folder.exists()
