"""What Abbey writes, judged by the programs that will read it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from test_render_golden import LABS, trees_of

from abbey.catalog.contract.images import SOCKET_PROXIES
from abbey.check.blueprint import lints
from abbey.check.blueprint_schema import parts
from abbey.check.tunnel import validate
from abbey.render import render
from labs import CanaryVault, lab_of, steady_catalog

pytestmark = pytest.mark.process


def ran(argv: list[str], **options: object) -> str:
    result = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False, **options)  # type: ignore[call-overload]
    assert result.returncode == 0, f"{argv}\n{result.stdout}{result.stderr}"
    return str(result.stdout + result.stderr)


@pytest.fixture(params=sorted(LABS))
def hosts(request: pytest.FixtureRequest, tmp_path: Path) -> list[Path]:
    """The folders of every host of a lab, with secrets filled in."""
    folders = []
    for host, tree in render(lab_of(LABS[request.param].read_text(), steady_catalog())).items():
        folders.append(tmp_path / host)
        for path, file in tree.items():
            target = tmp_path / host / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(file.body(CanaryVault().get) or b"")
    return folders


def compose() -> str:
    import compose as package

    return str(Path(str(package.__file__)).parent / "docker-compose")


def test_compose_takes_every_file(hosts: list[Path]) -> None:
    for folder in hosts:
        ran([compose(), "config", "--quiet"], cwd=folder)
        read = json.loads(ran([compose(), "config", "--format", "json"], cwd=folder))
        for name, service in read["services"].items():
            assert service["cap_drop"] == ["ALL"], name
            assert "privileged" not in service, name
            mounts = [mount.get("source", "") for mount in service.get("volumes", [])]
            guarded = any(proxy in service["image"] for proxy in SOCKET_PROXIES) or name == "metrics-socket"
            assert guarded or not any("docker.sock" in source for source in mounts), name
            assert (service.get("network_mode") == "none") == (name == "metrics-socket"), name
            for port in service.get("ports", []):
                assert port["host_ip"].startswith(("127.", "100.")), name


def test_caddy_takes_every_gateway(hosts: list[Path], program: Callable[[str], Path]) -> None:
    for folder in hosts:
        config = folder / "gateway" / "Caddyfile"
        ran([str(program("caddy")), "validate", "--adapter", "caddyfile", "--config", str(config)])


def test_nginx_takes_every_portal(hosts: list[Path], program: Callable[[str], Path], tmp_path: Path) -> None:
    for folder in hosts:
        # Checking makes the cache's folder, so it must lie here.
        config = folder / "portal" / "conf.d" / "default.conf"
        config.write_text(config.read_text().replace("/tmp/", f"{tmp_path}/"))
        whole = tmp_path / "nginx.conf"
        whole.write_text(
            f"pid {tmp_path}/pid; error_log stderr; events {{}}\n"
            f"http {{ access_log off; include {folder}/portal/conf.d/*.conf; }}\n"
        )
        ran([str(program("nginx")), "-t", "-c", str(whole), "-p", str(tmp_path)])


def test_haproxy_takes_every_door(hosts: list[Path], program: Callable[[str], Path]) -> None:
    for folder in hosts:
        found = sorted(folder.rglob("haproxy.cfg"))
        assert [str(path.relative_to(folder)).partition("/")[0] for path in found] == ["apps", "door"]
        for path in found:
            ran([str(program("haproxy")), "-c", "-f", str(path)])


def test_cloudflared_would_take_the_tunnel() -> None:
    for tree in trees_of(LABS["reference"]).values():
        verdict = validate(tree["cloudflared/config.yml"].shown().decode())
        assert (verdict.ok, verdict.warning) == (True, False)


def test_authentik_would_take_the_blueprint(shared: Path) -> None:
    new = json.loads((shared / "schemas" / "authentik-blueprint-2026.8.3-derived.json").read_text())
    old = json.loads((shared / "schemas" / "authentik-blueprint-2024.8.3.json").read_text())
    for name in LABS:
        for tree in trees_of(LABS[name]).values():
            text = tree["authentik/lab.yaml"].shown().decode()
            assert lints(text) == []
            # The derived schema holds the models of today's API, and no meta models; upstream's own older one does.
            for (called, data, today), (_, _, before) in zip(parts(text, new), parts(text, old), strict=True):
                part = before if data["model"] == "authentik_blueprints.metaapplyblueprint" else today
                assert [error.message for error in Draft202012Validator(part).iter_errors(data)] == [], called


def test_postgres_takes_its_configuration(hosts: list[Path]) -> None:
    from abbey.sim.programs import find_programs

    for config in (folder / "postgres" / "postgresql.conf" for folder in hosts):
        if not config.exists():
            continue
        with tempfile.TemporaryDirectory() as data:
            shutil.copy(config, Path(data) / "postgresql.conf")
            argv = [str(find_programs().postgres / "postgres"), "-D", data, "-C", "max_connections"]
            if os.getuid() == 0:  # the server refuses root
                shutil.chown(data, 65534, 65534)
                argv = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *argv]
            assert int(ran(argv).split()[0]) >= 100
