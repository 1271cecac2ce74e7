"""The words of the project, held to the code: what they name exists, and what they list is complete."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from abbey.catalog.schema import App
from abbey.cli.main import main
from abbey.engine.docker import COMPOSE_MINIMUM, ENGINE_MINIMUM
from abbey.errors import FileErrors
from abbey.spec.load import load
from abbey.spec.yaml import parse
from abbey.version import __version__
from labs import REPOSITORY

SOURCES = REPOSITORY / "src"
PAGES = sorted([*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").rglob("*.md")])
WRITTEN = sorted(path for ending in ("py", "sh", "yaml") for path in SOURCES.rglob(f"*.{ending}"))
LONGEST = 300

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
CALL = re.compile(r"(?:^|(?<=[\s/(]))abbey ((?:[a-z-]+|\$?[A-Z.]+|\{\w+\})[^`#;|)\n]*|-[^`\n]*)")
TARGET = re.compile(r"(?:^|[\s$])make ([a-z]+)(?=[`\s,.:)]|$)")


def name_of(path: Path) -> str:
    return str(path.relative_to(REPOSITORY))


def code_of(text: str) -> Iterator[str]:
    """Yield every line of a page's console blocks and every code span outside of its blocks."""
    for language, block in FENCE.findall(text):
        if language == "console":
            yield from block.splitlines()
    yield from SPAN.findall(FENCE.sub("", text))


def calls(lines: Iterator[str]) -> Iterator[list[str]]:
    """Yield the words after `abbey` of every call."""
    for line in lines:
        for found in CALL.findall(line):
            yield shlex.split(found, comments=True)


def fault(words: list[str]) -> str:
    """Return why `abbey` would not know these words, or ""; words in capitals or braces stand for a person's own."""
    command: click.Command = main
    own = 0
    for word in words:
        known = {"-h", "--help"}.union(*(one.opts for one in command.params if isinstance(one, click.Option)))
        if word.startswith("-"):
            if word.partition("=")[0] not in known:
                return f"{command.name} has no option {word}"
        elif isinstance(command, click.Group) and not own:
            inner = command.commands.get(word)
            if inner is None:
                return f"{command.name} has no command {word}"
            command = inner
        else:
            own += 1
    return ""


def anchor(heading: str) -> str:
    """Return the anchor that a heading gets on a page."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def test_these_tests_see_what_is_wrong() -> None:
    assert fault(["plan", "--offline"]) == ""
    assert fault(["demo", "kill", "monk"]) == ""
    assert fault(["plan", "--online"]) == "plan has no option --online"
    assert fault(["fly"]) == "main has no command fly"
    assert list(calls(iter(["$ .venv/bin/abbey plan  # why", "the abbey", "abbey check --json"]))) == [
        ["plan"],
        ["check", "--json"],
    ]


def test_the_pages_are_those_that_the_readme_leads_to() -> None:
    assert {"README.md", "CHANGELOG.md", "CONTRIBUTING.md", "docs/architecture.md"} <= set(map(name_of, PAGES))


def test_the_layers_are_those_that_the_linter_holds() -> None:
    contracts = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (held,) = (contract["layers"] for contract in contracts if contract["type"] == "layers")
    page = (REPOSITORY / "docs" / "architecture.md").read_text()
    (listed,) = re.findall(r"^<!-- layers:.*-->\n```\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert listed.splitlines() == held


def test_every_folder_of_the_sources_is_on_the_map() -> None:
    page = (REPOSITORY / "docs" / "architecture.md").read_text()
    folders = [path for path in (SOURCES / "abbey").iterdir() if (path / "__init__.py").exists()]
    assert len(folders) > 5
    assert [name_of(path) for path in folders if f"| `{name_of(path)}/` |" not in page] == []


def test_the_changelog_names_the_version() -> None:
    headings = HEADING.findall((REPOSITORY / "CHANGELOG.md").read_text())
    versions = [heading.partition("]")[0].strip("[") for heading in headings if heading.startswith("[")]
    assert versions[:2] == ["Unreleased", __version__]


def test_the_readme_asks_hosts_for_what_the_engine_insists_on() -> None:
    page = " ".join((REPOSITORY / "README.md").read_text().split())
    engine, compose = (".".join(map(str, version)) for version in (ENGINE_MINIMUM, COMPOSE_MINIMUM))
    assert f"Docker Engine {engine} and Docker Compose {compose}, or newer" in page


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_command_that_a_page_names_exists(page: Path) -> None:
    assert [found for words in calls(code_of(page.read_text())) if (found := fault(words))] == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_target_that_a_page_names_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE))
    named = {name for line in code_of(page.read_text()) for name in TARGET.findall(line)}
    assert named - targets == set()


def test_every_target_of_the_makefile_says_what_it_is_for() -> None:
    makefile = (REPOSITORY / "Makefile").read_text()
    (phony,) = re.findall(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)
    assert re.findall(r"^([a-z-]+):[^\n]*## \S", makefile, re.MULTILINE) == phony.split()


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_leads_somewhere(page: Path) -> None:
    broken = []
    for link in LINK.findall(FENCE.sub("", page.read_text())):
        if re.match(r"https?://", link):
            continue
        path, _, place = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (place and place not in map(anchor, HEADING.findall(target.read_text()))):
            broken.append(link)
    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_file_that_a_page_names_exists(page: Path) -> None:
    spans = SPAN.findall(FENCE.sub("", page.read_text()))
    paths = {span for span in spans if re.fullmatch(r"[a-z_.][a-z0-9_./-]*\.(py|yaml|json|sh|toml)", span)}
    of_a_person = {"abbey.yaml", "compose.yaml", "images.yaml"}
    here = {f"/{name_of(path)}" for path in WRITTEN}
    unknown = [
        path
        for path in paths - of_a_person
        if not (REPOSITORY / path).exists() and not any(known.endswith(f"/{path}") for known in here)
    ]
    assert unknown == []


def test_every_command_that_the_sources_tell_a_person_to_call_exists() -> None:
    faults = [
        f"{name_of(path)}: {found}"
        for path in WRITTEN
        for words in calls(iter(SPAN.findall(path.read_text())))
        if (found := fault(words))
    ]
    assert faults == []


def test_no_file_is_too_long_to_be_read_at_once() -> None:
    lengths = {name_of(path): len(path.read_text().splitlines()) for path in WRITTEN}
    assert {name: length for name, length in lengths.items() if length > LONGEST} == {}


def test_the_app_of_the_recipe_is_one() -> None:
    page = (REPOSITORY / "CONTRIBUTING.md").read_text()
    (recipe,) = (block for language, block in FENCE.findall(page) if language == "yaml")
    try:
        app = load(App, parse(recipe, "apps/kanban.yaml"))
    except FileErrors as error:
        pytest.fail(str(error))
    assert app.sso.mode == "forward-auth"
