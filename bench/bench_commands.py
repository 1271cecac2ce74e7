"""How long a person waits: `abbey --version`, `--help`, and planning the reference lab without asking its hosts."""

from __future__ import annotations

import os
import sys
import tempfile

from figures import ABBEY, REPOSITORY, seconds_of, tell

REFERENCE = str(REPOSITORY / "examples" / "reference" / "abbey.yaml")


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        os.environ["ABBEY_AGE_KEY_FILE"] = f"{folder}/age.key"
        python = seconds_of([sys.executable, "-c", "pass"], times=11)
        version = seconds_of([ABBEY, "--version"], times=11)
        helped = seconds_of([ABBEY, "--help"], times=11)
        plan = seconds_of([ABBEY, "plan", "--offline", "-f", REFERENCE], times=7, codes=(3,))
    print(f"{'python -c pass, the floor under all of these':<52} {python:8.3f} s")
    good = tell("abbey --version", version, limit=0.12, unit="s")
    good &= tell("abbey --help (nearest peer: 0.38 s)", helped, limit=0.38, unit="s")
    good &= tell("abbey plan --offline, reference lab", plan, limit=0.5, unit="s")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
