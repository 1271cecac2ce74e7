"""The one shared PostgreSQL of the demo, real, on the tailnet address of the second host.

PostgreSQL refuses root. Then it runs as the unprivileged uid that every Linux has, and no user is created; what
that uid cannot reach (a virtual environment below /root) is copied into the demo's folder first.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from abbey.errors import AbbeyError
from abbey.secrets import Secret
from abbey.sim.supervise import Program

NOBODY = 65534
ROLE = "abbey"


@dataclass(frozen=True, slots=True)
class Cluster:
    """A PostgreSQL cluster: its programs, its data, where it listens, the password of its one role."""

    programs: Path
    folder: Path
    address: str
    port: int
    password: Secret
    uid: int | None

    @property
    def data(self) -> Path:
        """Return the data directory."""
        return self.folder / "postgres" / "data"

    def conninfo(self, database: str, *, address: str = "", port: int = 0) -> str:
        """Return how to connect to the database, directly or through a door. It holds the password."""
        return psycopg.conninfo.make_conninfo(
            host=address or self.address,
            port=port or self.port,
            dbname=database,
            user=ROLE,
            password=self.password.reveal(),
            connect_timeout=2,
        )


def cluster(programs: Path, folder: Path, *, address: str, port: int, password: Secret) -> Cluster:
    """Return the cluster that will live in the folder, with programs that its user can run.

    Raise AbbeyError when that user cannot reach the folder.
    """
    uid = NOBODY if os.geteuid() == 0 else None
    if uid is not None and not reachable(folder):
        raise AbbeyError(
            f"PostgreSQL does not run as root, and an unprivileged user cannot reach {folder}",
            hint="start the demo where everybody may pass through, or not as root",
        )
    if uid is not None and not reachable(programs / "postgres"):
        copied = folder / "postgres" / "programs"
        shutil.copytree(programs.parent, copied, symlinks=True)
        programs = copied / "bin"
    return Cluster(programs=programs, folder=folder, address=address, port=port, password=password, uid=uid)


def reachable(path: Path) -> bool:
    """Return whether any user may pass through all the folders above the path."""
    return all(parent.stat().st_mode & 0o001 for parent in path.resolve().parents)


def initialise(cluster: Cluster) -> None:
    """Make the data directory. Raise AbbeyError with the program's words when it fails."""
    home = cluster.folder / "postgres"
    home.mkdir(parents=True, exist_ok=True)
    word = home / "password"
    word.touch(mode=0o600)
    word.write_text(cluster.password.reveal())
    try:
        done = _initdb(cluster, home, word)
    except OSError as error:  # such as a container without that uid
        raise AbbeyError(f"PostgreSQL's initdb cannot be started: {error}") from error
    finally:
        word.unlink()
    if done.returncode != 0:
        raise AbbeyError("PostgreSQL's initdb failed", hint=done.stderr.strip() or done.stdout.strip())


def _initdb(cluster: Cluster, home: Path, word: Path) -> subprocess.CompletedProcess[str]:
    if cluster.uid is not None:
        for path in (home, word):
            os.chown(path, cluster.uid, cluster.uid)
    options = ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions"]
    return subprocess.run(
        [
            str(cluster.programs / "initdb"),
            f"--pgdata={cluster.data}",
            f"--username={ROLE}",
            f"--pwfile={word}",
            *options,
        ],
        capture_output=True,
        text=True,
        cwd=home,
        env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C"},
        user=cluster.uid,
        group=cluster.uid,
        extra_groups=() if cluster.uid is not None else None,
        start_new_session=True,  # Ctrl-C in the terminal ends the demo, which then ends this
    )


def program(cluster: Cluster, *, host: str) -> Program:
    """Return the server as a program of the host. Its crashes are those of a process, never of the disk: no fsync."""
    settings = {
        "listen_addresses": cluster.address,
        "port": str(cluster.port),
        "unix_socket_directories": "",
        "max_connections": "60",
        "shared_buffers": "16MB",
        "fsync": "off",
        "password_encryption": "scram-sha-256",
    }
    flags = tuple(word for name, value in settings.items() for word in ("-c", f"{name}={value}"))
    return Program(
        host=host,
        name="postgres",
        argv=(str(cluster.programs / "postgres"), "-D", str(cluster.data), *flags),
        folder=cluster.folder,
        ready=takes_queries(cluster),
        env={"LC_ALL": "C"},
        stop_signal=signal.SIGINT,  # "fast": sessions are ended, the data is closed properly
        death_wish=signal.SIGQUIT,  # "immediate": the server ends its own processes first
        uid=cluster.uid,
    )


def takes_queries(cluster: Cluster, database: str = "postgres") -> Callable[[], bool]:
    """Return a question: does the database answer a query?"""

    def ask() -> bool:
        try:
            with psycopg.connect(cluster.conninfo(database)) as connection:
                connection.execute("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    return ask


def create_database(cluster: Cluster, name: str, statements: str) -> None:
    """Make the database and run the statements in it."""
    with psycopg.connect(cluster.conninfo("postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    with psycopg.connect(cluster.conninfo(name)) as connection:
        connection.execute(statements)
