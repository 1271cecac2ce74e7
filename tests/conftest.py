"""What every test may use: real programs that are there or skip, the folder beside the checkout, golden files.

A test that cannot run here is skipped and the summary says why. Where ABBEY_TEST_REQUIRE names one of its markers
(`process,lab,browser`), the same skip is a failure: that is how CI knows that the real tests ran.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
REQUIRED = frozenset(filter(None, os.environ.get("ABBEY_TEST_REQUIRE", "").replace(" ", "").split(",")))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="rewrite golden files with what is produced now")


def pytest_configure(config: pytest.Config) -> None:
    if unknown := sorted(REQUIRED - {"process", "lab", "browser"}):
        raise pytest.UsageError(f"ABBEY_TEST_REQUIRE names no marker of real tests: {', '.join(unknown)}")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What is started once is used by one worker when tests run in several: the lab by all its tests, other
    real programs by the tests of their file."""
    for item in items:
        if item.get_closest_marker("lab"):
            item.add_marker(pytest.mark.xdist_group("lab"))
        elif item.get_closest_marker("process") or item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.xdist_group(item.path.name))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.skipped and not hasattr(report, "wasxfail"):
        names = sorted(REQUIRED & {marker.name for marker in item.iter_markers()})
        if names:
            _fail(report, f"{', '.join(names)} tests")
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    if report.skipped and REQUIRED:
        _fail(report, "all test files")
    return report


def _fail(report: pytest.TestReport | pytest.CollectReport, what: str) -> None:
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    report.outcome = "failed"
    report.longrepr = f"{reason}\n(ABBEY_TEST_REQUIRE makes {what} run here, so this skip is a failure)"


def find_program(name: str) -> Path | None:
    """Given a program's name, return where it is: beside this Python, on PATH, or in the places of servers."""
    places = os.pathsep.join(
        [str(Path(sys.executable).parent), os.environ.get("PATH", ""), "/usr/sbin", "/sbin", "/usr/local/sbin"]
    )
    found = shutil.which(name, path=places)
    return Path(found) if found else None


@pytest.fixture(scope="session")
def program() -> Callable[[str], Path]:
    """Given a program's name, return where it is; skip the test if this machine lacks it."""

    def find(name: str) -> Path:
        if found := find_program(name):
            return found
        pytest.skip(f"{name} is not installed")

    return find


@pytest.fixture(scope="session")
def chromium(program: Callable[[str], Path]) -> Path:
    """The machine's own Chromium, for Playwright; skip the test if either is missing."""
    if not importlib.util.find_spec("playwright"):
        pytest.skip("playwright is not installed")
    return program("chromium")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder `shared` beside the checkout: vectors and schemas that are not part of it."""
    folder = REPOSITORY.parent / "shared"
    if not folder.is_dir():
        reason = f"{folder} is not there"
        pytest.fail(reason) if REQUIRED else pytest.skip(reason)
    return folder


@pytest.fixture(scope="session")
def update_golden(request: pytest.FixtureRequest) -> bool:
    """Whether golden files are rewritten instead of compared."""
    return bool(request.config.getoption("--update-golden"))
