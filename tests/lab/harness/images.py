"""The images that compose files name, built here because nothing can be pulled: which, from what, and how."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from harness.host import Host
from harness.process import LabError, run
from harness.workplace import REPOSITORY, Workplace, cached, recipe

FIXTURES = REPOSITORY / "tests" / "lab" / "images"
CATALOG = REPOSITORY / "src" / "abbey" / "catalog" / "apps"
REFERENCE = REPOSITORY / "examples" / "reference" / "abbey.yaml"
PRODUCT = REPOSITORY / "images"  # Dockerfiles of the images that hosts build themselves
BASE = "abbey-lab/base:1"
PYTHON = "3.13"  # of the base; wheels must fit it


@dataclass(frozen=True, slots=True)
class Recipe:
    """How an image is made: a folder of `images/`, build arguments, and files put beside the Dockerfile."""

    folder: str
    args: Mapping[str, str] = field(default_factory=dict)
    extra: tuple[str, ...] = ()


def recipes() -> dict[str, Recipe]:
    """Return the table of tests/lab/images/images.yaml by repository."""
    table: dict[str, dict[str, Any]] = yaml.safe_load((FIXTURES / "images.yaml").read_text())
    return {repository: _recipe(row) for repository, row in table.items()}


def _recipe(row: dict[str, Any]) -> Recipe:
    wants = {"WANTS": json.dumps(row["wants"])} if "wants" in row else {}
    return Recipe(folder=row["folder"], args={**row.get("args", {}), **wants}, extra=tuple(row.get("extra", ())))


def references() -> dict[str, Recipe]:
    """Return every image that the platform, the reference lab's apps or a Dockerfile of the product name.

    Raise LabError naming those for which the table has none.
    """
    table = recipes()
    named = sorted({*_catalog_references(), *_base_references()})
    unknown = [reference for reference in named if _repository(reference) not in table]
    if unknown:
        raise LabError(f"no recipe in {FIXTURES / 'images.yaml'} for {', '.join(unknown)}")
    return {reference: table[_repository(reference)] for reference in named}


def _repository(reference: str) -> str:
    return reference.rpartition(":")[0]


def _catalog_references() -> Iterator[str]:
    chosen = yaml.safe_load(REFERENCE.read_text())["apps"]
    for path in sorted(CATALOG.glob("*.yaml")):
        app = yaml.safe_load(path.read_text())
        if app.get("kind") != "part" and path.stem not in chosen:
            continue
        for service in app["services"].values():
            image = service["image"]
            if not image.get("build"):
                yield f"{image['ref']}:{image['tag']}"


def _base_references() -> Iterator[str]:
    for path in sorted(PRODUCT.glob("*/Dockerfile")):
        yield from (canonical(reference) for reference in bases(path.read_text()))


def bases(dockerfile: str) -> frozenset[str]:
    """Given the text of a Dockerfile, return the images it starts from, with its own values for its arguments."""
    values = dict(re.findall(r"^ARG\s+(\w+)=(\S+)", dockerfile, re.MULTILINE))
    stages = set(re.findall(r"^FROM\s+\S+\s+AS\s+(\S+)", dockerfile, re.MULTILINE))
    named = set(re.findall(r"^FROM\s+(\S+)", dockerfile, re.MULTILINE)) - stages
    return frozenset(re.sub(r"\$\{?(\w+)\}?", lambda found: values.get(found[1], found[0]), name) for name in named)


def canonical(reference: str) -> str:
    """Given an image reference as a person may write it, return it with its registry."""
    first, slash, _ = reference.partition("/")
    if not slash:
        return f"docker.io/library/{reference}"
    return reference if "." in first or ":" in first or first == "localhost" else f"docker.io/{reference}"


def store_recipe(base: Path) -> str:
    """Return the short name of an image store: it changes with anything that goes into an image."""
    wanted = json.dumps({key: [value.folder, value.args] for key, value in references().items()}, sort_keys=True)
    locks = sorted(PRODUCT.glob("*/requirements.lock"))
    return recipe(base.name, wanted, FIXTURES, caddy_program(), *locks)


def caddy_program() -> Path:
    """Return the Caddy program of the development environment. Raise LabError if it is absent."""
    program = Path(sys.executable).parent / "caddy"
    if not program.exists():
        raise LabError(f"{program} is missing: `make setup` installs it")
    return program


def build_images(builder: Host, place: Workplace, base: Path) -> None:
    """Given a running engine, build every image of `references` in it and tag it with its reference."""
    shared = builder.spec.folder / "share"
    shutil.copytree(FIXTURES, shared / "images")
    _add_extras(shared / "images", place)
    shutil.copy(base, shared / "base.tar")
    settings = ("--change", "ENV DEBIAN_FRONTEND=noninteractive LANG=C.UTF-8", "--change", 'CMD ["bash"]')
    builder.run("docker", "import", *settings, "/srv/lab/base.tar", BASE)
    services = {
        re.sub(r"[^a-z0-9]+", "_", reference): {
            "image": reference,
            "build": {"context": f"/srv/lab/images/{row.folder}", "args": dict(row.args), "network": "host"},
        }
        for reference, row in references().items()
    }
    (shared / "compose.yaml").write_text(json.dumps({"name": "images", "services": services}))
    compose = ("docker", "compose", "--file", "/srv/lab/compose.yaml", "--progress", "plain")
    (place.run / "build.log").write_text(builder.run(*compose, "build", within=900))


def _add_extras(fixtures: Path, place: Workplace) -> None:
    makers = {"caddy": _add_caddy, "wheels": _add_wheels}
    for row in recipes().values():
        for extra in row.extra:
            makers[extra](fixtures / row.folder, place)


def _add_caddy(folder: Path, _: Workplace) -> None:
    shutil.copy(caddy_program(), folder / "caddy")


def _add_wheels(folder: Path, place: Workplace) -> None:
    locks = sorted(PRODUCT.glob("*/requirements.lock"))
    wheels = cached(place, f"wheels-{recipe(PYTHON, *locks)}", lambda target: _download(target, locks))
    shutil.copytree(wheels, folder / "wheels")


def _download(target: Path, locks: list[Path]) -> None:
    target.mkdir()
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--quiet", "--require-hashes")
    fit = ["--only-binary=:all:", f"--python-version={PYTHON}", "--implementation=cp", "--no-deps"]
    fit += [f"--platform={kind}_x86_64" for kind in ("manylinux_2_28", "manylinux2014", "linux")]
    for lock in locks:
        run([*pip, *fit, "--dest", target, "--requirement", lock], within=600)
