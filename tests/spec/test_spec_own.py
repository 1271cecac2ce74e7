"""Files of a person's own that the portal shows: read beside abbey.yaml and from nowhere else."""

from __future__ import annotations

from pathlib import Path

import pytest
from inline_snapshot import snapshot

from abbey.cli.session import open_lab
from abbey.errors import FileErrors
from abbey.spec.own import MAX_BYTES
from labs import text_of, two_hosts


def written(folder: Path, portal: str) -> Path:
    path = folder / "abbey.yaml"
    path.write_text(f"{text_of(two_hosts())}portal: {portal}\n")
    return path


def told(folder: Path, portal: str) -> str:
    with pytest.raises(FileErrors) as caught:
        open_lab(written(folder, portal))
    return str(caught.value).replace(str(folder), "")


def test_own_files_are_read_with_the_lab(tmp_path: Path) -> None:
    (tmp_path / "portal").mkdir()
    (tmp_path / "own.css").write_text(":root { --accent: gold }")
    (tmp_path / "portal" / "clock.js").write_text("export default 'Uhr é';", encoding="utf-8")
    lab = open_lab(written(tmp_path, "{css: own.css, widgets: [portal/clock.js]}"))
    assert [(file.name, file.text) for file in lab.portal.own] == [
        ("own.css", ":root { --accent: gold }"),
        ("portal/clock.js", "export default 'Uhr é';"),
    ]


def test_every_file_that_cannot_be_shown_is_told_at_its_place(tmp_path: Path) -> None:
    outside = tmp_path / "outside.js"
    outside.write_text("1")
    folder = tmp_path / "lab"
    folder.mkdir()
    (folder / "leads-out.js").symlink_to(outside)
    (folder / "itself.js").symlink_to("itself.js")
    (folder / "folder.js").mkdir()
    (folder / "large.js").write_bytes(b" " * (MAX_BYTES + 1))
    (folder / "latin.js").write_bytes(b"'\xe9'")
    (folder / "twice.js").write_text("1")
    (folder / "whole.js").write_bytes(b" " * MAX_BYTES)
    names = "gone.js, leads-out.js, itself.js, folder.js, large.js, latin.js, twice.js, whole.js, twice.js"
    assert told(folder, f"{{css: gone.css, widgets: [{names}]}}") == snapshot("""\
/abbey.yaml:26:15: there is no file gone.css here
    hint: its path begins at the folder of this file
/abbey.yaml:26:35: there is no file gone.js here
    hint: its path begins at the folder of this file
/abbey.yaml:26:44: leads-out.js is a link that leads out of this folder
    hint: copy the file to here
/abbey.yaml:26:58: itself.js cannot be read: it is a link that leads to itself
/abbey.yaml:26:69: folder.js is no file
    hint: name a file beside this one
/abbey.yaml:26:80: large.js is larger than 256 KiB
    hint: every visitor would load it
/abbey.yaml:26:90: latin.js is not UTF-8 text
    hint: save it as UTF-8
/abbey.yaml:26:100: twice.js is named 2 times
    hint: each file does its work once
/abbey.yaml:26:120: twice.js is named 2 times
    hint: each file does its work once\
""")


def test_a_link_inside_the_folder_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real.js").write_text("1")
    (tmp_path / "clock.js").symlink_to("real.js")
    lab = open_lab(written(tmp_path, "{widgets: [clock.js]}"))
    assert [file.text for file in lab.portal.widgets] == ["1"]


def test_the_system_s_own_reason_is_told(tmp_path: Path) -> None:
    (tmp_path / "file.js").write_text("1")
    assert "file.js/own.js cannot be read: Not a directory" in told(tmp_path, "{widgets: [file.js/own.js]}")


@pytest.mark.parametrize(
    "name",
    [
        "../own.js",
        "portal/../../own.js",
        "/etc/own.js",
        ".own.js",
        "a//b.js",
        "own.css",
        "own.js.txt",
        "a b.js",
        "~/a.js",
    ],
)
def test_a_path_that_could_lead_out_is_refused_before_anything_is_read(tmp_path: Path, name: str) -> None:
    assert "`portal.widgets.0` must be a file beside this one that ends with .js" in told(
        tmp_path, f"{{widgets: ['{name}']}}"
    )


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)", "ftp://a.example", "//a.example", "https://ann:secret@a.example/", "https://", "http:///x",
        'https://a.example/"x', "https://a.example/<!--#echo", "https://a.example/a b", "https://a\\b", "/inside",
    ],
)  # fmt: skip
def test_a_link_leads_to_the_web_only(tmp_path: Path, url: str) -> None:
    quoted = url.replace("'", "''")
    assert "must be an address of the web" in told(tmp_path, f"{{links: [{{title: Router, url: '{quoted}'}}]}}")
    assert "must be an address of the web" in told(tmp_path, f"{{docs: '{quoted}'}}")


@pytest.mark.parametrize("url", ["http://192.168.1.1", "https://a.example:8443/x?y=1#z", "http://[fd00::1]/@ann"])
def test_a_link_may_lead_to_any_page(tmp_path: Path, url: str) -> None:
    (link,) = open_lab(written(tmp_path, f"{{links: [{{title: Router, url: '{url}'}}]}}")).portal.links
    assert (link.name, link.url, link.group) == ("link-router", url, "Links")
