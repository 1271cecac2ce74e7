"""`abbey demo`: run the two-host lab until Ctrl-C, and kill and revive its hosts from another terminal."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import FrameType

from abbey.errors import UsageError
from abbey.sim import control
from abbey.sim.board import Board, board_of, truth
from abbey.sim.control import Control, Order
from abbey.sim.example import demo_lab
from abbey.sim.folder import default_folder, demo_folder
from abbey.sim.hosts import PREFERRED_EDGE_PORT, lay_out
from abbey.sim.lab import DemoLab, users_of
from abbey.sim.probe import sign_in_answers
from abbey.sim.programs import find_programs
from abbey.sim.supervise import EndedError
from abbey.sim.visitors import Visitors

BOARD_SECONDS = 1.0
VISITS_PER_SECOND = 5
STAND_INS = (
    "the sign-in stands in for Authentik: an OpenID provider whose codes and sessions are rows in PostgreSQL",
    "notes and who-am-I stand in for the apps of a lab",
    "the edge stands in for Cloudflare and its connectors; there is no TLS here",
    "both hosts are loopback addresses of this machine, so the metrics of both are this machine's",
)


class Kind(StrEnum):
    """What an event tells."""

    STEP = "step"
    READY = "ready"  # the address to open
    LOGIN = "login"
    REAL = "real"
    STAND_IN = "stand-in"
    NOTICE = "notice"  # something is not as usual, and why
    DONE = "done"  # an order was obeyed
    PROBE = "probe"


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened, in one line for people."""

    kind: Kind
    text: str


Say = Callable[[Event], None]


def run(
    folder: Path | None,
    *,
    port: int | None,
    on_event: Say,
    board: Callable[[Board], None],
    keep: bool = False,
    name: str = control.DEFAULT,
) -> int:
    """Run the demo until Ctrl-C, then leave nothing behind; return 0.

    `folder` None is `.demo` here; `port` None is 8080 or the next free one. Raise UsageError when a demo of that
    name runs already, the port is taken or the folder is somebody else's; AbbeyError when a program fails.
    """
    with interruptible() as ended, _control(name) as orders:
        try:
            with lab_in(folder or default_folder(Path.cwd()), port=port, ended=ended, say=on_event, keep=keep) as lab:
                _introduce(lab, on_event)
                _watch(lab, orders, ended=ended, say=on_event, board=board)
                on_event(Event(Kind.STEP, "stopping"))
        except EndedError:
            on_event(Event(Kind.STEP, "stopped before it was up"))
    return 0


def kill(host: str, *, name: str = control.DEFAULT) -> str:
    """Kill every process of a host of the running demo at once; return what it says.

    Raise UsageError when no demo runs, there is no such host, or it is down.
    """
    return control.give(Order("kill", host), name=name)


def revive(host: str, *, name: str = control.DEFAULT) -> str:
    """Bring a killed host of the running demo back; return what it says. Raise UsageError as `kill` does."""
    return control.give(Order("revive", host), name=name)


@contextmanager
def interruptible() -> Iterator[threading.Event]:
    """Give an event that is set by Ctrl-C, by a closed terminal and by SIGTERM, instead of an exception anywhere."""
    ended = threading.Event()

    def end(signum: int, frame: FrameType | None) -> None:
        # From a thread: this handler may stand between two lines of an earlier one, or of a wait for the same event,
        # and would wait for ever for the lock that they hold. `make` hands a Ctrl-C on, so that two come at once.
        threading.Thread(target=ended.set, daemon=True).start()

    wanted = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {one: signal.signal(one, end) for one in wanted}
    try:
        yield ended
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


@contextmanager
def lab_in(
    folder: Path, *, port: int | None, ended: threading.Event, say: Say, keep: bool = False, split: bool = False
) -> Iterator[DemoLab]:
    """Give a lab that is up in the folder; take it down and remove the folder afterwards."""
    programs = find_programs()
    with demo_folder(folder, keep=keep) as home:
        lab = DemoLab(
            folder=home,
            lab=demo_lab(),
            layout=lay_out(port=port, doors=programs.haproxy is not None),
            programs=programs,
            split=split,
            ended=ended,
        )
        say(Event(Kind.STEP, f"starting two hosts in {home}"))
        for line in programs.described():
            say(Event(Kind.REAL, line))
        try:
            lab.up()
            yield lab
        finally:
            lab.down()


@contextmanager
def _control(name: str) -> Iterator[Control]:
    orders = Control(name)
    try:
        yield orders
    finally:
        orders.close()


def _introduce(lab: DemoLab, say: Say) -> None:
    for line in STAND_INS:
        say(Event(Kind.STAND_IN, line))
    if lab.layout.edge != PREFERRED_EDGE_PORT:
        say(Event(Kind.NOTICE, f"port {PREFERRED_EDGE_PORT} is taken: the demo is at {lab.layout.edge}"))
    names = " or ".join(user.username for user in users_of(lab.lab))
    say(Event(Kind.LOGIN, f"log in as {names}, password {lab.secrets.login.reveal()}"))
    say(Event(Kind.READY, f"open {lab.layout.url()}"))


def _watch(lab: DemoLab, orders: Control, *, ended: threading.Event, say: Say, board: Callable[[Board], None]) -> None:
    def obey(order: Order) -> str:
        text = _obey(lab, order)
        say(Event(Kind.DONE, text))
        return text

    with Visitors(lab.layout, rate=VISITS_PER_SECOND) as visitors:
        while not ended.is_set():
            board(board_of(lab, visitors.visits, sign_in=sign_in_answers(lab)))
            due = time.monotonic() + BOARD_SECONDS
            while not ended.is_set() and (left := due - time.monotonic()) > 0:
                orders.serve(obey, wait=min(left, 0.2))


def _obey(lab: DemoLab, order: Order) -> str:
    if order.verb == "kill":
        count = lab.kill(order.host)
        return f"{order.host}: {count} processes killed at once. {truth(lab)}"
    if order.verb == "revive":
        lab.revive(order.host)
        later = (
            " Sign-in and apps follow when the gateways ask again, within 20 s."
            if lab.holds_database(order.host)
            else ""
        )
        return f"{order.host} is back. {truth(lab)}{later}"
    raise UsageError(f"the demo knows no order {order.verb!r}", hint="it knows kill and revive")
