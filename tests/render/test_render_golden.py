"""What is written for whole labs, as real files that the real programs read. `make golden` rewrites them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from abbey.cli.checks import schema_text
from abbey.files import FileTree
from abbey.plan.state import Desired
from abbey.render import desired, render
from labs import CANARY, EXAMPLES, REPOSITORY, CanaryVault, lab_of, steady_catalog

GOLDEN = REPOSITORY / "tests" / "golden"
STARTERS = REPOSITORY / "src" / "abbey" / "cli" / "starters"
LABS = {path.parent.name: path for path in sorted(EXAMPLES.glob("*/abbey.yaml")) if path.parent.name != "demo"} | {
    path.stem: path for path in sorted(STARTERS.glob("*.yaml"))
}
# Sources and the page's own markup have their own tests; here they would only move.
LEFT_OUT = ("build/", "portal/site/index.", "portal/site/manifest.webmanifest")


def trees_of(path: Path) -> dict[str, FileTree]:
    return render(lab_of(path.read_text(), steady_catalog()))


def shown(trees: dict[str, FileTree]) -> dict[str, bytes]:
    return {
        f"{host}/{path}": file.shown()
        for host, tree in trees.items()
        for path, file in tree.items()
        if not path.startswith(LEFT_OUT)
    }


@pytest.mark.parametrize("name", LABS)
def test_a_lab_is_written_as_its_golden_tree(name: str, *, update_golden: bool) -> None:
    folder = GOLDEN / name
    wanted = shown(trees_of(LABS[name]))
    if update_golden:
        shutil.rmtree(folder, ignore_errors=True)
        for path, body in wanted.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(body)
    found = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert sorted(found) == sorted(wanted)
    for path, body in wanted.items():
        assert found[path].decode() == body.decode(), path


def test_the_schema_for_editors_is_the_one_that_is_kept(*, update_golden: bool) -> None:
    kept = REPOSITORY / "docs" / "abbey.schema.json"
    if update_golden:
        kept.write_text(schema_text())
    assert kept.read_text() == schema_text()


@pytest.mark.parametrize("name", LABS)
def test_the_same_file_gives_the_same_bytes(name: str) -> None:
    assert shown(trees_of(LABS[name])) == shown(trees_of(LABS[name]))


def wanted(text: str) -> tuple[Desired, ...]:
    lab = lab_of(text)
    return desired(lab, lab.hosts, CanaryVault().get)


def test_files_that_must_be_equal_on_both_hosts_are() -> None:
    trees = trees_of(LABS["reference"])
    for path in ("authentik/lab.yaml", "cloudflared/config.yml", "door/haproxy.cfg"):
        assert trees["monk"][path].shown() == trees["kscloud1"][path].shown()


def test_no_secret_is_in_any_tree_and_every_secret_is_in_its_file() -> None:
    lab = lab_of(LABS["reference"].read_text(), steady_catalog())
    for one in desired(lab, lab.hosts, CanaryVault().get):
        for path, file in one.tree.items():
            assert CANARY.encode() not in file.shown(), path
            body = file.body(CanaryVault().get)
            assert body is not None
            assert (CANARY.encode() in body) == file.secret
            assert file.secret == path.startswith("secrets/")


def test_adding_an_app_leaves_the_other_services_as_they_were() -> None:
    text = LABS["reference"].read_text()
    before = {one.host: one for one in wanted(text)}
    after = {one.host: one for one in wanted(without_app(text, "grafana"))}
    for host, one in before.items():
        labels = {unit.service: unit.config for unit in one.units}
        without = {unit.service: unit.config for unit in after[host].units}
        assert labels.keys() - without.keys() == {"grafana"}
        moved = {service for service in without if labels[service] != without[service]}
        # The gateway joins the app's network, the worker sees its client secret; nobody else notices.
        assert moved <= {"gateway", "authentik-worker"}, host


def without_app(text: str, app: str) -> str:
    """Return the lab's file without the line of an app."""
    return "".join(line for line in text.splitlines(keepends=True) if not line.startswith(f"  {app}:"))


def test_an_apps_setting_moves_that_app_alone() -> None:
    text = LABS["reference"].read_text()
    other = text.replace("grafana: {", "grafana: {env: {GF_LOG_LEVEL: debug}, ")
    before = {(one.host, unit.service): unit.config for one in wanted(text) for unit in one.units}
    after = {(one.host, unit.service): unit.config for one in wanted(other) for unit in one.units}
    assert {key for key in before if before[key] != after[key]} == {("monk", "grafana"), ("kscloud1", "grafana")}
