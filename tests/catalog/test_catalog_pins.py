"""Pins: what counts where abbey.yaml, a pin and the catalog say different things, and the file that holds them."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abbey.catalog.container import Image
from abbey.catalog.load import load_catalog
from abbey.catalog.pins import Pin, PinFile, Pins, age, load_pins, notes_url, text_of
from abbey.errors import FileErrors
from abbey.model.images import used
from abbey.model.service import services
from abbey.spec.load import load
from abbey.spec.yaml import parse
from labs import lab_of, two_hosts
from labs import text_of as text_of_lab

A, B = "sha256:" + "a" * 64, "sha256:" + "b" * 64
GRAFANA = "docker.io/grafana/grafana"


def image(tag: str, ref: str = GRAFANA, **more: str) -> Image:
    return Image.model_validate({"ref": ref, "tag": tag, **more})


def pins(given: str = "", **entries: str) -> Pins:
    """Return pins of Grafana: key's tag (with _ for .) to tag, and the catalog's own tags."""
    pinned = {f"{GRAFANA}:{key.strip('_').replace('_', '.')}": Pin(tag=tag, digest=A) for key, tag in entries.items()}
    return Pins(pinned, frozenset(f"{GRAFANA}:{tag}" for tag in given.split()))


def test_without_a_pin_the_catalog_counts() -> None:
    assert pins().held(image("13.2.3")).reference(GRAFANA) == f"{GRAFANA}:13.2.3"
    assert pins().held(image("13.2.3", digest=B)).reference(GRAFANA) == f"{GRAFANA}:13.2.3@{B}"


def test_a_pin_counts_instead_of_the_catalog() -> None:
    found = pins("13.2.3", _13_2_3="13.3.0").held(image("13.2.3", digest=B))
    assert found.reference(GRAFANA) == f"{GRAFANA}:13.3.0@{A}"
    assert not found.remark


def test_abbey_yaml_counts_most() -> None:
    found = pins("13.2.3", _13_2_3="13.3.0").held(image("13.2.3"), "12.4.1")
    assert found.reference(GRAFANA) == f"{GRAFANA}:12.4.1"
    assert "the pin for 13.3.0 does not count" in found.remark
    found = pins("13.2.3", _12_4_1="12.4.1").held(image("13.2.3"), "12.4.1")
    assert found.reference(GRAFANA) == f"{GRAFANA}:12.4.1@{A}"
    found = pins("13.2.3", _13_2_3="13.3.0").held(image("13.2.3"), "13.2.3")
    assert found.reference(GRAFANA) == f"{GRAFANA}:13.2.3", "named in abbey.yaml, so not moved by a pin"


@pytest.mark.parametrize(
    ("key", "pinned", "catalog", "tag"),
    [
        ("13.2.3", "13.5.0", "13.4.0", "13.5.0"),
        ("13.2.3", "13.4.0", "13.4.0", "13.4.0"),
        ("13.2.3", "13.3.0", "13.4.0", "13.4.0"),
        ("13.2.3", "14.0.1", "13.4.0", "14.0.1"),
        ("13.2.3", "14.3.0", "14.1.0", "14.3.0"),
        ("13.2.3", "13.9.0", "14.1.0", "14.1.0"),
        ("17.11", "17.13", "18.6", "18.6"),
        ("18.6", "18.7", "17.12", "17.12"),
        ("13.2.3-alpine", "13.5.0-alpine", "13.4.0", "13.4.0"),
        ("latest", "13.5.0", "13.4.0", "13.4.0"),
    ],
)
def test_a_new_catalog_takes_nothing_back(key: str, pinned: str, catalog: str, tag: str) -> None:
    found = Pins({f"{GRAFANA}:{key}": Pin(tag=pinned, digest=A)}, frozenset()).held(image(catalog))
    assert found.tag == tag
    assert bool(found.digest) == bool(found.pin) == (tag == pinned)


def test_what_a_newer_catalog_does_to_a_pin_is_said() -> None:
    assert "counts on" in pins(_13_2_3="13.5.0").held(image("13.4.0")).remark
    assert "does not count any more" in pins(_13_2_3="13.3.0").held(image("13.4.0")).remark


def test_the_pin_of_another_app_is_left_to_it() -> None:
    both = pins("9.0.1 9.0.2", _9_0_1="9.1.0")
    assert both.held(image("9.0.1")).tag == "9.1.0"
    assert both.held(image("9.0.2")).tag == "9.0.2"
    assert both.stale(image("9.0.2")) == frozenset()
    assert pins("9.0.2", _9_0_1="9.1.0").stale(image("9.0.2")) == {f"{GRAFANA}:9.0.1"}


def test_the_file_is_read_as_it_was_written(tmp_path: Path) -> None:
    entries = {
        "localhost:5000/x/y:17.11": Pin(tag="17.12", digest=B),
        f"{GRAFANA}:13.2.3": Pin(tag="13.3.0", digest=A, created="2026-10-01"),
    }
    path = tmp_path / "images.yaml"
    path.write_text(text_of(entries))
    assert load_pins(path) == entries
    head, comment, *rows = path.read_text().splitlines()
    assert head.startswith("# What this lab runs of each image.")
    assert comment.startswith("# Left: ")
    assert rows == [
        "images:",
        f"  {GRAFANA}:13.2.3: {{tag: '13.3.0', digest: {A}, created: '2026-10-01'}}".replace("'", '"'),
        f'  localhost:5000/x/y:17.11: {{tag: "17.12", digest: {B}}}',
    ]
    assert text_of(dict(reversed(entries.items()))) == path.read_text()
    path.write_text(text_of({}))
    assert load_pins(path) == {}
    assert load_pins(tmp_path / "no-such-file") == {}


@given(
    st.dictionaries(
        st.from_regex(r"[a-z0-9]{1,5}(:[0-9]{2})?/[a-z0-9._-]{1,5}:[A-Za-z0-9_.-]{1,6}", fullmatch=True),
        st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,5}", fullmatch=True),
        max_size=5,
    )
)
def test_any_pins_are_read_as_they_were_written(found: dict[str, str]) -> None:
    text = text_of({key: Pin(tag=tag, digest=A) for key, tag in found.items() if key.rpartition(":")[2][0] not in ".-"})
    read = load(PinFile, parse(text, "images.yaml")).images
    assert text_of(read) == text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("images:\n  grafana: {tag: x, digest: y}\n", "2:3: the name `grafana`"),
        (f"images:\n  {GRAFANA}:1: {{tag: 1.2, digest: {A}}}\n", "must be text"),
        (f'images:\n  {GRAFANA}:1: {{tag: "1", digest: sha256:12}}\n', "`images.docker.io/grafana/grafana:1.digest`"),
        (f'images:\n  {GRAFANA}:1: {{tag: "1"}}\n', "`digest` is missing"),
        (f'images:\n  {GRAFANA}:1: {{tag: "1", digest: "{A}", create: x}}\n', "unknown key `create`"),
        ("image: {}\n", "unknown key `image`"),
        ("<<<<<<< HEAD\nimages:\n", "images.yaml:"),
    ],
)
def test_a_fault_in_the_file_is_told_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "images.yaml"
    path.write_text(text)
    with pytest.raises(FileErrors) as caught:
        load_pins(path)
    assert said in str(caught.value)


def test_a_lab_runs_what_is_pinned() -> None:
    plain = lab_of(text_of_lab(two_hosts()))
    grafana = next(one for one in used(plain) if one.image.ref == GRAFANA)
    catalog = load_catalog(pins={grafana.key: Pin(tag="13.9.1", digest=A)})
    lab = lab_of(text_of_lab(two_hosts()), catalog)
    (service,) = (one for one in services(lab, lab.hosts[0]) if one.name == "grafana")
    assert service.image == f"{GRAFANA}:13.9.1@{A}"
    lab = lab_of(text_of_lab(two_hosts(apps={"grafana": {"tag": "12.0.0"}})), catalog)
    (service,) = (one for one in services(lab, lab.hosts[0]) if one.name == "grafana")
    assert service.image == f"{GRAFANA}:12.0.0"


def test_the_images_of_a_lab_are_those_that_hosts_pull() -> None:
    found = {one.image.ref: one for one in used(lab_of(text_of_lab(two_hosts())))}
    assert found["ghcr.io/goauthentik/server"].services == ("authentik-server", "authentik-worker")
    assert found[GRAFANA].apps == ("grafana",)
    assert not any(ref.startswith("abbey/") for ref in found)
    assert "codeberg.org/forgejo/forgejo" not in found


@pytest.mark.parametrize(
    ("created", "said"),
    [
        ("2026-10-10", "today"),
        ("2026-10-09", "1 day"),
        ("2026-08-15", "56 days"),
        ("2026-06-01", "4 months"),
        ("2024-01-01", "3 years"),
        ("2026-10-12", "today"),
        ("", ""),
        ("2026-02-31", ""),
    ],
)
def test_age(created: str, said: str) -> None:
    assert age(created, date(2026, 10, 10)) == said


def test_release_notes() -> None:
    url = "https://example.org/releases/v{tag}"
    assert notes_url(image("v1.2.3-alpine", notes=url), "v1.3.0-alpine") == "https://example.org/releases/v1.3.0"
    assert notes_url(image("1"), "2") == ""
