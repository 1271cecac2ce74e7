"""What hosts build images from: everything that a Dockerfile takes is in its context, and nothing that was compiled."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pytest

from abbey.catalog.load import Catalog, load_catalog

CONTEXTS: Mapping[str, Mapping[str, bytes]] = load_catalog().contexts


@pytest.mark.parametrize("name", sorted(CONTEXTS))
def test_what_a_dockerfile_takes_is_in_its_context(name: str) -> None:
    context = CONTEXTS[name]
    taken = re.findall(r"^COPY (?:--\S+ )*(\S+) ", context["Dockerfile"].decode(), re.MULTILINE)
    assert taken
    for source in taken:
        assert any(path == source or path.startswith(source) for path in context), source
    assert not any("__pycache__" in path or path.endswith(".pyc") for path in context)


def test_the_metrics_image_has_the_runner_of_steps_whole_and_compiled() -> None:
    context = CONTEXTS["metrics"]
    modules = {path for path in context if path.startswith("abbey_steps/")}
    assert modules == {
        f"abbey_steps/{name}"
        for name in (
            "__init__.py",
            "__main__.py",
            "client.py",
            "excerpt.py",
            "fill.py",
            "program.py",
            "py.typed",
            "run.py",
        )
    }
    assert "/app/abbey_steps" in re.findall(r"compileall -q (.*)", context["Dockerfile"].decode())[0]
    for module in modules:
        for name in re.findall(rb"^(?:from|import) (\w+)", context[module], re.MULTILINE):
            assert name != b"abbey"
    assert re.search(rb"^jmespath==", context["requirements.lock"], re.MULTILINE)


def test_a_change_of_the_runner_makes_another_image() -> None:
    catalog = load_catalog()
    changed = {**CONTEXTS, "metrics": {**CONTEXTS["metrics"], "abbey_steps/run.py": b"pass\n"}}
    other = Catalog(apps=catalog.apps, contexts=changed)
    assert other.image_tag("metrics") != catalog.image_tag("metrics")
    assert other.image_tag("portal") == catalog.image_tag("portal")
