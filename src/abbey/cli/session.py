"""A lab opened for work: its file, its vault, and the shells to its hosts."""

from __future__ import annotations

import contextlib
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from abbey.catalog.load import load_catalog
from abbey.catalog.pins import FILE as PINS
from abbey.catalog.pins import load_pins
from abbey.errors import AbbeyError, HostError, UsageError
from abbey.model.host import LOCAL, Host
from abbey.model.lab import Lab
from abbey.model.resolve import resolve
from abbey.model.service import services
from abbey.plan.state import Desired, HostState
from abbey.secrets import Vault
from abbey.spec.load import load_spec
from abbey.spec.own import own_files
from abbey.spec.schema import Contract

T = TypeVar("T")


def open_lab(path: Path) -> Lab:
    """Return the resolved lab of a file with its pins. Raise UsageError or FileErrors when it is not right."""
    spec, document = load_spec(path)
    pins = load_pins(path.parent / PINS)
    own = own_files(spec, document, path.parent)
    return resolve(spec, load_catalog(path.parent / "apps", pins), document.mark, own)


def open_vault(path: Path) -> Vault:
    """Return the vault beside the lab's file; it is made on first need."""
    from abbey.engine.vault import AgeVault, default_key_path  # slow to import, and `check` does not need it

    return AgeVault(path.parent / "secrets.age", default_key_path(os.environ))


def chosen(lab: Lab, names: Iterable[str]) -> tuple[Host, ...]:
    """Return the hosts of these names, all when there are none. Raise UsageError for a name the lab does not have."""
    wanted = set(names)
    unknown = wanted - {host.name for host in lab.hosts}
    if unknown:
        known = ", ".join(host.name for host in lab.hosts)
        raise UsageError(f"there is no host {', '.join(sorted(unknown))}", hint=f"hosts of this lab: {known}")
    return tuple(host for host in lab.hosts if not wanted or host.name in wanted)


class NotReachedError(AbbeyError):
    """At least one host was not reached; the message has a line for each."""

    exit_code = HostError.exit_code


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen of every host: its state, or why there is none."""

    states: dict[str, HostState]
    errors: dict[str, AbbeyError]

    def insist(self) -> dict[str, HostState]:
        """Return the states. Raise NotReachedError or AbbeyError naming every host that was not seen."""
        insist(self.errors)
        return self.states


def insist(answers: Mapping[str, object]) -> None:
    """Raise one error that tells every error among the answers: NotReachedError when a host was not reached."""
    errors = [answer for answer in answers.values() if isinstance(answer, AbbeyError)]
    if errors:
        kind = NotReachedError if any(isinstance(error, HostError) for error in errors) else AbbeyError
        raise kind("\n".join(str(error) for error in errors))


class Hosts:
    """The shells to some hosts of a lab. Use it as a context: leaving it hangs up."""

    def __init__(self, lab: Lab, hosts: tuple[Host, ...]) -> None:
        from abbey.engine.local import LocalShell
        from abbey.engine.shell import Shell
        from abbey.engine.ssh import SshShell

        self.lab = lab
        self.hosts = hosts
        self.shells: dict[str, Shell] = {
            host.name: LocalShell(host.name) if host.ssh == LOCAL else SshShell(host.name, host.ssh) for host in hosts
        }
        self.directories = {host.name: host.folder for host in hosts}

    def observe(self, wanted: tuple[Desired, ...] = ()) -> Seen:
        """Return one snapshot of every host, taken at once. `wanted` names the files to look at."""
        from abbey.engine.observe import observe

        paths = {one.host: tuple(one.tree) for one in wanted}

        def look(host: Host) -> HostState:
            shell, folder = self.shells[host.name], self.directories[host.name]
            return observe(host.name, shell, folder, self.lab.name, paths=paths.get(host.name, ()))

        answers = self.each(look)
        return Seen(
            states={name: answer for name, answer in answers.items() if isinstance(answer, HostState)},
            errors={name: answer for name, answer in answers.items() if isinstance(answer, AbbeyError)},
        )

    def each(self, work: Callable[[Host], T]) -> dict[str, T | AbbeyError]:
        """Do the work for every host at the same time, and return what came of it or the error, by host."""

        def one(host: Host) -> T | AbbeyError:
            try:
                return work(host)
            except AbbeyError as error:
                return error

        with ThreadPoolExecutor(max_workers=max(1, len(self.hosts))) as pool:
            return dict(zip((host.name for host in self.hosts), pool.map(one, self.hosts), strict=True))

    def close(self) -> None:
        """Hang up."""
        for shell in self.shells.values():
            shell.close()


@contextlib.contextmanager
def connected(lab: Lab, names: Iterable[str] = ()) -> Iterator[Hosts]:
    """Open shells to the named hosts, all when none is named; hang up at the end."""
    hosts = Hosts(lab, chosen(lab, names))
    try:
        yield hosts
    finally:
        hosts.close()


def keepers(lab: Lab) -> frozenset[str]:
    """Return the services that keep data on one host only: where they go, it does not go with them."""
    elsewhere = (Contract.STATELESS, Contract.SHARED)
    homes = Counter(
        service.name
        for host in lab.hosts
        for service in services(lab, host)
        if service.app.contract not in elsewhere and service.keeps
    )
    return frozenset(name for name, count in homes.items() if count == 1)
