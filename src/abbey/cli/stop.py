"""`abbey down`: stop the lab on its hosts."""

from __future__ import annotations

from pathlib import Path

from abbey.cli import output
from abbey.cli.session import connected, insist, open_lab
from abbey.engine.compose import compose_down
from abbey.engine.lock import held
from abbey.errors import UsageError
from abbey.model.host import Host


def down(path: Path, *, hosts: tuple[str, ...], yes: bool, volumes: bool) -> int:
    """Remove the containers, and with `volumes` the data. Return 0; raise when a host was not reached or refused."""
    lab = open_lab(path)
    with connected(lab, hosts) as there:
        names = " and ".join(host.name for host in there.hosts)
        what = "containers and ALL DATA of its apps" if volumes else "containers; data and files stay"
        output.line(f"{lab.name} on {names}: removes its {what}")
        if not yes:
            if not output.interactive():
                raise UsageError("nobody is here to confirm", hint="add --yes")
            if not output.agreed("Go on?"):
                raise UsageError("nothing was changed")
        states = there.observe().insist()
        here = {name for name, state in states.items() if "compose.yaml" in state.managed}
        shells = {name: there.shells[name] for name in here}

        def stop(host: Host) -> str:
            if host.name not in here:
                return "was not there"
            shell, folder = there.shells[host.name], there.directories[host.name]
            compose_down(shell, folder, volumes=volumes, project=lab.name)
            return "down"

        with held(shells, there.directories, reason="abbey down"):
            ended = there.each(stop)
    for name, outcome in ended.items():
        if isinstance(outcome, str):
            output.line(f"{name}: {outcome}")
    insist(ended)
    return 0
