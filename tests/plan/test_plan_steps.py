"""When steps run: after their service, their image and the steps before them, and again when their file changed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from inline_snapshot import snapshot
from plan_labs import APP, GATEWAY, METRICS, digests, settled, with_container, with_file, without_container

from abbey.errors import AbbeyError
from abbey.files import Effect, File, FileTree, OnChange
from abbey.plan.action import Action, BuildImages, ComposeUp, Plan, Run, WriteFiles
from abbey.plan.diff import diff
from abbey.plan.show import describe, to_json, to_text
from abbey.plan.state import Desired, FileState, HostState, Step

READY = Step("app/ready", "App: ready", "app", ("sh", "-eu", "-s"), stdin="steps/app/ready.sh")
LOGIN = Step(
    name="app/login",
    title="App: its login",
    service="app",
    argv=("python3", "-m", "abbey_steps"),
    stdin="secrets/steps/app/login.json",
    image=METRICS.image,
    network="lab_app",
)
PLAIN = replace(APP, needs=())
RUNS = ("run App: ready", "run App: its login", "bring up Gateway")


def wanted(*steps: Step, metrics_stage: int = 1) -> Desired:
    files = FileTree((step.stdin, File(step.name, on_change=(OnChange(step.name, Effect.RUN),))) for step in steps)
    units = (replace(METRICS, stage=metrics_stage), PLAIN, GATEWAY)
    return Desired("monk", "lab", files, digests(files), units, steps)


def plan_of(host: Desired, state: HostState | None = None) -> Plan:
    return diff([host], {"monk": state} if state else {})


def before(plan: Plan, action: Action) -> set[int]:
    """Return everything that must have ended well before the action."""
    by_id = {one.id: one for one in plan.actions}
    found = set(action.after)
    for number in action.after:
        found |= before(plan, by_id[number])
    return found


def test_steps_come_after_their_service_in_the_order_of_the_data_file() -> None:
    plan = plan_of(wanted(READY, LOGIN))
    assert [(action.id, describe(action.act), action.after) for action in plan.actions] == snapshot(
        [
            (1, "write 2 files", ()),
            (2, "build abbey/metrics:1", (1,)),
            (3, "pull app:1, caddy:2", (1,)),
            (4, "bring up Metrics", (2, 3)),
            (5, "bring up App", (4,)),
            (6, "run App: ready", (4, 5)),
            (7, "run App: its login", (4, 5, 6)),
            (8, "bring up Gateway", (5, 6, 7)),
        ]
    )


@pytest.mark.parametrize("stage", range(-1, 7))
@pytest.mark.parametrize("of_app", range(-1, 7))
def test_a_step_beside_its_service_waits_for_its_image_wherever_that_comes(stage: int, of_app: int) -> None:
    host = wanted(LOGIN, metrics_stage=stage)
    units = tuple(replace(unit, stage=of_app) if unit.service == "app" else unit for unit in host.units)
    plan = plan_of(replace(host, units=units))
    (run,) = (action for action in plan.actions if isinstance(action.act, Run))
    waited = [action for action in plan.actions if action.id in before(plan, run)]
    assert {WriteFiles, BuildImages, ComposeUp} <= {type(action.act) for action in waited}
    assert any("App" in describe(action.act) for action in waited)


def test_a_step_of_an_app_holds_up_its_own_next_step_and_not_the_way_in() -> None:
    host = wanted(READY, LOGIN)
    units = (METRICS, replace(PLAIN, stage=3), replace(GATEWAY, stage=4))
    plan = plan_of(replace(host, units=units))
    ready, login, way_in = (action for action in plan.actions if describe(action.act) in RUNS)
    assert ready.id in login.after
    assert not {ready.id, login.id} & before(plan, way_in)


def test_a_gateway_that_rereads_its_file_waits_for_no_app() -> None:
    host = wanted(READY)
    path, file = "gateway/Caddyfile", File("x", on_change=(OnChange("gateway", Effect.RELOAD),))
    tree = host.tree.merged(FileTree([(path, file)]))
    units = (METRICS, replace(PLAIN, stage=3), replace(GATEWAY, stage=4))
    host = replace(host, tree=tree, digests=digests(tree), units=units)
    plan = plan_of(host, with_file(without_container(settled(host), "app"), path, FileState("old", 0o644)))
    write, up, run, reload = plan.actions
    assert [describe(action.act) for action in (write, up, run, reload)] == [
        "write 1 file",
        "bring up App",
        "run App: ready",
        "reload Gateway",
    ]
    assert reload.after == (write.id,)


def test_a_step_that_is_owed_waits_for_no_other_app() -> None:
    other = replace(READY, name="other/ready", service="other", stdin="steps/other/ready.sh")
    host = wanted(READY, replace(READY, name="app/last", stdin="steps/app/last.sh"), other)
    units = (METRICS, replace(PLAIN, stage=3), replace(PLAIN, service="other", stage=3))
    host = replace(host, units=units)
    owed = frozenset(OnChange(step.name, Effect.RUN) for step in host.steps)
    ready, last, elsewhere = plan_of(host, replace(settled(host), pending=owed)).actions
    assert last.after == (ready.id,)
    assert elsewhere.after == ()


def test_a_person_reads_the_title_of_a_step_and_why_it_runs() -> None:
    host = wanted(READY, LOGIN)
    assert not plan_of(host, settled(host))
    state = with_file(settled(host), LOGIN.stdin, FileState("old", 0o644))
    state = replace(state, managed={**state.managed, LOGIN.stdin: "old"})
    assert to_text(plan_of(host, state)) == snapshot("""\
monk
  ~ file  secrets/steps/app/login.json  the lab file asks for other content
  ~ step  App: its login                its file secrets/steps/app/login.json changed

1 host: 1 file, 1 step\
""")


def test_a_service_that_is_made_anew_gets_its_steps_again() -> None:
    host = wanted(READY, LOGIN)
    for state, cause in (
        (without_container(settled(host), "app"), "App is new"),
        (with_container(settled(host), "app", config="old"), "App is recreated"),
    ):
        runs = [action.act for action in plan_of(host, state).actions if isinstance(action.act, Run)]
        assert [(run.step, run.cause) for run in runs] == [(READY, cause), (LOGIN, cause)]


def test_a_new_runner_alone_repeats_no_step() -> None:
    host = wanted(LOGIN)
    state = with_container(settled(host), "metrics", image="abbey/metrics:0")
    assert not any(isinstance(action.act, Run) for action in plan_of(host, state).actions)


def test_a_step_that_is_no_longer_wanted_is_dropped_with_its_file_and_what_it_owes() -> None:
    state = replace(settled(wanted(READY, LOGIN)), pending=frozenset({OnChange(LOGIN.name, Effect.RUN)}))
    assert to_text(plan_of(wanted(READY), state)) == snapshot("""\
monk
  - file  secrets/steps/app/login.json  no longer wanted

1 host: 1 file\
""")


def test_what_a_step_is_given_stands_in_no_form_of_a_plan() -> None:
    plan = plan_of(wanted(LOGIN))
    for shown in (to_text(plan), str(to_json(plan))):
        assert "abbey_steps" not in shown


def test_a_service_may_wait_for_the_steps_of_one_that_it_needs() -> None:
    host = wanted(READY)
    units = (METRICS, replace(PLAIN, needs=(("monk", "gateway"),), stage=4), GATEWAY)
    steps = (READY, replace(READY, name="gateway/x", service="gateway"))
    plan = plan_of(replace(host, units=units, steps=steps))
    (up,) = (action for action in plan.actions if describe(action.act) == "bring up App")
    (run,) = (action for action in plan.actions if isinstance(action.act, Run) and action.act.step.service == "gateway")
    assert run.id in up.after
    with pytest.raises(AbbeyError, match="in a circle"):
        plan_of(replace(host, units=(METRICS, replace(PLAIN, needs=(("monk", "gateway"),)), GATEWAY)))
