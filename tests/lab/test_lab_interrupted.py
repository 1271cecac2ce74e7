"""An apply that is cut short leaves the platform serving, and running it again finishes what was begun."""

from __future__ import annotations

import signal
import subprocess

import pytest
from harness.platform import Platform
from harness.process import LabError

pytestmark = pytest.mark.lab

# Enough to have something to interrupt: the front page is on both hosts and depends on nothing slow.
FILE = """\
lab: monastery
domain: example.com
admin: {user: brother, email: brother@example.com}
hosts:
  monk: {ssh: brother@monk.lan, tailnet: 100.64.0.1, place: home}
  kscloud1: {ssh: root@203.0.113.10, tailnet: 100.64.0.2, place: cloud}
ingress: {cloudflare: {tunnel: monastery, account: 0123456789abcdef0123456789abcdef, id: 6ff42ae2-765d-4adf-8112-31c55c1551ef}}
apps:
  kavita: {state: split, accept: divergence, env: {LEVEL: "0"}}
"""


@pytest.fixture(scope="module")
def running(platform: Platform) -> Platform:
    platform.file.write_text(FILE)
    platform.supply()
    platform.up()
    return platform


def set_level(platform: Platform, level: str) -> None:
    platform.file.write_text(FILE.replace('LEVEL: "0"', f'LEVEL: "{level}"'))


def cut_short(platform: Platform, how: signal.Signals) -> int:
    """Start an apply, send it the signal while it changes a container, and return its exit code."""
    with subprocess.Popen(
        platform.command("up", "--yes"),
        cwd=platform.folder,
        env=platform.environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as apply:
        assert apply.stderr
        for line in apply.stderr:
            if "bring up" in line:
                apply.send_signal(how)
                break
        else:
            raise LabError("abbey up changed nothing that could be interrupted")
        apply.stderr.read()
        return apply.wait(120)


def assert_level(platform: Platform, level: str) -> None:
    for host in platform.lab.hosts:
        assert f"LEVEL={level} " in host.run("docker", "inspect", "--format", "{{.Config.Env}}", "monastery-kavita-1")
        assert platform.answered_by(host, "kavita.example.com") == host.name
    assert platform.abbey("plan").returncode == 0


def test_ctrl_c_finishes_what_runs_and_the_next_up_does_the_rest(running: Platform) -> None:
    set_level(running, "1")
    assert cut_short(running, signal.SIGINT) == 130
    for host in running.lab.hosts:
        assert running.ask(host, "kavita.example.com").status == 200
    running.up()  # no lock stands in the way
    assert_level(running, "1")


def test_a_killed_apply_leaves_its_lock_and_can_be_taken_over(running: Platform) -> None:
    set_level(running, "2")
    assert cut_short(running, signal.SIGKILL) == -signal.SIGKILL
    refused = running.abbey("up", "--yes")
    assert refused.returncode == 1
    assert "locked by" in refused.stderr
    taken = running.abbey("up", "--yes", "--break-lock")
    assert taken.returncode == 0, taken.stderr
    assert_level(running, "2")
