"""Scripts and programs of steps: where they lie, what stands in them, who runs them, and that the runner takes them."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from abbey.catalog.load import load_catalog
from abbey.files import Effect, FileTree, OnChange
from abbey.model.lab import Lab
from abbey.plan.state import Desired, Step
from abbey.render import desired, render_host
from abbey_steps import program
from labs import CANARY, CanaryVault, lab_of, text_of, two_hosts

SCRIPT, CALLS = "steps/foo/ready.sh", "secrets/steps/foo/login.json"
FOO: dict[str, Any] = {
    "title": "Foo",
    "summary": "Some thing",
    "home": "https://foo.example/",
    "contracts": {"owner": "files", "split": "files", "shared": "rows"},
    "database": {"contracts": ["shared"]},
    "secrets": {"admin": "password"},
    "services": {
        "foo": {"image": {"ref": "docker.io/foo/foo", "tag": "1.0"}},
        "worker": {"image": {"ref": "docker.io/foo/worker", "tag": "1.0"}},
    },
    "route": {"service": "foo", "port": 8080},
    "sso": {"mode": "none"},
    "steps": [
        {
            "name": "ready",
            "title": "ready",
            "service": "worker",
            "user": "33",
            "run": "# {{hostname}}\nfoo --key {{secret.admin}}\n",
        },
        {
            "name": "login",
            "title": "its login",
            "service": "foo",
            "patience": "3m",
            "calls": [
                {"request": "POST /auth", "json": {"key": "{{text.admin}}"}, "keep": {"token": "body.token"}},
                {
                    "request": "PUT /settings?lab={{lab}}",
                    "headers": {"Authorization": "Bearer {{kept.token}}"},
                    "json": {"url": "{{url}}", "lines": 'a "quoted"\nline'},
                    "expect": [200],
                },
                {"request": "GET /", "when": "!token", "check": "body.host == '{{hostname}}'", "says": "wrong host"},
            ],
        },
        {"name": "own", "title": "own", "service": "foo", "when": ["own-database"], "run": "x", "shell": ["cat", "-"]},
    ],
}


def lab(folder: Path, **foo: Any) -> Lab:
    (folder / "foo.yaml").write_text(yaml.safe_dump(FOO, sort_keys=False))
    return lab_of(text_of(two_hosts(apps={"foo": foo})), load_catalog(folder))


def wanted(found: Lab, host: str) -> Desired:
    (one,) = desired(found, [next(one for one in found.hosts if one.name == host)], CanaryVault().get)
    return one


def tree(found: Lab, host: str) -> FileTree:
    return render_host(found, next(one for one in found.hosts if one.name == host))


def mine(tree: FileTree) -> list[str]:
    return [path for path in tree if "steps/" in path and "build/" not in path]


def test_each_step_has_a_file_on_the_host_of_the_app_and_nowhere_else(tmp_path: Path) -> None:
    found = lab(tmp_path, state="owner", owner="monk")
    assert mine(tree(found, "monk")) == [CALLS, "steps/foo/own.sh", SCRIPT]
    assert mine(tree(found, "cloud")) == []
    assert [step.name for step in wanted(found, "cloud").steps if step.name.startswith("foo/")] == []


@pytest.mark.parametrize(
    "place",
    [
        {"command": ["serve", "{{secret.admin}}"]},
        {"entrypoint": ["serve", "{{secret.admin}}"]},
        {"health": {"test": ["CMD", "look", "{{secret.admin}}"]}},
        {"files": [{"path": "/etc/foo", "text": "key = {{secret.admin}}"}]},
    ],
)
def test_a_secret_whose_path_is_named_is_there(tmp_path: Path, place: dict[str, Any]) -> None:
    side = {"image": {"ref": "docker.io/foo/foo", "tag": "1.0"}, **place}
    other = {"path": "/etc/bar", "text": "{{secret.oidc}}", "when": ["oidc"]}
    side["files"] = [*side.get("files", []), other]
    sso = {"mode": "oidc", "oidc": {"redirects": ["/callback"]}}
    data = {**FOO, "sso": sso, "services": {**FOO["services"], "side": side}}
    (tmp_path / "foo.yaml").write_text(yaml.safe_dump(data, sort_keys=False))
    found = lab_of(text_of(two_hosts(identity=None, apps={"foo": {"state": "owner"}})), load_catalog(tmp_path))
    compose = yaml.safe_load(tree(found, "monk")["compose.yaml"].shown())
    assert compose["services"]["foo-side"]["secrets"] == ["foo_admin"]


def test_steps_of_two_apps_never_share_a_file(tmp_path: Path) -> None:
    for app, step in (("foo", "bar-login"), ("foo-bar", "login")):
        services = {app: {"image": {"ref": "docker.io/foo/foo", "tag": "1.0"}}}
        steps = [{"name": step, "title": "its login", "service": app, "run": "true"}]
        data = {**FOO, "services": services, "route": {"service": app, "port": 80}, "steps": steps}
        (tmp_path / f"{app}.yaml").write_text(yaml.safe_dump(data, sort_keys=False))
    found = lab_of(text_of(two_hosts(apps={"foo": {}, "foo-bar": {}})), load_catalog(tmp_path))
    assert mine(tree(found, "monk")) == ["steps/foo-bar/login.sh", "steps/foo/bar-login.sh"]


def test_a_script_reads_secrets_from_files_and_is_read_whole_before_it_begins(tmp_path: Path) -> None:
    found = tree(lab(tmp_path, state="owner", owner="monk"), "monk")
    assert found[SCRIPT].content == "{ # foo.example.org\nfoo --key /run/secrets/foo_admin\n} </dev/null\n"
    assert (found[SCRIPT].mode, found[SCRIPT].secret) == (0o644, False)
    assert found["steps/foo/own.sh"].content == "x"


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_a_shell_takes_the_script_and_stops_at_the_first_failure(tmp_path: Path, shell: str) -> None:
    said = 'echo one\ncat\ncat <<END\ntwo\nEND\nset -- three\necho "$1"\nfalse\necho four\n'
    script = Path(tmp_path / "foo.yaml")
    step = {**FOO["steps"][0], "run": said}
    script.write_text(yaml.safe_dump(FOO | {"steps": [step]}, sort_keys=False))
    found = lab_of(text_of(two_hosts(apps={"foo": {"state": "owner", "owner": "monk"}})), load_catalog(tmp_path))
    body = tree(found, "monk")[SCRIPT].body(CanaryVault().get)
    done = subprocess.run([shell, "-eu", "-s"], input=body, capture_output=True, check=False, timeout=30)
    assert (done.returncode, done.stdout, done.stderr) == (1, b"one\ntwo\nthree\n", b"")


def test_a_program_holds_everything_that_the_runner_needs_and_hides_its_secret(tmp_path: Path) -> None:
    file = tree(lab(tmp_path, state="owner", owner="monk"), "monk")[CALLS]
    assert (file.mode, file.secret) == (0o400, True)
    assert CANARY not in file.shown().decode()
    assert "<secret foo/admin>" in file.shown().decode()
    body = file.body(CanaryVault().get)
    assert body
    assert json.loads(body) == {
        "base": "http://foo:8080",
        "patience": "3m",
        "calls": [
            {
                "request": "POST /auth",
                "json": {"key": f"{CANARY}foo/adminpassword"},
                "keep": {"token": "body.token"},
                "expect": [200, 201, 202, 204],
            },
            {
                "request": "PUT /settings?lab=abbey",
                "headers": {"Authorization": "Bearer {{kept.token}}"},
                "json": {"url": "https://foo.example.org", "lines": 'a "quoted"\nline'},
                "expect": [200],
            },
            {
                "request": "GET /",
                "when": "!token",
                "check": "body.host == 'foo.example.org'",
                "says": "wrong host",
                "expect": [200, 201, 202, 204],
            },
        ],
    }
    assert [call.name for call in program.read(body).calls] == ["POST /auth", "PUT /settings", "GET /"]


def test_a_plan_knows_who_runs_a_step_with_which_file(tmp_path: Path) -> None:
    found = wanted(lab(tmp_path, state="owner", owner="monk"), "monk")
    ready, login, own = (step for step in found.steps if step.name.startswith("foo/"))
    assert ready == Step("foo/ready", "Foo: ready", "foo-worker", ("sh", "-eu", "-s"), stdin=SCRIPT, user="33")
    assert login == Step(
        name="foo/login",
        title="Foo: its login",
        service="foo",
        argv=("python3", "-m", "abbey_steps"),
        stdin=CALLS,
        image=next(unit.image for unit in found.units if unit.service == "metrics"),
        network="abbey_foo",
    )
    assert own.argv == ("cat", "-")
    for step in (ready, login, own):
        assert found.tree[step.stdin].on_change == (OnChange(step.name, Effect.RUN),)


def test_the_network_of_a_helper_is_the_one_that_compose_makes(tmp_path: Path) -> None:
    compose = yaml.safe_load(tree(lab(tmp_path, state="owner", owner="monk"), "monk")["compose.yaml"].shown())
    assert compose["name"] == "abbey"
    assert "foo" in compose["networks"]
    assert "name" not in (compose["networks"]["foo"] or {})
    assert "foo" in compose["services"]["foo"]["networks"]


def test_what_is_in_the_shared_database_is_done_by_the_first_host_only(tmp_path: Path) -> None:
    found = lab(tmp_path, state="shared")
    first, other = found.app("foo").hosts
    assert mine(tree(found, first)) == [CALLS, SCRIPT]
    assert mine(tree(found, other)) == []
    assert not any(step.name.startswith("foo/") for step in wanted(found, other).steps)


def test_separate_data_is_set_up_on_each_host(tmp_path: Path) -> None:
    found = lab(tmp_path, state="split", accept="divergence")
    assert [mine(tree(found, host.name)) for host in found.hosts] == [[CALLS, "steps/foo/own.sh", SCRIPT]] * 2


CALLING = [(name, step.name) for name, app in sorted(load_catalog().apps.items()) for step in app.steps if step.calls]


@pytest.mark.parametrize(("app", "name"), CALLING)
def test_the_runner_takes_the_program_of_every_app(app: str, name: str) -> None:
    (step,) = (step for step in load_catalog().apps[app].steps if step.name == name)
    calls = [call.model_dump(mode="json", by_alias=True, exclude_defaults=True) for call in step.calls]
    program.read(json.dumps({"base": "http://x", "patience": step.patience, "calls": calls}).encode())
