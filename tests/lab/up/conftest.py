"""The reference platform, deployed once for all tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from harness.deployed import Deployed, deploy
from harness.lab import Lab
from harness.platform import Platform, reference_platform


@pytest.fixture(scope="package")
def platform(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    with reference_platform(lab, tmp_path_factory.mktemp("platform")) as platform:
        yield platform


@pytest.fixture(scope="package")
def deployed(platform: Platform) -> Deployed:
    return deploy(platform)
