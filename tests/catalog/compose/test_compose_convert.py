"""What becomes of ten stacks: Compose says of the rendered lab what it said of the original."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from abbey.catalog.compose.convert import Imported, convert
from abbey.catalog.compose.ledger import Way
from abbey.catalog.compose.node import Node
from abbey.catalog.compose.project import Project
from abbey.catalog.compose.read import files_of, read
from abbey.catalog.compose.values import leaves
from abbey.catalog.compose.work import Around
from abbey.catalog.compose.write import text_of
from abbey.catalog.load import load_catalog
from abbey.render import render
from abbey.secrets import Secret, SecretRef
from compose_projects import FIXTURES, HOME, PROJECTS, config, plain
from labs import CanaryVault, lab_of, two_hosts
from labs import text_of as lab_text

AROUND = Around(
    ports={8080: "gateway", 8081: "gateway", 9101: "metrics", 5432: "postgres"}, names={"gateway"}, home=HOME
)
# Services that must not run outside of another's network, or that no profile was chosen for.
LEFT_OUT = {("media", "qbittorrent")}
# Host paths that Abbey refuses, with the service that wanted them.
REFUSED = {
    ("proxy", "traefik", "/var/run/docker.sock"),
    ("git", "runner", "/var/run/docker.sock"),
    ("monitoring", "cadvisor", "/var/run"),
}
MOVED = {8080: 18080, 8081: 18081, 5432: 15432}


def imported(name: str) -> tuple[Project, Imported]:
    project = read(files_of(FIXTURES / name))
    return project, convert(project, around=AROUND)


class GivenVault(CanaryVault):
    """The canary, and what an import put there."""

    def __init__(self, app: Imported) -> None:
        self.given = {f"{app.name}/{key}": secret for key, secret in app.secrets.items()}

    def get(self, ref: SecretRef) -> Secret | None:
        return self.given.get(ref.name) or super().get(ref)


def rendered(name: str, folder: Path) -> tuple[Imported, dict[str, Any], Project]:
    """Return an import, and what Compose says of the host that it was rendered for."""
    project, app = imported(name)
    own = folder / "apps"
    own.mkdir()
    (own / f"{app.name}.yaml").write_text(text_of(app, ["compose.yaml"]))
    for context, files in app.contexts.items():
        for path, body in files.items():
            (own / context / path).parent.mkdir(parents=True, exist_ok=True)
            (own / context / path).write_bytes(body)
    lab = lab_of(lab_text(two_hosts(apps={app.name: {}})), load_catalog(own))
    for path, file in render(lab)["monk"].items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(file.body(GivenVault(app).get) or b"")
    return app, config(folder)["services"], project


@pytest.mark.process
@pytest.mark.parametrize("name", PROJECTS)
def test_what_ran_before_runs_in_the_lab(name: str, tmp_path: Path) -> None:
    app, after, _ = rendered(name, tmp_path)
    before = config(FIXTURES / name)["services"]
    keys = {old: key for old in before if (key := old.replace("_", "-"))}
    for old, service in before.items():
        if (name, old) in LEFT_OUT:
            assert any(f"the service {old} " in loss.what for loss in app.losses)
            continue
        key = keys[old]
        now = after[key if key == app.name else f"{app.name}-{key}"]
        for word in ("command", "entrypoint"):
            assert now.get(word) == service.get(word), (old, word)
        assert image(now["image"]) == image(service.get("image", "")) or service.get("build"), old
        assert bool(now.get("build")) == bool(service.get("build")), old
        env = {key: value for key, value in service.get("environment", {}).items() if value is not None}
        assert {key: plain(value) for key, value in now.get("environment", {}).items()} == {
            key: plain(value) for key, value in env.items()
        }, old
        assert opened(now) == {(MOVED.get(port, port), to, kind) for port, to, kind in opened(service)}, old
        others = (before[text.partition(":")[0]] for text in service.get("volumes_from", ()))
        assert mounted(now, tmp_path) == {
            (kind, source, target)
            for one in (service, *others)
            for kind, source, target in mounted(one, FIXTURES / name)
            if (name, old, target) not in REFUSED
        }, old
        assert in_memory(now) == in_memory(service), old
        if service.get("network_mode") != "host":
            assert old in names(now, app.name, f"{app.name}-{key}")
        for word in ("user", "working_dir", "hostname", "init", "shm_size", "stop_grace_period"):
            lost = any(loss.what in (f"{old}: {word}", f"services.{old}.{word}") for loss in app.losses)
            assert lost or now.get(word) == service.get(word), (old, word)


def in_memory(service: dict[str, Any]) -> set[str]:
    long = {one["target"] for one in service.get("volumes", []) if one["type"] == "tmpfs"}
    return long | {text.partition(":")[0] for text in service.get("tmpfs") or []}


def image(text: str) -> str:
    text = text if ":" in text.rpartition("/")[2] or "@" in text else f"{text}:latest"
    return (
        text
        if "/" in text and "." in text.partition("/")[0]
        else f"docker.io/{text if '/' in text else f'library/{text}'}"
    )


def opened(service: dict[str, Any]) -> set[tuple[int, int, str]]:
    if service.get("network_mode") == "host":
        return set()
    ports = service.get("ports", [])
    return {(int(port["published"]), port["target"], port["protocol"]) for port in ports if "published" in port}


def mounted(service: dict[str, Any], folder: Path) -> set[tuple[str, str, str]]:
    """Return what is mounted but for what Abbey writes; a volume has another name, so only its place counts."""
    return {
        (one["type"], one["source"] if one["type"] == "bind" else "", one["target"])
        for one in service.get("volumes", [])
        if one["type"] != "tmpfs" and not one.get("source", "").startswith((f"{folder}/apps/", f"{folder}/secrets/"))
    }


def names(service: dict[str, Any], app: str, own: str) -> list[str]:
    return [*((service["networks"][app] or {}).get("aliases") or []), own, app]


@pytest.mark.parametrize("name", PROJECTS)
def test_nothing_is_lost_silently(name: str) -> None:
    """Every single value of every service is carried over, is reported, or lies in something that is."""
    project, app = imported(name)
    from abbey.catalog.compose import convert as module

    ledger = _ledger(project, module)
    for old, service in project.services.items():
        for way, node in leaves(service, ("services", old)):
            assert any(way[:length] in ledger.done for length in range(2, len(way) + 1)), (way, node.mark)
    for part in ("volumes", "networks", "secrets", "configs"):
        for key, node in project.part(part).items():
            for way, leaf in leaves(node, (part, key)):
                assert any(way[:length] in ledger.done for length in range(2, len(way) + 1)), (way, leaf.mark)
    for old in project.left:
        assert any(f"the service {old}" in loss.what for loss in app.losses)


def _ledger(project: Project, module: Any) -> Any:
    """Convert once more, and return the book that was kept."""
    kept: list[Any] = []

    class Kept(module.Ledger):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            kept.append(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "Ledger", Kept)
        convert(project, around=AROUND)
    return kept[0]


KEYS_OF_THE_SPECIFICATION = {
    "annotations": {"a": "b"}, "attach": True, "blkio_config": {"weight": 300}, "cap_add": ["SYS_ADMIN"],
    "cap_drop": ["CHOWN"], "cgroup": "host", "cgroup_parent": "m", "cpu_count": 2, "cpu_percent": 50,
    "cpu_period": 5, "cpu_quota": 5, "cpu_shares": 5, "cpus": 1.5, "cpuset": "0", "credential_spec": {"file": "x"},
    "device_cgroup_rules": ["c 1:3 mr"], "devices": ["/dev/dri"], "dns": "1.1.1.1", "dns_opt": ["x"],
    "dns_search": ["x"], "domainname": "x", "expose": [1], "external_links": ["x"], "gpus": "all",
    "group_add": ["x"], "hostname": "Bad.Name", "init": True, "ipc": "host", "isolation": "x",
    "links": ["b:c"], "logging": {"driver": "x"}, "mac_address": "x", "mem_reservation": "1g",
    "mem_swappiness": 1, "memswap_limit": "1g", "oom_kill_disable": True, "oom_score_adj": 1, "pid": "host",
    "pids_limit": 5, "platform": "linux/amd64", "privileged": True, "pull_policy": "always", "read_only": True,
    "restart": "no", "runtime": "nvidia", "scale": 1, "security_opt": ["seccomp:unconfined"], "shm_size": "junk",
    "stdin_open": True, "stop_grace_period": "x", "stop_signal": "SIGINT", "storage_opt": {"size": "1G"},
    "sysctls": {"a": 1}, "tmpfs": "/run", "tty": True, "ulimits": {"nproc": 1}, "use_api_socket": True,
    "user": "name", "userns_mode": "host", "uts": "host", "working_dir": "relative", "x-mine": 1,
    "deploy": {"replicas": 2, "endpoint_mode": "vip", "resources": {"limits": {"cpus": "1", "pids": 5}}},
    "healthcheck": {"test": "x", "start_interval": "1s", "retries": 1000}, "label_file": ["x"],
    "post_start": [{"command": "x"}], "pre_stop": [{"command": "x"}], "container_name": "Name_1",
    "build": {"context": "https://example.com/x.git", "args": ["A=b"]}, "volumes": ["/a b:/c", "v w:/d"],
}  # fmt: skip


@pytest.mark.parametrize("key", sorted(KEYS_OF_THE_SPECIFICATION))
def test_every_key_of_the_specification_is_carried_or_reported(key: str, tmp_path: Path) -> None:
    import yaml

    service = {"image": "docker.io/x/y:1", key: KEYS_OF_THE_SPECIFICATION[key]}
    data = {"services": {"a": service}, "volumes": {"v w": None}}
    (tmp_path / "compose.yaml").write_text(yaml.safe_dump(data))
    project = read(files_of(tmp_path))
    from abbey.catalog.compose import convert as module

    ledger = _ledger(project, module)
    node: Node = project.services["a"].map[key]
    for way, _ in leaves(node, ("services", "a", key)):
        assert any(way[:length] in ledger.done for length in range(2, len(way) + 1)), way
    carried: Way = ("services", "a", key)
    told = "\n".join(loss.what for loss in ledger.all())
    known = {"cap_add", "devices", "hostname", "init", "pid", "read_only", "tmpfs", "container_name", "dns"}
    assert key in known or key in told or "a: " in told, carried


def test_secrets_stand_in_no_file(tmp_path: Path) -> None:
    for name in PROJECTS:
        _, app = imported(name)
        text = text_of(app, ["compose.yaml"])
        for secret in app.secrets.values():
            if secret and name != "cloud":  # there one stands in a command too, which the report says
                assert secret.reveal() not in text
                assert not any(secret.reveal() in str(loss) + loss.do for loss in app.losses)


@pytest.mark.process
def test_secrets_have_their_values(tmp_path: Path) -> None:
    app, after, _ = rendered("cloud", tmp_path)
    assert app.secrets["mysql_root_password"] == Secret("Root7Horse")
    written = {
        one["target"]: Path(one["source"]).read_text() for one in after["cloud-db"]["volumes"] if one["type"] == "bind"
    }
    assert written["/run/secrets/mysql_root_password"] == "Root7Horse\n"
    assert written["/run/secrets/mysql_password"] == "Cloud7Horse"


@pytest.mark.process
def test_configs_are_files_with_the_same_text(tmp_path: Path) -> None:
    _, after, _ = rendered("monitoring", tmp_path)
    volumes = after["monitoring-prometheus"]["volumes"]
    written = {one["target"]: Path(one["source"]).read_text() for one in volumes if one["type"] == "bind"}
    assert written["/etc/prometheus/prometheus.yml"] == (FIXTURES / "monitoring" / "prometheus.yml").read_text()
    assert '"{{ labels }} of {{ $labels.job }} is down"' in written["/alerts"]


@pytest.mark.process
def test_a_context_is_built_as_before(tmp_path: Path) -> None:
    rendered("notes", tmp_path)
    built = tmp_path / "build" / "notes-web-app"
    assert (built / "Dockerfile").read_text().endswith("FROM runtime AS test\n\nFROM runtime\n")
    assert 'ARG NODE_VERSION="22"\n' in (built / "Dockerfile").read_text()
    assert sorted(path.name for path in built.rglob("*") if path.is_file()) == [
        ".dockerignore", "Dockerfile", "Dockerfile.prod", "package.json", "server.js"
    ]  # fmt: skip


def test_the_page_that_visitors_open() -> None:
    chosen = {name: imported(name)[1] for name in PROJECTS}
    services = {name: app.data["route"]["service"] for name, app in chosen.items()}  # type: ignore[index]
    assert services == {
        "cloud": "app", "dns": "pihole", "git": "server", "home": "mqtt", "media": "vpn", "monitoring": "grafana",
        "notes": "web-app", "photos": "photos-server", "play": "web", "proxy": "vault",
    }  # fmt: skip
    assert any(loss.what == "sonarr: web port 8989" for loss in chosen["media"].losses)
    assert any("vault.example.com" in loss.do for loss in chosen["proxy"].losses)


def test_a_secret_in_a_command_is_told() -> None:
    _, app = imported("cloud")
    assert any(loss.what == "redis: command" and "secret" in loss.why for loss in app.losses)
    assert not any("Redis9Horse" in str(loss) + loss.do for loss in app.losses)
