"""The two-host lab: a home server and a rented one, each a Docker host of its own, on two networks."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from harness.access import Access, prepare_access, write_access
from harness.host import Host, HostSpec, await_engine, boot, halt
from harness.network import Network, Station, network
from harness.process import attempt
from harness.rootfs import make_roots
from harness.seed import image_store, sow
from harness.workplace import Workplace, workplace

CONTROLLER = Station("controller", internet="10.77.0.1")  # where a person types `abbey`
OUTSIDER = Station("outsider", internet="10.77.0.10")  # anyone on the internet
MONK = Station("monk", internet="10.77.0.11", tailnet="100.64.0.1")
KSCLOUD1 = Station("kscloud1", internet="10.77.0.12", tailnet="100.64.0.2")
USERS = {"monk": "brother", "kscloud1": "root"}
ALIASES = {"monk": "monk.lan", "kscloud1": "203.0.113.10"}  # as examples/reference/abbey.yaml writes them
ABBEY = Path(sys.executable).parent / "abbey"


@dataclass(frozen=True, slots=True)
class Lab:
    """A running lab."""

    place: Workplace
    net: Network
    access: Access
    monk: Host
    kscloud1: Host

    @property
    def hosts(self) -> tuple[Host, Host]:
        """Both hosts."""
        return self.monk, self.kscloud1

    def at(
        self, station: str, *argv: str, stdin: str | None = None, within: float = 60
    ) -> subprocess.CompletedProcess[str]:
        """Given a station, run a command of this machine from its place in the networks; it may fail."""
        return attempt([*self.net.enter(station), *argv], stdin=stdin, within=within)

    def ssh(self, alias: str, *argv: str) -> subprocess.CompletedProcess[str]:
        """Run a command on a host over ssh, from the controller's place, by the lab's configuration."""
        return self.at(CONTROLLER.name, "ssh", "-F", str(self.access.config), alias, *argv)


@contextlib.contextmanager
def running_lab() -> Iterator[Lab]:
    """Build what is missing, start both hosts, and end everything with the block."""
    with contextlib.ExitStack() as stack:
        place = stack.enter_context(workplace())
        lower, base = make_roots(place)
        store = image_store(place, lower=lower, base=base)
        net = stack.enter_context(network((CONTROLLER, OUTSIDER, MONK, KSCLOUD1), log=place.run / "network.log"))
        access = prepare_access(place.run / "ssh")
        specs = [_spec(place, net, station, lower, access) for station in (MONK, KSCLOUD1)]
        for spec in specs:
            sow(store, spec)
        hosts = []
        for spec in specs:
            hosts.append(boot(spec))
            stack.callback(halt, hosts[-1])
        for host in hosts:
            await_engine(host)
        write_access(
            access,
            {
                ALIASES[at.name]: (f"{at.internet}", host.spec.folder)
                for at, host in zip((MONK, KSCLOUD1), hosts, strict=True)
            },
        )
        yield Lab(place=place, net=net, access=access, monk=hosts[0], kscloud1=hosts[1])


def _spec(place: Workplace, net: Network, station: Station, lower: Path, access: Access) -> HostSpec:
    return HostSpec(
        name=station.name,
        folder=place.run / station.name,
        lower=lower,
        engine=("--live-restore", f"--cgroup-parent=/{place.name}/{station.name}"),
        enter=net.enter(station.name),
        user=USERS[station.name],
        authorized=access.public,
    )
