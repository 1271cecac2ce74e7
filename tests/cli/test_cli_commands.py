"""The commands as a person calls them: what they print, what they write, and how they end."""

from __future__ import annotations

import base64
import io
import json
import sys
from pathlib import Path

import pytest
import yaml

from abbey.cli.entry import call
from abbey.version import __version__
from labs import EXAMPLES, text_of, two_hosts

REFERENCE = str(EXAMPLES / "reference" / "abbey.yaml")


@pytest.fixture(autouse=True)
def own_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ABBEY_AGE_KEY_FILE", str(tmp_path / "age.key"))
    monkeypatch.chdir(tmp_path)


def said(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> str:
    assert call(list(words)) == code
    captured = capsys.readouterr()
    assert "Traceback" not in captured.out + captured.err
    return captured.out + captured.err


def lab_file(folder: Path, **changes: object) -> Path:
    path = folder / "abbey.yaml"
    path.write_text(text_of(two_hosts(**changes)))
    return path


def test_version_and_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, "--version") == f"abbey {__version__}\n"
    text = said(capsys, "--help")
    for command in ("init", "check", "render", "plan", "up", "down", "status", "logs", "secret", "demo"):
        assert f"\n  {command} " in text
        assert said(capsys, command, "--help").startswith("Usage: abbey")


def test_a_mistyped_command_and_option_name_the_right_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert "did you mean `abbey status`?" in said(capsys, "statsu", code=2)
    assert "--offline" in said(capsys, "plan", "--ofline", code=2)


def test_init_writes_a_file_that_is_right_and_never_overwrites(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert "2 hosts" in said(capsys, "init")
    assert "is right" in said(capsys, "check")
    before = (tmp_path / "abbey.yaml").read_text()
    assert "is there already" in said(capsys, "init", "--one-host", code=2)
    assert (tmp_path / "abbey.yaml").read_text() == before
    said(capsys, "init", "--one-host", "-f", "one/abbey.yaml")
    assert "is right" in said(capsys, "check", "-f", "one/abbey.yaml")


def test_check_tells_every_fault_with_its_place(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = lab_file(tmp_path, databse={"primary": "cloud"}, apps={"graphana": {}, "kavita": {"stat": "owner"}})
    text = said(capsys, "check", code=2)
    lines = path.read_text().splitlines()
    for word, hint in (("databse", "`database`"), ("stat", "`state`")):
        line = next(number for number, row in enumerate(lines, 1) if row.strip().startswith(f"{word}:"))
        assert f"abbey.yaml:{line}:" in text
        assert hint in text


def test_check_in_json(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    right = json.loads(said(capsys, "check", "--json", "-f", REFERENCE))
    assert right["right"] is True
    assert {finding["rule"] for finding in right["findings"]} == {"divergence", "first-visitor"}
    lab_file(tmp_path, domain="no domain")
    wrong = json.loads(said(capsys, "check", "--json", code=2))
    assert wrong["right"] is False
    assert wrong["faults"][0]["mark"]["line"] == 2


def test_a_missing_file_leads_to_init(capsys: pytest.CaptureFixture[str]) -> None:
    assert "abbey init" in said(capsys, "plan", code=2)


def test_render_writes_trees_and_leaves_other_folders_alone(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    said(capsys, "render", "-f", REFERENCE, "--out", "out")
    said(capsys, "render", "-f", REFERENCE, "--out", "out")
    text = (tmp_path / "out" / "monk" / "compose.yaml").read_text()
    assert yaml.safe_load(text)["name"] == "monastery"
    assert "<secret " in (tmp_path / "out" / "monk" / "secrets" / "grafana_oidc").read_text()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter").write_text("dear")
    assert "holds other things" in said(capsys, "render", "-f", REFERENCE, "--out", "mine", code=2)
    assert (tmp_path / "mine" / "letter").read_text() == "dear"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine", "out"]


def test_plan_offline_is_stable_and_ends_with_three(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    first = said(capsys, "plan", "--offline", "-f", REFERENCE, code=3)
    assert first == said(capsys, "plan", "--offline", "-f", REFERENCE, code=3)
    assert "services to create" in first
    document = json.loads(said(capsys, "plan", "--offline", "--json", "-f", REFERENCE, code=3))
    assert {action["host"] for action in document["actions"]} == {"monk", "kscloud1"}
    assert not (tmp_path / "age.key").exists(), "planning makes no secret"


def test_an_unknown_host_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert "hosts of this lab: monk, kscloud1" in said(capsys, "plan", "--host", "mnk", "-f", REFERENCE, code=2)


def test_a_host_that_is_not_there_ends_with_four(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    hosts = {"monk": {"ssh": "nobody@127.0.0.1:1", "tailnet": "100.64.0.1"}}
    hosts["monk"]["ssh"] = "ssh://nobody@127.0.0.1:1"
    lab_file(tmp_path, hosts=hosts, database={"primary": "monk"}, apps={})
    for command in (["plan"], ["up", "--yes"], ["down", "--yes"], ["status"]):
        text = said(capsys, *command, code=4)
        assert "monk" in text


def test_the_schema_describes_every_key(capsys: pytest.CaptureFixture[str]) -> None:
    schema = json.loads(said(capsys, "schema"))
    for name, field in schema["properties"].items():
        part = schema["$defs"].get(field.get("$ref", "").rpartition("/")[2], {})
        assert field.get("description") or part.get("description"), name


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_are_printed(capsys: pytest.CaptureFixture[str], shell: str) -> None:
    assert "_ABBEY_COMPLETE" in said(capsys, "completion", shell)


def typed(content: bytes) -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(content))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"\n", "empty"),
        (b"one\ntwo\n", "more than one line"),
        (b"one\n\n", "more than one line"),
        (b"one\r", "more than one line"),
        ("pässword".encode(), "not printable ASCII"),
        (b"\xff\xfe", "not printable ASCII"),
        (b"a\0b", "not printable ASCII"),
        (b"a\tb", "not printable ASCII"),
        *((b"a" + bytes([char]) + b"b", "a quote, a backslash, a backtick or a dollar sign") for char in b"'\"\\`$"),
        (b" hunter2", "a blank"),
        (b"x" * 5000, "longer than 4096"),
    ],
)
def test_a_secret_that_files_could_not_hold_is_refused(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    content: bytes,
    reason: str,
) -> None:
    lab_file(tmp_path)
    monkeypatch.setattr(sys, "stdin", typed(content))
    text = said(capsys, "secret", "set", "grafana/admin_password", code=2)
    assert reason in text.partition("hint:")[0]
    assert not (tmp_path / "secrets.age").exists()


@pytest.mark.parametrize("ending", [b"", b"\n", b"\r\n"])
def test_one_line_end_is_no_part_of_a_secret(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: bytes
) -> None:
    lab_file(tmp_path)
    monkeypatch.setattr(sys, "stdin", typed(b"two words, #1: {ok}!" + ending))
    said(capsys, "secret", "set", "grafana/admin_password")
    assert said(capsys, "secret", "show", "grafana/admin_password") == "two words, #1: {ok}!\n"


def test_the_tunnels_secret_is_a_key(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = {"account": "0" * 32, "id": "6ff42ae2-765d-4adf-8112-31c55c1551ef"}
    lab_file(tmp_path, ingress={"cloudflare": {"tunnel": "lab", **ids}})
    for wrong in (b"hunter2", base64.b64encode(bytes(31)), base64.b64encode(bytes(32))[:-1]):
        monkeypatch.setattr(sys, "stdin", typed(wrong))
        text = said(capsys, "secret", "set", "cloudflared/tunnel_secret", code=2)
        assert "base64 of at least 32 bytes" in text
        assert wrong.decode() not in text
    monkeypatch.setattr(sys, "stdin", typed(base64.b64encode(bytes(32)) + b"\n"))
    said(capsys, "secret", "set", "cloudflared/tunnel_secret")


def test_secrets_are_listed_set_and_shown(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab_file(tmp_path)
    assert "made by the next" in said(capsys, "secret", "list")
    monkeypatch.setattr(sys, "stdin", typed(b"hunter2\n"))
    assert "hunter2" not in said(capsys, "secret", "set", "grafana/admin_password")
    assert said(capsys, "secret", "show", "grafana/admin_password") == "hunter2\n"
    assert "hunter2" not in said(capsys, "secret", "list")
    assert b"hunter2" not in (tmp_path / "secrets.age").read_bytes()
    assert "no use for a secret" in said(capsys, "secret", "set", "nothing", code=2)
    assert "no use for a secret" in said(capsys, "secret", "show", "nothing", code=2)
    assert "made by the next `abbey up`" in said(capsys, "secret", "show", "authentik/secret_key", code=1)


def test_an_app_file_of_ones_own_is_found_and_judged(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    lab_file(tmp_path, apps={"notes": {}})
    (tmp_path / "apps").mkdir()
    app = {
        "title": "Notes",
        "summary": "Notes of my own",
        "home": "https://example.org/",
        "contracts": {"stateless": "keeps nothing"},
        "services": {"notes": {"image": {"ref": "ghcr.io/me/notes", "tag": "1"}}},
        "route": {"service": "notes", "port": 80},
    }
    (tmp_path / "apps" / "notes.yaml").write_text(yaml.safe_dump(app))
    assert "1 app" in said(capsys, "check")
    (tmp_path / "apps" / "notes.yaml").write_text(yaml.safe_dump(app | {"titel": "x"}))
    assert "apps/notes.yaml:" in said(capsys, "check", code=2)


def test_a_fault_of_abbey_itself_is_kept_for_a_report(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("abbey.cli.checks.check", lambda path, *, as_json: 1 // 0)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    text = said(capsys, "check", code=1)
    (log,) = tmp_path.glob("abbey-*.log")
    assert str(log) in text
    assert "ZeroDivisionError" in log.read_text()
