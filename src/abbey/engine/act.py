"""One action on one host: which commands it takes, and what to say when one fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import assert_never

from abbey.engine import docker, script, upload
from abbey.engine.shell import Result, Shell
from abbey.errors import AbbeyError, ApplyError
from abbey.plan.action import (
    FRESH,
    Act,
    BuildImages,
    ComposeRemove,
    ComposeUp,
    PullImages,
    Reload,
    Run,
    ServiceChange,
    WriteFiles,
)
from abbey.plan.state import Desired, Step
from abbey.secrets import Secret, SecretRef

SHORT, STEP, LONG = 120.0, 900.0, 3600.0  # seconds: a stop or reload; a declared step; a build or a pull
LOG_LINES = 20


@dataclass(frozen=True, slots=True)
class Site:
    """A host to act on: its shell, its folder, what it must hold, and how long a service may take to be healthy."""

    shell: Shell
    directory: str
    desired: Desired
    reveal: Callable[[SecretRef], Secret | None]
    wait: int


def perform(act: Act, site: Site) -> None:
    """Do it. Raise ApplyError, SecretError or HostError when it does not end well; its text may hold secrets."""
    match act:
        case WriteFiles():
            stream = upload.tar(act, site.desired, site.reveal)
            _must(site.shell.run(script.argv("write", site.directory), stdin=stream, timeout=LONG))
        case BuildImages(services=services):
            _compose(site, "build", *_names(services), timeout=LONG)
        case PullImages(services=services):
            _compose(site, "pull", "--quiet", *_names(services), timeout=LONG)
        case ComposeUp():
            _up(act, site)
        case ComposeRemove(services=services):
            _remove(_names(services), site)
        case Reload(service=service, argv=argv):
            command = docker.execute(site.directory, service, argv, project=site.desired.project)
            _must(site.shell.run(command, timeout=SHORT))
        case Run(step=step):
            _run(step, site, fresh=act.fresh)
        case _:
            assert_never(act)


def _names(changes: Sequence[ServiceChange]) -> list[str]:
    return [change.service for change in changes]


def _must(result: Result) -> str:
    if result.code != 0:
        raise ApplyError(_without_progress(result.complaint))
    return result.text


def _without_progress(text: str) -> str:
    """Return what Compose said without its lines of progress, which start with a blank, unless that is all."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith(" ")]
    return "\n".join(lines) or text


def _compose(site: Site, *words: str, timeout: float) -> str:
    argv = docker.compose(site.directory, *words, project=site.desired.project)
    return _must(site.shell.run(argv, timeout=timeout))


def _run(step: Step, site: Site, *, fresh: bool) -> None:
    """Run a step inside its service's container, or beside it. What it says when it fails is told as it is."""
    if step.image:
        argv = docker.run_beside(step.image, step.network, step.argv)
    else:
        argv = docker.execute(site.directory, step.service, step.argv, project=site.desired.project, user=step.user)
    with _closing([step.service] if fresh else [], site):
        stdin = upload.body(step.stdin, site.desired, site.reveal) if step.stdin else b""
        result = site.shell.run(argv, stdin=stdin, timeout=STEP)
        if result.code != 0:
            raise ApplyError(result.complaint)


def _up(act: ComposeUp, site: Site) -> None:
    """Bring services up in two calls at most, so that only those in `force` are recreated without a difference."""
    plain = [name for name in _names(act.services) if name not in act.force]
    fresh = [change.service for change in act.services if change.change in FRESH]
    for services, force in ((plain, False), (list(act.force), True)):
        if not services:
            continue
        wait = max([site.wait, *(unit.patience for unit in site.desired.units if unit.service in services)])
        argv = docker.up(site.directory, services, project=site.desired.project, wait=wait, force=force)
        with _closing(fresh, site):
            result = site.shell.run(argv, timeout=wait + SHORT)
            if result.code != 0:
                raise ApplyError("\n".join([_without_progress(result.complaint), *_last_words(services, site)]))


@contextmanager
def _closing(services: Sequence[str], site: Site) -> Iterator[None]:
    """Stop those of these services that a step guards when what is done here does not end well, and say so.

    They did not run before; one that has run for long was taken into possession then.
    """
    try:
        yield
    except AbbeyError as error:
        guarded = sorted({step.service for step in site.desired.steps if step.guards and step.service in services})
        if not guarded:
            raise
        raise ApplyError(f"{error}\n{', '.join(guarded)} {_stopped(guarded, site)}") from None


def _stopped(services: Sequence[str], site: Site) -> str:
    try:
        _compose(site, "stop", *services, timeout=SHORT)
    except AbbeyError as error:
        return f"could not be stopped, and without its first account a stranger can take it: {error}"
    return "was stopped: without its first account a stranger could take it"


def _last_words(services: Sequence[str], site: Site) -> list[str]:
    """Return, of each of these services that does not run or is not healthy, its last check and the end of its log."""
    project = site.desired.project
    argv = docker.compose(site.directory, "ps", "--all", "--format", "json", *services, project=project)
    words = []
    for service, container in docker.read_unhealthy(site.shell.run(argv, timeout=SHORT).text):
        look = site.shell.run(docker.last_check(container), timeout=SHORT)
        if checked := docker.read_last_check(look.text):
            words.append(f"health check of {service}: {checked}")
        tail = ["logs", "--no-color", "--no-log-prefix", "--tail", str(LOG_LINES), service]
        result = site.shell.run(docker.compose(site.directory, *tail, project=project), timeout=SHORT)
        said = result.text.rstrip() or "(nothing)"
        words += [f"last lines of {service}:", *(f"    {line}" for line in said.splitlines())]
    return words


def _remove(services: Sequence[str], site: Site) -> None:
    """Stop and remove containers by their labels, because compose.yaml no longer names these services."""
    for argv in docker.containers_of(site.desired.project, services):
        if containers := _must(site.shell.run(argv, timeout=SHORT)).split():
            _must(site.shell.run(["docker", "stop", *containers], timeout=SHORT))
            _must(site.shell.run(["docker", "rm", "--volumes", *containers], timeout=SHORT))
