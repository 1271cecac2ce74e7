"""The front page in the model: links and their names, whose activity is shown, and the sentences about apps."""

from __future__ import annotations

import json
from typing import Any

import pytest

from abbey.errors import FileErrors
from abbey.model.portal import Activity, Portal
from abbey.model.promise import SENTENCES
from labs import REPOSITORY, lab_of, text_of, two_hosts


def portal_of(portal: dict[str, Any], **changes: Any) -> Portal:
    return lab_of(text_of(two_hosts(portal=portal, **changes))).portal


def faults(portal: dict[str, Any], **changes: Any) -> list[str]:
    with pytest.raises(FileErrors) as caught:
        portal_of(portal, **changes)
    return [f"{fault.message} ({fault.hint})" for fault in caught.value.faults]


def link(title: str, **fields: Any) -> dict[str, Any]:
    return {"title": title, "url": "https://example.org/", **fields}


def test_links_have_names_that_no_app_and_no_other_link_has() -> None:
    titles = ["Router", "Router!", "Großer Drucker", "—", "x" * 60, "x" * 60]
    found = portal_of({"links": [link(title) for title in titles]}).links
    assert [one.name for one in found] == [
        "link-router",
        "link-router-2",
        "link-groer-drucker",
        "link-tile",
        f"link-{'x' * 35}",
        f"link-{'x' * 35}-2",
    ]


def test_groups_of_links_must_exist() -> None:
    assert faults({"links": [link("Router", groups=["family", "famly"])]}) == [
        "there is no group famly (did you mean `family`?)"
    ]
    assert portal_of({"links": [link("Router", groups=["homelab-admin"])]}).links[0].groups == ("homelab-admin",)
    assert faults({"links": [link("Router", groups=["family"])]}, identity=None) == [
        "there is no identity provider that knows groups (add `identity:`)"
    ]


@pytest.mark.parametrize(
    ("wish", "activity"),
    [
        ({}, Activity("ann", token=False)),
        ({"forgejo": None}, Activity("ann", token=False)),
        ({"forgejo": {"user": "Lab.Bot"}}, Activity("Lab.Bot", token=False)),
        ({"forgejo": {"token": True}}, Activity("ann", token=True)),
    ],
)
def test_the_administrator_s_activity_is_shown_unless_another_is_named(
    wish: dict[str, Any], activity: Activity
) -> None:
    assert portal_of(wish, apps={"forgejo": {}}).activity == activity


def test_without_forgejo_there_is_no_activity() -> None:
    assert portal_of({}).activity is None
    assert faults({"forgejo": {"user": "ann"}}) == ["there is no Forgejo in this lab (add `apps: {forgejo: {}}`)"]


def test_the_portal_and_the_command_line_promise_the_same() -> None:
    messages = json.loads((REPOSITORY / "portal" / "messages.json").read_text())
    assert {key: texts["en"] for key, texts in messages.items() if key.startswith("promise.")} == SENTENCES
