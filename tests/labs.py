"""Labs for tests: a small valid file to vary, and the way from text to a resolved lab."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from abbey.catalog.load import Catalog, load_catalog
from abbey.model.lab import Lab
from abbey.model.resolve import resolve
from abbey.secrets import Secret, SecretRef
from abbey.spec.load import load
from abbey.spec.schema import Spec
from abbey.spec.yaml import parse

REPOSITORY = Path(__file__).resolve().parents[1]
EXAMPLES = REPOSITORY / "examples"
CANARY = "Canary7secret"

TWO_HOSTS: dict[str, Any] = {
    "lab": "abbey",
    "domain": "example.org",
    "admin": {"user": "ann", "email": "ann@example.org"},
    "hosts": {
        "monk": {"ssh": "ann@monk", "tailnet": "100.64.0.1"},
        "cloud": {"ssh": "root@cloud", "tailnet": "100.64.0.2", "place": "cloud"},
    },
    "identity": {"authentik": {"groups": {"family": ["ann", "bob"]}}},
    "database": {"primary": "cloud"},
    "apps": {"grafana": {}, "kavita": {"owner": "monk"}},
}


def two_hosts(**changes: Any) -> dict[str, Any]:
    """Return the small lab with top-level parts replaced; None removes one."""
    data = copy.deepcopy(TWO_HOSTS) | changes
    return {key: value for key, value in data.items() if value is not None}


def text_of(data: dict[str, Any]) -> str:
    return yaml.safe_dump(data, sort_keys=False)


class SteadyCatalog(Catalog):
    """The catalog with one tag for all images that hosts build, so that their sources do not move golden files."""

    def image_tag(self, context: str) -> str:
        return "0" * 12


def steady_catalog() -> Catalog:
    catalog = load_catalog()
    return SteadyCatalog(apps=catalog.apps, contexts=catalog.contexts)


def lab_of(text: str, catalog: Catalog | None = None, own: Mapping[str, str] | None = None) -> Lab:
    document = parse(text, "abbey.yaml")
    return resolve(load(Spec, document), catalog or load_catalog(), document.mark, own or {})


class CanaryVault:
    """A vault in which every secret is the canary and its own name, so that a leak tells where it came from."""

    def get(self, ref: SecretRef) -> Secret | None:
        return Secret(f"{CANARY}{ref.name}{ref.kind}")

    def ensure(self, refs: list[SecretRef]) -> None:
        return None

    def put(self, name: str, secret: Secret) -> None:
        raise AssertionError("nobody supplies a secret here")

    def names(self) -> list[str]:
        return []
