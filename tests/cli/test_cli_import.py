"""`abbey import` as a person calls it: what it writes, what it says, and what it leaves alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from abbey.cli.entry import call
from abbey.engine.vault import AgeVault
from abbey.secrets import SecretRef
from compose_projects import FIXTURES, PROJECTS
from labs import text_of, two_hosts

SECRETS = ("p0stgres Horse", "Sess10nHorse", "N0tesHorse", "G1teaHorse", "Cloud7Horse", "Root7Horse", "R0nHorse")


@pytest.fixture(autouse=True)
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a lab's file, in which the test stands."""
    monkeypatch.setenv("ABBEY_AGE_KEY_FILE", str(tmp_path / "age.key"))
    folder = tmp_path / "lab"
    folder.mkdir()
    (folder / "abbey.yaml").write_text(text_of(two_hosts()))
    monkeypatch.chdir(folder)
    return folder


def said(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> str:
    assert call(list(words)) == code
    captured = capsys.readouterr()
    text = captured.out + captured.err
    assert "Traceback" not in text
    assert "a fault in Abbey itself" not in text
    assert not any(secret in text for secret in SECRETS)
    return text


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def stack(folder: Path, text: str, name: str = "compose.yaml") -> str:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)
    return str(folder)


WEB = "services:\n  web: {image: 'nginx:1.29', ports: ['8085:80'], environment: {WEB_TOKEN: t0ken}}\n"


def test_a_stack_becomes_an_app_of_the_lab(capsys: pytest.CaptureFixture[str], lab: Path) -> None:
    text = said(capsys, "import", str(FIXTURES / "notes"))
    assert "wrote apps/notes.yaml" in text
    assert "wrote apps/notes-web-app: 5 files that an image is built from" in text
    assert "went into the vault: notes/" in text
    assert "compose.yaml:15:7: lost: web_app: variable FEATURES" in text
    assert "visitors open port 3000 of web_app" in text
    assert "    notes: {}" in text
    (lab / "abbey.yaml").write_text(text_of(two_hosts(apps={"notes": {}})))
    assert "is right" in said(capsys, "check")
    assert "notes-web-app" in said(capsys, "plan", "--offline", code=3)
    listed = said(capsys, "secret", "list")
    assert [row.split()[2] for row in listed.splitlines() if row.startswith("notes/")] == ["yes", "yes"]
    assert not list((lab / "apps").glob(".import-*"))


def test_all_ten_in_one_call(capsys: pytest.CaptureFixture[str], lab: Path) -> None:
    text = said(capsys, "import", str(FIXTURES))
    for name in PROJECTS:
        assert f"wrote apps/{name}.yaml" in text
        assert not any(secret in (lab / "apps" / f"{name}.yaml").read_text() for secret in SECRETS)
    (lab / "abbey.yaml").write_text(text_of(two_hosts(apps={"photos": {}, "git": {}})))
    assert "is right" in said(capsys, "check")


def test_a_dry_run_writes_nothing(capsys: pytest.CaptureFixture[str], lab: Path) -> None:
    text = said(capsys, "import", str(FIXTURES / "git"), "--dry-run")
    assert "would write apps/git.yaml" in text
    assert "would go into the vault: git/" in text
    assert files(lab.parent) == {"lab/abbey.yaml"}


def test_json_names_every_loss_with_its_place(capsys: pytest.CaptureFixture[str]) -> None:
    data = json.loads(said(capsys, "import", str(FIXTURES / "play"), "--json"))
    app = data["apps"][0]
    assert (app["name"], app["written"], app["secrets"]) == ("play", True, {"rcon_password": True})
    loss = next(loss for loss in app["losses"] if loss["what"] == "search: cpus")
    assert (Path(loss["mark"]["file"]).name, loss["mark"]["line"], loss["kind"]) == ("search.yaml", 10, "lost")
    assert app["carried"]["ports"] == 8


def test_nothing_is_replaced_without_force(capsys: pytest.CaptureFixture[str], lab: Path) -> None:
    folder = stack(lab.parent / "site", WEB)
    said(capsys, "import", folder)
    (lab / "apps" / "site.yaml").write_text("mine")
    assert "apps/site.yaml is there already" in said(capsys, "import", folder, code=2)
    assert (lab / "apps" / "site.yaml").read_text() == "mine"
    said(capsys, "import", folder, "--force")
    assert "nginx" in (lab / "apps" / "site.yaml").read_text()
    assert "other" in said(capsys, "import", folder, "--name", "other")


def test_a_secret_in_the_vault_is_not_replaced_without_force(capsys: pytest.CaptureFixture[str], lab: Path) -> None:
    folder = stack(lab.parent / "site", WEB)
    said(capsys, "import", folder)
    (lab / "apps" / "site.yaml").unlink()
    stack(lab.parent / "site", WEB.replace("t0ken", "changed"))
    assert "the vault holds another secret site/web_token" in said(capsys, "import", folder, code=2)
    assert not (lab / "apps" / "site.yaml").exists()
    said(capsys, "import", folder, "--force")
    vault = AgeVault(lab / "secrets.age", lab.parent / "age.key")
    stored = vault.get(SecretRef("site/web_token"))
    assert stored is not None
    assert stored.reveal() == "changed"


def test_force_replaces_a_whole_context(capsys: pytest.CaptureFixture[str], lab: Path) -> None:
    folder = stack(lab.parent / "own", "services:\n  web: {build: ., ports: ['8085:80']}\n")
    (lab.parent / "own" / "Dockerfile").write_text("FROM scratch\n")
    (lab.parent / "own" / "old.txt").write_text("old")
    said(capsys, "import", folder)
    (lab.parent / "own" / "old.txt").unlink()
    said(capsys, "import", folder, "--force")
    assert files(lab / "apps") == {"own.yaml", "own-web/Dockerfile", "own-web/compose.yaml"}


def test_wrong_files_are_refused_all_at_once_and_nothing_is_written(
    capsys: pytest.CaptureFixture[str], lab: Path
) -> None:
    stack(lab.parent / "many" / "one", WEB)
    stack(lab.parent / "many" / "two", "services:\n  a: {imag: x, ports: 80}\n")
    stack(lab.parent / "many" / "three", "services:\n  a: {image: '${X:?no}'}\n")
    text = said(capsys, "import", str(lab.parent / "many"), code=2)
    assert "two/compose.yaml:2:7: unknown key `imag`" in text
    assert "did you mean `image`?" in text
    assert "three/compose.yaml:2:14: X must have a value" in text
    assert files(lab) == {"abbey.yaml"}
    data = json.loads(said(capsys, "import", str(lab.parent / "many"), "--json", code=2))
    assert {fault["mark"]["line"] for fault in data["faults"]} == {2}


def test_nothing_is_half_written_when_the_vault_cannot_be(capsys: pytest.CaptureFixture[str], lab: Path) -> None:
    folder = stack(lab.parent / "site", WEB)
    (lab.parent / "age.key").write_text("AGE-SECRET-KEY-1WRONG")
    (lab.parent / "age.key").chmod(0o644)
    assert "others can read the key" in said(capsys, "import", folder, code=1)
    assert not [name for name in files(lab) if name != "abbey.yaml"]


def test_what_was_there_comes_back_when_something_cannot_be_put(tmp_path: Path) -> None:
    from abbey.cli import written

    (tmp_path / "a.yaml").write_text("old")
    with written.beside(tmp_path, {"a.yaml": b"new", "b.yaml": b"new"}, {}) as put:
        next(tmp_path.glob(".import-*/new/b.yaml")).unlink()
        with pytest.raises(OSError, match="No such file"):
            put()
    assert {path.name: path.read_text() for path in tmp_path.iterdir() if path.is_file()} == {"a.yaml": "old"}


def test_names_that_are_taken(capsys: pytest.CaptureFixture[str], lab: Path) -> None:
    folder = stack(lab.parent / "grafana", WEB)
    assert "is also in Abbey's catalog, and this file takes its place" in said(capsys, "import", folder, "--dry-run")
    folder = stack(lab.parent / "postgres", WEB)
    assert "postgres is a part of the platform" in said(capsys, "import", folder, code=2)
    twice = (stack(lab.parent / "x" / "site", WEB), stack(lab.parent / "y" / "site", WEB))
    assert "two of these projects would be called site" in said(capsys, "import", *twice, code=2)
    assert "--name and --service are for one project" in said(capsys, "import", *twice, "--name", "z", code=2)


def test_a_file_alone_says_what_it_did_not_read(capsys: pytest.CaptureFixture[str], lab: Path) -> None:
    text = said(capsys, "import", str(FIXTURES / "notes" / "compose.yaml"), "--dry-run")
    assert "compose.override.yaml was not read" in text
    stack(lab.parent / "loose", WEB, "wiki.yaml")
    assert "would write apps/wiki.yaml" in said(capsys, "import", str(lab.parent / "loose"), "--dry-run")


def test_profile_and_service_choose(capsys: pytest.CaptureFixture[str], lab: Path) -> None:
    said(capsys, "import", str(FIXTURES / "notes"), "--profile", "dev", "--service", "mailpit")
    data = yaml.safe_load((lab / "apps" / "notes.yaml").read_text())
    assert data["route"] == {"service": "mailpit", "port": 8025, "streams": True}
    assert "the service db has no port" in said(capsys, "import", str(FIXTURES / "cloud"), "--service", "db", code=2)


def test_what_is_not_there(capsys: pytest.CaptureFixture[str], lab: Path) -> None:
    assert "there is no file none.yaml" in said(capsys, "import", "none.yaml", code=2)
    (lab / "empty").mkdir()
    assert "there is no Compose file in empty" in said(capsys, "import", "empty", code=2)
    assert "there is no folder" in said(capsys, "import", str(FIXTURES / "git"), "-f", "no/abbey.yaml", code=2)


def test_a_context_is_bounded_and_never_leaves_its_folder(capsys: pytest.CaptureFixture[str], lab: Path) -> None:
    folder = stack(lab.parent / "own", "services:\n  web: {build: app}\n  db: {image: 'postgres:17'}\n")
    app = lab.parent / "own" / "app"
    app.mkdir()
    (app / "Dockerfile").write_text("FROM scratch\n")
    (app / "run.sh").write_text("#!/bin/sh\n")
    (app / "run.sh").chmod(0o755)
    (lab.parent / "outside").write_text("private")
    (app / "link").symlink_to(lab.parent / "outside")
    text = said(capsys, "import", folder)
    assert "web: build, link: a link that leaves the context is not copied" in text
    assert "web: build, run.sh: it is executable here" in text
    assert files(lab / "apps") == {"own.yaml", "own-web/Dockerfile", "own-web/run.sh"}
    for number in range(2001):
        (app / f"f{number}").touch()
    text = said(capsys, "import", folder, "--name", "large")
    assert "more than 2000 files" in text
    assert "the service web with everything in it" in text


def test_a_container_must_not_be_called_like_what_the_gateway_asks_for(
    capsys: pytest.CaptureFixture[str], lab: Path
) -> None:
    folder = stack(lab.parent / "watch", "services:\n  grafana: {image: 'grafana/grafana:12', ports: ['3000:3000']}\n")
    said(capsys, "import", folder)
    (lab / "abbey.yaml").write_text(text_of(two_hosts(apps={"watch": {}})))
    assert "is right" in said(capsys, "check")
    (lab / "abbey.yaml").write_text(text_of(two_hosts(apps={"watch": {}, "grafana": {}})))
    assert "the gateway would take it for grafana's" in said(capsys, "check", code=2)
