from __future__ import annotations

import json
import math
import sys
from array import array
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter
from samples import MINUTE, known, pasts, sample
from standin_host import Now

from abbey_metrics.columns import BLANK, NAMES, WIDTH, row
from abbey_metrics.documents import Past, Range
from abbey_metrics.figures import DiskIo, HostFigures, Network
from abbey_metrics.history import LIVE, History
from abbey_metrics.rings import RINGS, SECONDS, SLOTS, Rings

EPOCH = st.integers(min_value=0, max_value=10**10)


@pytest.fixture
def history(now: Now) -> History:
    return History(["monk", "kscloud1"], folder=None, clock=now.clock())


def _fed(*samples: HostFigures) -> History:
    history = History(["monk"], folder=None)
    for each in samples:
        history.add(each)
    return history


def test_a_sample_is_ten_columns_that_print_as_short_as_they_came() -> None:
    past = _fed(sample(MINUTE + 0.4, 12.3)).past("monk", Range.MINUTES)
    document = json.loads(TypeAdapter(Past).dump_json(past))
    assert {name: values[-1] for name, values in document["columns"].items()} == {
        "cpu": 12.3,
        "memory": 42.3,
        "swap": 25.0,
        "disk": 91.0,
        "load": 0.25,
        "celsius": 60.0,
        "rx": 1234.0,
        "tx": 123456.0,
        "read": None,
        "write": 17.0,
    }
    assert past.start + 299 * past.step == MINUTE


def test_a_host_of_which_nothing_can_be_read_is_remembered_as_unknown() -> None:
    blank = replace(
        sample(MINUTE), cpu=None, memory=None, swap=None, disks=(), network=None, disk_io=None, temperatures=()
    )
    assert all(math.isnan(value) for value in row(blank))


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e39, 1e308])
def test_figures_that_no_host_can_have_are_unknown(value: float) -> None:
    odd = replace(sample(MINUTE, value), network=Network(value, 5.0, ()), disk_io=DiskIo(value, value))
    columns = _fed(odd).past("monk", Range.DAY).columns
    assert [name for name in NAMES if columns[name][-1] is None] == ["cpu", "rx", "read", "write"]


@pytest.mark.parametrize("at", [math.nan, math.inf, -1.0, 1e12])
def test_a_sample_of_no_time_is_not_remembered(history: History, at: float) -> None:
    history.add(sample(MINUTE))
    history.add(sample(at, 99.0))
    assert known(history.past("monk", Range.MINUTES)) == {MINUTE: 1.0}


def test_coarse_steps_are_means_over_what_is_known_and_hold_what_has_begun() -> None:
    history = _fed(
        sample(MINUTE + 8, 10.0), sample(MINUTE + 9, 20.0), sample(MINUTE + 10, None), sample(MINUTE + 12, 45.0)
    )
    assert known(history.past("monk", Range.HOUR)) == {MINUTE: 15.0, MINUTE + 10: 45.0}
    assert known(history.past("monk", Range.DAY)) == {MINUTE: 25.0}
    assert known(history.past("monk", Range.HOUR), "memory") == {MINUTE: 42.3, MINUTE + 10: 42.3}


def test_ranges_are_aligned_and_as_long_as_they_say(history: History) -> None:
    history.add(sample(MINUTE + 33.7))
    shapes = {range_: (past.start, past.step, len(past.columns["cpu"])) for range_, past in pasts(history).items()}
    assert shapes == {
        Range.MINUTES: (MINUTE + 33 - 299, 1.0, 300),
        Range.HOUR: (MINUTE + 30 - 3590, 10.0, 360),
        Range.DAY: (MINUTE - 86340, 60.0, 1440),
    }


def test_a_sample_that_comes_twice_counts_once_and_of_two_in_a_second_the_later() -> None:
    history = _fed(sample(MINUTE, 10.0), sample(MINUTE + 1.1, 30.0), sample(MINUTE + 1.9, 50.0))
    history.add(sample(MINUTE + 1.9, 50.0))
    assert known(history.past("monk", Range.MINUTES)) == {MINUTE: 10.0, MINUTE + 1: 50.0}
    assert known(history.past("monk", Range.DAY)) == {MINUTE: 30.0}


def test_hosts_do_not_mix_and_an_unknown_one_is_refused(history: History) -> None:
    history.add(sample(MINUTE, 10.0))
    history.add(sample(MINUTE, 20.0, "kscloud1"))
    assert known(history.past("kscloud1", Range.MINUTES)) == {MINUTE: 20.0}
    for ask in (lambda: history.past("x", Range.DAY), lambda: history.add(sample(MINUTE, host="x"))):
        with pytest.raises(KeyError):
            ask()


def test_a_day_is_remembered_and_no_more() -> None:
    history = _fed(*(sample(MINUTE + 60 * n, float(n % 50)) for n in range(1500)))
    found = known(history.past("monk", Range.DAY))
    assert found == {MINUTE + 60 * n: float(n % 50) for n in range(60, 1500)}
    assert list(known(history.past("monk", Range.HOUR))) == [MINUTE + 60 * n for n in range(1440, 1500)]


def test_a_host_that_falls_silent_goes_on_as_unknown(history: History, now: Now) -> None:
    history.add(sample(MINUTE, 10.0))
    now.pass_(9)
    assert history.past("monk", Range.MINUTES).columns["cpu"][-1] == 10.0
    now.pass_(51)
    assert history.past("monk", Range.MINUTES).columns["cpu"][-61:] == (10.0, *[None] * 60)
    now.pass_(86400)
    assert known(history.past("monk", Range.DAY)) == {}


def test_a_host_never_heard_of_has_an_empty_past_until_now(history: History, now: Now) -> None:
    past = history.past("monk", Range.MINUTES)
    assert (past.start, known(past)) == (now.wall - 299, {})


def test_a_host_whose_clock_is_wrong_is_shown_by_its_own_clock(history: History, now: Now) -> None:
    history.add(sample(MINUTE - 7200, 10.0))
    now.pass_(3)
    assert known(history.past("monk", Range.MINUTES)) == {MINUTE - 7200: 10.0}


@pytest.mark.parametrize("jump", [10**9, 3600, -3600, -(10**9)])
def test_a_clock_that_jumps_and_returns_loses_only_the_places_that_it_used(jump: int) -> None:
    before = [sample(MINUTE + n, float(n)) for n in range(200)]
    history = _fed(*before, sample(MINUTE + 200 + jump, 99.0))
    assert known(history.past("monk", Range.MINUTES)) == {MINUTE + 200 + jump: 99.0}
    history.add(sample(MINUTE + 201, 5.0))
    found = known(history.past("monk", Range.MINUTES))
    place = (MINUTE + 200 + jump) % 300
    expected = {MINUTE + n: float(n) for n in range(200) if (MINUTE + n) % 300 != place}
    assert found == expected | {MINUTE + 201: 5.0}


@settings(deadline=None)
@given(st.lists(st.tuples(EPOCH | st.integers(MINUTE, MINUTE + 700), st.floats(0, 100, width=16)), max_size=40))
def test_seconds_hold_what_a_table_of_places_would_whatever_the_clock_does(steps: Sequence[tuple[int, float]]) -> None:
    history, table = _fed(), {}
    for second, cpu in steps:
        history.add(sample(second, cpu))
        table[second % 300] = second, round(cpu * 10) / 10
    if steps:
        end = steps[-1][0]
        expected = {second: cpu for second, cpu in table.values() if end - 300 < second <= end}
        assert known(history.past("monk", Range.MINUTES)) == expected


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 4) | st.integers(1, 400), st.integers(0, 1000), st.booleans()), max_size=120),
    st.integers(MINUTE, MINUTE + 300),
)
def test_what_is_worth_keeping_is_enough_to_go_on_after_any_end(
    steps: Sequence[tuple[int, int, bool]], second: int
) -> None:
    unbroken, rings, disk = Rings(), Rings(), dict[int, bytes]()
    for gap, value, ends in steps:
        if ends:
            held = Rings()
            for slot, step in disk.items():
                held.restore(slot, step)
            rings = Rings()
            disk |= {slot: rings.dump(slot) for slot in rings.merge(held)}
        second += gap
        figures = array("f", [value]) * WIDTH
        unbroken.add(second, figures)
        disk |= {slot: rings.dump(slot) for slot in rings.add(second, figures)}
    for ring in RINGS.values():
        window = (ring, second // ring.step - ring.length + 1, ring.length)
        assert rings.columns(*window) == unbroken.columns(*window)


def test_what_came_before_the_file_was_read_is_put_together_with_it() -> None:
    held, rings = Rings(), Rings()
    for n in range(30):
        held.add(MINUTE + n, array("f", [100.0]) * WIDTH)
    for n in range(30, 60):
        rings.add(MINUTE + n, array("f", [200.0]) * WIDTH)
    lacking = rings.merge(held)
    assert rings.columns(RINGS[Range.DAY], MINUTE // 60, 1, ["rx"]) == {"rx": (150.0,)}
    assert {SECONDS.slot(MINUTE + 59), RINGS[Range.DAY].slot(MINUTE // 60)} <= lacking
    assert SECONDS.slot(MINUTE + 29) not in lacking


def test_a_minute_whose_seconds_have_gone_keeps_its_mean() -> None:
    held, rings = Rings(), Rings()
    for n in range(60):
        held.add(MINUTE + n, array("f", [100.0 if n < 30 else 300.0]) * WIDTH)
    for n in range(330, 360):
        held.add(MINUTE + n, array("f", [900.0]) * WIDTH)  # into the places of the minute's second half
    assert rings.merge(held) == set()
    assert rings.columns(RINGS[Range.DAY], MINUTE // 60, 1, ["rx"]) == {"rx": (200.0,)}


@pytest.mark.parametrize("slot", [-1, SLOTS, 7])
def test_what_is_no_step_of_its_slot_is_refused(slot: int) -> None:
    rings = Rings()
    rings.add(300, BLANK)
    with pytest.raises(ValueError, match="not a step"):
        rings.restore(slot, rings.dump(0))
    with pytest.raises(ValueError, match="not a step"):
        rings.restore(0, rings.dump(0)[:-1])


def test_a_stream_that_joins_gets_five_minutes_thinned(history: History) -> None:
    for n in range(0, 302, 2):  # another host, heard every two seconds
        history.add(sample(MINUTE + n, float(n % 10)))
    past = history.recent("monk", since=None, most=60)
    assert (past.step, past.start, tuple(past.columns)) == (5.0, MINUTE + 5, LIVE)
    assert past.columns["cpu"] == (*(7.0, 2.0) * 29, 7.0, 0.0)


@pytest.mark.parametrize("most", [1, 7, 60, 299, 300, 1000])
def test_a_thinned_past_is_never_longer_than_asked_and_ends_now(history: History, most: int) -> None:
    history.add(sample(MINUTE + 123, 7.0))
    past = history.recent("monk", since=None, most=most)
    assert len(past.columns["cpu"]) <= most
    assert past.columns["cpu"][-1] == 7.0
    assert past.start % past.step == 0


@pytest.mark.parametrize(
    ("since", "seconds"),
    [(57.0, [58, 59]), (57.9, [58, 59]), (59.2, []), (99.0, []), (-1000.0, [0, *range(1, 60)])],
)
def test_a_stream_that_resumes_gets_what_came_since(history: History, since: float, seconds: list[int]) -> None:
    for n in range(60):
        history.add(sample(MINUTE + n, float(n)))
    past = history.recent("monk", since=MINUTE + since, most=300)
    assert known(past) == {MINUTE + n: float(n) for n in seconds}
    assert past.step == 1.0
    assert len(past.columns["cpu"]) in (len(seconds), 300)


@pytest.mark.parametrize(("since", "count"), [(-math.inf, 300), (math.inf, 0), (math.nan, 300)])
def test_any_number_may_be_given_as_since(history: History, since: float, count: int) -> None:
    history.add(sample(MINUTE))
    assert len(history.recent("monk", since=since, most=1000).columns["cpu"]) == count
    assert len(history.recent("monk", since=MINUTE - 100, most=20).columns["cpu"]) == 20


def test_five_hosts_take_less_than_a_megabyte() -> None:
    rings = Rings()
    size = sum(sys.getsizeof(part) for part in vars(rings).values())
    assert 5 * size < 2**20
    for n in range(1000):
        rings.add(MINUTE + 61 * n, array("f", [1.0]) * WIDTH)
    assert sum(sys.getsizeof(part) for part in vars(rings).values()) <= size + 64
