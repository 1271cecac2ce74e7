from __future__ import annotations

import json
import logging
import math
import stat
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from standin_host import Now

from abbey_metrics.clock import Clock
from abbey_metrics.documents import Preferences
from abbey_metrics.people import FILE, Choices
from abbey_metrics.preferences import LONGEST_USER, MOST_NAMES

WALL = 1_700_000_000.0
ENDLESS = 30.0


@pytest.fixture
def choices(now: Now) -> Choices:
    return Choices(None, clock=now.clock())


@contextmanager
def running(folder: Path, retry: float = 0.02) -> Iterator[Choices]:
    """Run choices with a file."""
    choices = Choices(folder, clock=Clock(wall=lambda: WALL), retry=retry)
    choices.start()
    try:
        yield choices
    finally:
        choices.stop()


def until(true: Callable[[], object]) -> None:
    """Wait until something is true, and fail when that takes for ever."""
    deadline = time.monotonic() + ENDLESS
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def kept(folder: Path) -> dict[str, Preferences]:
    """Return what a service that starts finds in a folder."""
    with running(folder) as choices:
        pass
    return choices.all()


def test_what_was_chosen_later_holds(choices: Choices) -> None:
    early, late = Preferences(WALL - 9, ("grafana",)), Preferences(WALL - 5, theme="calm")
    assert choices.of("ada") is None
    assert choices.choose("ada", late) == late
    assert choices.choose("ada", early) == late
    assert choices.of("ada") == late
    assert choices.of("bob") is None
    assert choices.all() == {"ada": late}


def test_the_version_grows_with_changes_and_with_nothing_else(choices: Choices) -> None:
    chosen = Preferences(WALL, ("grafana",))
    versions = [choices.version]
    for change in (
        lambda: choices.choose("ada", chosen),
        lambda: choices.choose("ada", chosen),
        lambda: choices.choose("ada", replace(chosen, at=WALL - 1)),
        lambda: choices.merge({"ada": chosen}),
        lambda: choices.merge({"bob": chosen}),
    ):
        change()
        versions.append(choices.version)
    assert versions == [0, 1, 1, 1, 1, 2]


def test_a_time_that_has_not_come_is_now(choices: Choices) -> None:
    assert choices.choose("ada", Preferences(WALL + 59)).at == WALL + 59
    assert choices.choose("bob", Preferences(WALL + 61)).at == WALL
    assert choices.choose("bob", Preferences(1e10, theme="light")).theme == "light"


def test_who_chose_by_a_clock_that_was_wrong_can_choose_again(choices: Choices) -> None:
    other = Choices(None, clock=Clock(wall=lambda: WALL + 10**8))
    other.choose("ada", Preferences(WALL + 10**8, theme="calm"))
    assert choices.merge(other.all())
    assert choices.choose("ada", Preferences(WALL, theme="light")).theme == "light"
    assert not choices.merge(other.all())
    assert other.merge(choices.all())
    assert other.all() == choices.all()


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        (Preferences(math.nan), "at is not a time"),
        (Preferences(-1), "at is not a time"),
        (Preferences(math.inf), "at is not a time"),
        (Preferences(WALL, ("a",) * (MOST_NAMES + 1)), "favourites has more than 200 names"),
        (Preferences(WALL, order=("a",) * (MOST_NAMES + 1)), "order has more than 200 names"),
        (Preferences(WALL, ("Ada",)), "favourites has a name that no app can have"),
        (Preferences(WALL, order=("a" * 64,)), "order has a name"),
        (Preferences(WALL, ("a\n",)), "favourites has a name"),
        (Preferences(WALL, theme="x" * 21), "theme is no word"),
        (Preferences(WALL, language="de_DE"), "language is no word"),
    ],
)
def test_what_nobody_can_choose_is_refused_and_not_taken_from_others(
    choices: Choices, chosen: Preferences, words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        choices.choose("ada", chosen)
    assert not choices.merge({"ada": chosen})
    assert choices.all() == {}


@pytest.mark.parametrize("user", ["", "a" * (LONGEST_USER + 1), "a\nb", "\x1b[2J", "\ud800"])
def test_what_is_no_user_name_is_refused_and_not_taken_from_others(choices: Choices, user: str) -> None:
    with pytest.raises(ValueError, match="no user name"):
        choices.choose(user, Preferences(WALL))
    assert not choices.merge({user: Preferences(WALL)})


def test_the_most_that_anybody_can_choose_is_kept(tmp_path: Path) -> None:
    names = tuple(f"{n:03}{'a' * 60}" for n in range(MOST_NAMES))
    chosen = Preferences(WALL, names, names, "a" * 20, "b" * 20)
    with running(tmp_path) as choices:
        choices.choose("ада, Ada 👩", chosen)
    assert kept(tmp_path) == {"ада, Ada 👩": chosen}


def test_of_too_many_those_who_chose_last_stay() -> None:
    choices = Choices(None, most=3, clock=Clock(wall=lambda: WALL))
    for n, user in enumerate("dacb"):
        choices.choose(user, Preferences(WALL - 10 + n))
    assert sorted(choices.all()) == ["a", "b", "c"]
    old = Preferences(WALL - 100)
    assert choices.choose("e", old) == old
    assert sorted(choices.all()) == ["a", "b", "c"]


USERS = st.sampled_from(["ada", "bob", "cyd", "dan"])
TIMES = st.sampled_from([0.0, 5.0, 5.5, 59.0, 61.0, 3600.0, 1e9])
CHOSEN = st.builds(
    Preferences,
    at=TIMES.map(lambda seconds: WALL + seconds),
    favourites=st.sampled_from([(), ("grafana",), ("git", "grafana")]),
    theme=st.sampled_from(["", "calm", "light"]),
)
DOINGS = st.one_of(st.tuples(st.booleans(), USERS, CHOSEN), st.booleans())


@settings(deadline=None)
@given(st.lists(DOINGS, max_size=25), st.sampled_from([0.0, 30.0, 7200.0, -7200.0]), st.integers(1, 5), st.booleans())
@example([(False, "ada", Preferences(WALL)), (True, "bob", Preferences(WALL))], 0.0, 1, False)
@example([(False, "ada", Preferences(WALL, theme="calm")), (True, "ada", Preferences(WALL))], 0.0, 1, False)
def test_two_hosts_agree_once_each_has_heard_the_other(
    doings: Sequence[tuple[bool, str, Preferences] | bool], skew: float, most: int, first: bool
) -> None:
    hosts = (
        Choices(None, most=most, clock=Clock(wall=lambda: WALL)),
        Choices(None, most=most, clock=Clock(wall=lambda: WALL + skew)),
    )
    for doing in doings:
        if isinstance(doing, bool):
            hosts[doing].merge(hosts[not doing].all())
        else:
            host, user, chosen = doing
            hosts[host].choose(user, chosen)
    hosts[first].merge(hosts[not first].all())
    hosts[not first].merge(hosts[first].all())
    assert hosts[0].all() == hosts[1].all()
    assert not hosts[0].merge(hosts[1].all())


def test_choices_outlive_the_service_in_a_file_for_it_alone(tmp_path: Path) -> None:
    chosen = Preferences(WALL, ("grafana", "git"), ("git",), "calm", "de")
    folder = tmp_path / "state"
    with running(folder) as choices:
        choices.choose("ada", chosen)
    assert kept(folder) == {"ada": chosen}
    assert stat.S_IMODE((folder / FILE).stat().st_mode) == 0o600
    assert [path.name for path in folder.iterdir()] == [FILE]


def test_what_was_chosen_before_the_file_was_read_is_put_together_with_it(tmp_path: Path) -> None:
    early, late = Preferences(WALL - 5, ("git",)), Preferences(WALL)
    with running(tmp_path) as choices:
        choices.merge({"ada": early, "bob": late})
    again = Choices(tmp_path, clock=Clock(wall=lambda: WALL))
    again.choose("ada", late)
    again.choose("bob", early)
    again.start()
    again.stop()
    assert again.all() == kept(tmp_path) == {"ada": late, "bob": late}


def test_a_file_that_says_everything_already_is_not_written_again(tmp_path: Path) -> None:
    with running(tmp_path) as choices:
        choices.choose("ada", Preferences(WALL))
    before = (tmp_path / FILE).stat()
    with running(tmp_path) as choices:
        choices.merge({"ada": Preferences(WALL)})
    assert (tmp_path / FILE).stat().st_ino == before.st_ino


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b'{"people": []}', b"\xff\xfe", b"[" * 100_000, b"{}"])
def test_a_broken_file_is_moved_aside_and_a_new_one_begins(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, text: bytes
) -> None:
    (tmp_path / FILE).write_bytes(text)
    with running(tmp_path) as choices:
        choices.choose("ada", Preferences(WALL))
    assert len(caplog.messages) == 1
    assert f"is no list of people; it is {FILE}.unusable now" in caplog.messages[0]
    assert (tmp_path / f"{FILE}.unusable").read_bytes() == text
    assert kept(tmp_path) == {"ada": Preferences(WALL)}


def test_people_who_cannot_be_understood_are_left_out_and_the_others_stay(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    people = {"ada": {"at": WALL, "later": 1}, "bob": {"at": "x"}, "cyd": None, "": {"at": 1}, "dan": {"at": -1}}
    (tmp_path / FILE).write_text(json.dumps({"people": people}))
    assert kept(tmp_path) == {"ada": Preferences(WALL)}
    assert caplog.messages == [f"{tmp_path / FILE} names 4 people who cannot be understood"]


def test_while_nothing_can_be_written_memory_goes_on_and_it_is_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    folder = tmp_path / "state"
    folder.write_text("a file where the folder should be")
    with running(folder) as choices:
        choices.choose("ada", Preferences(WALL))
        until(lambda: caplog.messages)
        time.sleep(0.1)  # for several attempts
        choices.choose("bob", Preferences(WALL))
        assert caplog.messages == [
            "what people chose cannot be kept: Not a directory; it is held in memory, and tried again"
        ]
        assert sorted(choices.all()) == ["ada", "bob"]
        folder.unlink()
        until(lambda: len(caplog.messages) == 2)
        assert caplog.messages[1] == "what people chose is kept again"
    assert sorted(kept(folder)) == ["ada", "bob"]


def test_a_file_left_by_a_write_that_was_cut_off_is_in_nobodys_way(tmp_path: Path) -> None:
    (tmp_path / f"{FILE}.new").write_text("{")
    with running(tmp_path) as choices:
        choices.choose("ada", Preferences(WALL))
    assert kept(tmp_path) == {"ada": Preferences(WALL)}
