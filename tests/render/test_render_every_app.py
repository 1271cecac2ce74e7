"""Every app of the catalog, alone and all together: what is written for it fits together and leaks nothing."""

from __future__ import annotations

import json
import re
import subprocess
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jmespath
import pytest
import yaml

from abbey.catalog.load import Catalog, load_catalog
from abbey.catalog.schema import App
from abbey.check.blueprint import lints
from abbey.files import FileTree
from abbey.model.lab import Lab
from abbey.model.service import services as services_of
from abbey.plan.state import Desired
from abbey.render import desired
from abbey.secrets import Secret, SecretRef
from abbey.spec.schema import Contract
from labs import CANARY, CanaryVault, lab_of, text_of, two_hosts

CATALOG = load_catalog()
APPS = {name: app for name, app in CATALOG.apps.items() if app.kind == "app"}
canary = CanaryVault().get
DOMAIN = "example.org"
SIGN_IN = f"https://auth.{DOMAIN}/application/o/"
# Authentik's own paths beside those that begin with the name of a client.
COMMON = {"authorize", "token", "userinfo", "introspect", "revoke", "device"}
TUNNEL = {"tunnel": "lab", "account": "0" * 32, "id": "00000000-0000-0000-0000-000000000000"}
SOME_SURROUNDINGS: dict[str, dict[str, Any]] = {
    "tunnel, identity and database": {"ingress": {"cloudflare": TUNNEL}},
    "identity and database": {},
    "database": {"identity": None},
    "neither": {"identity": None, "database": None},
}
WISHES: dict[Contract, dict[str, Any]] = {
    Contract.STATELESS: {"state": "stateless"},
    Contract.SHARED: {"state": "shared"},
    Contract.OWNER: {"owner": "monk"},
    Contract.SPLIT: {"state": "split", "accept": "divergence"},
}


class Blueprint(yaml.SafeLoader):
    """Reads Authentik's tags as (tag, value)."""


def _tagged(loader: Blueprint, suffix: str, node: yaml.Node) -> object:
    value: object
    if isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        assert isinstance(node, yaml.ScalarNode)
        value = loader.construct_scalar(node)
    return (suffix, value)


Blueprint.add_multi_constructor("!", _tagged)


def honours(app: App, contract: Contract, *, database: bool) -> bool:
    """Return whether a lab with or without the shared database may have the app under the contract."""
    if app.database is None:
        return True
    if app.database.required and not (database and contract in app.database.contracts):
        return False
    return database or contract is not Contract.SHARED


def ways(app: App) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Yield every way in which a lab may have the app: its surroundings, and what its line says."""
    for title, surroundings in SOME_SURROUNDINGS.items():
        for contract in app.contracts:
            if honours(app, contract, database="database" not in surroundings):
                yield f"{title}, {contract}", surroundings, WISHES[contract]


def resolved(apps: dict[str, Any], catalog: Catalog = CATALOG, **surroundings: Any) -> Lab:
    return lab_of(text_of(two_hosts(apps=apps, **surroundings)), catalog)


def written(lab: Lab) -> tuple[Desired, ...]:
    return desired(lab, lab.hosts, canary)


def body(tree: FileTree, path: str) -> str:
    content = tree[path].body(canary)
    assert content is not None
    return content.decode()


def settings_of(name: str, tree: FileTree) -> str:
    """Return everything that is written for an app alone, with its secrets in it."""
    services = {key: value for key, value in compose_of(tree).items() if key == name or key.startswith(f"{name}-")}
    own = re.compile(rf"(?:apps|steps|secrets/(?:env|files|steps))/{re.escape(name)}[-./]")
    return "\n".join([json.dumps(services), *(body(tree, path) for path in tree if own.match(path))])


def compose_of(tree: FileTree) -> dict[str, Any]:
    services: dict[str, Any] = yaml.safe_load(body(tree, "compose.yaml"))["services"]
    return services


@pytest.mark.parametrize("name", APPS)
def test_an_app_is_written_in_every_way_that_it_promises(name: str) -> None:
    tried = 0
    for title, surroundings, wish in ways(APPS[name]):
        lab = resolved({name: wish}, **surroundings)
        for one in written(lab):
            assert_no_secret_is_open(one, title)
            assert_ports_are_those_of_the_data_file(lab, one, title)
            if name in {app.name for app in lab.apps_on(lab.host(one.host))}:
                assert_both_sides_of_the_login_agree(lab, one, name, title)
        tried += 1
    assert tried


@pytest.mark.parametrize("name", APPS)
def test_what_an_app_and_its_steps_read_is_well_formed(name: str) -> None:
    for title, surroundings, wish in ways(APPS[name]):
        for one in written(resolved({name: wish}, **surroundings)):
            for path, file in one.tree.items():
                if path.startswith(("apps/", "steps/", "secrets/files/", "secrets/steps/")):
                    content = file.body(hard_to_quote)
                    assert content is not None
                    assert_well_formed(path, content.decode(), title)
    for step in APPS[name].steps:
        for call in step.calls:
            for expression in (call.when, call.check, *call.keep.values()):
                jmespath.compile(expression or "a")
        if step.run and step.shell[0] in ("sh", "bash"):
            ran([step.shell[0], "-n", "-c", step.run], Path("/"))
        elif step.run and step.shell[0].startswith("python"):
            compile(step.run, step.name, "exec")


def assert_well_formed(path: str, text: str, title: str) -> None:
    try:
        if path.endswith(".json"):
            json.loads(text)
        elif path.endswith((".yaml", ".yml")):
            yaml.safe_load(text)
        elif path.endswith(".toml"):
            tomllib.loads(text)
    except ValueError as error:
        pytest.fail(f"{title}, {path}: {error}")


def assert_no_secret_is_open(one: Desired, title: str) -> None:
    for path, file in one.tree.items():
        content = file.body(canary)
        assert content is not None, (title, path)
        assert (CANARY.encode() in content) == file.secret, (title, path)
        assert CANARY.encode() not in file.shown(), (title, path)
        assert not file.secret or path.startswith("secrets/"), (title, path)
    for unit in one.units:
        assert CANARY not in repr(unit), title


def assert_ports_are_those_of_the_data_file(lab: Lab, one: Desired, title: str) -> None:
    allowed = {"gateway"}
    for app in lab.apps:
        allowed |= {app.service_name(key) for key, service in app.entry.services.items() if service.publish}
    for service, settings in compose_of(one.tree).items():
        assert service in allowed or "ports" not in settings, (title, service)
        assert "privileged" not in settings, (title, service)
        assert settings["cap_drop"] == ["ALL"], (title, service)
        assert settings["mem_limit"], (title, service)


def assert_both_sides_of_the_login_agree(lab: Lab, one: Desired, name: str, title: str) -> None:
    app, told = lab.app(name), settings_of(name, one.tree)
    assert "{{oidc." not in told, title
    for address in re.findall(rf"{re.escape(SIGN_IN)}([^/\"'\s\\]+)", told):
        assert address in {name, *COMMON}, (title, address)
    if lab.identity is None or app.login not in ("oidc", "forward-auth"):
        assert SIGN_IN not in told, title
        return
    text = body(one.tree, "authentik/lab.yaml")
    assert lints(text) == []
    entries = yaml.load(text, Loader=Blueprint)["entries"]
    (provider,) = (entry["attrs"] for entry in entries if entry.get("id") == f"provider-{name}")
    if app.login == "forward-auth":
        assert provider["external_host"] == app.url
        return
    assert app.client
    assert provider["client_id"] == app.client.client_id == name
    assert provider["client_secret"] == ("File", f"/run/secrets/{name.replace('-', '_')}_oidc")
    assert app.entry.sso.oidc
    redirects = [address["url"] for address in provider["redirect_uris"]]
    assert redirects == [f"https://{name}.{DOMAIN}{path}" for path in app.entry.sso.oidc.redirects]
    for variable, value in re.findall(r'"?([A-Z_]*REDIRECT_UR[IL][A-Z_]*)"?[:=] ?"(https://[^"]+)"', told):
        assert value in redirects or not value.startswith(app.url), (title, variable)
    if lab.tunnel is None:
        return  # a step that asks the sign-in at its public address is left out
    assert SIGN_IN in told or f"auth.{DOMAIN}" in told, title
    by_file = f"{name.replace('-', '_')}_oidc"
    assert by_file in told or f"{CANARY}{name}/oidc" in told, title


def ran(argv: list[str], folder: Path) -> str:
    result = subprocess.run(argv, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, f"{folder.name}\n{result.stdout}{result.stderr}"
    return result.stdout


def put(folder: Path, tree: FileTree, reveal: Callable[[SecretRef], Secret | None] = canary) -> Path:
    for path, file in tree.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(file.body(reveal) or b"")
    return folder


def hard_to_quote(ref: SecretRef) -> Secret:
    return Secret(f"{ref.name} $HOME ${{x}} \"'\\ #{ref.kind}")


def compose() -> str:
    import compose as package

    return str(Path(str(package.__file__)).parent / "docker-compose")


@pytest.mark.process
@pytest.mark.parametrize("name", APPS)
def test_compose_takes_an_app(name: str, tmp_path: Path) -> None:
    title, surroundings, wish = next(ways(APPS[name]))
    lab = resolved({name: wish}, **surroundings)
    one = written(lab)[0]
    folder = put(tmp_path / title.replace(" ", "-"), one.tree, hard_to_quote)
    services_read = json.loads(ran([compose(), "config", "--format", "json"], folder))["services"]
    for service in services_of(lab, lab.host(one.host)):
        read = {
            key: text.replace("$$", "$") for key, text in services_read[service.name].get("environment", {}).items()
        }
        for variable, text in service.env:
            assert read[variable] == text, (service.name, variable)
        for variable, pieces in service.secret_env:
            texts = [hard_to_quote(piece).reveal() if isinstance(piece, SecretRef) else piece for piece in pieces]
            assert read[variable] == "".join(texts), (service.name, variable)


def everything(contract: Callable[[App], Contract]) -> dict[str, Any]:
    return {name: WISHES[contract(app)] for name, app in APPS.items()}


@pytest.mark.process
def test_all_apps_together_are_taken_by_compose_and_the_gateway(program: Callable[[str], Path], tmp_path: Path) -> None:
    for number, contract in enumerate((_first, _last)):
        lab = resolved(everything(contract), ingress={"cloudflare": TUNNEL})
        for one in written(lab):
            assert_no_secret_is_open(one, f"everything, {contract.__name__}")
            folder = put(tmp_path / f"{number}-{one.host}", one.tree)
            ran([compose(), "config", "--quiet"], folder)
            ran(
                [str(program("caddy")), "validate", "--adapter", "caddyfile", "--config", "gateway/Caddyfile"],
                folder,
            )


def _first(app: App) -> Contract:
    return next(contract for contract in app.contracts if honours(app, contract, database=True))


def _last(app: App) -> Contract:
    return [contract for contract in app.contracts if honours(app, contract, database=True)][-1]


KANBAN = """\
title: Kanban
summary: A board of tasks
home: https://kanban.example.org/
contracts: {owner: SQLite in its own volume}
refuses: {shared: it knows SQLite only, stateless: tasks must be kept, split: nobody wants two boards}
services:
  kanban:
    image: {ref: docker.io/example/kanban, tag: 1.2.3, source: its releases, notes: "https://kanban.example.org/{tag}"}
    env: {BASE_URL: "{{url}}"}
    with_oidc: {OIDC_ID: "{{oidc.client_id}}", OIDC_SECRET: "{{text.oidc}}", OIDC_URL: "{{oidc.discovery}}"}
    volumes: [{name: data, path: /data}]
    health: {test: [CMD, kanban, health]}
route: {service: kanban, port: 3000, health: /health}
sso: {mode: oidc, oidc: {redirects: [/login/callback]}}
backup: {volumes: {data: {how: sqlite, databases: [kanban.db], why: one SQLite file}}}
uses: {memory: 100m, known: guess}
tile: {group: Work, icon: Kb, colour: violet}
sources: ["example/kanban:docs/install.md"]
"""


def test_an_app_of_ones_own_is_one_file(tmp_path: Path) -> None:
    (tmp_path / "kanban.yaml").write_text(KANBAN)
    lab = resolved({"kanban": {}}, load_catalog(tmp_path))
    here, there = written(lab)
    for one in (here, there):
        assert f"kanban.{DOMAIN}" in body(one.tree, "gateway/Caddyfile")
        for page in ("portal/site/index.en.html", "portal/site/index.de.html"):
            assert f"https://kanban.{DOMAIN}" in body(one.tree, page)
            assert "A board of tasks" in body(one.tree, page)
        assert f"https://kanban.{DOMAIN}/login/callback" in body(one.tree, "authentik/lab.yaml")
    assert_both_sides_of_the_login_agree(lab, here, "kanban", "own")
    assert "kanban" in compose_of(here.tree)
    assert "kanban" not in compose_of(there.tree)
    assert "kanban_data:/data" in compose_of(here.tree)["kanban"]["volumes"]
    assert lab.app("kanban").entry.backup.volumes["data"].databases == ("kanban.db",)
