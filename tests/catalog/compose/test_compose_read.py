"""How Compose files are read: as the real Compose reads them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from abbey.catalog.compose.node import Node
from abbey.catalog.compose.project import Project
from abbey.catalog.compose.read import files_of, read
from abbey.catalog.compose.values import mount, ports, words
from abbey.errors import FileErrors
from compose_projects import FIXTURES, HOME, PROJECTS, config, plain


def same(project: Project, real: Any) -> None:
    assert set(project.services) == set(real["services"])
    for key, service in project.services.items():
        theirs = real["services"][key]
        assert ours(project, key, service) == picked(theirs), key


def ours(project: Project, key: str, service: Node) -> dict[str, Any]:
    mounts = [mount(node) for node in (service.get("volumes") or service.but([])).list]
    found = {
        "ports": sorted(
            (port.address, port.published or 0, port.target, port.protocol)
            for node in (service.get("ports") or service.but([])).list
            for port in ports(node)
        ),
        "volumes": sorted(
            (
                one.kind,
                _source(one.source, one.node.base) if one.kind == "bind" else one.source,
                one.target,
                one.read_only,
            )
            for one in mounts
        ),
        "environment": {name: variable.value for name, variable in project.environment[key].items()},
    }
    for word in ("command", "entrypoint"):
        node = service.get(word)
        found[word] = list(words(node)) if node else None
    for word in ("image", "user"):
        node = service.get(word)
        found[word] = node.text if node else None
    test = node.get("test") if (node := service.get("healthcheck")) else None
    found["test"] = None if test is None else ["CMD-SHELL", test.text] if test.scalar else list(words(test))
    return found


def _source(text: str, base: Path) -> str:
    text = str(HOME) + text[1:] if text.startswith("~") else text
    return os.path.normpath(Path(os.path.abspath(base)) / text)


def picked(service: dict[str, Any]) -> dict[str, Any]:
    return {
        "ports": sorted(
            (
                port.get("host_ip", ""),
                int(port.get("published") or 0),
                port["target"],
                port["protocol"],
            )
            for port in service.get("ports", [])
        ),
        "volumes": sorted(
            (one["type"], one.get("source", ""), one["target"], one.get("read_only", False))
            for one in service.get("volumes", [])
        ),
        "environment": {name: plain(value) for name, value in service.get("environment", {}).items()},
        "command": None if service.get("command") is None else [plain(word) for word in service["command"]],
        "entrypoint": None if service.get("entrypoint") is None else [plain(word) for word in service["entrypoint"]],
        "image": service.get("image"),
        "user": service.get("user"),
        "test": [plain(word) for word in test] if (test := service.get("healthcheck", {}).get("test")) else None,
    }


@pytest.mark.process
@pytest.mark.parametrize("name", PROJECTS)
def test_it_agrees_with_the_real_compose(name: str) -> None:
    folder = FIXTURES / name
    same(read(files_of(folder)), config(folder))


@pytest.mark.process
def test_it_agrees_about_profiles() -> None:
    folder = FIXTURES / "notes"
    same(read(files_of(folder), profiles=["dev"]), config(folder, "--profile", "dev"))


ODD = """
name: odd
x-a: &a {environment: &e {A: 1, B: two}, ports: ["80:80"], command: [x, "y z"]}
services:
  a:
    <<: *a
    image: x:${MISSING:-1}
    user: "${NOBODY-1000}"
    environment:
      <<: *e
      UMASK: 022
      F: 1.10
      Y: yes
      T: true
      N:
      H: 0x1F
      O: 0o17
      U: 1_000
      E: 1e3
      Z: 22:22
      I: .inf
      BIG: 12345678901234567890
      NO: ~
      NEG: "-$$5"
      DOL: "$$$$x ${A:-d${B:-e}} ${A-} ${C:+yes} $A ${D-$$} ${DOTTED} $5 $(x) a$"
      S: !!str 12
      P: ./a_b/c_d
      V: 1_0.2_0.3
      G: 5_gb
    ports: ["3000", "80:80", 90, "127.0.0.1:5:6/udp", "8000-8002:9000-9002", "[::1]:77:78", "127.0.0.1::79"]
    volumes: ["./x_1/y_2:/y:ro", "vol:/z/", "/anon", "~/q:/q", "../up:/up:rw,z", {type: tmpfs, target: /t}]
    healthcheck: {test: curl x, interval: 1m30s}
    env_file: [odd.env, more.env]
  b:
    extends: a
    command: []
    entrypoint: ""
    environment: [T, "Q=1", "QQ=a=b"]
    ports: ["80:81", {target: 90, published: 91}]
    volumes: ["other:/y"]
    depends_on: [a]
  c: {extends: {service: b}, command: echo "a b" 'c d' $$HOME e\\ f, image: y@sha256:1234567890123456789012345678901234567890123456789012345678901234}
volumes: {vol: , other: }
"""
ODD_ENV = r"""
# comment
A1=plain value
A2="double \"quoted\" \n $A1 \$x"   # comment
A3='single $A1 \n'
A4=hash#inside # outside
export A5 = spaced
A6: colon
A7=
A8="two
lines"
A9=$$5 ${A1} ${NOTHING:-else}
B1="with $$ and ${A3}"
B2=trailing\
B3='it''s'
B4=a=b=c
""".replace("B3='it''s'\n", "")
DOT_ENV = "B='from dot env'\nDOTTED=\"$B!\"\nC=c\n"


@pytest.mark.process
def test_it_agrees_about_odd_values(tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text(ODD)
    (tmp_path / "odd.env").write_text(ODD_ENV)
    (tmp_path / "more.env").write_text("A1=again\nM1=$A1 $A7 $F $C\nC=mine\nM2=$C\nexport DOTTED\n")
    (tmp_path / ".env").write_text(DOT_ENV)
    (tmp_path / "compose.override.yaml").write_text(
        "services:\n  a:\n    ports: !override ['1:1']\n    volumes: ['vol:/other', 'vol:/anon']\n"
        "    environment: {A: !reset null, B: 3}\n  c: {command: !reset null, user: null, entrypoint: null}\n"
    )
    same(read(files_of(tmp_path)), config(tmp_path))


WRONG = {
    "services:\n  a: {imag: x}": "unknown key `imag`",
    "services:\n  a: {image: x, ports: 80}": "`ports` must be a list",
    "services:\n  a: {image: x, image: y}": "stands here twice",
    "services:\n  a: {image: '${X:?}'}": "X must have a value",
    "services:\n  a: {image: x, command: '${5}'}": "without the name of a variable",
    "services:\n  a: {image: x, extends: b}": "there is no service b to extend",
    "services:\n  a: {image: x, extends: b}\n  b: {image: x, extends: a}": "would extend itself",
    "services:\n  a: {image: x, depends_on: [b]}\n  b: {image: x, depends_on: [a]}": "depends on itself",
    "services:\n  a: {image: x, depends_on: [c]}": "depends on c",
    "services:\n  a: {image: x, networks: [n]}": "there is no `n`",
    "services:\n  a: {image: x, secrets: [s]}": "there is no `s`",
    "services:\n  a: {image: x, env_file: none.env}": "there is no file",
    "services:\n  a: {command: x}": "neither image nor build",
    "services:\n  a: {image: x, environment: {D: 2001-01-01}}": "takes this for a date",
    "services:\n  a: {image: *x}": "nothing above is called",
    "services:\n  a: {<<: 5, image: x}": "can only merge a mapping",
    "- a\n": "a Compose file is a mapping",
    "services:\n  a: [": "expected",
    "include: [none.yaml]\nservices:\n  a: {image: x}": "there is no file",
}


@pytest.mark.process
@pytest.mark.parametrize("text", sorted(WRONG))
def test_what_compose_refuses_is_refused_with_its_place(tmp_path: Path, text: str) -> None:
    (tmp_path / "compose.yaml").write_text(text)
    with pytest.raises(FileErrors) as caught:
        read(files_of(tmp_path))
    assert WRONG[text] in str(caught.value)
    assert f"{tmp_path}/compose.yaml:" in str(caught.value)
    assert config(tmp_path, check=False) is None


@pytest.mark.parametrize("text", ["services: {}\n", "services:\n  a: {image: x, volumes: ['v:/x']}"])
def test_what_compose_would_not_start_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "compose.yaml").write_text(text)
    with pytest.raises(FileErrors, match=r"there are no services|there is no `v`"):
        read(files_of(tmp_path))


def test_all_faults_come_at_once(tmp_path: Path) -> None:
    text = "services:\n  a: {imag: x, ports: 80}\n  b: {image: '${X:?no}', extends: q}\n"
    (tmp_path / "compose.yaml").write_text(text)
    with pytest.raises(FileErrors) as caught:
        read(files_of(tmp_path))
    assert len(caught.value.faults) == 5
