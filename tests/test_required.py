"""A real test that is skipped where it is required fails the run."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CASES = """\
import pytest

@pytest.mark.lab
def test_real():
    pytest.skip("this machine has no namespaces")

def test_unit():
    pytest.skip("not a real one")
"""
MODULE = "import pytest\npytest.skip('no library', allow_module_level=True)\n"
INI = "[pytest]\nmarkers =\n  lab: x\n  process: x\n  browser: x\naddopts = -ra\n"


def outcome(folder: Path, text: str, required: str) -> subprocess.CompletedProcess[str]:
    shutil.copy(Path(__file__).with_name("conftest.py"), folder)
    (folder / "pytest.ini").write_text(INI)
    (folder / "test_case.py").write_text(text)
    environment = {**os.environ, "ABBEY_TEST_REQUIRE": required}
    words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(folder)]
    return subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("required", ["", "process"])
def test_a_skip_that_is_not_required_shows_its_reason(tmp_path: Path, required: str) -> None:
    done = outcome(tmp_path, CASES, required)
    assert done.returncode == 0
    assert "this machine has no namespaces" in done.stdout


def test_a_skip_that_is_required_fails_with_its_reason(tmp_path: Path) -> None:
    done = outcome(tmp_path, CASES, "process,lab")
    assert done.returncode == 1
    assert "1 failed, 1 skipped" in done.stdout
    assert "this machine has no namespaces" in done.stdout


def test_a_skipped_file_fails_where_anything_is_required(tmp_path: Path) -> None:
    assert outcome(tmp_path, MODULE, "").returncode in (0, 5)
    assert outcome(tmp_path, MODULE, "lab").returncode not in (0, 5)


def test_a_word_that_is_no_marker_is_refused(tmp_path: Path) -> None:
    done = outcome(tmp_path, CASES, "labs")
    assert done.returncode == 4
    assert "names no marker of real tests: labs" in done.stderr
