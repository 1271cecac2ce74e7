"""One server of the shared PostgreSQL, asked for its role, how far it is behind, and how full it is."""

from __future__ import annotations

import asyncio
import importlib
import ipaddress
import ssl
from dataclasses import replace
from pathlib import Path
from typing import Any

from abbey_metrics.aside import Aside
from abbey_metrics.clock import Clock
from abbey_metrics.platform import Database, Link, Role, Standby
from abbey_metrics.scram import RefusedLoginError, scram_only
from abbey_metrics.settings import DatabaseSettings
from abbey_metrics.words import Address, Server

PATIENCE = 3.0
EVERY, RETRY, SLOWEST = 10.0, 5.0, 30.0
SIZE_EVERY = 300.0

STATUS = """
SELECT pg_is_in_recovery() AS standby,
       (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend') AS connections,
       current_setting('max_connections')::int AS most,
       CASE WHEN NOT pg_is_in_recovery() THEN NULL
            -- Nothing was written since: then the last transaction is old, and nothing is missing.
            WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() AND EXISTS (SELECT FROM pg_stat_wal_receiver)
            THEN 0
            ELSE extract(epoch FROM now() - pg_last_xact_replay_timestamp())
       END::float8 AS lag
"""
STANDBYS = """
SELECT left(application_name, 63) AS name, coalesce(state, '') AS state,
       pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn)::bigint AS lag_bytes,
       CASE WHEN replay_lsn >= pg_current_wal_lsn() THEN 0 ELSE extract(epoch FROM replay_lag) END::float8 AS lag
  FROM pg_stat_replication WHERE state IS DISTINCT FROM 'backup' ORDER BY 1, pid LIMIT 16
"""
SIZE = "SELECT sum(pg_database_size(oid))::bigint FROM pg_database"

# What PostgreSQL says with these codes, and what that means for its state.
CODES = {
    "28P01": (Link.UNKNOWN, "refused the password"),
    "28000": (Link.UNKNOWN, "does not let this host in"),
    "53300": (Link.UNKNOWN, "takes no further connection"),
    "57P01": (Link.DOWN, "is stopping"),
    "57P03": (Link.DOWN, "is starting or stopping"),
    "08001": (Link.DOWN, "was not reached"),
    "08003": (Link.DOWN, "was not reached"),
    "08006": (Link.DOWN, "was not reached"),
}


class PasswordError(Exception):
    """The password's file cannot be read on this host."""


class DatabaseWatch:
    """Asks one server again and again over one connection, and keeps what it said in `latest`.

    The password leaves this host only inside SCRAM, and SCRAM only inside TLS. A server on this machine's loopback may
    do without TLS.
    """

    def __init__(self, server: Server, settings: DatabaseSettings, clock: Clock) -> None:
        self._server = server
        self._settings = settings
        self._clock = clock
        self._aside = Aside()
        self._connection: Any = None
        self._failures = 0
        self._measured: float | None = None
        nothing = Database(server.host, None, Link.UNKNOWN, None, None, (), None, None, None, None, "")
        self.latest = nothing

    async def step(self) -> float:
        """Ask once, within seconds; return how long to wait until the next time. A failure is kept in `latest`."""
        try:
            async with asyncio.timeout(PATIENCE):
                self.latest = await self._ask()
        except Exception as error:
            self.close()
            self._failures += 1
            state, why = explain(error)
            # What it was, and how large, is still worth knowing while it is away; the rest would be a lie.
            self.latest = replace(
                self.latest, state=state, lag=None, standbys=(), answer=None, connections=None, error=why
            )
            return float(min(SLOWEST, RETRY * 2 ** min(self._failures - 1, 20)))
        except asyncio.CancelledError:
            self.close()
            raise
        self._failures = 0
        await self._measure()
        return EVERY

    def close(self) -> None:
        """Drop the connection at once. Safe to repeat."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()

    async def _measure(self) -> None:
        now = self._clock.monotonic()
        if self._measured is not None and now - self._measured < SIZE_EVERY:
            return
        self._measured = now
        size = None
        try:
            async with asyncio.timeout(PATIENCE):
                size = await self._connection.fetchval(SIZE)
        except Exception:
            # To add up many large databases takes its time; that says nothing about the state of the server.
            self.close()
        except asyncio.CancelledError:
            self.close()
            raise
        self.latest = replace(self.latest, size=size)

    async def _ask(self) -> Database:
        if self._connection is not None:
            try:
                return await self._read(self._connection)
            except Exception:
                # It was kept open and the server was started anew meanwhile: no fault of the new one.
                self.close()
        self._connection = await self._connect()
        return await self._read(self._connection)

    async def _read(self, connection: Any) -> Database:
        begun = self._clock.monotonic()
        await connection.fetchval("SELECT 1")
        answer = self._clock.monotonic() - begun
        status = await connection.fetchrow(STATUS)
        standbys = () if status["standby"] else await connection.fetch(STANDBYS)
        return Database(
            host=self._server.host,
            at=round(self._clock.wall(), 3),
            state=Link.UP,
            role=Role.STANDBY if status["standby"] else Role.PRIMARY,
            # Clocks of two hosts differ a little. Where nothing was applied yet there is no time to compare with.
            lag=None if status["lag"] is None else max(0.0, status["lag"]),
            standbys=tuple(Standby(**row) for row in standbys),
            answer=round(answer, 5),
            connections=status["connections"],
            most=status["most"],
            size=self.latest.size,
            error="",
        )

    async def _connect(self) -> Any:
        # It takes a tenth of a second and some megabytes, which a host without a database keeps.
        asyncpg = await self._aside(lambda: importlib.import_module("asyncpg"))
        password = await self._aside(lambda: _password(self._settings.password_file))
        at = self._server.at

        def connect(tls: ssl.SSLContext | bool) -> Any:
            return asyncpg.connect(
                host=at.ip,
                port=at.port,
                user=self._settings.user,
                password=password,
                database="postgres",
                ssl=tls,
                timeout=PATIENCE,
                server_settings={"application_name": "abbey_metrics", "statement_timeout": f"{PATIENCE:.0f}s"},
            )

        try:
            return await connect(scram_only())
        except ConnectionError as error:
            if not (_no_tls(error) and _loopback(at)):
                raise
        return await connect(False)


def explain(error: Exception) -> tuple[Link, str]:
    """Given why a server could not be asked, return its state and the reason, without addresses and passwords."""
    if isinstance(error, TimeoutError):
        return Link.DOWN, "did not answer in time"
    if isinstance(error, PasswordError):
        return Link.UNKNOWN, "the file of its password cannot be read"
    # asyncpg reports a lost connection, and why it was lost behind that.
    if isinstance(error.__cause__ or error, RefusedLoginError):
        return Link.UNKNOWN, "asked for the password itself"
    if isinstance(error, ssl.SSLError) or _no_tls(error):
        return Link.UNKNOWN, "offers no TLS that can be used"
    if isinstance(error, OSError):
        return Link.DOWN, "was not reached"
    code = getattr(error, "sqlstate", None) or ""
    return CODES.get(code, (Link.UNKNOWN, f"answered with the error {code}" if code else "answered something else"))


def _password(path: Path | None) -> str:
    try:
        return path.read_text().strip() if path else ""
    except (OSError, ValueError) as error:
        raise PasswordError from error


def _no_tls(error: Exception) -> bool:
    # The one case that asyncpg itself reports as a plain ConnectionError: the server declined to speak TLS.
    return type(error) is ConnectionError


def _loopback(at: Address) -> bool:
    return ipaddress.ip_address(at.ip).is_loopback
