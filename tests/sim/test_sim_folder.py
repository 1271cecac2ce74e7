from __future__ import annotations

import os
from pathlib import Path

import pytest

from abbey.sim.folder import default_folder


def test_the_folder_is_below_where_the_demo_starts_though_it_is_not_there_yet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert default_folder(tmp_path) == tmp_path / ".demo"


def test_root_starts_it_elsewhere_where_nobody_may_pass_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    found = default_folder(closed)
    assert found.parent == tmp_path
    assert found != closed / ".demo"
