from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from inline_snapshot import snapshot
from plan_labs import APP, GATEWAY, METRICS, POSTGRES, desired, settled, with_container, with_file, without_container

from abbey.errors import AbbeyError
from abbey.files import Effect, OnChange
from abbey.plan.action import ComposeUp, Reload, Run, WriteFiles
from abbey.plan.diff import diff
from abbey.plan.show import to_text
from abbey.plan.state import ContainerState, Desired, FileState, HostState

CLOUD, HOME = desired("kscloud1"), desired("monk")


def test_two_empty_hosts_get_everything_in_order() -> None:
    assert to_text(diff([HOME, CLOUD], {})) == snapshot("""\
kscloud1
  + file     compose.yaml         not there yet
  + file     gateway/Caddyfile    not there yet
  + file     postgres/roles.sql   not there yet
  + secret   secrets/app          not there yet
  + image    abbey/metrics:1      build: not on the host
  + image    postgres:17          pull: not on the host
  + image    app:1                pull: not on the host
  + image    caddy:2              pull: not on the host
  + service  Metrics              not there yet
  + service  Postgres             not there yet
  ~ step     roles and databases  Postgres is new
  + service  App                  not there yet
  + service  Gateway              not there yet

monk
  + file     compose.yaml         not there yet
  + file     gateway/Caddyfile    not there yet
  + secret   secrets/app          not there yet
  + image    abbey/metrics:1      build: not on the host
  + image    app:1                pull: not on the host
  + image    caddy:2              pull: not on the host
  + service  Metrics              not there yet
  + service  App                  not there yet
  + service  Gateway              not there yet

2 hosts: 7 files, 7 images, 7 services to create, 1 step\
""")


def test_nothing_differs_nothing_to_do() -> None:
    states = {"kscloud1": settled(CLOUD), "monk": settled(HOME)}
    assert not diff([CLOUD, HOME], states)


def test_planning_twice_and_in_another_order_gives_the_same_plan() -> None:
    assert diff([CLOUD, HOME], {}) == diff([HOME, CLOUD], {})
    shuffled = replace(HOME, units=tuple(reversed(HOME.units)))
    assert diff([CLOUD, shuffled], {}) == diff([CLOUD, HOME], {})


Change = Callable[[HostState], HostState]
CASES: dict[str, tuple[Change, object]] = {
    "the lab file asks for another gateway configuration": (
        lambda state: replace(
            with_file(state, "gateway/Caddyfile", FileState("old", 0o644)),
            managed={**state.managed, "gateway/Caddyfile": "old"},
        ),
        snapshot("""\
kscloud1
  ~ file    gateway/Caddyfile  the lab file asks for other content
  ~ reload  Gateway            its file gateway/Caddyfile changed

1 host: 1 file, 1 reload\
"""),
    ),
    "somebody edited a file on the host": (
        lambda state: with_file(state, "gateway/Caddyfile", FileState("edited", 0o644)),
        snapshot("""\
kscloud1
  ~ file    gateway/Caddyfile  changed on the host by hand
  ~ reload  Gateway            its file gateway/Caddyfile changed

1 host: 1 file, 1 reload\
"""),
    ),
    "somebody removed a file on the host": (
        lambda state: with_file(state, "gateway/Caddyfile", None),
        snapshot("""\
kscloud1
  + file    gateway/Caddyfile  removed on the host by hand
  ~ reload  Gateway            its file gateway/Caddyfile changed

1 host: 1 file, 1 reload\
"""),
    ),
    "a secret changed, so what mounts it is recreated": (
        lambda state: replace(
            with_file(state, "secrets/app", FileState("old", 0o444)),
            managed={**state.managed, "secrets/app": "old"},
        ),
        snapshot("""\
kscloud1
  ~ secret   secrets/app  a secret or the lab file has changed
  ~ service  App          recreate: its secret file secrets/app changed

1 host: 1 file, 1 service to recreate\
"""),
    ),
    "a mode is wrong": (
        lambda state: with_file(state, "secrets/app", FileState(state.files["secrets/app"].digest, 0o644)),
        snapshot("""\
kscloud1
  ~ secret   secrets/app  mode is 0644, not 0444
  ~ service  App          recreate: its secret file secrets/app changed

1 host: 1 file, 1 service to recreate\
"""),
    ),
    "a file is right but no apply recorded it": (
        lambda state: replace(state, managed={k: v for k, v in state.managed.items() if k != "gateway/Caddyfile"}),
        snapshot("""\
kscloud1
  ~ file    gateway/Caddyfile  there already, but no apply has recorded it
  ~ reload  Gateway            its file gateway/Caddyfile changed

1 host: 1 file, 1 reload\
"""),
    ),
    "a file that nobody recorded is in the way": (
        lambda state: replace(
            with_file(state, "gateway/Caddyfile", FileState("foreign", 0o644)),
            managed={k: v for k, v in state.managed.items() if k != "gateway/Caddyfile"},
        ),
        snapshot("""\
kscloud1
  ~ file    gateway/Caddyfile  there already, but not written by Abbey
  ~ reload  Gateway            its file gateway/Caddyfile changed

1 host: 1 file, 1 reload\
"""),
    ),
    "a file and a service are no longer wanted": (
        lambda state: replace(
            with_file(state, "kavita/app.ini", FileState("k", 0o644)),
            managed={**state.managed, "kavita/app.ini": "k", "long/gone": "g"},
            containers=(*state.containers, ContainerState("kavita", "running", "healthy", "kavita:1", "c")),
        ),
        snapshot("""\
kscloud1
  - file     kavita/app.ini  no longer wanted
  - service  kavita          no longer wanted

1 host: 1 file, 1 service to remove\
"""),
    ),
    "a file of nobody's concern stays": (
        lambda state: with_file(state, "notes.txt", FileState("n", 0o600)),
        snapshot("nothing to do"),
    ),
    "a service is missing": (
        lambda state: without_container(state, "app"),
        snapshot("""\
kscloud1
  + service  App  not there yet

1 host: 1 service to create\
"""),
    ),
    "the database is missing, so its step runs": (
        lambda state: without_container(state, "postgres"),
        snapshot("""\
kscloud1
  + service  Postgres             not there yet
  ~ step     roles and databases  Postgres is new

1 host: 1 service to create, 1 step\
"""),
    ),
    "a service has another configuration": (
        lambda state: with_container(state, "app", config="old"),
        snapshot("""\
kscloud1
  ~ service  App  recreate: its configuration changed

1 host: 1 service to recreate\
"""),
    ),
    "a container is not Abbey's": (
        lambda state: with_container(state, "app", config=""),
        snapshot("""\
kscloud1
  ~ service  App  recreate: not made by Abbey

1 host: 1 service to recreate\
"""),
    ),
    "a service runs another image": (
        lambda state: with_container(state, "app", image="app:0"),
        snapshot("""\
kscloud1
  ~ service  App  recreate: its image changes from app:0 to app:1

1 host: 1 service to recreate\
"""),
    ),
    "an image was built anew under its name": (
        lambda state: with_container(state, "metrics", image="sha256:" + "0" * 64),
        snapshot("""\
kscloud1
  ~ service  Metrics  recreate: its image abbey/metrics:1 is another one now

1 host: 1 service to recreate\
"""),
    ),
    "the same image by its long name is no difference": (
        lambda state: with_container(state, "app", image="docker.io/library/app:1"),
        snapshot("nothing to do"),
    ),
    "a service has stopped": (
        lambda state: with_container(state, "app", state="exited", health=""),
        snapshot("""\
kscloud1
  ~ service  App  start: it has stopped

1 host: 1 service to start\
"""),
    ),
    "a service was created but never started": (
        lambda state: with_container(state, "app", state="created", health=""),
        snapshot("""\
kscloud1
  ~ service  App  start: it was never started

1 host: 1 service to start\
"""),
    ),
    "a service is paused": (
        lambda state: with_container(state, "app", state="paused"),
        snapshot("""\
kscloud1
  ~ service  App  recreate: it is paused

1 host: 1 service to recreate\
"""),
    ),
    "a service is still starting, so it is waited for": (
        lambda state: with_container(state, "app", health="starting"),
        snapshot("""\
kscloud1
  ~ service  App  start: it is not healthy yet

1 host: 1 service to start\
"""),
    ),
    "an unhealthy service is the doctor's": (
        lambda state: with_container(state, "app", health="unhealthy"),
        snapshot("nothing to do"),
    ),
    "images to build and to pull": (
        lambda state: replace(state, containers=(), images=frozenset({"docker.io/library/postgres:17"})),
        snapshot("""\
kscloud1
  + image    abbey/metrics:1      build: not on the host
  + image    app:1                pull: not on the host
  + image    caddy:2              pull: not on the host
  + service  Metrics              not there yet
  + service  Postgres             not there yet
  ~ step     roles and databases  Postgres is new
  + service  App                  not there yet
  + service  Gateway              not there yet

1 host: 3 images, 4 services to create, 1 step\
"""),
    ),
    "an apply was interrupted": (
        lambda state: replace(
            state,
            pending=frozenset(
                {
                    OnChange("app", Effect.RECREATE),
                    OnChange("gateway", Effect.RELOAD),
                    OnChange("roles", Effect.RUN),
                    OnChange("gone", Effect.RECREATE),
                    OnChange("gone", Effect.RUN),
                }
            ),
        ),
        snapshot("""\
kscloud1
  ~ step     roles and databases  an earlier apply did not finish it
  ~ service  App                  recreate: an earlier apply did not finish it
  ~ reload   Gateway              an earlier apply did not finish it

1 host: 1 service to recreate, 1 reload, 1 step\
"""),
    ),
    "a service that is recreated anyway is not reloaded": (
        lambda state: with_container(
            with_file(state, "gateway/Caddyfile", FileState("edited", 0o644)), "gateway", config="old"
        ),
        snapshot("""\
kscloud1
  ~ file     gateway/Caddyfile  changed on the host by hand
  ~ service  Gateway            recreate: its configuration changed

1 host: 1 file, 1 service to recreate\
"""),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_difference_on_the_cloud_host_becomes(case: str) -> None:
    change, expected = CASES[case]
    states = {"kscloud1": change(settled(CLOUD)), "monk": settled(HOME)}
    assert to_text(diff([CLOUD, HOME], states)) == expected


def test_a_secret_that_is_not_made_yet_counts_as_missing() -> None:
    unmade = replace(HOME, digests={k: v for k, v in HOME.digests.items() if k != "secrets/app"})
    empty = to_text(diff([unmade], {}))
    assert "+ secret   secrets/app" in empty
    there = to_text(diff([unmade], {"monk": settled(HOME)}))
    assert "~ secret   secrets/app  its secret is not made yet" in there


def test_a_service_without_a_reload_command_is_recreated_instead() -> None:
    units = (APP, replace(GATEWAY, reload=()), METRICS)
    state = with_file(settled(HOME), "gateway/Caddyfile", FileState("edited", 0o644))
    plan = diff([replace(HOME, units=units)], {"monk": state})
    (up,) = [action.act for action in plan.actions if isinstance(action.act, ComposeUp)]
    assert up.force == ("gateway",)


def test_only_what_compose_cannot_see_is_forced() -> None:
    state = with_container(with_container(settled(HOME), "app", config="old"), "metrics", state="paused")
    ups = [action.act for action in diff([HOME], {"monk": state}).actions if isinstance(action.act, ComposeUp)]
    assert [up.force for up in ups] == [("metrics",), ()]


def test_owes_names_what_cannot_be_seen_on_the_host_later() -> None:
    pending = frozenset({OnChange("app", Effect.RECREATE)})
    state = replace(with_file(settled(CLOUD), "postgres/roles.sql", None), pending=pending)
    state = with_file(state, "gateway/Caddyfile", None)
    (write,) = [
        action.act for action in diff([CLOUD], {"kscloud1": state}).actions if isinstance(action.act, WriteFiles)
    ]
    assert write.owes == (
        OnChange("app", Effect.RECREATE),
        OnChange("gateway", Effect.RELOAD),
        OnChange("roles", Effect.RUN),
    )


def _waits(wanted: list[Desired], states: dict[str, HostState]) -> list[str]:
    plan = diff(wanted, states)
    return [
        f"{action.id} {action.host} {type(action.act).__name__} after {list(action.after)}" for action in plan.actions
    ]


def test_an_app_waits_for_the_database_and_its_roles_on_the_other_host() -> None:
    assert _waits([CLOUD, HOME], {}) == snapshot(
        [
            "1 kscloud1 WriteFiles after []",
            "2 kscloud1 BuildImages after [1]",
            "3 kscloud1 PullImages after [1]",
            "4 kscloud1 ComposeUp after [2, 3]",
            "5 kscloud1 Run after [2, 3, 4]",
            "6 kscloud1 ComposeUp after [4, 5]",
            "7 kscloud1 ComposeUp after [6]",
            "8 monk WriteFiles after []",
            "9 monk BuildImages after [8]",
            "10 monk PullImages after [8]",
            "11 monk ComposeUp after [9, 10]",
            "12 monk ComposeUp after [4, 5, 11]",
            "13 monk ComposeUp after [12]",
        ]
    )


def test_a_reload_waits_for_files_and_its_own_stage_but_not_for_later_ones() -> None:
    late = replace(APP, stage=9)
    wanted = replace(HOME, units=(late, GATEWAY, METRICS))
    state = with_file(without_container(settled(HOME), "app"), "gateway/Caddyfile", None)
    plan = diff([wanted], {"monk": state})
    kinds = {type(action.act): action for action in plan.actions}
    assert kinds[Reload].after == (kinds[WriteFiles].id,)
    assert kinds[Reload].id > kinds[ComposeUp].id


def test_every_dependency_has_a_smaller_number() -> None:
    plan = diff([CLOUD, HOME], {})
    assert [action.id for action in plan.actions] == list(range(1, len(plan.actions) + 1))
    assert all(before < action.id for action in plan.actions for before in action.after)


def test_hosts_that_wait_for_each_other_are_an_error() -> None:
    circle = replace(POSTGRES, needs=(("monk", "app"),))
    with pytest.raises(AbbeyError) as caught:
        diff([replace(CLOUD, units=(circle,)), HOME], {})
    assert str(caught.value) == snapshot("""\
services on kscloud1, monk wait for each other in a circle
    hint: one of them must come up without the other: look at what they need and at their stages\
""")


def test_a_step_runs_when_its_service_is_new_or_recreated_but_not_when_it_is_started() -> None:
    def runs(state: HostState) -> list[str]:
        return [a.act.cause for a in diff([CLOUD], {"kscloud1": state}).actions if isinstance(a.act, Run)]

    whole = settled(CLOUD)
    assert runs(without_container(whole, "postgres")) == ["Postgres is new"]
    assert runs(with_container(whole, "postgres", config="old")) == ["Postgres is recreated"]
    assert runs(with_container(whole, "postgres", state="exited")) == []
