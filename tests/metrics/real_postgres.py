"""A real PostgreSQL with TLS and SCRAM, and a real standby that streams from it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from abbey.engine.generate import generate, tls_certificate
from abbey.secrets import Kind, Secret
from abbey.sim.postgres import Cluster, cluster, initialise
from abbey_metrics.settings import DatabaseSettings
from abbey_metrics.words import Address, Server
from loopback import free_ports

SECONDS = 60
WATCHER = "abbey_metrics"
ADDRESS = "127.0.0.1"
ALLOWED = f"""
hostssl  postgres     {WATCHER}  {ADDRESS}/32  scram-sha-256
hostssl  all          abbey      {ADDRESS}/32  scram-sha-256
hostssl  replication  abbey      {ADDRESS}/32  scram-sha-256
"""


@dataclass
class Postgres:
    """A server: its cluster, and the process while it runs."""

    cluster: Cluster
    password_file: Path
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the server and wait until it takes queries."""
        options = {
            "listen_addresses": ADDRESS,
            "port": str(self.cluster.port),
            "unix_socket_directories": "",
            "max_connections": "30",
            "shared_buffers": "16MB",
            "fsync": "off",
            "ssl": "on",
        }
        flags = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        log = (self.cluster.folder / f"log.{self.cluster.port}").open("ab")
        with log:
            self.process = subprocess.Popen(
                [str(self.cluster.programs / "postgres"), "-D", str(self.cluster.data), *flags],
                stdout=log,
                stderr=log,
                env={"LC_ALL": "C"},
                user=self.cluster.uid,
                group=self.cluster.uid,
                extra_groups=() if self.cluster.uid is not None else None,
                start_new_session=True,
            )
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            try:
                self.sql("SELECT 1")
            except psycopg.OperationalError:
                time.sleep(0.05)
            else:
                return
        raise AssertionError(f"PostgreSQL did not start: {(self.cluster.folder / log.name).read_text()[-2000:]}")

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """End the server: SIGINT is its fast way, SIGQUIT a crash."""
        if self.process:
            self.process.send_signal(how)
            self.process.wait(SECONDS)
            self.process = None

    def sql(self, statement: str) -> list[tuple[object, ...]]:
        """Run a statement as the superuser, and return its rows."""
        with psycopg.connect(self.cluster.conninfo("postgres"), autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def asked(self, *, password_file: Path | None = None) -> tuple[Server, DatabaseSettings]:
        """Return what the watch needs to ask it."""
        server = Server("kscloud1", Address(ADDRESS, self.cluster.port))
        return server, DatabaseSettings((server,), WATCHER, password_file or self.password_file)


@contextmanager
def primary_and_standby(programs: Path, folder: Path) -> Iterator[tuple[Postgres, Postgres]]:
    """Run both inside the context, in a folder that an unprivileged user can reach."""
    ports = free_ports(2)
    word = Secret("word-of-the-superuser")
    first = cluster(programs, folder / "one", address=ADDRESS, port=ports[0], password=word)
    (folder / "one").mkdir(mode=0o711)
    initialise(first)
    _configure(first)
    password_file = folder / "password"
    password_file.write_text("word-of-the-watcher\n")
    primary = Postgres(first, password_file)
    second = Cluster(first.programs, folder / "two", ADDRESS, ports[1], word, first.uid)
    standby = Postgres(second, password_file)
    try:
        primary.start()
        primary.sql(f"CREATE ROLE {WATCHER} LOGIN PASSWORD 'word-of-the-watcher'; GRANT pg_monitor TO {WATCHER}")
        primary.sql("CREATE TABLE grows (n int)")
        _copy(first, second)
        standby.start()
        yield primary, standby
    finally:
        standby.stop(signal.SIGQUIT)
        primary.stop(signal.SIGQUIT)


def _configure(made: Cluster) -> None:
    key = generate(Kind.TLS_KEY)
    texts = {"server.key": key.reveal(), "server.crt": tls_certificate(key).reveal(), "pg_hba.conf": ALLOWED}
    for name, text in texts.items():
        path = made.data / name
        path.touch(mode=0o600)
        path.write_text(text)
        if made.uid is not None:
            os.chown(path, made.uid, made.uid)


def _copy(first: Cluster, second: Cluster) -> None:
    home = second.folder / "postgres"
    home.mkdir(parents=True)
    second.folder.chmod(0o711)
    if second.uid is not None:
        os.chown(home, second.uid, second.uid)
    source = f"{first.conninfo('replication')} application_name=monk"
    subprocess.run(
        [
            str(first.programs / "pg_basebackup"),
            f"--pgdata={second.data}",
            f"--dbname={source}",
            "--checkpoint=fast",
            "--write-recovery-conf",
            "--no-sync",
        ],
        check=True,
        capture_output=True,
        cwd=home,
        env={"LC_ALL": "C"},
        user=second.uid,
        group=second.uid,
        extra_groups=() if second.uid is not None else None,
        timeout=SECONDS,
    )


def has_programs(programs: Path) -> bool:
    """Return whether the folder holds what a standby is made with."""
    return bool(shutil.which("pg_basebackup", path=str(programs)))
