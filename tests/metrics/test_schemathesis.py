"""Everything that the OpenAPI document allows, and much that it does not, asked of the real program.

No answer may be a fault of the server or differ from the document: as a program of the lab, and as visitors.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from real_metrics import PATIENCE, serving
from requests.adapters import HTTPAdapter
from schemathesis import APIOperation, Case, GenerationMode
from schemathesis.core.result import Ok
from served import PORTAL

pytestmark = pytest.mark.process

Operation = APIOperation[Any, Any, Any, Any]
PORTAL_ADDRESS = "127.0.0.9"
WHO = {
    "a program of the lab": ("127.0.0.1", {}),
    "nobody in particular": (PORTAL_ADDRESS, {}),
    "an administrator": (PORTAL_ADDRESS, {"X-Authentik-Username": "ada", "X-Authentik-Groups": "homelab-admin|coders"}),
}
# It ends only with its listener; it has tests of its own.
ENDLESS = "/api/v1/stream"
EXAMPLES = 10


class From(HTTPAdapter):
    """Asks from one address of this machine."""

    def __init__(self, source: str) -> None:
        self._source = source
        super().__init__()

    def init_poolmanager(self, *args: Any, **more: Any) -> None:
        super().init_poolmanager(*args, **more, source_address=(self._source, 0))


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    portal = tmp_path_factory.mktemp("portal") / "portal.json"
    portal.write_text(json.dumps(PORTAL))
    with serving(ABBEY_GATEWAYS=f"{PORTAL_ADDRESS}/32", ABBEY_PORTAL=str(portal), ABBEY_STATE=str(portal.parent)) as (
        _,
        port,
    ):
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(params=WHO)
def session(request: pytest.FixtureRequest) -> Iterator[requests.Session]:
    source, headers = WHO[request.param]
    with requests.Session() as made:
        made.trust_env = False
        made.mount("http://", From(source))
        made.headers.update(headers)
        yield made


def operations(url: str) -> list[Operation]:
    document = requests.get(f"{url}/api/v1/openapi.json", timeout=PATIENCE).json()
    schema = schemathesis.openapi.from_dict(document)
    found = [result.ok() for result in schema.get_all_operations() if isinstance(result, Ok)]
    assert {found.path for found in found} == set(document["paths"])
    return [operation for operation in found if operation.path != ENDLESS]


def takes_something(operation: Operation) -> bool:
    return any(True for _ in operation.iter_parameters()) or bool(operation.body)


def ask_everything(operation: Operation, mode: GenerationMode, **how: Any) -> list[int]:
    """Ask what this route may be asked, or may not; return the statuses of the answers, all of them as described."""
    statuses: list[int] = []

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(
        max_examples=EXAMPLES if takes_something(operation) else 1,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def ask(case: Case[Any]) -> None:
        statuses.append(case.call_and_validate(**how, timeout=PATIENCE).status_code)

    ask()
    return statuses


def test_what_the_document_allows_is_answered_as_it_says(url: str, session: requests.Session) -> None:
    for operation in operations(url):
        statuses = ask_everything(operation, GenerationMode.POSITIVE, base_url=url, session=session)
        assert set(statuses) <= {200, 403, 404}, operation.label


def test_what_the_document_does_not_allow_is_refused(url: str, session: requests.Session) -> None:
    for operation in filter(takes_something, operations(url)):
        statuses = ask_everything(operation, GenerationMode.NEGATIVE, base_url=url, session=session)
        # Some of it is a parameter that nobody knows; that is passed over, as everywhere in the web.
        assert any(400 <= status < 500 for status in statuses), operation.label
