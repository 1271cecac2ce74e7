from __future__ import annotations

from pathlib import Path

import pytest

from abbey.cli.folder import MARKER, write
from abbey.errors import UsageError


def found(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir())


def test_what_is_no_longer_written_goes_and_what_others_put_there_stays(tmp_path: Path) -> None:
    out = tmp_path / "deep" / "out"
    write(out, {"monk/a/one": b"1", "monk/two": b"2", "cloud/three": b"3"})
    (out / ".git").mkdir()
    (out / ".git" / "HEAD").write_text("ref")
    (out / "cloud" / "letter").write_text("dear")
    write(out, {"monk/two": b"22"})
    assert found(out) == [MARKER, ".git/HEAD", "cloud/letter", "monk/two"]
    assert (out / "monk" / "two").read_bytes() == b"22"
    assert not (out / "monk" / "a").exists()
    assert (out / MARKER).read_text() == "monk/two\n"


def test_a_strangers_file_in_the_way_stops_it_before_anything_changes(tmp_path: Path) -> None:
    write(tmp_path, {"monk/one": b"1"})
    (tmp_path / "monk" / "two").write_text("dear")
    with pytest.raises(UsageError, match=r"monk/two was not written by `abbey render`"):
        write(tmp_path, {"monk/two": b"2"})
    assert found(tmp_path) == [MARKER, "monk/one", "monk/two"]
    assert (tmp_path / "monk" / "two").read_text() == "dear"


def test_a_folder_with_other_things_is_refused(tmp_path: Path) -> None:
    (tmp_path / "letter").write_text("dear")
    with pytest.raises(UsageError, match="holds other things"):
        write(tmp_path, {"monk/one": b"1"})
    assert found(tmp_path) == ["letter"]


def test_the_folder_one_stands_in_and_a_link_to_a_folder_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    write(tmp_path / "link", {"monk/one": b"1"})
    monkeypatch.chdir(tmp_path / "real")
    write(Path(), {"monk/two": b"2"})
    assert found(tmp_path / "real") == [MARKER, "monk/two"]
    assert (tmp_path / "link").is_symlink()


def test_a_link_to_nowhere_and_a_file_are_refused(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("nowhere")
    (tmp_path / "file").write_text("dear")
    with pytest.raises(UsageError, match="leads nowhere"):
        write(tmp_path / "link", {"monk/one": b"1"})
    with pytest.raises(UsageError, match="is a file"):
        write(tmp_path / "file", {"monk/one": b"1"})
    with pytest.raises(UsageError, match="cannot be written"):
        write(tmp_path / "file" / "below", {"monk/one": b"1"})


def test_nothing_outside_is_reached_by_a_link_or_an_edited_list(tmp_path: Path) -> None:
    outside, out = tmp_path / "outside", tmp_path / "out"
    outside.mkdir()
    (outside / "one").write_text("dear")
    write(out, {"monk/one": b"1", "cloud/one": b"1"})
    (out / MARKER).write_text(f"../outside/one\n{outside}/one\n.\nmonk/one\ncloud/one\n")
    (out / "cloud" / "one").unlink()
    (out / "cloud").rmdir()
    (out / "cloud").symlink_to(outside)
    with pytest.raises(UsageError, match="cloud is no folder"):
        write(out, {"cloud/one": b"2"})
    write(out, {"monk/one": b"2"})
    assert (outside / "one").read_text() == "dear"
    assert (out / "cloud").is_symlink()


def test_a_file_of_its_own_that_became_a_link_is_replaced(tmp_path: Path) -> None:
    out, letter = tmp_path / "out", tmp_path / "letter"
    letter.write_text("dear")
    write(out, {"one": b"1"})
    (out / "one").unlink()
    (out / "one").symlink_to(letter)
    write(out, {"one": b"2"})
    assert letter.read_text() == "dear"
    assert (out / "one").read_bytes() == b"2"
