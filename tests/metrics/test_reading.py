from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from standin_host import Now

from abbey_metrics.paced import Paced
from abbey_metrics.reading import MOST, first_of, read


def test_a_text_is_read_whole_whatever_its_bytes(tmp_path: Path) -> None:
    (tmp_path / "long").write_bytes(b" a\xff" + b"b" * 200_000 + b"\n")
    assert read(str(tmp_path / "long")) == "a\ufffd" + "b" * 200_000


def test_a_text_without_end_is_bounded() -> None:
    assert len(read("/dev/zero")) == MOST


def test_the_first_text_that_can_be_read_counts(tmp_path: Path) -> None:
    (tmp_path / "second").write_text("second")
    assert first_of(str(tmp_path / "first"), str(tmp_path / "second")) == "second"
    with pytest.raises(FileNotFoundError):
        first_of(str(tmp_path / "first"), str(tmp_path / "third"))


def test_a_paced_answer_is_kept_and_a_failure_is_not(now: Now) -> None:
    answers: Iterator[int | OSError] = iter([OSError("not yet"), 1, OSError("gone"), 2])

    def ask() -> int:
        answer = next(answers)
        if isinstance(answer, OSError):
            raise answer
        return answer

    paced = Paced(ask, every=5.0, clock=now.clock())
    with pytest.raises(OSError, match="not yet"):
        paced()
    assert [paced(), paced()] == [1, 1]
    now.pass_(5.0)
    with pytest.raises(OSError, match="gone"):
        paced()
    assert paced() == 2
