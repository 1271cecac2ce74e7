from __future__ import annotations

from pathlib import Path

import pytest

from abbey.errors import UsageError
from abbey.sim.folder import demo_folder


def test_the_folder_is_gone_afterwards(tmp_path: Path) -> None:
    with demo_folder(tmp_path / "demo", keep=False) as folder:
        (folder / "monk").mkdir()
        assert folder.is_dir()
    assert not (tmp_path / "demo").exists()


def test_the_folder_is_gone_after_a_failure(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), demo_folder(tmp_path / "demo", keep=False):
        raise RuntimeError
    assert not (tmp_path / "demo").exists()


def test_a_kept_folder_is_cleared_by_the_next_demo(tmp_path: Path) -> None:
    with demo_folder(tmp_path / "demo", keep=True) as folder:
        (folder / "monk").mkdir()
    assert (tmp_path / "demo" / "monk").is_dir()
    with demo_folder(tmp_path / "demo", keep=False) as folder:
        assert not (folder / "monk").exists()


def test_a_folder_of_somebody_else_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(UsageError, match="is no demo's"), demo_folder(tmp_path, keep=False):
        pytest.fail("it must not begin")
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_two_demos_do_not_share_a_folder(tmp_path: Path) -> None:
    with demo_folder(tmp_path / "demo", keep=False):
        with pytest.raises(UsageError, match="another demo uses"), demo_folder(tmp_path / "demo", keep=False):
            pytest.fail("it must not begin")
        assert (tmp_path / "demo").is_dir()
