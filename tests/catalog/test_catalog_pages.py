"""docs/apps: pages made from the data files. `--update-golden` writes them; a page that is not current is a fault."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, get_args

import pytest
import yaml

from abbey.catalog.card import BACKUPS, CONDITIONS, LOGINS, UPDATES
from abbey.catalog.container import Condition, Image
from abbey.catalog.load import load_catalog
from abbey.catalog.page import pages
from abbey.catalog.schema import Sso, VolumeBackup
from labs import REPOSITORY

FOLDER = REPOSITORY / "docs" / "apps"
APPS = load_catalog().apps
PAGES = pages(APPS)


def test_the_pages_are_those_of_the_data_files(*, update_golden: bool) -> None:
    if update_golden:
        FOLDER.mkdir(exist_ok=True)
        for old in FOLDER.glob("*.md"):
            old.unlink()
        for name, text in PAGES.items():
            (FOLDER / name).write_text(text)
    found = {path.name: path.read_text() for path in FOLDER.glob("*.md")}
    assert sorted(found) == sorted(PAGES)
    for name, text in PAGES.items():
        assert found[name] == text, f"docs/apps/{name} is not current: run this test with --update-golden"


def test_every_app_has_a_page_and_the_table_leads_to_it() -> None:
    names = {f"{name}.md" for name, app in APPS.items() if app.kind == "app"}
    assert {name for name in PAGES if name != "README.md"} == names
    assert set(re.findall(r"\]\(([a-z0-9-]+\.md)\)", PAGES["README.md"])) == names


@pytest.mark.parametrize("name", [name for name, app in APPS.items() if app.kind == "app"])
def test_a_page_adds_its_app_first(name: str) -> None:
    (block,) = re.findall(r"```yaml\n(.*?)```", PAGES[f"{name}.md"], re.DOTALL)
    assert list(yaml.safe_load(block)["apps"]) == [name]


def test_every_choice_of_data_files_has_words() -> None:
    choices: dict[str, tuple[Mapping[Any, str], Any]] = {
        "updates": (UPDATES, Image.model_fields["updates"].annotation),
        "how": (BACKUPS, VolumeBackup.model_fields["how"].annotation),
        "mode": (LOGINS, Sso.model_fields["mode"].annotation),
        "when": (CONDITIONS, Condition),
    }
    for key, (words, type_) in choices.items():
        assert set(words) == set(get_args(type_)), key


def test_text_of_data_files_is_no_markup() -> None:
    app = APPS["grafana"].model_copy(update={"doubts": ("a *b* [c](d) <e> `f*` and https://x/*y",)})
    (row,) = [row for row in pages({"grafana": app})["grafana.md"].splitlines() if row.startswith("- a ")]
    assert row == r"- a \*b\* \[c\](d) \<e> `f*` and https://x/*y"
