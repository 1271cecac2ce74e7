from __future__ import annotations

import json
import os
import signal
import stat
from collections.abc import Sequence
from pathlib import Path

import pytest
from engine_hosts import FOLDER, Lab
from inline_snapshot import snapshot

from abbey.engine.event import Ended, Event, Started, Stopping
from abbey.errors import AbbeyError, LockError
from abbey.plan.show import to_json, to_text
from abbey.report import Outcome


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path)


def outcomes(lab: Lab) -> list[str]:
    return [f"{done.id} {done.host} {done.text}: {done.outcome}" for done in lab.apply()]


def audit(lab: Lab, host: str) -> list[dict[str, str]]:
    return [json.loads(line) for line in (lab.folder(host) / ".abbey/audit.log").read_text().splitlines()]


def test_two_empty_hosts_come_up_and_a_second_apply_has_nothing_to_do(lab: Lab) -> None:
    assert outcomes(lab) == snapshot(
        [
            "1 kscloud1 write 3 files: ok",
            "2 kscloud1 pull postgres:17, app:1, caddy:2: ok",
            "3 kscloud1 bring up Postgres: ok",
            "4 kscloud1 run roles and databases: ok",
            "5 kscloud1 bring up App: ok",
            "6 kscloud1 bring up Gateway: ok",
            "7 monk write 3 files: ok",
            "8 monk pull app:1, caddy:2: ok",
            "9 monk bring up App: ok",
            "10 monk bring up Gateway: ok",
        ]
    )
    assert lab.docker_calls("kscloud1") == snapshot(
        ["pull --quiet postgres app gateway", "up postgres", "exec postgres psql -f /roles.sql", "up app", "up gateway"]
    )
    assert not lab.plan()
    assert lab.apply() == ()


def test_files_are_in_place_with_their_modes_and_secrets_behind_a_closed_door(lab: Lab) -> None:
    lab.apply()
    folder = lab.folder("monk")
    assert (folder / "secrets/app").read_text() == "password=first-password"
    modes = {name: stat.S_IMODE((folder / name).stat().st_mode) for name in ("secrets", "secrets/app", ".abbey")}
    assert modes == {"secrets": 0o700, "secrets/app": 0o444, ".abbey": 0o700}
    assert not (folder / ".abbey/staging").exists()
    assert not (folder / ".abbey/lock").exists()


def test_a_change_reaches_only_what_it_concerns(lab: Lab) -> None:
    lab.apply()
    lab.docker_calls("monk")
    lab.caddyfile = "reverse_proxy other"
    lab.apply()
    assert lab.docker_calls("monk") == ["exec gateway caddy reload"]
    lab.app_config = "c2"
    lab.apply()
    assert lab.docker_calls("monk") == ["up app"]
    lab.password = "second-password"
    lab.apply()
    assert lab.docker_calls("monk") == ["up --force-recreate app"]
    assert not lab.plan()


def test_a_failure_skips_what_depends_on_it_here_and_on_the_other_host(lab: Lab) -> None:
    lab.set_docker("kscloud1", broken=["postgres"], says={"postgres": "FATAL: no space"})
    done = lab.apply()
    assert [f"{one.host} {one.text}: {one.outcome}" for one in done] == snapshot(
        [
            "kscloud1 write 3 files: ok",
            "kscloud1 pull postgres:17, app:1, caddy:2: ok",
            "kscloud1 bring up Postgres: failed",
            "kscloud1 run roles and databases: skipped",
            "kscloud1 bring up App: skipped",
            "kscloud1 bring up Gateway: skipped",
            "monk write 3 files: ok",
            "monk pull app:1, caddy:2: ok",
            "monk bring up App: skipped",
            "monk bring up Gateway: skipped",
        ]
    )
    failed = next(one for one in done if one.outcome is Outcome.FAILED)
    assert failed.error == snapshot("""\
container lab-postgres-1 is unhealthy
health check of postgres: wget: connection refused
last lines of postgres:
    FATAL: no space\
""")
    assert {one.error for one in done if one.outcome is Outcome.SKIPPED} == snapshot(
        {"bring up Postgres failed on kscloud1"}
    )
    assert "app" not in lab.docker("monk")["containers"]


def test_after_the_cause_is_gone_the_next_apply_finishes(lab: Lab) -> None:
    lab.set_docker("kscloud1", failing="exec --no-TTY postgres")
    done = lab.apply()
    assert [one.text for one in done if one.outcome is Outcome.FAILED] == ["run roles and databases"]
    lab.set_docker("kscloud1", failing="")
    assert to_text(lab.plan()) == snapshot("""\
kscloud1
  ~ step     roles and databases  an earlier apply did not finish it
  + service  App                  not there yet
  + service  Gateway              not there yet

monk
  + service  App                  not there yet
  + service  Gateway              not there yet

2 hosts: 4 services to create, 1 step\
""")
    assert {one.outcome for one in lab.apply()} == {Outcome.OK}
    assert not lab.plan()


def test_an_interruption_releases_the_locks_and_the_next_apply_finishes(lab: Lab) -> None:
    lab.apply()
    lab.password, lab.caddyfile = "second-password", "reverse_proxy other"

    def interrupt(event: Event) -> None:
        if isinstance(event, Ended) and event.done.text == "write 2 files":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        lab.apply(interrupt)
    states = lab.observe()
    assert all(state.lock == "" for state in states.values())
    text = to_text(lab.plan())
    assert "recreate: an earlier apply did not finish it" in text
    assert {one.outcome for one in lab.apply()} == {Outcome.OK}
    assert not lab.plan()
    assert all(lab.docker(host)["containers"]["app"]["made"] == "2" for host in lab.shells)


def test_control_c_waits_for_what_runs_and_begins_nothing_new(lab: Lab) -> None:
    lab.set_docker("kscloud1", images=["app:1", "caddy:2", "postgres:17"])

    def control_c(argv: Sequence[str]) -> None:
        if "up" in argv:
            os.kill(os.getpid(), signal.SIGINT)

    lab.shells["kscloud1"].before = control_c
    with pytest.raises(KeyboardInterrupt):
        lab.apply()
    lab.shells["kscloud1"].before = lambda argv: None
    assert list(lab.docker("kscloud1")["containers"]) == ["postgres"]
    assert any(isinstance(event, Stopping) for event in lab.events)
    started = {event.id for event in lab.events if isinstance(event, Started)}
    assert started == {event.done.id for event in lab.events if isinstance(event, Ended)}
    assert "~ step     roles and databases  an earlier apply did not finish it" in to_text(lab.plan())
    lab.apply()
    assert not lab.plan()


def test_a_second_control_c_ends_what_runs(lab: Lab) -> None:
    def hang(argv: Sequence[str]) -> None:
        if "up" in argv:
            os.kill(os.getpid(), signal.SIGINT)
            lab.shells["kscloud1"].inner.run(["sleep", "600"])

    def again(event: Event) -> None:
        if isinstance(event, Stopping):
            raise KeyboardInterrupt

    lab.shells["kscloud1"].before = hang
    with pytest.raises(KeyboardInterrupt):
        lab.apply(again)
    assert not (lab.folder("kscloud1") / ".abbey/lock").exists()
    assert not (lab.folder("monk") / ".abbey/lock").exists()


def test_a_locked_host_stops_everything_before_anything_changes(lab: Lab) -> None:
    lock = lab.folder("monk") / ".abbey/lock"
    lock.mkdir(parents=True)
    (lock / "owner").write_text(json.dumps({"who": "brother@laptop", "why": "up", "token": "t"}))
    with pytest.raises(LockError, match="monk is locked by brother@laptop, ") as caught:
        lab.apply()
    assert "abbey up --break-lock" in caught.value.hint
    assert lab.events == []
    assert not (lab.folder("kscloud1") / ".abbey/lock").exists()
    assert lock.exists()


def test_a_check_that_fails_under_the_locks_stops_everything_before_anything_changes(lab: Lab) -> None:
    locks = [lab.folder(host) / ".abbey/lock" for host in lab.shells]

    def check() -> None:
        assert all(lock.exists() for lock in locks)
        raise AbbeyError("the hosts changed")

    with pytest.raises(AbbeyError, match="the hosts changed"):
        lab.apply(check=check)
    assert lab.events == []
    assert not any(lock.exists() or (lock.parent / "pending").exists() for lock in locks)
    assert not any(lab.docker_calls(host) for host in lab.shells)


def test_what_is_owed_is_written_down_also_when_no_file_changes(lab: Lab) -> None:
    lab.apply()
    state = lab.docker("kscloud1")
    del state["containers"]["postgres"]
    lab.set_docker("kscloud1", **(state | {"failing": "exec --no-TTY postgres"}))
    lab.apply()
    assert (lab.folder("kscloud1") / ".abbey/pending").read_text() == "run roles\n"


def test_removed_services_and_files_go_and_folders_with_them(lab: Lab) -> None:
    lab.apply()
    folder = lab.folder("monk")
    (folder / "kavita").mkdir()
    (folder / "kavita/app.ini").write_text("x")
    with (folder / ".abbey/manifest.sha256").open("a") as manifest:
        manifest.write(f"{'0' * 64}  kavita/app.ini\n")
    state = lab.docker("monk")
    state["containers"]["kavita"] = state["containers"]["app"]
    lab.set_docker("monk", **state)
    lab.docker_calls("monk")
    lab.apply()
    assert lab.docker_calls("monk") == ["stop kavita", "rm --volumes kavita"]
    assert not (folder / "kavita").exists()
    assert not lab.plan()


def test_the_audit_log_says_who_did_what_and_how_it_ended(lab: Lab) -> None:
    lab.set_docker("kscloud1", broken=["app"])
    lab.apply()
    entries = audit(lab, "kscloud1")
    assert [f"{entry['what']}: {entry['outcome']} {entry['error']}" for entry in entries] == snapshot(
        [
            "write 3 files: ok ",
            "pull postgres:17, app:1, caddy:2: ok ",
            "bring up Postgres: ok ",
            "run roles and databases: ok ",
            "bring up App: failed container lab-app-1 is unhealthy",
        ]
    )
    assert all(set(entry) == {"when", "who", "why", "what", "outcome", "seconds", "error"} for entry in entries)


def test_a_secret_shows_in_its_file_and_nowhere_else(lab: Lab) -> None:
    canary = lab.password = "canary-7e1f40b2"
    lab.set_docker("kscloud1", broken=["app"], says={"app": f"cannot log in with {canary} at db"})
    plan = lab.plan()
    done = lab.apply()
    failed = [one.error for one in done if one.outcome is Outcome.FAILED]
    assert "cannot log in with <secret postgres/password> at db" in failed[0]
    told = [to_text(plan), json.dumps(to_json(plan)), repr(plan), repr(done), repr(lab.events)]
    told += [json.dumps(shell.calls) for shell in lab.shells.values()]
    told += [(lab.root / host / "calls").read_text() for host in lab.shells]
    told += [(lab.folder(host) / ".abbey/audit.log").read_text() for host in lab.shells]
    assert not any(canary in text for text in told)
    holding = [path for path in lab.root.rglob("*") if path.is_file() and canary in path.read_text(errors="replace")]
    assert sorted(str(path.relative_to(lab.root)) for path in holding) == [
        f"kscloud1/{FOLDER}/secrets/app",
        "kscloud1/state.json",
        f"monk/{FOLDER}/secrets/app",
    ]
