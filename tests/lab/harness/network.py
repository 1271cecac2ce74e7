"""The lab's two networks, in namespaces that processes of this run hold and that vanish with them.

    internet 10.77.0.0/24    controller .1, outsider .10, hosts .11 and .12 on `eth0`
    tailnet  100.64.0.0/24   hosts .1 and .2 on `tail0`

The bridges are in a namespace of their own, so nothing of this machine filters them and they touch nothing of it.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.process import run, start, stop
from harness.wait import eventually


@dataclass(frozen=True, slots=True)
class Station:
    """A place with addresses of its own. `tailnet` is empty for one that is outside the private network."""

    name: str
    internet: str
    tailnet: str = ""


@dataclass(frozen=True, slots=True)
class Network:
    """A network namespace per station, each named by the process that holds it."""

    holders: dict[str, int]

    def enter(self, station: str) -> tuple[str, ...]:
        """Given a station, return the words that put a command into its network namespace."""
        return ("nsenter", f"--net=/proc/{self.holders[station]}/ns/net", "--")


@contextlib.contextmanager
def network(stations: Sequence[Station], *, log: Path) -> Iterator[Network]:
    """Make the bridges and the stations' namespaces, wired together; end them with the block."""
    with contextlib.ExitStack() as stack:
        holders = {name: _hold(stack, log) for name in ("switch", *(station.name for station in stations))}
        net = Network(holders)
        switch = ["link set lo up"]
        for bridge in ("internet", "tailnet"):
            switch += [f"link add {bridge} type bridge forward_delay 0", f"link set {bridge} up"]
        _ip(net, "switch", switch)
        for number, station in enumerate(stations):
            _plug(net, station, number)
        yield net


def _hold(stack: contextlib.ExitStack, log: Path) -> int:
    holder: subprocess.Popen[bytes] = start(["unshare", "--net", "sleep", "infinity"], log=log)
    stack.callback(stop, holder)
    here = os.readlink("/proc/self/ns/net")
    eventually("a network namespace", lambda: os.readlink(f"/proc/{holder.pid}/ns/net") != here, pause=0.01)
    return holder.pid


def _plug(net: Network, station: Station, number: int) -> None:
    switch = net.holders["switch"]
    commands = ["link set lo up"]
    sides = [("eth0", "internet", station.internet)]
    if station.tailnet:
        sides.append(("tail0", "tailnet", station.tailnet))
    for interface, bridge, address in sides:
        port = f"{bridge[:3]}{number}"
        commands += [
            f"link add {interface} type veth peer name {port} netns {switch}",
            f"addr add {address}/24 dev {interface}",
            f"link set {interface} up",
        ]
    _ip(net, station.name, commands)
    _ip(net, "switch", [f"link set {bridge[:3]}{number} master {bridge} up" for _, bridge, _ in sides])


def _ip(net: Network, station: str, commands: Sequence[str]) -> None:
    run([*net.enter(station), "ip", "-batch", "-"], stdin="\n".join(commands) + "\n")
