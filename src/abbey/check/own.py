"""Data files of a person's own, held to the rules that those of Abbey keep."""

from __future__ import annotations

from pathlib import Path

from abbey.catalog.contract import findings
from abbey.catalog.load import files
from abbey.report import Finding


def own_files(folder: Path) -> tuple[Finding, ...]:
    """Return what the rules find in the data files of a folder, which need not exist.

    Raise FileErrors when one is not right.
    """
    return tuple(found for name, app, document in files(folder) for found in findings(name, app, document))
