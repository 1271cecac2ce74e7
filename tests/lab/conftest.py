"""The lab, built once for all its tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from harness.lab import Lab, running_lab
from harness.prerequisites import missing


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """Both hosts, up and empty but for their images; skip the test if this machine cannot hold them."""
    if reason := missing():
        pytest.skip(reason)
    with running_lab() as both:
        yield both
