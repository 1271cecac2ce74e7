"""The harness where it needs no lab: what is built, from what, and what is swept away."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from harness.images import bases, canonical, references
from harness.process import identity, owner
from harness.workplace import recipe, sweep


def test_bases_of_a_dockerfile_follow_its_arguments_and_skip_its_stages() -> None:
    text = "ARG TAG=3\nARG BASE=python:${TAG}\nFROM docker.io/a/b:1 AS build\nFROM build\nFROM python:${TAG}\n"
    assert bases(text) == {"docker.io/a/b:1", "python:3"}


@pytest.mark.parametrize(
    ("written", "full"),
    [
        ("python:3", "docker.io/library/python:3"),
        ("grafana/grafana:1", "docker.io/grafana/grafana:1"),
        ("ghcr.io/a/b:1", "ghcr.io/a/b:1"),
        ("localhost/a:1", "localhost/a:1"),
    ],
)
def test_a_reference_gets_its_registry(written: str, full: str) -> None:
    assert canonical(written) == full


def test_every_image_of_the_catalog_can_be_made() -> None:
    assert any(reference.startswith("docker.io/library/postgres:") for reference in references())


def test_a_recipe_changes_with_names_and_contents(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1")
    first = recipe("x", tmp_path)
    assert recipe("x", tmp_path) == first
    (tmp_path / "a").rename(tmp_path / "b")
    second = recipe("x", tmp_path)
    (tmp_path / "b").write_text("2")
    assert len({first, second, recipe("x", tmp_path), recipe("y", tmp_path)}) == 4


def test_only_runs_of_dead_owners_are_swept(tmp_path: Path) -> None:
    owners = {"abbey-mine": owner(), "abbey-gone": "999999999 1", "abbey-reused": f"{os.getpid()} 1", "abbey-torn": ""}
    for name, text in owners.items():
        folder = tmp_path / "runs" / name
        folder.mkdir(parents=True)
        if text:
            (folder / "owner").write_text(text)
    sweep(tmp_path)
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["abbey-mine"]


def test_a_process_that_does_not_exist_has_no_identity() -> None:
    assert identity(999999999) == ""
