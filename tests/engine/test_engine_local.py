from __future__ import annotations

import time
from pathlib import Path

import pytest
from engine_hosts import FakeShell

from abbey.engine.compose import compose_down, logs
from abbey.engine.local import LocalShell
from abbey.engine.shell import Result
from abbey.errors import ApplyError, HostError


def test_it_runs_in_its_home_and_gives_code_output_and_input(tmp_path: Path) -> None:
    result = LocalShell("monk", home=tmp_path).run(["sh", "-c", "pwd; cat; echo e >&2; exit 3"], stdin=b"in")
    assert (result.code, result.out, result.err) == (3, f"{tmp_path}\nin".encode(), b"e\n")
    assert result.complaint == "e"


def test_a_program_that_is_not_there_answers_as_a_shell_would(tmp_path: Path) -> None:
    shell = LocalShell("monk", home=tmp_path)
    assert shell.run(["no-such-program"]).code == 127
    with pytest.raises(HostError, match="no-such-program: not found"):
        list(shell.stream(["no-such-program"]))


def test_a_command_that_does_not_end_is_ended_with_its_children(tmp_path: Path) -> None:
    with pytest.raises(HostError, match=r"monk: sh: no answer within 0\.3 s"):
        LocalShell("monk", home=tmp_path).run(["sh", "-c", "sleep 600 & echo $! > pid; wait"], timeout=0.3)
    child = Path("/proc") / (tmp_path / "pid").read_text().strip()
    deadline = time.monotonic() + 10
    while child.exists() and (child / "stat").read_text().split()[2] != "Z":
        assert time.monotonic() < deadline


def test_lines_are_followed_until_the_reader_has_enough(tmp_path: Path) -> None:
    lines = LocalShell("monk", home=tmp_path).stream(["sh", "-c", "while echo tick; do sleep 0.05; done"])
    assert [next(lines), next(lines)] == ["tick", "tick"]
    lines.close()  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("result", "complaint"),
    [
        (Result(1, b"out\n", b"err\n"), "err"),
        (Result(1, b"out\n", b" \n"), "out"),
        (Result(9, b"", b""), "it ended with code 9 and said nothing"),
    ],
)
def test_a_complaint_is_whatever_was_said(result: Result, complaint: str) -> None:
    assert result.complaint == complaint


def test_down_and_logs_are_what_a_person_would_type() -> None:
    shell = FakeShell()
    compose_down(shell, "abbey/lab", volumes=False)
    compose_down(shell, "abbey/lab", volumes=True, project="lab")
    list(logs(shell, "abbey/lab", ["app"], follow=True, tail=5))
    assert [" ".join(call) for call in shell.calls] == [
        "docker compose --file abbey/lab/compose.yaml down --remove-orphans",
        "docker compose --file abbey/lab/compose.yaml --project-name lab down --remove-orphans --volumes",
        "docker compose --file abbey/lab/compose.yaml logs --no-color --tail 5 --follow app",
    ]


def test_a_down_that_fails_says_why() -> None:
    with pytest.raises(ApplyError, match="no configuration file"):
        compose_down(FakeShell(("down", Result(14, b"", b"no configuration file"))), "abbey/lab", volumes=False)
