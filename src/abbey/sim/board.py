"""What a person sees while the demo runs: plain values; the command line draws them."""

from __future__ import annotations

from dataclasses import dataclass

from abbey.sim.lab import DemoLab
from abbey.sim.visitors import Visits


@dataclass(frozen=True, slots=True)
class HostLine:
    """One host: its name, whether it runs, and its programs with whether each runs."""

    name: str
    alive: bool
    programs: tuple[tuple[str, bool], ...]


@dataclass(frozen=True, slots=True)
class Board:
    """One moment of the demo: where to look, who is up, what visitors get, what works and what does not."""

    url: str
    hosts: tuple[HostLine, ...]
    visits: Visits
    sign_in: bool
    truth: str
    advice: str


def board_of(lab: DemoLab, visits: Visits, *, sign_in: bool) -> Board:
    """Return the board of this moment. `sign_in`: whether the sign-in was seen to answer."""
    hosts = tuple(
        HostLine(
            name=host.name,
            alive=lab.alive(host.name),
            programs=tuple((one.program.name, one.alive) for one in lab.running.get(host.name, [])),
        )
        for host in lab.layout.hosts
    )
    down = [host.name for host in hosts if not host.alive]
    told = truth(lab) if down or sign_in else "The sign-in does not answer at this moment. The portal goes on."
    advice = f"abbey demo revive {down[0]}" if down else f"abbey demo kill {lab.layout.monk.name}"
    return Board(lab.layout.url(), hosts, visits, sign_in, told, advice)


def truth(lab: DemoLab) -> str:
    """Return in a sentence what works, given the hosts that are down."""
    down = [host.name for host in lab.layout.hosts if not lab.alive(host.name)]
    if len(down) == len(lab.layout.hosts):
        return "Both hosts are down: nothing answers."
    if any(lab.holds_database(name) for name in down):
        return (
            f"The database was on {lab.layout.kscloud1.name}: nobody can log in, and notes and who-am-I are away until"
            " it returns. The portal goes on."
        )
    if down:
        other = lab.layout.peer_of(lab.layout.host(down[0])).name
        return f"{other} answers everything: portal, sign-in and both apps go on."
    return "Both hosts answer; every request may reach either."
