"""A Plan to the hosts: in parallel over hosts, in order on each. Decides nothing; the plan has decided."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from graphlib import TopologicalSorter

from abbey.engine import audit
from abbey.engine.act import Site, perform
from abbey.engine.event import Ended, Event, Started, Stopping
from abbey.engine.lock import held
from abbey.engine.redact import Redactor
from abbey.engine.shell import Shell
from abbey.errors import AbbeyError
from abbey.plan.action import Action, Plan, WriteFiles
from abbey.plan.effect import owes, settles
from abbey.plan.show import describe
from abbey.plan.state import Desired
from abbey.report import Done, Outcome
from abbey.secrets import Secret, SecretRef

LISTEN_SECONDS = 0.5  # a Ctrl-C that comes just before Python's main thread falls asleep does not wake it
ABANDON_SECONDS = 0.2  # between two attempts to end what runs
WAIT = 300  # seconds that a service may take to be healthy


def execute(
    plan: Plan,
    *,
    desired: Sequence[Desired],
    shells: Mapping[str, Shell],
    directories: Mapping[str, str],
    reveal: Callable[[SecretRef], Secret | None],
    on_event: Callable[[Event], None],
    reason: str,
    check: Callable[[], None] = lambda: None,
    wait_seconds: int = WAIT,
) -> tuple[Done, ...]:
    """Do every action whose prerequisites ended well, and return how each ended, in the order of the plan.

    `check` is called when the locks are held; what it raises ends the execution. `on_event` is called in the
    caller's thread. Raise LockError when a host is locked and HostError when one is not reached, before anything is
    changed. On KeyboardInterrupt nothing new begins, what runs is waited for (a second
    one ends it), the locks are released, and the interrupt goes on to the caller; the next plan finishes the job.
    """
    hosts = {action.host for action in plan.actions}
    sites = {
        one.host: Site(shells[one.host], directories[one.host], one, reveal, wait_seconds)
        for one in desired
        if one.host in hosts
    }
    redact = Redactor([ref for one in desired for ref in one.tree.refs()], reveal)
    with held({host: shells[host] for host in hosts}, directories, reason=reason):
        check()
        _owe(plan, sites)
        return _Execution(plan, sites, redact, on_event, reason).all()


def _owe(plan: Plan, sites: Mapping[str, Site]) -> None:
    """Write down what is owed on the hosts where no WriteFiles will do it."""
    for host, site in sorted(sites.items()):
        acts = [action.act for action in plan.actions if action.host == host]
        owed = sorted({effect for act in acts for effect in owes(act)})
        if owed and not any(isinstance(act, WriteFiles) for act in acts):
            audit.owe(site.shell, site.directory, owed)


class _Execution:
    """One execution: the graph, the threads, and what has ended so far."""

    def __init__(
        self,
        plan: Plan,
        sites: Mapping[str, Site],
        redact: Redactor,
        on_event: Callable[[Event], None],
        reason: str,
    ) -> None:
        self._actions = {action.id: action for action in plan.actions}
        self._sites = sites
        self._redact = redact
        self._on_event = on_event
        self._reason = reason
        self._ended: dict[int, Done] = {}
        self._running: dict[Future[Done], Action] = {}

    def all(self) -> tuple[Done, ...]:
        sorter = _graph(self._actions.values())
        with ThreadPoolExecutor(max(1, len(self._sites)), thread_name_prefix="abbey") as pool:
            try:
                while sorter.is_active():
                    for number in sorter.get_ready():
                        self._begin(self._actions[number], pool)
                    sorter.done(*self._collect())
            except BaseException:
                self._stop()
                raise
        return tuple(self._ended[number] for number in sorted(self._ended))

    def _begin(self, action: Action, pool: ThreadPoolExecutor) -> None:
        """Start the action, or skip it because something that it waits for did not end well.

        It is among `_running` before a thread can have it, so that an interrupt at any moment loses none.
        """
        text = describe(action.act)
        failed = [self._ended[number] for number in action.after if self._ended[number].outcome is not Outcome.OK]
        future: Future[Done] = Future()
        if failed:
            future.set_result(Done(action.id, action.host, text, Outcome.SKIPPED, 0.0, _why_skipped(failed[0])))
            self._running[future] = action
        else:
            self._on_event(Started(action.id, action.host, text))
            self._running[future] = action
            pool.submit(self._fulfil, future, action)

    def _fulfil(self, future: Future[Done], action: Action) -> None:
        """Do the action unless it was cancelled before; runs in a thread of the pool."""
        if future.set_running_or_notify_cancel():
            try:
                future.set_result(self._do(action))
            except BaseException as fault:  # a fault of Abbey's own; the caller's thread raises it
                future.set_exception(fault)

    def _do(self, action: Action) -> Done:
        """Perform one action and write its outcome down on the host."""
        site, text, start = self._sites[action.host], describe(action.act), time.monotonic()
        outcome, error = Outcome.OK, ""
        try:
            perform(action.act, site)
        except AbbeyError as failure:
            outcome, error = Outcome.FAILED, self._redact(str(failure))
        done = Done(action.id, action.host, text, outcome, time.monotonic() - start, error)
        settled = settles(action.act) if outcome is Outcome.OK else ()
        try:
            audit.record(site.shell, site.directory, done, reason=self._reason, settled=settled)
        except AbbeyError as failure:
            if outcome is Outcome.OK:
                error = self._redact(str(failure))
                return Done(action.id, action.host, text, Outcome.FAILED, done.seconds, error)
        return done

    def _collect(self) -> list[int]:
        """Wait until an action has ended, tell of each that has, and return their ids.

        An action leaves `_running` only after that, so that an interrupt at any moment loses none.
        """
        while not (finished := wait(self._running, timeout=LISTEN_SECONDS, return_when=FIRST_COMPLETED).done):
            pass
        ids = []
        for future in sorted(finished, key=lambda one: self._running[one].id):
            done = future.result()
            self._ended[done.id] = done
            del self._running[future]
            self._on_event(Ended(done))
            ids.append(done.id)
        return ids

    def _stop(self) -> None:
        """Wait for what runs; when interrupted again, end it. What no thread has begun yet is left undone."""
        try:
            self._leave_undone()
            if self._running:
                texts = (f"{action.host}: {describe(action.act)}" for action in self._running.values())
                self._on_event(Stopping(tuple(texts)))
            while self._running:
                self._collect()
        except KeyboardInterrupt:
            self._abandon()

    def _leave_undone(self) -> None:
        for future, action in list(self._running.items()):
            if future.cancel():
                del self._running[future]
                done = Done(action.id, action.host, describe(action.act), Outcome.SKIPPED, 0.0, "interrupted")
                self._on_event(Ended(done))

    def _abandon(self) -> None:
        """End what runs, again and again: an action may be between two commands, or about to begin its first."""
        while any(not future.done() for future in self._running):
            for site in self._sites.values():
                with contextlib.suppress(AbbeyError):
                    site.shell.close()
            wait(self._running, timeout=ABANDON_SECONDS)


def _why_skipped(before: Done) -> str:
    if before.outcome is Outcome.SKIPPED:
        return before.error
    return f"{before.text} failed on {before.host}"


def _graph(actions: Iterable[Action]) -> TopologicalSorter[int]:
    """Return the order: what the plan says, and one action at a time on each host, by number."""
    sorter: TopologicalSorter[int] = TopologicalSorter()
    last: dict[str, int] = {}
    for action in actions:
        lane = [last[action.host]] if action.host in last else []
        sorter.add(action.id, *action.after, *lane)
        last[action.host] = action.id
    sorter.prepare()
    return sorter
