"""A real primary and its real standby, asked; and servers that are away, frozen or hostile."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import ssl
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from awaited import awaited, running
from real_postgres import ADDRESS, Postgres, has_programs, primary_and_standby
from standin_postgres import StandinPostgres

from abbey.engine.generate import generate, tls_certificate
from abbey.secrets import Kind
from abbey.sim.programs import find_postgres
from abbey_metrics import database
from abbey_metrics.clock import Clock
from abbey_metrics.database import DatabaseWatch, PasswordError, explain
from abbey_metrics.fetch import new_client
from abbey_metrics.platform import Database, Link, Role
from abbey_metrics.repeat import repeat
from abbey_metrics.scram import RefusedLoginError
from abbey_metrics.settings import DatabaseSettings, load
from abbey_metrics.watch import Watch
from abbey_metrics.words import Address, Server


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[Postgres, Postgres]]:
    programs = find_postgres()
    if not has_programs(programs):
        pytest.skip("pg_basebackup is not installed")
    folder = Path(tempfile.mkdtemp(prefix="abbey-test-"))
    folder.chmod(0o711)
    try:
        with primary_and_standby(programs, folder) as both:
            yield both
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def primary(servers: tuple[Postgres, Postgres]) -> Postgres:
    return servers[0]


@pytest.fixture
def standby(servers: tuple[Postgres, Postgres]) -> Postgres:
    return servers[1]


async def _until(watch: DatabaseWatch, state: Link) -> Database:
    for _ in range(300):
        await watch.step()
        if watch.latest.state is state:
            return watch.latest
        await asyncio.sleep(0.1)
    raise AssertionError(watch.latest)


def _asked_once(server: Server, settings: DatabaseSettings) -> Database:
    async def ask() -> Database:
        watch = DatabaseWatch(server, settings, Clock())
        await watch.step()
        watch.close()
        # Nothing of a refused connection is left open.
        assert await awaited(lambda: server.at.port not in _connected())
        return watch.latest

    return asyncio.run(ask())


def _connected() -> set[int]:
    return {getattr(one.raddr, "port", 0) for one in psutil.Process().net_connections("tcp")}


def _at(port: int, password_file: Path | None = None) -> tuple[Server, DatabaseSettings]:
    server = Server("kscloud1", Address(ADDRESS, port))
    return server, DatabaseSettings((server,), "abbey_metrics", password_file)


@pytest.mark.process
def test_a_primary_tells_its_figures_and_its_standby(primary: Postgres) -> None:
    async def ask() -> Database:
        watch = DatabaseWatch(*primary.asked(), Clock())
        try:
            for _ in range(200):
                await watch.step()
                if [one.state for one in watch.latest.standbys] == ["streaming"] and watch.latest.standbys[0].lag == 0:
                    break
                await asyncio.sleep(0.1)
            return watch.latest
        finally:
            watch.close()

    found = asyncio.run(ask())
    assert (found.host, found.state, found.role, found.lag, found.error) == (
        "kscloud1",
        Link.UP,
        Role.PRIMARY,
        None,
        "",
    )
    assert [(one.name, one.state, one.lag_bytes, one.lag) for one in found.standbys] == [("monk", "streaming", 0, 0.0)]
    assert found.most == 30
    assert found.connections
    assert found.size
    assert found.size > 1_000_000
    assert found.answer
    assert found.at


@pytest.mark.process
def test_a_standby_tells_how_far_it_is_behind(primary: Postgres, standby: Postgres) -> None:
    async def ask() -> tuple[Database, Database, Database]:
        behind, ahead = (DatabaseWatch(*one.asked(), Clock()) for one in (standby, primary))
        try:
            # What was never applied has no time, so one transaction comes first.
            primary.sql("INSERT INTO grows VALUES (0)")
            assert await awaited(lambda: standby.sql("SELECT n FROM grows WHERE n = 0"))
            await behind.step()
            level = behind.latest
            standby.sql("SELECT pg_wal_replay_pause()")
            try:
                primary.sql("INSERT INTO grows SELECT generate_series(1, 1000)")
                for _ in range(300):
                    await behind.step()
                    await ahead.step()
                    if behind.latest.lag and ahead.latest.standbys[0].lag_bytes:
                        break
                    await asyncio.sleep(0.1)
                return level, behind.latest, ahead.latest
            finally:
                standby.sql("SELECT pg_wal_replay_resume()")
        finally:
            behind.close()
            ahead.close()

    level, behind, ahead = asyncio.run(ask())
    assert (level.role, level.lag, level.standbys) == (Role.STANDBY, 0.0, ())
    assert behind.lag
    assert behind.lag > 0
    assert ahead.standbys[0].lag_bytes
    assert ahead.standbys[0].lag_bytes > 0


@pytest.mark.process
def test_one_connection_is_kept_and_it_is_encrypted(primary: Postgres) -> None:
    seen = (
        "SELECT a.pid, s.ssl FROM pg_stat_activity a JOIN pg_stat_ssl s USING (pid)"
        " WHERE a.application_name = 'abbey_metrics'"
    )

    async def ask() -> list[list[tuple[object, ...]]]:
        watch = DatabaseWatch(*primary.asked(), Clock())
        rows = []
        for _ in range(3):
            await watch.step()
            rows.append(primary.sql(seen))
            assert watch.latest.size  # measured once, and still known
        watch.close()
        assert await awaited(lambda: not primary.sql(seen))
        return rows

    rows = asyncio.run(ask())
    assert rows[0][0][1] is True
    assert rows == [rows[0]] * 3
    assert len(rows[0]) == 1


@pytest.mark.process
def test_a_wrong_password_is_refused_without_being_repeated(primary: Postgres, tmp_path: Path) -> None:
    wrong = tmp_path / "password"
    wrong.write_text("word-that-is-wrong")
    found = _asked_once(*primary.asked(password_file=wrong))
    assert (found.state, found.error) == (Link.UNKNOWN, "refused the password")


@pytest.mark.process
def test_a_server_that_restarted_meanwhile_is_asked_again_at_once(primary: Postgres) -> None:
    async def ask() -> Database:
        watch = DatabaseWatch(*primary.asked(), Clock())
        try:
            await _until(watch, Link.UP)
            primary.stop()
            primary.start()
            await watch.step()
            return watch.latest
        finally:
            watch.close()

    assert asyncio.run(ask()).state is Link.UP


@pytest.mark.process
def test_a_server_that_dies_is_down_until_it_is_back(primary: Postgres) -> None:
    async def ask() -> tuple[Database, Database, Database]:
        watch = DatabaseWatch(*primary.asked(), Clock())
        try:
            alive = await _until(watch, Link.UP)
            primary.stop(signal.SIGQUIT)
            try:
                waits = [await watch.step() for _ in range(5)]
                assert waits == [5.0, 10.0, 20.0, 30.0, 30.0]
                dead = watch.latest
            finally:
                primary.start()
            return alive, dead, await _until(watch, Link.UP)
        finally:
            watch.close()

    alive, dead, back = asyncio.run(ask())
    assert (dead.state, dead.error, dead.role, dead.size) == (Link.DOWN, "was not reached", alive.role, alive.size)
    assert (dead.answer, dead.connections, dead.standbys, dead.at) == (None, None, (), alive.at)
    assert back.role is Role.PRIMARY


@pytest.mark.process
def test_a_frozen_server_is_left_alone_in_time(primary: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    async def ask() -> tuple[Database, Database]:
        watch = DatabaseWatch(*primary.asked(), Clock())
        try:
            await _until(watch, Link.UP)
            ((pid,),) = primary.sql("SELECT pid FROM pg_stat_activity WHERE application_name = 'abbey_metrics'")
            monkeypatch.setattr(database, "PATIENCE", 0.3)
            os.kill(int(str(pid)), signal.SIGSTOP)
            try:
                await watch.step()
                frozen = watch.latest
            finally:
                os.kill(int(str(pid)), signal.SIGCONT)
            monkeypatch.undo()
            return frozen, await _until(watch, Link.UP)
        finally:
            watch.close()

    frozen, back = asyncio.run(ask())
    assert (frozen.state, frozen.error) == (Link.DOWN, "did not answer in time")
    assert back.role is Role.PRIMARY


@pytest.mark.process
def test_what_is_cancelled_leaves_no_connection_to_a_frozen_server(primary: Postgres) -> None:
    async def ask() -> None:
        watch = DatabaseWatch(*primary.asked(), Clock())
        await _until(watch, Link.UP)
        ((pid,),) = primary.sql("SELECT pid FROM pg_stat_activity WHERE application_name = 'abbey_metrics'")
        os.kill(int(str(pid)), signal.SIGSTOP)
        try:
            async with running(repeat(watch.step)):
                await asyncio.sleep(0.1)
            assert await awaited(lambda: primary.cluster.port not in _connected())
        finally:
            os.kill(int(str(pid)), signal.SIGCONT)

    asyncio.run(ask())


@pytest.mark.process
def test_a_watch_that_ends_leaves_no_connection(primary: Postgres) -> None:
    async def ask() -> Database:
        port, client = primary.cluster.port, new_client()
        env = {
            "ABBEY_HOST": "monk",
            "ABBEY_DATABASE": f"kscloud1={ADDRESS}:{port}",
            "ABBEY_DATABASE_PASSWORD_FILE": str(primary.password_file),
        }
        watch = Watch(load(env), client)
        async with running(watch.run()):
            assert await awaited(lambda: watch.latest.databases[0].state is Link.UP)
            assert port in _connected()
        assert await awaited(lambda: port not in _connected())
        await client.aclose()
        return watch.latest.databases[0]

    assert asyncio.run(ask()).role is Role.PRIMARY


def test_a_silent_server_is_left_alone_and_its_connection_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "PATIENCE", 0.3)

    async def ask() -> Database:
        silent = StandinPostgres()
        async with silent.serving() as port:
            watch = DatabaseWatch(*_at(port), Clock())
            await watch.step()
            assert silent.came == 1
            assert await awaited(lambda: silent.left == 1)
        return watch.latest

    found = asyncio.run(ask())
    assert (found.state, found.error, found.at) == (Link.DOWN, "did not answer in time", None)


def test_cancelling_a_question_closes_its_connection() -> None:
    async def ask() -> bool:
        silent = StandinPostgres()
        async with silent.serving() as port:
            watch = DatabaseWatch(*_at(port), Clock())
            async with running(repeat(watch.step)):
                assert await awaited(lambda: silent.came == 1)
            return await awaited(lambda: silent.left == 1)

    assert asyncio.run(ask())


def test_a_server_that_asks_for_the_password_itself_does_not_get_it(tmp_path: Path) -> None:
    key = generate(Kind.TLS_KEY)
    (tmp_path / "key").write_text(key.reveal())
    (tmp_path / "cert").write_text(tls_certificate(key).reveal())
    certificate = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.load_cert_chain(tmp_path / "cert", tmp_path / "key")
    (tmp_path / "password").write_text("word-of-the-watcher")

    async def ask() -> tuple[Database, StandinPostgres]:
        hostile = StandinPostgres(certificate)
        async with hostile.serving() as port:
            watch = DatabaseWatch(*_at(port, tmp_path / "password"), Clock())
            await watch.step()
            assert await awaited(lambda: hostile.left == 1)
        return watch.latest, hostile

    found, hostile = asyncio.run(ask())
    assert (found.state, found.error) == (Link.UNKNOWN, "asked for the password itself")
    assert (hostile.came, bytes(hostile.told)) == (1, b"")


def test_without_the_file_of_the_password_nobody_is_asked(tmp_path: Path) -> None:
    found = _asked_once(*_at(1, tmp_path / "missing"))
    assert (found.state, found.error) == (Link.UNKNOWN, "the file of its password cannot be read")


class _Said(Exception):
    def __init__(self, sqlstate: str) -> None:
        super().__init__('FATAL: role "abbey_metrics" at 100.64.0.2 with word-of-the-watcher')
        self.sqlstate = sqlstate


@pytest.mark.parametrize(
    ("error", "state", "words"),
    [
        (TimeoutError(), Link.DOWN, "did not answer in time"),
        (ConnectionRefusedError(111, "Connect call failed ('100.64.0.2', 5432)"), Link.DOWN, "was not reached"),
        (OSError(113, "No route to host"), Link.DOWN, "was not reached"),
        (_Said("57P03"), Link.DOWN, "is starting or stopping"),
        (_Said("08006"), Link.DOWN, "was not reached"),
        (_Said("28000"), Link.UNKNOWN, "does not let this host in"),
        (_Said("53300"), Link.UNKNOWN, "takes no further connection"),
        (_Said("42501"), Link.UNKNOWN, "answered with the error 42501"),
        (PasswordError(), Link.UNKNOWN, "the file of its password cannot be read"),
        (RefusedLoginError("x"), Link.UNKNOWN, "asked for the password itself"),
        (ConnectionError("100.64.0.2 rejected SSL upgrade"), Link.UNKNOWN, "offers no TLS that can be used"),
        (KeyError("100.64.0.2"), Link.UNKNOWN, "answered something else"),
    ],
)
def test_words_for_what_went_wrong_name_no_address(error: Exception, state: Link, words: str) -> None:
    assert explain(error) == (state, words)
