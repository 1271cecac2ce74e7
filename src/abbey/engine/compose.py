"""The lab's Compose project on a host as a whole: take it down, follow its logs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from abbey.engine import docker
from abbey.engine.shell import Shell
from abbey.errors import ApplyError

TIMEOUT = 600.0


def compose_down(shell: Shell, directory: str, *, volumes: bool, project: str = "") -> None:
    """Stop and remove every container and network of the project, and its named volumes if asked; files stay.

    Raise ApplyError when that fails, HostError when the host is not reached.
    """
    words = ["down", "--remove-orphans", *(["--volumes"] if volumes else [])]
    result = shell.run(docker.compose(directory, *words, project=project), timeout=TIMEOUT)
    if result.code != 0:
        raise ApplyError(f"the services could not be taken down: {result.complaint}")


def logs(
    shell: Shell, directory: str, services: Sequence[str], *, follow: bool = False, tail: int = 100, project: str = ""
) -> Iterator[str]:
    """Yield the last `tail` log lines of these services, or of all, and with `follow` the lines to come."""
    words = ["logs", "--no-color", "--tail", str(tail), *(["--follow"] if follow else [])]
    return shell.stream(docker.compose(directory, *words, *services, project=project))
