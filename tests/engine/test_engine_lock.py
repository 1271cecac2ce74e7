from __future__ import annotations

import json
from pathlib import Path

import pytest

from abbey.engine.local import LocalShell
from abbey.engine.lock import break_lock, held
from abbey.errors import ApplyError, LockError

FOLDER = "abbey/lab"


@pytest.fixture
def shell(tmp_path: Path) -> LocalShell:
    return LocalShell("monk", home=tmp_path)


def test_one_holder_at_a_time_and_the_other_learns_who(shell: LocalShell, tmp_path: Path) -> None:
    lock = tmp_path / FOLDER / ".abbey/lock"
    with held({"monk": shell}, {"monk": FOLDER}, reason="up"):
        owner = json.loads((lock / "owner").read_text())
        assert (owner["why"], owner["host"]) == ("up", "monk")
        with (
            pytest.raises(LockError, match=f"monk is locked by {owner['who']}, .* ago: up"),
            held({"monk": shell}, {"monk": FOLDER}, reason="down"),
        ):
            raise AssertionError("two holders")
        assert lock.exists(), "the loser must not release the winner's lock"
    assert not lock.exists()


def test_it_is_released_when_the_work_fails(shell: LocalShell, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), held({"monk": shell}, {"monk": FOLDER}, reason="up"):
        raise KeyboardInterrupt
    assert not (tmp_path / FOLDER / ".abbey/lock").exists()


def test_when_one_host_is_taken_none_stays_taken(tmp_path: Path) -> None:
    shells = {name: LocalShell(name, home=tmp_path / name) for name in ("a", "b")}
    for name in shells:
        (tmp_path / name).mkdir()
    folders = dict.fromkeys(shells, FOLDER)
    with held({"b": shells["b"]}, folders, reason="up"):
        with pytest.raises(LockError, match="b is locked"), held(shells, folders, reason="up"):
            raise AssertionError("two holders")
        assert not (tmp_path / "a" / FOLDER / ".abbey/lock").exists()


def test_a_dead_lock_can_be_broken_and_its_late_owner_does_not_release_the_next(
    shell: LocalShell, tmp_path: Path
) -> None:
    first = held({"monk": shell}, {"monk": FOLDER}, reason="up")
    first.__enter__()
    break_lock(shell, FOLDER)
    with held({"monk": shell}, {"monk": FOLDER}, reason="again"):
        first.__exit__(None, None, None)
        assert (tmp_path / FOLDER / ".abbey/lock/owner").exists()


def test_breaking_where_there_is_no_lock_or_no_folder_is_no_error(shell: LocalShell) -> None:
    break_lock(shell, "not/there")


def test_a_folder_that_cannot_be_made_says_so(shell: LocalShell, tmp_path: Path) -> None:
    (tmp_path / "abbey").write_text("a file in the way")
    with (
        pytest.raises(ApplyError, match="abbey/lab cannot be used"),
        held({"monk": shell}, {"monk": FOLDER}, reason="up"),
    ):
        raise AssertionError("locked nothing")
