from __future__ import annotations

import json

from inline_snapshot import snapshot
from plan_labs import CANARY, desired, settled, with_file

from abbey.plan.action import Plan
from abbey.plan.diff import diff
from abbey.plan.show import describe, summary, to_json, to_text
from abbey.plan.state import FileState

CLOUD, HOME = desired("kscloud1"), desired("monk")
WHOLE = diff([CLOUD, HOME], {})


def test_an_empty_plan_says_so_in_every_form() -> None:
    assert to_text(Plan()) == summary(Plan()) == "nothing to do"
    assert to_json(Plan()) == {"version": 1, "changes": False, "summary": {}, "actions": [], "warnings": []}


def test_a_cause_that_does_not_fit_stands_below() -> None:
    state = with_file(settled(HOME), "gateway/Caddyfile", FileState("x", 0o644))
    assert to_text(diff([HOME], {"monk": state}), width=48) == snapshot("""\
monk
  ~ file    gateway/Caddyfile
            changed on the host by hand
  ~ reload  Gateway
            its file gateway/Caddyfile changed

1 host: 1 file, 1 reload\
""")


def test_warnings_stand_at_the_end() -> None:
    assert to_text(WHOLE, warnings=["one", "two"]) == f"{to_text(WHOLE)}\n\nwarning: one\nwarning: two"
    assert to_json(WHOLE, warnings=["one"])["warnings"] == ["one"]


def test_each_action_in_one_line() -> None:
    assert [describe(action.act) for action in WHOLE.actions] == snapshot(
        [
            "write 4 files",
            "build abbey/metrics:1",
            "pull postgres:17, app:1, caddy:2",
            "bring up Metrics, Postgres",
            "run roles and databases",
            "bring up App",
            "bring up Gateway",
            "write 3 files",
            "build abbey/metrics:1",
            "pull app:1, caddy:2",
            "bring up Metrics",
            "bring up App",
            "bring up Gateway",
        ]
    )


def test_json_has_a_version_and_every_action() -> None:
    shown = to_json(WHOLE)
    assert shown["version"] == 1
    assert [action["kind"] for action in shown["actions"]] == snapshot(
        [
            "write-files",
            "build-images",
            "pull-images",
            "up",
            "run",
            "up",
            "up",
            "write-files",
            "build-images",
            "pull-images",
            "up",
            "up",
            "up",
        ]
    )
    assert shown["summary"] == snapshot({"create": 7, "files": 7, "hosts": 2, "images": 7, "steps": 1})
    assert shown["actions"][0] == snapshot(
        {
            "id": 1,
            "host": "kscloud1",
            "after": [],
            "text": "write 4 files",
            "kind": "write-files",
            "files": [
                {"path": "compose.yaml", "change": "create", "cause": "not there yet", "secret": False},
                {"path": "gateway/Caddyfile", "change": "create", "cause": "not there yet", "secret": False},
                {"path": "postgres/roles.sql", "change": "create", "cause": "not there yet", "secret": False},
                {"path": "secrets/app", "change": "create", "cause": "not there yet", "secret": True},
            ],
        }
    )
    json.dumps(shown)


def test_no_form_holds_a_secret_or_a_digest() -> None:
    for text in (to_text(WHOLE), json.dumps(to_json(WHOLE)), repr(WHOLE)):
        assert CANARY not in text
        assert not any(digest in text for digest in CLOUD.digests.values())
