"""Processes that never outlive the demo: started, awaited, stopped in order, killed at once.

Each gets its own session, so that Ctrl-C in the terminal reaches the demo alone, and a death wish: when the
demo dies, even by SIGKILL, the kernel ends it too. The kernel counts the death of the *thread* that started it,
so `start` is called from the main thread only.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from abbey.errors import AbbeyError

PR_SET_PDEATHSIG = 1
POLL = 0.02
KILL_SECONDS = 10


class EndedError(AbbeyError):
    """The demo was told to end while it was at something."""

    exit_code = 130

    def __init__(self) -> None:
        super().__init__("interrupted")


@dataclass(frozen=True, slots=True)
class Program:
    """One program of one host: how it is started, when it is ready, how it is asked to stop.

    `uid` drops root before it starts; `death_wish` is the signal it gets when the demo is gone.
    """

    host: str
    name: str
    argv: tuple[str, ...]
    folder: Path
    ready: Callable[[], bool]
    env: Mapping[str, str] = field(default_factory=dict)
    stop_signal: signal.Signals = signal.SIGTERM
    death_wish: signal.Signals = signal.SIGKILL
    uid: int | None = None

    @property
    def log(self) -> Path:
        """Return the file that takes what it says."""
        return self.folder / "logs" / f"{self.name}.log"


@dataclass(frozen=True, slots=True)
class Running:
    """A started program."""

    program: Program
    process: subprocess.Popen[bytes]

    @property
    def alive(self) -> bool:
        """Return whether the process itself runs."""
        return self.process.poll() is None


def start(program: Program) -> Running:
    """Start the program with nothing of this process's environment but its search path and language.

    Raise AbbeyError when it cannot be executed.
    """
    if threading.current_thread() is not threading.main_thread():
        raise RuntimeError("a program of the demo is started from the main thread only")
    program.log.parent.mkdir(parents=True, exist_ok=True)
    keep = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL", "TZ", "PYTHONPATH") if name in os.environ}
    env = {**keep, "HOME": str(program.folder), "TMPDIR": str(program.folder), **program.env}
    with program.log.open("ab") as log:
        try:
            process = subprocess.Popen(
                program.argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=program.folder,
                env=env,
                start_new_session=True,
                user=program.uid,
                group=program.uid,
                extra_groups=() if program.uid is not None else None,
                preexec_fn=_tied_to(os.getpid(), program.death_wish),
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise AbbeyError(f"{program.host}: {program.name} cannot be started: {error}") from error
    return Running(program, process)


def _tied_to(parent: int, death_wish: signal.Signals) -> Callable[[], None]:
    """Return what the child does before it becomes the program. The library is opened here, before the fork."""
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    wish = int(death_wish)

    def tie() -> None:
        prctl(PR_SET_PDEATHSIG, wish, 0, 0, 0)
        if os.getppid() != parent:  # it died between the fork and the wish
            os._exit(1)

    return tie


def await_ready(running: Iterable[Running], *, within: float, ended: threading.Event) -> None:
    """Return when every program is ready.

    Raise AbbeyError, with its last words, when one ends or is late; EndedError when the event is set.
    """
    deadline = time.monotonic() + within
    waiting = list(running)
    while waiting:
        if ended.is_set():
            raise EndedError
        for one in waiting:
            if not one.alive:
                raise _failed(one, f"ended with {one.process.returncode} instead of serving")
        waiting = [one for one in waiting if not one.program.ready()]
        if waiting and time.monotonic() > deadline:
            raise _failed(waiting[0], f"was not ready within {within:.0f} s")
        if waiting:
            ended.wait(POLL)


def _failed(one: Running, what: str) -> AbbeyError:
    words = one.program.log.read_text(errors="replace").strip().splitlines()[-5:]
    return AbbeyError(
        f"{one.program.host}: {one.program.name} {what}", hint="its last words:\n    " + "\n    ".join(words)
    )


def stop(running: Sequence[Running], *, within: float) -> None:
    """Ask the programs to stop, last started first, and kill what is left at the deadline."""
    for one in reversed(running):
        with contextlib.suppress(ProcessLookupError):
            one.process.send_signal(one.program.stop_signal)
    deadline = time.monotonic() + within
    for one in running:
        try:
            one.process.wait(timeout=max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            kill([one])


def kill(running: Iterable[Running]) -> int:
    """Kill the programs and all their descendants at once, as a power cut would. Return how many there were."""
    victims: list[psutil.Process] = []
    processes = [one.process for one in running if one.alive]
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            parent = psutil.Process(process.pid)
            victims += [parent, *parent.children(recursive=True)]
    for victim in victims:
        with contextlib.suppress(psutil.NoSuchProcess):
            victim.kill()
    for process in processes:
        process.wait()
    deadline = time.monotonic() + KILL_SECONDS
    while not all(_is_dead(victim) for victim in victims) and time.monotonic() < deadline:
        time.sleep(POLL)
    return len(victims)


def _is_dead(process: psutil.Process) -> bool:
    """Return whether it runs no more; whoever inherited it may be slow to bury it."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
