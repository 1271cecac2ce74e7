from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that the unprivileged user of root's PostgreSQL can reach; pytest's own is closed to others."""
    folder = Path(tempfile.mkdtemp(prefix="abbey-test-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)
