"""A platform after its first `abbey up`, for tests that look at what became of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from harness.host import Host
from harness.platform import Platform
from harness.watch import command_lines

CANARY = "canary-7f3kq9w2xv5m8z1t"


@dataclass(frozen=True, slots=True)
class Deployed:
    """A platform after its first `abbey up`, with what was said and seen on the way."""

    platform: Platform
    plan_code: int
    plan: str = field(repr=False)
    up: str = field(repr=False)
    command_lines: frozenset[str] = field(repr=False)

    def host(self, name: str) -> Host:
        """Return the host of that name."""
        return {host.name: host for host in self.platform.lab.hosts}[name]


def deploy(platform: Platform) -> Deployed:
    """Given a platform that is nowhere yet, plan it and make it true, and remember what was said and seen."""
    planned = platform.abbey("plan")
    platform.supply(grafana__admin_password=CANARY)
    with command_lines() as seen:
        said = platform.up()
    return Deployed(
        platform=platform, plan_code=planned.returncode, plan=planned.stdout, up=said, command_lines=frozenset(seen)
    )
