"""The metrics API beside its peers, all in one run: requests per second, the slowest hundredth, memory, processor.

One program at a time on one core, wrk on the other: an nginx that serves a file (the ceiling), the portal's own nginx
before the API, the API, node_exporter, and Glances. Then what the API needs while nobody looks, while one looks, and
while 400 and 1,000 watch its stream. What is not installed is named and left out.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from figures import REPOSITORY, tell, tell_least
from load import Load, load
from process import LOAD_CORE, Running, found, started

from abbey.render.portal import nginx
from abbey.sim.portal import around
from abbey.sim.programs import find_nginx

API, FRONT, FILE, NODE, GLANCES = (19_101 + number for number in range(5))
HOST = "127.0.0.1"
SECONDS = 5
QUIET = 20.0


@dataclass(frozen=True, slots=True)
class Target:
    """A program and the address at which it gives its figures."""

    name: str
    argv: tuple[str, ...]
    url: str
    env: tuple[tuple[str, str], ...] = ()


def api(folder: Path) -> Target:
    """Return the metrics API with everything that it can have without other programs."""
    return Target(
        "the API",
        (sys.executable, "-m", "abbey_metrics"),
        f"http://{HOST}:{API}/api/v1/host",
        (("ABBEY_HOST", "bench"), ("ABBEY_LISTEN", f"{HOST}:{API}"), ("ABBEY_STATE", str(folder))),
    )


def file_server(folder: Path) -> Target:
    """Return an nginx that serves an answer of the API as a file."""
    config = folder / "file.conf"
    config.write_text(around(f"server {{ listen {HOST}:{FILE}; root {folder}; }}", folder))
    return Target("nginx, a file (the ceiling)", nginx_argv(config, folder), f"http://{HOST}:{FILE}/host.json")


def front(folder: Path) -> Target:
    """Return the portal's own nginx before the API."""
    config = folder / "front.conf"
    server = nginx(
        {"groups": [], "language": "en", "theme": "cyberpunk"},
        host="bench",
        listen=f"{HOST}:{FRONT}",
        metrics=f"{HOST}:{API}",
        assets=str(REPOSITORY / "portal"),
        site=str(folder),
        cache=str(folder),
        gateways="127.0.0.0/8",
    )
    config.write_text(around(server, folder))
    return Target("the portal's nginx before the API", nginx_argv(config, folder), f"http://{HOST}:{FRONT}/api/v1/host")


def nginx_argv(config: Path, folder: Path) -> tuple[str, ...]:
    """Return how nginx is started."""
    return (str(find_nginx()), "-c", str(config), "-e", "stderr", "-p", str(folder))


def peers() -> list[Target]:
    """Return the peers that are installed; say which are not."""
    here: list[Target] = []
    argv: tuple[str, ...]
    if exporter := found("prometheus-node-exporter") or found("node_exporter"):
        argv = (exporter, f"--web.listen-address={HOST}:{NODE}", "--web.max-requests=0")
        here.append(Target("node_exporter", argv, f"http://{HOST}:{NODE}/metrics"))
    else:
        print("node_exporter is not installed (Debian: prometheus-node-exporter); left out")
    glances = REPOSITORY / ".venv" / "bench" / "bin" / "glances"
    if glances.exists():
        argv = (str(glances), "-w", "-B", HOST, "-p", str(GLANCES), "--disable-webui", "--disable-check-update")
        here.append(Target("Glances", argv, f"http://{HOST}:{GLANCES}/api/4/quicklook"))
    else:
        print("Glances is not installed (`make bench` does it); left out")
    return here


def race(target: Target) -> tuple[Load, float, float]:
    """Start a target, ask it over 16 and then 64 connections, and return the load at 16, its memory before and most."""
    with started(target.argv, asks=target.url, env=dict(target.env)) as running:
        time.sleep(2)
        before = running.memory()
        at_16 = load(target.url, connections=16, seconds=SECONDS)
        load(target.url, connections=64, seconds=SECONDS)
        return at_16, before, max(running.peak(), running.memory())


def show(name: str, found: tuple[Load, float, float], ceiling: float) -> None:
    """Print one line of the table."""
    at_16, before, most = found
    failed = f"  {at_16.failed} FAILED" if at_16.failed else ""
    print(
        f"{name:<36} {at_16.rate:>10,.0f} req/s  p99 {at_16.p99:7.2f} ms  {before:4.0f} → {most:4.0f} MB"
        f"  {at_16.rate / ceiling:5.2f} of the ceiling{failed}"
    )


def watched(running: Running, count: int) -> tuple[dict[str, float], float, float]:
    """Let so many watch the stream, and return what they saw, the processor's share and the memory meanwhile."""
    argv = ["taskset", "-c", LOAD_CORE, sys.executable, str(REPOSITORY / "bench" / "viewers.py")]
    seconds = QUIET + 6
    viewers = subprocess.Popen(
        [*argv, f"http://{HOST}:{API}/api/v1/stream", str(count), str(seconds)], stdout=subprocess.PIPE
    )
    time.sleep(4)
    share, memory = running.share(QUIET), running.memory()
    said, _ = viewers.communicate(timeout=60)
    seen: dict[str, float] = json.loads(said)
    return seen, share, memory


def main() -> int:
    if not found("wrk"):
        print("wrk is not installed (Debian: wrk); nothing was measured")
        return 1
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        own = api(folder)
        with started(own.argv, asks=own.url, env=dict(own.env)):
            time.sleep(2)
            answer = subprocess.run(["curl", "-s", own.url], capture_output=True, check=True).stdout
        (folder / "host.json").write_bytes(answer)
        print(f"one server core, wrk at 16 connections, memory before → at 64; the API's answer: {len(answer)} bytes")
        ceiling = race(file_server(folder))
        show("nginx, a file (the ceiling)", ceiling, ceiling[0].rate)
        alone = race(own)
        with started(own.argv, asks=own.url, env=dict(own.env)):
            cached = race(front(folder))
        show("the portal's nginx before the API", cached, ceiling[0].rate)
        show("the API", alone, ceiling[0].rate)
        for peer in peers():
            show(peer.name, race(peer), ceiling[0].rate)
        good = tell_least("the API, requests on one core", alone[0].rate, limit=30_000, unit="/s")
        good &= tell("the API, the slowest hundredth", alone[0].p99, limit=3, unit="ms")
        good &= tell_least("behind nginx's cache of one second", cached[0].rate, limit=100_000, unit="/s")

        running = stack.enter_context(started(own.argv, asks=own.url, env=dict(own.env)))
        time.sleep(5)
        good &= tell("the API idle, of one core", running.share(QUIET), limit=0.5, unit="%")
        for count in (1, 400, 1000):
            seen, share, memory = watched(running, count)
            what = f"{count} viewer{'s' if count > 1 else ''}"
            print(f"{what:<36} {share:6.2f} % of one core, {memory:5.1f} MB; {seen}")
            if count == 400:
                good &= tell("memory with 400 streams", memory, limit=60, unit="MB")
            if count == 1000:
                good &= tell("samples of the host that were dropped", seen["missed"], limit=0.5, unit="")
                good &= tell("viewers that heard nothing", count - seen["listened"], limit=0.5, unit="")
        for peer in peers():
            with started(peer.argv, asks=peer.url) as one:
                time.sleep(5)
                print(f"{peer.name + ' idle':<36} {one.share(QUIET):6.2f} % of one core, {one.memory():5.1f} MB")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
