"""From a plan to a changed lab: show, ask, make secrets, execute, tell how it went."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from abbey.cli import output
from abbey.cli.session import Hosts, connected, insist, keepers, open_lab, open_vault
from abbey.engine.event import Ended, Event, Started, Stopping
from abbey.engine.execute import execute
from abbey.engine.lock import break_lock
from abbey.errors import AbbeyError, ApplyError, SecretError, UsageError
from abbey.model.host import Host
from abbey.model.lab import Lab
from abbey.plan.action import Plan
from abbey.plan.diff import diff
from abbey.plan.moves import Move, moves, same
from abbey.plan.show import to_json, to_text
from abbey.plan.state import Desired, HostState
from abbey.render import desired
from abbey.report import Done, Outcome
from abbey.secrets import Kind, Vault

CHANGES_PENDING = 3
FIRST_LOGIN = "authentik/admin_password"


@dataclass(frozen=True, slots=True)
class Wishes:
    """How `abbey up` was called."""

    hosts: tuple[str, ...] = ()
    yes: bool = False
    break_lock: bool = False
    accept_empty: tuple[str, ...] = ()
    reason: str = ""


def show_plan(path: Path, *, hosts: tuple[str, ...], as_json: bool, offline: bool) -> int:
    """Print what `up` would do, and return 3 when that is something, 0 when it is nothing."""
    lab = open_lab(path)
    vault = open_vault(path)
    with connected(lab, hosts) as there:
        wanted = desired(lab, there.hosts, vault.get)
        states = {} if offline else there.observe(wanted).insist()
    plan = diff(wanted, states)
    warnings = [str(move) for move in moves(plan, keepers(lab))]
    if as_json:
        output.document(to_json(plan, warnings=warnings))
    else:
        output.plan(to_text(plan, warnings=warnings))
    return CHANGES_PENDING if plan else 0


def up(path: Path, wishes: Wishes) -> int:
    """Make the lab true on its hosts, and return 0. Raise ApplyError when something failed.

    Raise AbbeyError when the hosts are no longer as they were when the plan was shown; then nothing was done.
    """
    lab = open_lab(path)
    vault = open_vault(path)
    with connected(lab, wishes.hosts) as there:
        wanted = desired(lab, there.hosts, vault.get)
        states = there.observe(wanted).insist()
        plan = diff(wanted, states)
        moved = moves(plan, keepers(lab))
        output.plan(to_text(plan, warnings=[str(move) for move in moved]))
        if not plan:
            return _sick(states)
        _insist_on_given(vault, wanted)
        _insist_on_accepted(moved, wishes)
        _confirm(wishes)
        if wishes.break_lock:
            _break_locks(there, plan)
        fresh = _make_secrets(vault, wanted)
        try:
            done = _execute(
                plan,
                there,
                desired(lab, there.hosts, vault.get),
                vault=vault,
                reason=wishes.reason or "abbey up",
                check=lambda: _insist_on_same(plan, there, wanted),
            )
        finally:
            if fresh:  # whatever became of the rest, these secrets are there and will not be new again
                _welcome(lab)
    _tell(done)
    return 0


def _sick(states: Mapping[str, HostState]) -> int:
    """Return 0 when every container works; else say which do not and return 1: nothing to do is not all is well."""
    sick = [
        f"{host}: {container.service}"
        for host, state in sorted(states.items())
        for container in state.containers
        if container.health == "unhealthy"
    ]
    for name in sick:
        output.note(f"{name} is as the file says, and unhealthy; `abbey logs {name.split()[-1]}` may tell why")
    return 1 if sick else 0


def _confirm(wishes: Wishes) -> None:
    if wishes.yes:
        return
    if not output.interactive():
        raise UsageError("nobody is here to confirm the plan", hint="read it with `abbey plan`, then `abbey up --yes`")
    if not output.agreed("Make it so?"):
        raise UsageError("nothing was changed")


def _insist_on_given(vault: Vault, wanted: tuple[Desired, ...]) -> None:
    refs = sorted({ref for one in wanted for ref in one.tree.refs() if ref.kind is Kind.GIVEN})
    missing = [ref.name for ref in refs if vault.get(ref) is None]
    if missing:
        raise SecretError(
            f"only you can supply {', '.join(missing)}",
            hint="; ".join(f"`abbey secret set {name}`" for name in missing),
        )


def _insist_on_accepted(moved: tuple[Move, ...], wishes: Wishes) -> None:
    refused = sorted({move.service for move in moved} - set(wishes.accept_empty))
    if refused:
        texts = [str(move) for move in moved if move.service in refused]
        options = " ".join(f"--accept-empty {name}" for name in refused)
        raise UsageError(
            "\n".join(texts),
            hint=f"bring the data over yourself or do without it, then `abbey up {options}`; or leave it where it is",
        )


def _insist_on_same(plan: Plan, there: Hosts, wanted: tuple[Desired, ...]) -> None:
    """Raise AbbeyError when the plan that was shown is not what the hosts need by now."""
    if not same(plan, diff(wanted, there.observe(wanted).insist())):
        raise AbbeyError(
            "the hosts changed after the plan was shown; nothing was done on them",
            hint="`abbey up` again shows what is left to do",
        )


def _make_secrets(vault: Vault, wanted: tuple[Desired, ...]) -> bool:
    """Make what is missing, and return whether the password of the first login is among it."""
    refs = sorted({ref for one in wanted for ref in one.tree.refs()})
    fresh = any(ref.name == FIRST_LOGIN and vault.get(ref) is None for ref in refs)
    vault.ensure(refs)
    return fresh


def _break_locks(there: Hosts, plan: Plan) -> None:
    touched = {action.host for action in plan.actions}

    def release(host: Host) -> None:
        if host.name in touched:
            break_lock(there.shells[host.name], there.directories[host.name])

    insist(there.each(release))


def _execute(
    plan: Plan,
    there: Hosts,
    wanted: tuple[Desired, ...],
    *,
    vault: Vault,
    reason: str,
    check: Callable[[], None],
) -> tuple[Done, ...]:
    width = max(len(host.name) for host in there.hosts)

    def tell(event: Event) -> None:
        match event:
            case Started():
                output.progress(event.host, event.text, width=width)
            case Ended():
                done = event.done
                output.progress(done.host, done.text, outcome=done.outcome, seconds=done.seconds, width=width)
            case Stopping():
                output.note("stopping: nothing new begins; again Ctrl-C to abandon " + ", ".join(event.waiting))

    return execute(
        plan,
        desired=wanted,
        shells=there.shells,
        directories=there.directories,
        reveal=vault.get,
        on_event=tell,
        reason=reason,
        check=check,
    )


def _tell(done: tuple[Done, ...]) -> None:
    failed = [one for one in done if one.outcome is Outcome.FAILED]
    skipped = sum(one.outcome is Outcome.SKIPPED for one in done)
    if failed:
        text = "\n".join(f"{one.host}: {one.text}: {one.error}" for one in failed)
        rest = f"\n{skipped} more waited for that and were not begun" if skipped else ""
        raise ApplyError(text + rest, hint="put it right and run `abbey up` again; what is done stays done")
    output.line(f"done: {len(done)} steps")


def _welcome(lab: Lab) -> None:
    output.note(
        f"\nThe secrets of this lab are new and lie encrypted beside its file. Sign in as {lab.admin}:\n"
        f"  abbey secret show {FIRST_LOGIN}\n"
        "Keep a copy of the age key somewhere else; without it nobody can read them."
    )
