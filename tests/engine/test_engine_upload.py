from __future__ import annotations

from pathlib import Path

import pytest

from abbey.engine import script, upload
from abbey.engine.local import LocalShell
from abbey.engine.shell import Result
from abbey.errors import SecretError
from abbey.files import Effect, File, FileTree, OnChange, digest
from abbey.plan.action import FileChange, WriteFiles
from abbey.plan.state import Desired
from abbey.secrets import Secret, SecretRef

REF = SecretRef("app/key")


def stream(files: dict[str, File], changes: list[FileChange], owes: tuple[OnChange, ...] = ()) -> bytes:
    tree = FileTree(files.items())
    reveal = {REF: Secret("key-text")}.get
    digests = {path: digest(body) for path, file in tree.items() if (body := file.body(reveal)) is not None}
    return upload.tar(WriteFiles(tuple(changes), owes), Desired("monk", "lab", tree, digests, ()), reveal)


def put(home: Path, data: bytes, *, path: str = "") -> Result:
    env = {"PATH": f"{path}:/usr/bin:/bin"}
    return LocalShell("monk", home=home, env=env).run(script.argv("write", "lab"), stdin=data)


def new(*paths: str) -> list[FileChange]:
    return [FileChange(path, "create", "not there yet") for path in paths]


def gone(*paths: str) -> list[FileChange]:
    return [FileChange(path, "remove", "no longer wanted") for path in paths]


def content(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_text()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".abbey" not in path.parts
    }


def test_files_arrive_with_names_modes_and_what_is_owed(tmp_path: Path) -> None:
    files = {"a b/c'd.conf": File("one"), "bin/run": File(b"\0\xff", 0o755), "secrets/k": File((REF,), 0o444)}
    result = put(tmp_path, stream(files, new(*files), (OnChange("app", Effect.RECREATE),)))
    assert (result.code, result.err) == (0, b"")
    lab = tmp_path / "lab"
    assert (lab / "bin/run").read_bytes() == b"\0\xff"
    assert (lab / "bin/run").stat().st_mode & 0o777 == 0o755
    assert (lab / "secrets/k").read_text() == "key-text"
    assert (lab / "secrets").stat().st_mode & 0o777 == 0o700
    assert (lab / "a b").stat().st_mode & 0o777 == 0o755
    assert (lab / ".abbey/pending").read_text() == "recreate app\n"
    check = LocalShell("monk", home=lab).run(["sha256sum", "--check", "--quiet", ".abbey/manifest.sha256"])
    assert check.code == 0, "a person can check the folder with sha256sum alone"


def test_a_stream_that_was_cut_anywhere_changes_nothing(tmp_path: Path) -> None:
    old = {"x": File("old"), "y": File("old")}
    put(tmp_path, stream(old, new(*old)))
    manifest = (tmp_path / "lab/.abbey/manifest.sha256").read_bytes()
    data = stream({"x": File("new"), "y": File("new")}, new("x", "y"))
    complete = data.rindex(b"x\ny\n") + 512  # what follows the last member is padding
    for cut in range(0, complete, 500):
        result = put(tmp_path, data[:cut])
        assert result.code != 0, cut
        assert content(tmp_path / "lab") == {"x": "old", "y": "old"}, cut
        assert (tmp_path / "lab/.abbey/manifest.sha256").read_bytes() == manifest, cut
        assert not (tmp_path / "lab/.abbey/staging").exists(), cut


def test_a_full_disk_leaves_the_old_files(tmp_path: Path) -> None:
    put(tmp_path, stream({"x": File("old")}, new("x")))
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "tar").write_text("#!/bin/sh\n/bin/tar \"$@\"\necho 'tar: No space left on device' >&2\nexit 2\n")
    (tools / "tar").chmod(0o755)
    result = put(tmp_path, stream({"x": File("new")}, new("x")), path=str(tools))
    assert result.complaint == "tar: No space left on device"
    assert content(tmp_path / "lab") == {"x": "old"}


def test_dropped_files_go_and_leave_no_empty_folder_but_spare_a_stranger(tmp_path: Path) -> None:
    old = {"a/b/c": File("1"), "d/e": File("2"), "keep": File("3")}
    put(tmp_path, stream(old, new(*old)))
    (tmp_path / "lab/d/mine").write_text("not Abbey's")
    assert put(tmp_path, stream({"keep": File("3")}, gone("a/b/c", "d/e"))).code == 0
    assert content(tmp_path / "lab") == {"d/mine": "not Abbey's", "keep": "3"}
    assert not (tmp_path / "lab/a").exists()


def test_a_file_may_become_a_folder_and_back(tmp_path: Path) -> None:
    put(tmp_path, stream({"x": File("file")}, new("x")))
    assert put(tmp_path, stream({"x/y": File("inside")}, [*new("x/y"), *gone("x")])).code == 0
    assert content(tmp_path / "lab") == {"x/y": "inside"}
    assert put(tmp_path, stream({"x": File("file")}, [*new("x"), *gone("x/y")])).code == 0
    assert content(tmp_path / "lab") == {"x": "file"}


def test_an_empty_folder_that_the_engine_made_for_a_missing_file_gives_way(tmp_path: Path) -> None:
    (tmp_path / "lab/x").mkdir(parents=True)
    assert put(tmp_path, stream({"x": File("file")}, new("x"))).code == 0
    assert content(tmp_path / "lab") == {"x": "file"}


def test_a_missing_secret_is_named_and_nothing_is_sent() -> None:
    tree = FileTree([("k", File((SecretRef("a/given"),)))])
    act = WriteFiles((FileChange("k", "create", "not there yet", secret=True),), ())
    with pytest.raises(SecretError, match="k needs a secret that does not exist: a/given"):
        upload.tar(act, Desired("monk", "lab", tree, {}, ()), lambda ref: None)
