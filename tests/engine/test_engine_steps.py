"""Steps inside and beside their services: what docker is asked, what it gets to read, what is told of a failure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from engine_hosts import FOLDER, PASSWORD, FakeShell, Lab
from inline_snapshot import snapshot

from abbey.engine.act import Site, perform
from abbey.engine.shell import Result
from abbey.errors import ApplyError, HostError, SecretError
from abbey.files import Effect, File, OnChange, Quoted
from abbey.plan.action import Run
from abbey.plan.show import to_text
from abbey.plan.state import Step
from abbey.report import Outcome

CANARY = "canary-91d0c7aa"
SCRIPT = Step("app/ready", "App: ready", "app", ("sh", "-eu", "-s"), stdin="steps/app/ready.sh", user="33")
CALLS = Step(
    name="app/login",
    title="App: its login",
    service="app",
    argv=("python3", "-m", "abbey_steps"),
    stdin="secrets/steps/app/login.json",
    image="app:1",
    network="lab_app",
)
LOGIN = File(('{"key": "', Quoted(PASSWORD, "json"), '"}'), 0o400, (OnChange("app/login", Effect.RUN),))
READY = File("app check é\n", on_change=(OnChange("app/ready", Effect.RUN),))


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    found = Lab(tmp_path, password=CANARY, steps=(SCRIPT, CALLS))
    found.step_files = ((SCRIPT.stdin, READY), (CALLS.stdin, LOGIN))
    return found


def test_a_step_gets_its_file_on_standard_input(lab: Lab) -> None:
    assert {done.outcome for done in lab.apply()} == {Outcome.OK}
    assert lab.stdin("monk", "exec") == "app check é\n".encode()
    assert lab.stdin("monk", "run") == f'{{"key": "{CANARY}"}}'.encode()
    assert lab.docker_calls("monk") == snapshot(
        [
            "pull --quiet app gateway",
            "up app",
            "exec --user 33 app sh -eu -s",
            "run --rm --interactive --read-only --cap-drop ALL --security-opt no-new-privileges --user 65534:65534 --memory 128m --no-healthcheck --pull never --network lab_app --entrypoint python3 app:1 -m abbey_steps",
            "up gateway",
        ]
    )
    assert not lab.plan()


def test_only_what_changed_runs_again_and_a_step_that_is_gone_is_forgotten(lab: Lab) -> None:
    lab.apply()
    lab.docker_calls("monk")
    lab.step_files = ((SCRIPT.stdin, replace(READY, content="app check --all\n")), (CALLS.stdin, LOGIN))
    assert to_text(lab.plan()) == snapshot("""\
monk
  ~ file  steps/app/ready.sh  the lab file asks for other content
  ~ step  App: ready          its file steps/app/ready.sh changed

1 host: 1 file, 1 step\
""")
    lab.apply()
    assert lab.docker_calls("monk") == ["exec --user 33 app sh -eu -s"]
    lab.steps, lab.step_files = (CALLS,), ((CALLS.stdin, LOGIN),)
    lab.apply()
    assert lab.docker_calls("monk") == []
    assert not (lab.folder("monk") / "steps").exists()
    assert not lab.plan()


def test_a_step_that_fails_is_told_in_its_own_words_and_runs_again(lab: Lab) -> None:
    complaint = f"PUT /api: expected 200, got 400 with\n  bad key {CANARY}"
    lab.set_docker("monk", failing="--network lab_app", complaint=complaint)
    done = lab.apply()
    failed = [one for one in done if one.outcome is Outcome.FAILED]
    assert [(one.text, one.error) for one in failed] == snapshot(
        [
            (
                "run App: its login",
                "PUT /api: expected 200, got 400 with\n  bad key <secret postgres/password>",
            )
        ]
    )
    told = [repr(done), repr(lab.events), to_text(lab.plan()), json.dumps(lab.shells["monk"].calls)]
    told += [(lab.root / "monk/calls").read_text(), (lab.folder("monk") / ".abbey/audit.log").read_text()]
    assert not any(CANARY in text for text in told)
    lab.set_docker("monk", failing="")
    lab.docker_calls("monk")
    assert {one.outcome for one in lab.apply()} == {Outcome.OK}
    assert [call.split()[0] for call in lab.docker_calls("monk")] == ["run", "up"]
    assert not lab.plan()


def test_an_app_that_a_stranger_could_take_does_not_begin_to_run_without_its_step(lab: Lab) -> None:
    lab.steps = (SCRIPT, replace(CALLS, guards=True))
    for _attempt in range(2):
        lab.set_docker("monk", failing="--network lab_app", complaint="PUT /api: expected 200, got 400")
        failed = [one for one in lab.apply() if one.outcome is Outcome.FAILED]
        assert failed[0].error.endswith("\napp was stopped: without its first account a stranger could take it")
        assert "stop app" in lab.docker_calls("monk")
    lab.set_docker("monk", failing="")
    assert {one.outcome for one in lab.apply()} == {Outcome.OK}
    lab.app_config = "another"  # recreated: it was taken into possession long ago
    lab.set_docker("monk", failing="--network lab_app", complaint="PUT /api: expected 200, got 400")
    lab.docker_calls("monk")
    assert [one.error for one in lab.apply() if one.outcome is Outcome.FAILED] == ["PUT /api: expected 200, got 400"]
    assert not any(call.startswith("stop") for call in lab.docker_calls("monk"))


def test_an_app_is_closed_also_where_its_step_gives_no_answer_and_it_is_said_where_that_fails(lab: Lab) -> None:
    class Silent(FakeShell):
        def run(self, argv: Sequence[str], *, stdin: bytes = b"", timeout: float | None = None) -> Result:
            result = super().run(argv, stdin=stdin, timeout=timeout)
            if argv[1] == "run":
                raise HostError("monk", "no answer within 900 seconds")
            return result

    host = replace(lab.desired()[1], steps=(replace(CALLS, guards=True),))
    for code, said in ((0, "app was stopped: "), (1, "app could not be stopped, and without its first account a ")):
        shell = Silent(("stop", Result(code, b"", b"no daemon")))
        with pytest.raises(ApplyError, match=f"^monk: no answer within 900 seconds\n{said}"):
            perform(Run(CALLS, "new", fresh=True), Site(shell, FOLDER, host, lab.reveal, 30))
        assert [*shell.calls[-1][-2:]] == ["stop", "app"]


def test_an_app_is_closed_where_the_secret_of_its_step_is_missing(lab: Lab) -> None:
    host = replace(lab.desired()[1], steps=(replace(CALLS, guards=True),))
    shell = FakeShell()
    with pytest.raises(ApplyError, match="does not exist: postgres/password\napp was stopped"):
        perform(Run(CALLS, "new", fresh=True), Site(shell, FOLDER, host, lambda ref: None, 30))
    assert [call[-2:] for call in shell.calls] == [["stop", "app"]]


def test_the_helper_is_no_service_of_the_project(lab: Lab) -> None:
    shell = FakeShell()
    perform(Run(CALLS, "new"), Site(shell, FOLDER, lab.desired()[1], lab.reveal, 30))
    (argv,) = shell.calls
    assert argv[:2] == ["docker", "run"]
    assert not any("label" in word or "project" in word for word in argv)


@pytest.mark.parametrize("step", [SCRIPT, CALLS])
def test_a_step_that_says_nothing_ends_with_its_code(lab: Lab, step: Step) -> None:
    shell = FakeShell(("docker", Result(137, b"", b"")))
    with pytest.raises(ApplyError, match="it ended with code 137 and said nothing"):
        perform(Run(step, "new"), Site(shell, FOLDER, lab.desired()[1], lab.reveal, 30))


def test_a_secret_that_does_not_exist_is_told_before_anything_runs(lab: Lab) -> None:
    shell = FakeShell()
    site = Site(shell, FOLDER, lab.desired()[1], lambda ref: None, 30)
    with pytest.raises(SecretError) as caught:
        perform(Run(CALLS, "new"), site)
    assert str(caught.value) == ("secrets/steps/app/login.json needs a secret that does not exist: postgres/password")
    assert shell.calls == []
