"""Reading the lab without changing it: status of the hosts, and the logs of their services."""

from __future__ import annotations

import json
import queue
import threading
from pathlib import Path
from typing import Any

from abbey.cli import output
from abbey.cli.session import Hosts, connected, open_lab, open_vault
from abbey.engine.compose import logs as read_logs
from abbey.errors import AbbeyError, HostError, UsageError
from abbey.model.host import Host
from abbey.model.service import services as services_of
from abbey.plan.diff import diff
from abbey.plan.show import summary
from abbey.plan.state import Desired, HostState
from abbey.render import desired

MISSING = "missing"


def status(path: Path, *, hosts: tuple[str, ...], as_json: bool) -> int:
    """Print every service of every host, and what differs from the file. Return 0; 4 when a host was not reached."""
    lab = open_lab(path)
    vault = open_vault(path)
    with connected(lab, hosts) as there:
        wanted = desired(lab, there.hosts, vault.get)
        seen = there.observe(wanted)
    plans = {one.host: diff((one,), {one.host: seen.states[one.host]}) for one in wanted if one.host in seen.states}
    report = {
        "hosts": {
            **{name: _host(one, seen.states[name]) for one in wanted if (name := one.host) in seen.states},
            **{name: {"reached": False, "error": error.message} for name, error in seen.errors.items()},
        }
    }
    for name, plan in plans.items():
        report["hosts"][name]["pending"] = summary(plan) if plan else ""
    if as_json:
        output.document(report)
    else:
        _show(report["hosts"], wanted)
    lost = any(isinstance(error, HostError) for error in seen.errors.values())
    return HostError.exit_code if lost else (AbbeyError.exit_code if seen.errors else 0)


def _host(one: Desired, state: HostState) -> dict[str, Any]:
    running = {container.service: container for container in state.containers}
    services = {
        unit.service: {
            "title": unit.title,
            "state": _word(running[unit.service].state, running[unit.service].health)
            if unit.service in running
            else MISSING,
            "image": unit.image,
            "since": running[unit.service].since if unit.service in running else "",
        }
        for unit in one.units
    }
    stray = sorted(set(running) - set(services))
    return {
        "reached": True,
        "engine": state.engine,
        "compose": state.compose,
        "services": services,
        "stray": stray,
        "lock": state.lock,
    }


def _word(state: str, health: str) -> str:
    return health or state if state == "running" else state


def _show(hosts: dict[str, Any], wanted: tuple[Desired, ...]) -> None:
    units = sorted((unit.stage, unit.service) for one in wanted for unit in one.units)
    order = dict.fromkeys(service for _, service in units)
    rows = []
    for service in order:
        for name, host in hosts.items():
            if host["reached"] and service in host["services"]:
                here = host["services"][service]
                rows.append((service, name, here["state"], here["image"].rsplit("/", 1)[-1], here["since"]))
    if rows:
        output.table(rows, head=("SERVICE", "HOST", "STATE", "IMAGE", "SINCE"))
        output.line()
    for name, host in hosts.items():
        if not host["reached"]:
            output.line(f"{name}: not reached: {host['error'].removeprefix(f'{name}: ')}")
            continue
        truth = f"differs from the file: {host['pending']}; see `abbey plan`" if host["pending"] else "as the file says"
        output.line(f"{name}: Docker {host['engine']}, Compose {host['compose']}; {truth}")
        if host["lock"]:
            output.line(f"{name}: locked by {host['lock']}")


def logs(
    path: Path, services: tuple[str, ...], *, hosts: tuple[str, ...], follow: bool, tail: int, as_json: bool
) -> int:
    """Print the logs of services on all their hosts, each line with its host. Return 0; 4 when a host was lost."""
    lab = open_lab(path)
    known = {host.name: {one.name for one in services_of(lab, host)} for host in lab.hosts}
    unknown = set(services) - set().union(*known.values())
    if unknown:
        hint = "services of this lab: " + ", ".join(sorted(set().union(*known.values())))
        raise UsageError(f"there is no service {', '.join(sorted(unknown))}", hint=hint)
    with connected(lab, hosts) as there:
        lines: queue.Queue[tuple[str, str] | AbbeyError | None] = queue.Queue()
        asked = [(host, [name for name in services if name in known[host.name]]) for host in there.hosts]
        asked = [(host, names) for host, names in asked if names or not services]
        for host, names in asked:
            work = (there, host, names, lines)
            threading.Thread(target=_tail, args=work, kwargs={"follow": follow, "tail": tail}, daemon=True).start()
        width = 0 if as_json else max(len(host.name) for host in there.hosts)
        return _print(lines, streams=len(asked), width=width)


def _tail(
    there: Hosts,
    host: Host,
    names: list[str],
    lines: queue.Queue[tuple[str, str] | AbbeyError | None],
    *,
    follow: bool,
    tail: int,
) -> None:
    shell, folder = there.shells[host.name], there.directories[host.name]
    try:
        for line in read_logs(shell, folder, names, follow=follow, tail=tail, project=there.lab.name):
            lines.put((host.name, line))
    except AbbeyError as error:
        lines.put(error)
    lines.put(None)


def _print(lines: queue.Queue[tuple[str, str] | AbbeyError | None], *, streams: int, width: int) -> int:
    """Print the lines as they come; as JSON, one object per line, when there is no width for host names."""
    lost: list[AbbeyError] = []
    while streams:
        match lines.get():
            case None:
                streams -= 1
            case AbbeyError() as error:
                lost.append(error)
            case (host, text):
                output.line(f"{host:<{width}} {text}" if width else json.dumps({"host": host, "line": text}))
    for error in lost:
        output.error(error)
    return max((error.exit_code for error in lost), default=0)
