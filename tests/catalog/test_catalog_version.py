"""Which tag an update goes to, with tags as repositories really have them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abbey.catalog.version import Choice, Updates, ask, choose, crosses, plain, read


def tags_of(text: str) -> list[str]:
    return text.split()


GRAFANA = tags_of("""
    latest main 10.4.19 11.6.7 12.4.1 13.2.3 13.2.4 13.3.0 13.3.0-ubuntu 13.4.0-29384729 13.4.0-rc.1 13.3.1-security-01
    13.3 13 14.0.0 14.0.0-beta1 nightly 2024.1.5 v13.9.9 13.2.3-12345678901
""")
POSTGRES = tags_of("""
    latest 16.10 16.10-alpine 17 17.11 17.12 17.12-alpine 17.12-alpine3.22 17.12-bookworm 17-alpine 18 18.6 18.6-alpine
    18rc1 19beta1 19beta1-alpine
""")
AUTHENTIK = tags_of("""
    latest 2025.8.4 2025.10.0 2025.10.3 2025.12.0 2025.12.2 2026.2.0 2026.2.0-rc1 2026.2 2026.5.0-rc1 gh-main 2026.8.3
    2025.12.2-arm64 2025.10
""")
FORGEJO = tags_of("""
    15 15-rootless 15.0 15.0-rootless 15.0.9 15.0.9-rootless 15.0.10-rootless 15.0.10 16 16.0.5-rootless 16.0.5
    17.0.0-dev-rootless 15.0.11-test-rootless
""")
NGINX = [
    "1.30.5-alpine",
    "1.30.6-alpine",
    "1.30.6-alpine-slim",
    "1.30.6-alpine3.23",
    "1.30.6",
    "stable-alpine",
    "mainline",
]
IMMICH = [
    "v3.2.2",
    "v3.3.0",
    "v3.3.0-cuda",
    "v3.4.0-rc.2",
    "v4.0.0",
    "release",
    "v3",
    "3.9.9",
    "commit-0123abcd",
    "pr-1",
]
OPENPROJECT = [
    "17",
    "17-slim",
    "17.8.0",
    "17.8.0-slim",
    "17.9.1",
    "17.9.1-slim",
    "18.0.0-slim",
    "dev-slim",
    "17.9.2-slim-bim",
]
SEARXNG = ["latest", "2026.10.3-4b1cc4a", "2026.10.9-8ac1f3b62", "2026.11.1-1234567"]
LSIO = [
    "3.2.6-r0-ls60",
    "3.2.6-r0-ls61",
    "3.2.6-r1-ls62",
    "version-3.2.6-r0",
    "latest",
    "3.2.6",
    "arm64v8-3.2.6-r0-ls99",
]
CALENDAR = ["0.118.5", "2026.9.4", "2026.10.0", "2026.10.0b3", "2026.10.0.dev202609010", "2027.1.0", "stable", "rc"]


@pytest.mark.parametrize(
    ("current", "tags", "updates", "expected"),
    [
        ("13.2.3", GRAFANA, "major", Choice("13.3.0", "14.0.0")),
        ("13.2.3", GRAFANA, "minor", Choice("13.3.0", "14.0.0", refused=True)),
        ("14.0.0", GRAFANA, "major", Choice("14.0.0")),
        ("latest", GRAFANA, "major", Choice("latest")),
        ("13.3.0-ubuntu", GRAFANA, "major", Choice("13.3.0-ubuntu")),
        ("17.11", POSTGRES, "by-hand", Choice("17.12", "18.6", refused=True)),
        ("16.10-alpine", POSTGRES, "by-hand", Choice("16.10-alpine", "18.6-alpine", refused=True)),
        ("18.6", POSTGRES, "by-hand", Choice("18.6")),
        ("2.39.6", ("2.39.6", "2.39.9", "2.46.0"), "patch", Choice("2.39.9", "2.46.0", refused=True)),
        ("v1.41.0", ("v1.41.3", "v1.42.0"), "patch", Choice("v1.41.3", "v1.42.0", refused=True)),
        ("17", POSTGRES, "by-hand", Choice("17", "18", refused=True)),
        ("2025.8.4", AUTHENTIK, "next-major", Choice("2025.10.3", "2026.8.3", refused=True, step="2025.10.3")),
        ("2025.10.0", AUTHENTIK, "next-major", Choice("2025.12.2", "2026.8.3", refused=True, step="2025.12.2")),
        ("2025.12.2", AUTHENTIK, "next-major", Choice("2026.2.0", "2026.8.3", refused=True, step="2026.2.0")),
        ("2026.2.0", AUTHENTIK, "next-major", Choice("2026.8.3")),
        ("2026.8.3", AUTHENTIK, "next-major", Choice("2026.8.3")),
        ("15.0.9-rootless", FORGEJO, "major", Choice("15.0.10-rootless", "16.0.5-rootless")),
        ("15.0.9", FORGEJO, "next-major", Choice("16.0.5")),
        ("1.30.5-alpine", NGINX, "major", Choice("1.30.6-alpine")),
        ("v3.2.2", IMMICH, "minor", Choice("v3.3.0", "v4.0.0", refused=True)),
        ("17.8.0-slim", OPENPROJECT, "major", Choice("17.9.1-slim", "18.0.0-slim")),
        ("2026.10.3-4b1cc4a", SEARXNG, "major", Choice("2026.10.3-4b1cc4a")),
        ("2026.11.1-1234567", SEARXNG, "major", Choice("2026.11.1-1234567")),
        ("3.2.6-r0-ls60", LSIO, "major", Choice("3.2.6-r1-ls62")),
        ("2026.9.4", CALENDAR, "minor", Choice("2026.10.0", "2027.1.0", refused=True)),
        ("0.118.5", CALENDAR, "major", Choice("0.118.5")),
        ("13.2.3", [], "major", Choice("13.2.3")),
    ],
)
def test_where_an_update_goes(current: str, tags: list[str], updates: Updates, expected: Choice) -> None:
    assert choose(current, tags, updates) == expected


def test_a_major_version_is_gone_to_when_asked_for() -> None:
    assert choose("13.2.3", GRAFANA, "major", major=True) == Choice("14.0.0")
    assert choose("17.11", POSTGRES, "by-hand", major=True) == choose("17.11", POSTGRES, "by-hand")
    assert choose("v3.2.2", IMMICH, "minor", major=True) == choose("v3.2.2", IMMICH, "minor")
    assert choose("2025.8.4", AUTHENTIK, "next-major", major=True).tag == "2025.10.3"


def test_an_image_that_waits_stays_in_its_series() -> None:
    expected = Choice("2025.10.3", "2026.8.3", refused=True, step="2025.10.3")
    assert choose("2025.10.0", AUTHENTIK, "next-major", wait=True) == expected


@pytest.mark.parametrize(
    ("current", "wanted", "tags", "updates", "refused", "warning"),
    [
        ("2025.8.4", "2025.10.0", AUTHENTIK, "next-major", "", ""),
        ("2025.8.4", "2025.12.2", AUTHENTIK, "next-major", "the next one is 2025.10.3", ""),
        ("2025.8.4", "2026.8.3", AUTHENTIK, "next-major", "the next one is 2025.10.3", ""),
        ("2025.10.3", "2025.10.0", AUTHENTIK, "next-major", "is older than", ""),
        ("2025.10.3", "latest", AUTHENTIK, "next-major", "nothing tells", ""),
        ("17.11", "17.12-alpine", POSTGRES, "by-hand", "", ""),
        ("17.11", "18.6", POSTGRES, "by-hand", "must be moved by hand", ""),
        ("17.12", "17.11", POSTGRES, "by-hand", "is older than", ""),
        ("17.12", "17.12", POSTGRES, "by-hand", "", ""),
        ("13.2.3", "12.4.1", GRAFANA, "major", "", "is older than"),
        ("13.2.3", "14.0.0", GRAFANA, "major", "", "read its release notes"),
        ("13.2.3", "13.2.4", GRAFANA, "minor", "", ""),
        ("13.2.3", "nightly", GRAFANA, "minor", "", "nothing tells"),
    ],
)
def test_a_tag_that_a_person_names(
    current: str, wanted: str, tags: list[str], updates: Updates, refused: str, warning: str
) -> None:
    answer = ask(current, wanted, tags, updates)
    assert (refused in answer.refused) if refused else not answer.refused
    assert (warning in answer.warning) if warning else not answer.warning


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("v3.2.2", "3.2.2"),
        ("15.0.9-rootless", "15.0.9"),
        ("3.2.9-alpine", "3.2.9"),
        ("3.2.6-r0-ls60", "3.2.6"),
        ("2.0.0-rc.1", "2.0.0-rc.1"),
        ("version-1", "version-1"),
    ],
)
def test_release_notes_name_a_tag_plainly(tag: str, expected: str) -> None:
    assert plain(tag) == expected


def test_what_a_tag_is() -> None:
    assert read("latest") is None
    assert read("sha-0123abc") is None
    assert read("1.2.3-0123abc") is None
    assert crosses("2025.8.4", "2025.10.0")
    assert not crosses("2025.8.4", "2025.8.9")
    assert not crosses("latest", "latest")


numbers = st.lists(st.integers(0, 40), min_size=1, max_size=4)
versions = st.builds(
    lambda prefix, parts, rest: f"{prefix}{'.'.join(map(str, parts))}{rest}",
    st.sampled_from(["", "v"]),
    numbers,
    st.sampled_from(["", "-alpine", "-rootless", "-rc1", "rc1", "-beta.2", "-ls12", "-dev", "-0123abc"]),
)
junk = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,30}", fullmatch=True)
policies = st.sampled_from(["minor", "major", "next-major", "by-hand"])


@given(junk | versions, st.lists(versions | junk, max_size=30), policies, st.booleans())
def test_an_update_never_goes_down_nor_to_another_variant(
    current: str, tags: list[str], updates: Updates, major: bool
) -> None:
    choice = choose(current, tags, updates, major=major)
    assert choice == choose(current, reversed(tags), updates, major=major), "the order of tags does not count"
    now, then = read(current), read(choice.tag)
    if choice.tag == current:
        return
    assert choice.tag in tags
    assert now is not None
    assert then is not None
    assert then.finished
    assert then.age > now.age
    assert then.like(now)
    assert choose(choice.tag, tags, updates, major=major).tag == choice.tag or updates == "next-major"
    if updates in ("minor", "by-hand"):
        assert then.major == now.major
    assert not ask(current, choice.tag, tags, updates).refused


@given(st.lists(versions, min_size=1, max_size=30))
def test_steps_over_major_versions_miss_none(tags: list[str]) -> None:
    for start in tags:
        seen, current = [start], start
        while (after := choose(current, tags, "next-major").tag) != current:
            current = after
            seen.append(current)
        now = read(start)
        if now is not None:
            series = {one.series for tag in tags if (one := read(tag)) and one.finished and one.like(now)}
            walked = {one.series for tag in seen if (one := read(tag))}
            assert {one for one in series if one > now.series} <= walked


@given(junk)
def test_any_tag_can_be_read(text: str) -> None:
    tag = read(text)
    assert tag is None or tag.text == text
    assert plain(text)
