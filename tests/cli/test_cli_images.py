"""`abbey images` and `abbey images update` from the call to the file, against a real registry on loopback."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import pytest
import yaml

from abbey.cli.entry import call
from abbey.engine.docker import read_images
from abbey.engine.local import LocalShell
from abbey.engine.registry import Content
from abbey.errors import HostError
from abbey.plan.image import long_form
from labs import REPOSITORY, text_of, two_hosts
from loopback import free_port
from registries import RealRegistry, real_registry
from standin_registry import Answer, StandinRegistry, standin_registry

STANDIN = REPOSITORY / "tests" / "engine" / "standin_docker.py"
NOTES = "https://example.org/{tag}"
HOSTS = {
    "monk": {"ssh": "root@monk", "tailnet": "100.64.0.1", "folder": "lab"},
    "cloud": {"ssh": "root@cloud", "tailnet": "100.64.0.2", "folder": "lab"},
}


@dataclass
class Workplace:
    """The folder with the lab's file, and apps whose images lie in a registry."""

    root: Path
    capsys: pytest.CaptureFixture[str]

    def said(self, *words: str, code: int = 0) -> str:
        found = call(list(words))
        captured = self.capsys.readouterr()
        assert found == code, captured.out + captured.err
        assert "Traceback" not in captured.out + captured.err
        return captured.out + captured.err

    def describe(self, **apps: dict[str, Any]) -> None:
        data = two_hosts(hosts=HOSTS, identity=None, database=None, apps=apps)
        (self.root / "abbey.yaml").write_text(text_of(data))

    def app(self, name: str, ref: str, tag: str, *, beside: dict[str, Any] | None = None, **image: str) -> None:
        """Write an app's data file; `beside` is the image of a second service called `db`."""
        services = {name: {"image": {"ref": ref, "tag": tag, "notes": NOTES, **image}}}
        if beside:
            services["db"] = {"image": beside}
        data = {
            "title": name.title(),
            "summary": "Some thing",
            "home": "https://example.org/",
            "contracts": {"stateless": "it keeps nothing"},
            "services": services,
        }
        (self.root / "apps").mkdir(exist_ok=True)
        (self.root / "apps" / f"{name}.yaml").write_text(yaml.safe_dump(data))

    @property
    def pins(self) -> dict[str, Any]:
        path = self.root / "images.yaml"
        return dict(yaml.safe_load(path.read_text())["images"]) if path.exists() else {}


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Workplace:
    root = tmp_path / "work"
    root.mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("ABBEY_AGE_KEY_FILE", str(tmp_path / "age.key"))
    monkeypatch.chdir(root)
    return Workplace(root, capsys)


@pytest.fixture(scope="module")
def real(program: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealRegistry]:
    with real_registry(program("docker-registry"), tmp_path_factory.mktemp("registry")) as found:
        yield found


@pytest.fixture
def standin() -> Iterator[StandinRegistry]:
    with standin_registry() as found:
        yield found


@pytest.fixture
def hosts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Hosts that are folders, on which `docker` is the stand-in."""
    for name in HOSTS:
        tools = tmp_path / "hosts" / name / "bin"
        tools.mkdir(parents=True)
        (tools / "docker").write_text(f'#!/bin/sh\nexec {sys.executable} -I {STANDIN} "$@"\n')
        (tools / "docker").chmod(0o755)

    def shell(name: str, target: str) -> LocalShell:
        home = tmp_path / "hosts" / name
        env = {"PATH": f"{home / 'bin'}:{os.environ['PATH']}", "STANDIN_DOCKER": str(home)}
        return LocalShell(name, home=home, env=env)

    monkeypatch.setattr("abbey.engine.ssh.SshShell", shell)
    return tmp_path / "hosts"


@pytest.mark.process
def test_a_lab_is_pinned_updated_and_applied(work: Workplace, real: RealRegistry, hosts: Path) -> None:
    ref, database = f"{real.address}/group/wiki", f"{real.address}/postgres"
    tags = ("1.0.0", "1.0.0-alpine", "1.2.0-alpine", "1.1.0", "v1.3.0", "1.4.0-rc1", "1.9", "latest", "2.0.0")
    digest = real.push(ref.partition("/")[2], *tags)
    real.push("postgres", "17.1", "17.2", "18.1")
    older = {"ref": database, "tag": "17.1", "updates": "by-hand", "path": "dump it, then load it into the new one"}
    work.app("wiki", ref, "1.0.0", beside=older)
    work.describe(wiki={})
    assert not work.pins
    before = work.said("images")
    assert f"{ref}  " in before
    assert "not pinned" in before

    shown = work.said("images", "update", "wiki", "--dry-run")
    assert f"  ~ {ref}: 1.0.0 → 1.1.0, sha256:" in shown
    assert "release notes: https://example.org/1.1.0" in shown
    assert f"  ~ {database}: 17.1 → 17.2, sha256:" in shown
    assert f"available: {ref} 2.0.0: a newer major version; `abbey images update wiki --major` goes there" in shown
    assert f"refused: {database} 18.1: it is another major version" in shown
    assert "dump it, then load it into the new one" in shown
    assert not work.pins

    assert "`abbey up` does it" in work.said("images", "update", "wiki", "--yes")
    assert {key: pin["tag"] for key, pin in work.pins.items()} == {f"{ref}:1.0.0": "1.1.0", f"{database}:17.1": "17.2"}
    assert {pin["created"] for pin in work.pins.values()} == {"2026-10-01"}
    written = (work.root / "images.yaml").read_bytes()
    assert "2 images as pinned already" in work.said("images", "update", "wiki", "--yes")
    assert (work.root / "images.yaml").read_bytes() == written

    pinned = json.loads(work.said("images", "--json"))["images"]
    wiki = next(one for one in pinned if one["image"] == ref)
    assert (wiki["tag"], wiki["given"], wiki["pinned"], wiki["services"]) == ("1.1.0", "1.0.0", True, ["wiki"])
    work.said("render", "--out", "out")
    compose = yaml.safe_load((work.root / "out" / "monk" / "compose.yaml").read_text())
    assert compose["services"]["wiki"]["image"] == f"{ref}:1.1.0@{wiki['digest']}"
    work.said("up", "--yes")
    assert "nothing to do" in work.said("plan"), "a pinned image that is there is not pulled again"

    work.said("images", "update", "wiki", "--major", "--yes")
    assert work.pins[f"{ref}:1.0.0"]["tag"] == "2.0.0"
    assert work.pins[f"{database}:17.1"]["tag"] == "17.2"
    assert work.pins[f"{ref}:1.0.0"]["digest"] == digest
    assert f"its image changes from {ref}:1.1.0@" in work.said("plan", code=3)


@pytest.mark.process
def test_a_tag_that_was_pushed_again_is_shown_and_pinned(work: Workplace, real: RealRegistry) -> None:
    ref = f"{real.address}/rebuilt"
    first = real.push("rebuilt", "1.0.0")
    work.app("wiki", ref, "1.0.0")
    work.describe(wiki={})
    assert f"  + {ref}: 1.0.0 pinned, {first[:19]}" in work.said("images", "update", "wiki", "--yes")
    second = real.push("rebuilt", "1.0.0", salt="again", created="2026-10-20T00:00:00Z")
    shown = work.said("images", "update", "wiki", "--yes")
    assert f"  ~ {ref}: 1.0.0 is another build now, {first[:19]} → {second[:19]}" in shown
    assert work.pins == {f"{ref}:1.0.0": {"tag": "1.0.0", "digest": second, "created": "2026-10-20"}}


@pytest.mark.process
def test_no_major_version_is_skipped_and_each_must_run(work: Workplace, real: RealRegistry, hosts: Path) -> None:
    ref = f"{real.address}/sign-in"
    real.push("sign-in", "2025.8.4", "2025.10.0", "2025.10.3", "2025.12.1", "2026.2.0")
    work.app("login", ref, "2025.8.4", updates="next-major", path="see the upgrade notes of each version")
    work.describe(login={})
    work.said("up", "--yes")
    refused = work.said("images", "update", "login", "--to", "2026.2.0", "--yes", code=2)
    assert "2026.2.0 skips major versions after 2025.8.4; the next one is 2025.10.3" in refused
    assert "`abbey images update login --to 2025.10.3` and `abbey up` come first" in refused
    assert "see the upgrade notes" in refused
    shown = work.said("images", "update", "login", "--yes")
    assert f"{ref}: 2025.8.4 → 2025.10.3" in shown
    assert f"refused: {ref} 2026.2.0: no major version may be skipped: 2025.10.3 must run on every host first" in shown

    waits = work.said("images", "update", "login", "--yes")
    assert "does not run 2025.10.3 yet" in waits
    assert work.pins[f"{ref}:2025.8.4"]["tag"] == "2025.10.3"
    assert "does not run 2025.10.3 yet" in work.said("images", "update", "login", "--to", "2025.12.1", "-y", code=2)
    work.said("up", "--yes")
    work.said("images", "update", "login", "--yes")
    assert work.pins[f"{ref}:2025.8.4"]["tag"] == "2025.12.1"
    older = work.said("images", "update", "login", "--to", "2025.10.3", "-y", code=2)
    assert "is older than" in older


def test_hosts_that_cannot_be_looked_at_hold_a_major_version_back(
    work: Workplace, standin: StandinRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Away(LocalShell):
        def run(self, *_: object, **__: object) -> NoReturn:
            raise HostError("it", "no route")

    monkeypatch.setattr("abbey.engine.ssh.SshShell", lambda name, target: Away(name))
    ref = f"{standin.address}/sign-in"
    standin.add("sign-in", "2025.8.4", "2025.8.5", "2025.10.0")
    work.app("login", ref, "2025.8.4", updates="next-major")
    work.describe(login={})
    shown = work.said("images", "update", "login", "--yes")
    assert f"{ref}: 2025.8.4 → 2025.8.5" in shown
    assert f"refused: {ref} 2025.10.0: cloud, monk could not be looked at" in shown
    shown = work.said("images", "update", "login", "--to", "2025.10.0", "--yes")
    assert "make sure that 2025.8.5 has run there" in shown
    assert [pin["tag"] for pin in work.pins.values()] == ["2025.10.0"]


def test_images_of_one_version_that_would_part_are_named(work: Workplace, standin: StandinRegistry) -> None:
    standin.add("wiki", "1.0.0", "1.1.0")
    standin.add("search", "1.0.0")
    work.app("wiki", f"{standin.address}/wiki", "1.0.0", beside={"ref": f"{standin.address}/search", "tag": "1.0.0"})
    work.describe(wiki={})
    shown = work.said("images", "update", "wiki", "--dry-run")
    assert "warning: wiki-db would run 1.0.0 and wiki 1.1.0" in shown
    standin.add("search", "1.1.0")
    assert "warning" not in work.said("images", "update", "wiki", "--dry-run")


def test_all_images_of_the_reference_lab_are_asked_about(work: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    class Repository:
        """Has the present tag of each image, and one of the next major version."""

        def __init__(self, ref: str) -> None:
            self.ref = ref

        def __enter__(self) -> Repository:
            return self

        def __exit__(self, *_: object) -> None:
            return None

        def tags(self) -> tuple[str, ...]:
            now = [image["tag"] for image in before if image["image"] == self.ref]
            return (*now, *(re.sub(r"[0-9]+", lambda found: str(int(found[0]) + 1), tag, count=1) for tag in now))

        def content(self, tag: str, known: Content | None = None) -> Content:
            return Content(f"sha256:{'0' * 64}", "2026-10-01")

    path = work.root / "abbey.yaml"
    path.write_text((REPOSITORY / "examples" / "reference" / "abbey.yaml").read_text())
    before = json.loads(work.said("images", "--json"))["images"]
    monkeypatch.setattr("abbey.engine.registry.OciRepository", Repository)
    shown = work.said("images", "update", "--yes")
    assert "refused: docker.io/library/postgres 18.11" in shown
    assert "available: docker.io/grafana/grafana 14.2.3" in shown
    assert len(work.pins) == len(before)
    assert all(image["digest"] for image in json.loads(work.said("images", "--json"))["images"])
    assert {"18.11"}.isdisjoint(pin["tag"] for pin in work.pins.values())


@pytest.mark.process
def test_a_named_tag_is_gone_to_with_a_warning_where_it_is_one(work: Workplace, real: RealRegistry) -> None:
    ref = f"{real.address}/named"
    real.push("named", "1.0.0", "1.1.0", "2.0.0", "1.2.0-alpine")
    work.app("wiki", ref, "1.0.0", updates="minor")
    work.describe(wiki={})
    assert "careful: 2.0.0 is another major version" in work.said("images", "update", "wiki", "--to", "2.0.0", "-y")
    assert "careful: 1.0.0 is older than 2.0.0" in work.said("images", "update", "wiki", "--to", "1.0.0", "-y")
    work.said("images", "update", "wiki", "--to", "1.2.0-alpine", "-y")
    assert work.pins[f"{ref}:1.0.0"]["tag"] == "1.2.0-alpine"
    before = (work.root / "images.yaml").read_bytes()
    assert "there is no tag 9.9.9" in work.said("images", "update", "wiki", "--to", "9.9.9", "-y", code=1)
    assert "no tag of an image" in work.said("images", "update", "wiki", "--to", "../x", "-y", code=2)
    assert "needs one app" in work.said("images", "update", "--to", "1.1.0", "-y", code=2)
    assert (work.root / "images.yaml").read_bytes() == before


def test_a_registry_that_is_not_there_stops_no_other(work: Workplace, standin: StandinRegistry) -> None:
    gone = f"127.0.0.1:{free_port()}/blog"
    standin.add("wiki", "1.0.0", "1.1.0")
    work.app("wiki", f"{standin.address}/wiki", "1.0.0")
    work.app("blog", gone, "1.0.0")
    work.describe(wiki={}, blog={})
    shown = work.said("images", "update", "wiki", "blog", "--yes", code=1)
    assert f"{gone}: it was not reached" in shown
    assert "1 of 2 images were not asked about and stay as they are" in shown
    assert [pin["tag"] for pin in work.pins.values()] == ["1.1.0"]


def test_abbey_yaml_gives_the_tag_and_an_update_pins_only_its_content(
    work: Workplace, standin: StandinRegistry
) -> None:
    ref = f"{standin.address}/wiki"
    standin.add("wiki", "1.0.0", "1.1.0", "1.2.0")
    work.app("wiki", ref, "1.0.0")
    work.describe(wiki={})
    work.said("images", "update", "wiki", "--yes")
    work.describe(wiki={"tag": "1.1.0"})
    shown = work.said("images")
    assert f"{ref}: abbey.yaml gives the tag; the pin for 1.2.0 does not count" in shown
    assert f"no image uses the pin of {ref}:1.0.0" in shown
    shown = work.said("images", "update", "wiki", "--yes")
    assert f"  + {ref}: 1.1.0 pinned" in shown
    assert f"refused: {ref} 1.2.0: abbey.yaml gives the tag 1.1.0; change it there" in shown
    assert work.pins[f"{ref}:1.1.0"]["tag"] == "1.1.0"
    assert "change it there" in work.said("images", "update", "wiki", "--to", "1.2.0", "-y", code=2)


def test_a_new_catalog_keeps_or_replaces_a_pin_and_says_so(work: Workplace, standin: StandinRegistry) -> None:
    ref = f"{standin.address}/wiki"
    standin.add("wiki", "1.0.0", "1.2.0", "1.4.0")
    work.app("wiki", ref, "1.0.0")
    work.describe(wiki={})
    work.said("images", "update", "wiki", "--to", "1.2.0", "-y")
    work.app("wiki", ref, "1.1.0")
    assert "counts on" in work.said("images")
    work.app("wiki", ref, "1.3.0")
    assert "does not count any more" in work.said("images")
    work.said("images", "update", "wiki", "--yes")
    assert {key: pin["tag"] for key, pin in work.pins.items()} == {f"{ref}:1.3.0": "1.4.0"}


def test_one_repository_in_two_versions(work: Workplace, standin: StandinRegistry) -> None:
    ref = f"{standin.address}/postgres"
    standin.add("postgres", "17.1", "17.2", "18.0", "18.1")
    work.app("wiki", ref, "17.1", updates="by-hand")
    work.app("blog", ref, "18.0", updates="by-hand")
    work.describe(wiki={}, blog={})
    work.said("images", "update", "wiki", "blog", "--yes")
    assert {key: pin["tag"] for key, pin in work.pins.items()} == {f"{ref}:17.1": "17.2", f"{ref}:18.0": "18.1"}
    assert sum("/tags/list" in asked for asked in standin.asked) == 1
    standin.asked.clear()
    work.said("images", "update", "wiki", "blog", "--yes")
    assert not any(asked.startswith("GET") and "/manifests/" in asked for asked in standin.asked)


def test_without_agreement_nothing_is_written(
    work: Workplace, standin: StandinRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    standin.add("wiki", "1.0.0")
    work.app("wiki", f"{standin.address}/wiki", "1.0.0")
    work.describe(wiki={})
    assert "nobody is here to agree" in work.said("images", "update", "wiki", code=2)
    monkeypatch.setattr("abbey.cli.output.interactive", lambda: True)
    monkeypatch.setattr("abbey.cli.output.agreed", lambda question: False)
    assert "nothing was written" in work.said("images", "update", "wiki", code=2)

    def interrupted(question: str) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr("abbey.cli.output.agreed", interrupted)
    work.said("images", "update", "wiki", code=130)

    def meanwhile(question: str) -> bool:
        (work.root / "images.yaml").write_text(f"images:\n  x/y:1: {{tag: z, digest: sha256:{'0' * 64}}}\n")
        return True

    assert not (work.root / "images.yaml").exists()
    monkeypatch.setattr("abbey.cli.output.agreed", meanwhile)
    assert "changed meanwhile; nothing was written" in work.said("images", "update", "wiki", code=1)
    assert list(work.pins) == ["x/y:1"]
    monkeypatch.setattr("abbey.cli.output.agreed", lambda question: True)
    work.said("images", "update", "wiki")
    assert len(work.pins) == 2, "a pin that nothing uses now stays"
    assert sorted(path.name for path in work.root.iterdir()) == ["abbey.yaml", "apps", "images.yaml"]


def test_the_file_keeps_its_mode_and_a_link_stays_one(work: Workplace, standin: StandinRegistry) -> None:
    standin.add("wiki", "1.0.0")
    work.app("wiki", f"{standin.address}/wiki", "1.0.0")
    work.describe(wiki={})
    real = work.root / "elsewhere.yaml"
    real.write_text("images: {}\n")
    real.chmod(0o640)
    (work.root / "images.yaml").symlink_to("elsewhere.yaml")
    work.said("images", "update", "wiki", "-y")
    assert (work.root / "images.yaml").is_symlink()
    assert real.stat().st_mode & 0o777 == 0o640
    assert len(work.pins) == 1


def test_a_mistyped_app_is_named(work: Workplace) -> None:
    work.describe(grafana={})
    assert "did you mean `grafana`?" in work.said("images", "update", "graphana", code=2)
    assert "did you mean `abbey images update`?" in work.said("images", "updat", code=2)


def test_a_fault_in_the_pins_is_told_by_every_command(work: Workplace) -> None:
    work.describe(grafana={})
    (work.root / "images.yaml").write_text("images:\n  grafana: {}\n")
    for words in (["images"], ["plan", "--offline"], ["check"]):
        assert "images.yaml:2:" in work.said(*words, code=2)


def test_a_busy_registry_is_told_with_its_hint(work: Workplace, standin: StandinRegistry) -> None:
    standin.over = lambda method, path, headers: Answer(429, b"", {"Retry-After": "0"})
    work.app("wiki", f"{standin.address}/wiki", "1.0.0")
    work.describe(wiki={})
    shown = work.said("images", "update", "wiki", "-y", code=1)
    assert "it was asked too often" in shown
    assert "docker login" in shown
    assert not work.pins


@pytest.mark.parametrize("ref", ["docker.io/grafana/grafana", "docker.io/library/postgres", "ghcr.io/a/b"])
def test_a_pinned_image_is_known_by_what_docker_lists(ref: str) -> None:
    """Docker forgets the tag of an image that was pulled with its digest, and its own registry's name."""
    digest = f"sha256:{'a' * 64}"
    listed = ref.removeprefix("docker.io/").removeprefix("library/")
    row = json.dumps({"repository": listed, "tag": "<none>", "digest": digest, "id": "sha256:1"})
    assert long_form(f"{ref}:1.0@{digest}") in read_images(row)


def test_images_of_the_reference_lab_need_no_network(work: Workplace) -> None:
    reference = str(REPOSITORY / "examples" / "reference" / "abbey.yaml")
    table = work.said("images", "-f", reference)
    assert table.splitlines()[0].split() == ["IMAGE", "TAG", "DIGEST", "AGE", "USED", "BY"]
    assert "authentik-server, authentik-worker" in table
    assert "not pinned; `abbey images update` pins what registries have now" in table
