"""The portal's document and files: what each tile knows, who sees it, and what of a person's own is served."""

from __future__ import annotations

import json
from typing import Any

import pytest

from abbey.files import FileTree
from abbey.render import render
from labs import lab_of, steady_catalog, text_of, two_hosts

TUNNEL = {"cloudflare": {"tunnel": "abbey", "id": "6ff42ae2-765d-4adf-8112-31c55c1551ef", "account": "0" * 32}}
APPS = {"kavita": {"owner": "monk", "groups": ["family"]}, "prometheus": {"owner": "cloud"}, "grafana": {}}
ROUTER = {"title": "Router", "url": "http://192.168.1.1/", "icon": "R", "groups": ["homelab-admin"]}


def tree_of(own: dict[str, str] | None = None, **changes: Any) -> FileTree:
    lab = lab_of(text_of(two_hosts(**{"apps": APPS, **changes})), steady_catalog(), own)
    trees = render(lab)
    pages = [path for path in trees["monk"] if path.startswith(("portal/site/", "metrics/"))]
    assert all(trees["monk"][path].shown() == trees["cloud"][path].shown() for path in pages)
    return trees["monk"]


def document(**changes: Any) -> dict[str, Any]:
    about = json.loads(tree_of(**changes)["metrics/portal.json"].shown())
    assert isinstance(about, dict)
    return about


def tiles(about: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {app["name"]: {**app, "in": group["name"]} for group in about["groups"] for app in group["apps"]}


def test_a_tile_knows_its_containers_its_groups_and_its_promise() -> None:
    about = document(ingress=TUNNEL)
    found = tiles(about)
    assert found["kavita"]["groups"] == ["family"]
    assert found["kavita"]["services"] == ["kavita"]
    assert found["kavita"]["promise"][0] == ["promise.owner", {"host": "monk"}]
    assert found["prometheus"]["promise"][1] == ["promise.gate", {"primary": "cloud"}]
    assert found["grafana"]["groups"] == []
    assert {tile["kind"] for tile in found.values()} == {"app"}
    assert (about["tunnel"], about["database"], about["language"]) == (True, True, "en")


def test_containers_that_do_not_run_in_this_lab_are_not_waited_for() -> None:
    apps = {"openproject": {"state": "split", "accept": "divergence"}}
    alone = tiles(document(apps=apps, identity=None, database=None))["openproject"]["services"]
    assert "openproject-database" in alone
    lab = lab_of(text_of(two_hosts(apps=apps)), steady_catalog())
    here = set(render(lab)["monk"]["compose.yaml"].shown().decode().split())
    for service in tiles(document(apps=apps))["openproject"]["services"]:
        assert f"{service}:" in here


def test_links_stand_among_the_apps() -> None:
    about = document(portal={"links": [ROUTER, ROUTER | {"title": "Wiki", "group": "Library", "groups": []}]})
    found = tiles(about)
    assert (found["link-router"]["in"], found["link-wiki"]["in"]) == ("Links", "Library")
    assert found["link-router"]["groups"] == ["homelab-admin"]
    assert (found["link-router"]["kind"], found["link-router"]["url"]) == ("link", ROUTER["url"])
    assert [group["name"] for group in about["groups"]] == ["Library", "Links", "Monitoring"]


@pytest.mark.parametrize("changes", [{"portal": {"login": False}}, {"identity": None, "apps": {"kavita": {}}}])
def test_nothing_is_cut_out_where_nobody_is_asked_who_they_are(changes: dict[str, Any]) -> None:
    tree = tree_of(**changes)
    assert all(tile["groups"] == [] for tile in tiles(json.loads(tree["metrics/portal.json"].shown())).values())
    for path in ("portal/site/index.en.html", "portal/site/index.de.html"):
        assert "<!--# if" not in tree[path].shown().decode()
    assert "$may_" not in tree["portal/conf.d/default.conf"].shown().decode().replace("$may_N", "")


def test_every_limit_of_the_page_has_its_map() -> None:
    tree = tree_of(portal={"links": [ROUTER]})
    config = tree["portal/conf.d/default.conf"].shown().decode()
    page = tree["portal/site/index.en.html"].shown().decode()
    assert '<!--# if expr="$may_1" -->' in page
    assert r'map $groups $may_1 { default ""; "~\\|family\\|" 1; }' in config
    assert r'map $groups $may_2 { default ""; "~\\|homelab\\-admin\\|" 1; }' in config


def test_own_files_are_served_under_own_and_named_in_the_document() -> None:
    own = {"own.css": ":root {}", "portal/clock.js": "export {}"}
    portal = {"css": "own.css", "widgets": ["portal/clock.js"], "docs": "https://wiki.example.org/"}
    tree = tree_of(own, portal=portal)
    about = json.loads(tree["metrics/portal.json"].shown())
    assert about["own"] == {"css": "/own/own.css", "widgets": ["/own/portal/clock.js"]}
    assert about["docs"] == portal["docs"]
    for name, text in own.items():
        assert tree[f"portal/site/own/{name}"].shown().decode() == text
    assert 'href="/own/own.css"' in tree["portal/site/index.de.html"].shown().decode()


def test_an_installed_portal_is_called_as_the_lab() -> None:
    tree = tree_of(portal={"title": 'The "Lab"', "language": "de"})
    manifest = json.loads(tree["portal/site/manifest.webmanifest"].shown())
    assert (manifest["name"], manifest["short_name"], manifest["lang"]) == ('The "Lab"', 'The "Lab"', "de")
    assert manifest["start_url"] == "/"


def test_a_new_tile_concerns_no_container_but_the_portal() -> None:
    """The metrics API looks for a new document by itself; the portal's files are seen by nginx as they are."""
    assert tree_of()["metrics/portal.json"].on_change == ()
    (effect,) = tree_of()["portal/site/index.en.html"].on_change
    assert (effect.service, effect.effect.value) == ("portal", "reload")
