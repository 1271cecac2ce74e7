"""`abbey app`: what a person learns about an app before adding it, and the way to one that the catalog lacks."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from abbey.catalog.blank import reference
from abbey.catalog.card import entry_lines
from abbey.catalog.load import load_catalog
from abbey.cli import output
from abbey.cli.entry import call
from labs import lab_of, text_of, two_hosts

SHIPPED = load_catalog().apps
APPS = [name for name, app in SHIPPED.items() if app.kind == "app"]


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ABBEY_AGE_KEY_FILE", str(tmp_path / "age.key"))
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.chdir(tmp_path)


def said(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> str:
    assert call(["app", *words]) == code
    captured = capsys.readouterr()
    assert "Traceback" not in captured.out + captured.err
    return captured.out + captured.err


def lab_file(folder: Path, **changes: Any) -> Path:
    path = folder / "abbey.yaml"
    path.write_text(text_of(two_hosts(**changes)))
    return path


def test_the_list_names_every_app_and_no_part(capsys: pytest.CaptureFixture[str]) -> None:
    rows = said(capsys, "list").splitlines()
    assert rows[0].split()[:4] == ["APP", "LOGIN", "STATE", "MEMORY"]
    assert [row.split()[0] for row in rows[1 : rows.index("")]] == APPS
    assert max(len(row) for row in rows) < 200


def test_the_list_says_where_an_app_runs_in_this_lab(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    lab_file(tmp_path)
    rows = {row.split()[0]: row for row in said(capsys, "list").splitlines() if row}
    assert "HERE" in rows["APP"]
    assert "monk, cloud" in rows["grafana"]
    document = json.loads(said(capsys, "list", "--json"))["apps"]
    assert document["kavita"]["hosts"] == ["monk"]
    assert document["kavita"]["url"] == "https://kavita.example.org"
    assert document["forgejo"]["hosts"] == []
    assert set(document) == set(APPS)


def test_a_lab_that_is_not_right_hides_no_app(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    lab_file(tmp_path, apps={"graphana": {}})
    text = said(capsys, "list")
    assert "see `abbey check`" in text
    assert "grafana " in text
    assert "there is no file nowhere.yaml" in said(capsys, "list", "-f", "nowhere.yaml", code=2)


@pytest.mark.parametrize("name", sorted(SHIPPED))
def test_what_is_shown_of_an_app_is_what_its_file_says(capsys: pytest.CaptureFixture[str], name: str) -> None:
    app = SHIPPED[name]
    text = re.sub(r"\s+", " ", said(capsys, "show", name))
    for part in (app.title, app.summary, app.home, *app.contracts, *app.refuses, *app.doubts, *app.sources):
        assert part in text
    for service in app.services.values():
        assert service.image.build or f"{service.image.ref}:{service.image.tag}" in text
    for step in app.steps:
        assert step.title[1:] in text
    for volume, how in app.backup.volumes.items():
        assert f"`{volume}`: " in text
        assert how.why[1:] in text
    for role in app.sso.roles:
        assert f"Role `{role}`" in text


def test_what_is_shown_as_json_has_the_whole_file(capsys: pytest.CaptureFixture[str]) -> None:
    document = json.loads(said(capsys, "show", "grafana", "--json"))
    assert document["name"] == "grafana"
    assert document["default"] == "shared"
    assert yaml.safe_load(document["add"]) == {"apps": {"grafana": {}}}
    assert "grafana" in document["data"]["services"]


def test_an_app_of_this_lab_is_shown_with_its_promise(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    lab_file(tmp_path)
    text = said(capsys, "show", "kavita")
    assert "It is `owner`. Lives on monk; away while monk is away." in re.sub(r"\s+", " ", text)
    assert "To add it" not in text
    assert "To add it" in said(capsys, "show", "forgejo")
    assert "Abbey places it by itself" in said(capsys, "show", "gateway")


def test_a_mistyped_command_leads_to_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert "did you mean `abbey app show`?" in said(capsys, "shwo", code=2)
    assert "see `abbey app --help`" in said(capsys, "xyz", code=2)
    assert call(["secret", "lst"]) == 2
    assert "did you mean `abbey secret list`?" in capsys.readouterr().err


def test_an_unknown_app_leads_to_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert "did you mean `grafana`?" in said(capsys, "show", "graphana", code=2)
    assert "did you mean `grafana`?" in said(capsys, "show", "Grafana", code=2)
    assert "`abbey app list` names them all" in said(capsys, "show", "zzz", code=2)


@pytest.mark.parametrize("name", APPS)
def test_the_lines_that_add_an_app_are_right_and_so_are_the_other_ways(name: str) -> None:
    app = SHIPPED[name]
    role_group = "family"
    text = entry_lines(name, app).replace("HOST", "monk").replace("GROUP", role_group)
    first = yaml.safe_load(text)["apps"]
    others = [yaml.safe_load(row.strip().lstrip("# ")) for row in text.splitlines() if row.startswith("  #")]
    for apps in (first, *others):
        lab = lab_of(text_of(two_hosts(apps=apps)))
        assert lab.app(name).contract in app.contracts


def test_a_new_data_file_is_right_and_says_what_is_left(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    lab_file(tmp_path, apps={"kan-ban": {}})
    text = said(capsys, "new", "kan-ban", "--image", "kan/ban:2.6.1", "--port", "3000")
    assert "wrote apps/kan-ban.yaml" in text
    assert "nothing says whether kan-ban works" in text
    app = load_catalog(tmp_path / "apps").apps["kan-ban"]
    image = app.services["kan-ban"].image
    assert (image.ref, image.tag) == ("docker.io/kan/ban", "2.6.1")
    assert app.route
    assert app.route.port == 3000
    assert call(["check"]) == 0
    checked = capsys.readouterr().out
    assert "warning health-plausible: apps/kan-ban.yaml:" in checked
    assert "note sources: apps/kan-ban.yaml:" in checked


def test_a_filled_in_data_file_keeps_every_rule(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    said(capsys, "new", "kanban", "--image", "ghcr.io/kan/ban:2.6.1")
    path = tmp_path / "apps" / "kanban.yaml"
    assert "kanban: 4 found" in said(capsys, "check", code=1)
    for key in ("source:", "notes:", "health:", "sources:", "  - owner/repository"):
        path.write_text(path.read_text().replace(f"# {key}", key))
    assert said(capsys, "check", "kanban") == "kanban: nothing found\n"
    assert json.loads(said(capsys, "check", "--json")) == {"apps": ["kanban"], "faults": [], "findings": []}


def test_a_new_data_file_never_replaces_one(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    said(capsys, "new", "kanban")
    path = tmp_path / "apps" / "kanban.yaml"
    path.write_text("mine")
    assert "is there already" in said(capsys, "new", "kanban", code=2)
    assert path.read_text() == "mine"


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["grafana"], "is in the catalog already"),
        (["gateway"], "is in the catalog already"),
        (["Kan_Ban"], "cannot be the name of an app"),
        (["../kanban"], "cannot be the name of an app"),
        (["kanban", "--image", "kan/ban"], "is no image with its version"),
        (["kanban", "--port", "0"], "is not in the range"),
    ],
)
def test_what_cannot_begin_writes_nothing(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, words: list[str], reason: str
) -> None:
    assert reason in said(capsys, "new", *words, code=2)
    assert list(tmp_path.iterdir()) == []


def test_a_name_near_one_of_the_catalog_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert "The catalog has grafana" in said(capsys, "new", "graphana")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("nginx:1.31.5", ("docker.io/library/nginx", "1.31.5", "")),
        ("kan/ban:1", ("docker.io/kan/ban", "1", "")),
        ("ghcr.io/kan/ban:v1.2", ("ghcr.io/kan/ban", "v1.2", "")),
        ("host:5000/kan/ban:v1.2", ("host:5000/kan/ban", "v1.2", "")),
        (f"kan/ban:1@sha256:{'0' * 64}", ("docker.io/kan/ban", "1", f"sha256:{'0' * 64}")),
        ("kan/ban", None),
        ("host:5000/kan/ban", None),
        ("", None),
        ("Kan/Ban:1", None),
        *((text, None) for text in ("a//b:1", "a/b/:1", "a:b:c", f"a/b:{'x' * 129}")),
    ],
)
def test_an_image_is_named_as_for_docker(text: str, found: tuple[str, str, str] | None) -> None:
    assert reference(text) == found


def test_checking_an_app_of_the_catalog_or_of_nobody(capsys: pytest.CaptureFixture[str]) -> None:
    assert "no data files in apps: nothing found" in said(capsys, "check")
    assert "did you mean `grafana`?" in said(capsys, "check", "graphana", code=2)


def test_a_check_tells_faults_before_it_holds_files_to_rules(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    said(capsys, "new", "foo")
    findings = json.loads(said(capsys, "check", "--json", code=1))["findings"]
    assert {"health-plausible", "sources"} <= {finding["rule"] for finding in findings}
    file = tmp_path / "apps" / "foo.yaml"
    file.write_text(file.read_text().replace("{{timezone}}", "{{timezon}}"))
    assert "nothing is called `{{timezon}}` here" in said(capsys, "check", "foo", code=2)
    (fault,) = json.loads(said(capsys, "check", "--json", code=2))["faults"]
    assert fault["message"] == "nothing is called `{{timezon}}` here"


def test_what_is_no_folder_is_no_place_for_data_files(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "apps").write_text("")
    for words in (("new", "foo"), ("check",), ("list",), ("show", "grafana")):
        assert "error: apps is no folder\n    hint: " in said(capsys, *words, code=2)


def test_on_a_narrow_terminal_the_last_column_is_folded_below_itself(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [("a", "one two three four five six seven"), ("b", "")]

    def shown(columns: int) -> list[str]:
        monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
        monkeypatch.setenv("COLUMNS", str(columns))
        output.table(rows, head=("N", "WORDS"))
        return click.unstyle(capsys.readouterr().out).splitlines()

    assert shown(30) == ["N  WORDS", "a  one two three four five six", "   seven", "b"]
    assert shown(20) == ["N  WORDS", "a  one two three four five six seven", "b"]
