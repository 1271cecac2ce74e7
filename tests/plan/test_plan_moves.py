from __future__ import annotations

from dataclasses import replace

from plan_labs import APP, POSTGRES, desired, settled, with_container, with_file, without_container

from abbey.plan.action import Plan
from abbey.plan.diff import diff
from abbey.plan.moves import Move, moves, same
from abbey.plan.state import Desired, FileState, HostState

CLOUD, HOME = desired("kscloud1"), desired("monk")
SETTLED = {"kscloud1": settled(CLOUD), "monk": settled(HOME)}


def after_move() -> Plan:
    """The database was on kscloud1 and is wanted on monk."""
    cloud = replace(CLOUD, units=tuple(unit for unit in CLOUD.units if unit != POSTGRES), steps=())
    home = replace(HOME, units=(*HOME.units, POSTGRES))
    return diff([_at_home(cloud), _at_home(home)], SETTLED)


def _at_home(wanted: Desired) -> Desired:
    units = tuple(replace(unit, needs=(("monk", "postgres"),)) if unit == APP else unit for unit in wanted.units)
    return replace(wanted, units=units)


def test_a_service_that_goes_here_and_begins_there_moves() -> None:
    (move,) = moves(after_move(), {"postgres"})
    assert move == Move("postgres", "Postgres", ("kscloud1",), "monk")
    assert str(move) == "Postgres moves from kscloud1 to monk: its data stays behind on kscloud1 and it starts empty"


def test_what_keeps_no_data_or_keeps_it_on_several_hosts_does_not_count() -> None:
    assert moves(after_move(), {"app"}) == ()


def test_what_only_begins_or_only_goes_does_not_move() -> None:
    assert moves(diff([CLOUD, HOME], {}), {"postgres", "app"}) == ()
    less = replace(CLOUD, units=tuple(unit for unit in CLOUD.units if unit != POSTGRES), steps=())
    assert moves(diff([_without_needs(less)], SETTLED), {"postgres"}) == ()


def _without_needs(wanted: Desired) -> Desired:
    return replace(wanted, units=tuple(replace(unit, needs=()) for unit in wanted.units))


def planned(**states: HostState) -> Plan:
    return diff([CLOUD, HOME], SETTLED | states)


def test_plans_of_the_same_hosts_are_the_same_and_others_are_not() -> None:
    drifted = with_file(SETTLED["monk"], "gateway/Caddyfile", FileState("x", 0o644))
    assert same(planned(monk=drifted), planned(monk=drifted))
    assert not same(planned(monk=drifted), planned())
    assert not same(planned(), planned(monk=without_container(SETTLED["monk"], "app")))


def test_a_service_that_came_up_by_itself_makes_no_other_plan() -> None:
    starting = with_container(SETTLED["monk"], "app", health="starting")
    drifted = with_file(SETTLED["monk"], "gateway/Caddyfile", FileState("x", 0o644))
    both = with_file(starting, "gateway/Caddyfile", FileState("x", 0o644))
    assert len(planned(monk=both).actions) > len(planned(monk=drifted).actions)
    assert same(planned(monk=both), planned(monk=drifted))
