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
from xdist.remote import Producer  # type: ignore[import-untyped]  # xdist ships no types
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

REPOSITORY = Path(__file__).resolve().parents[1]
LAB = "tests/lab/"
REQUIRED = frozenset(filter(None, os.environ.get("ABBEY_TEST_REQUIRE", "").replace(" ", "").split(",")))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="rewrite golden files with what is produced now")


def pytest_configure(config: pytest.Config) -> None:
    if unknown := sorted(REQUIRED - {"process", "lab", "browser"}):
        raise pytest.UsageError(f"ABBEY_TEST_REQUIRE names no marker of real tests: {', '.join(unknown)}")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The lab's tests take longest, so they begin first."""
    items.sort(key=lambda item: not item.get_closest_marker("lab"))


class OneWorkerPerScope(LoadScopeScheduling):  # type: ignore[misc]
    """Hands out tests to workers so that what is started once is used by one of them: all tests of the lab go
    to the same worker, and so do the tests of each other file."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return LAB if file.startswith(LAB) else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> OneWorkerPerScope:
    config.option.loadscopereorder = False  # it would begin with the most tests, not with the longest
    return OneWorkerPerScope(config, log)


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
