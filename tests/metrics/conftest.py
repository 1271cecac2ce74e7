"""What most tests of the metrics API stand on: a clock that they move, and a host that they make up."""

from __future__ import annotations

import pytest
from standin_host import Now, StandinHost


@pytest.fixture
def now() -> Now:
    return Now()


@pytest.fixture
def standin_host() -> StandinHost:
    return StandinHost()
