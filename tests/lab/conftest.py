"""The lab, built once for all its tests, and the reference platform on it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from harness.lab import Lab, running_lab
from harness.platform import Platform, reference_platform
from harness.prerequisites import missing


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """Both hosts, up and empty but for their images; skip the test if this machine cannot hold them."""
    if reason := missing():
        pytest.skip(reason)
    with running_lab() as both:
        yield both


@pytest.fixture(scope="module")
def platform(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """The reference lab's file, unchanged, in a folder of its own; what it deployed is removed at the end."""
    with reference_platform(lab, tmp_path_factory.mktemp("platform")) as platform:
        yield platform
