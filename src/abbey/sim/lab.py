"""The two-host lab as processes: brought up, hosts killed and revived, and taken down without a trace."""

from __future__ import annotations

import secrets as random
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from abbey.errors import AbbeyError, UsageError
from abbey.model.lab import Lab
from abbey.secrets import Secret
from abbey.sim import door, gateway, jwt, portal, postgres, services, tables
from abbey.sim.hosts import DemoHost, Layout
from abbey.sim.postgres import Cluster
from abbey.sim.programs import Programs
from abbey.sim.services import Secrets
from abbey.sim.supervise import Program, Running, await_ready, kill, start, stop
from abbey.sim.tables import Client, User

START_SECONDS = 60
STOP_SECONDS = 5


def made_up() -> Secrets:
    """Return fresh secrets for one demo. A person types one of them, so that one is shorter."""
    database, notes, whoami, cookies = (Secret(random.token_hex(16)) for _ in range(4))
    return Secrets(
        database=database,
        login=Secret(random.token_hex(4)),
        notes_client=notes,
        whoami_client=whoami,
        cookie_key=cookies,
    )


@dataclass(slots=True)
class DemoLab:
    """A lab in a folder. `split` gives each host's sign-in a database of its own, to show what that breaks."""

    folder: Path
    lab: Lab
    layout: Layout
    programs: Programs
    split: bool = False
    ended: threading.Event = field(default_factory=threading.Event)
    secrets: Secrets = field(default_factory=made_up)
    running: dict[str, list[Running]] = field(default_factory=dict)
    cluster: Cluster | None = None

    def up(self) -> None:
        """Make the database, then start every program of both hosts and the edge. Raise AbbeyError when one fails."""
        home = self.folder / self.layout.kscloud1.name
        home.mkdir(parents=True)
        self.cluster = postgres.cluster(
            self.programs.postgres,
            home,
            address=self.layout.kscloud1.tailnet,
            port=self.layout.database,
            password=self.secrets.database,
        )
        # Making a key takes as long as making a database; neither waits for the other.
        with ThreadPoolExecutor() as pool:
            key = pool.submit(jwt.new_key)
            postgres.initialise(self.cluster)
        self._start([postgres.program(self.cluster, host=self.layout.kscloud1.name)])
        fill(self, key.result())
        edge = self.folder / "edge"
        edge.mkdir()
        self._start(
            [
                *(one for host in self.layout.hosts for one in self._behind(host)),
                services.edge(edge, layout=self.layout),
            ]
        )
        self._start([self._gateway(host) for host in self.layout.hosts])

    def kill(self, name: str) -> int:
        """Kill every process of the host at once. Return how many there were. Raise UsageError when it is down."""
        host = self.layout.host(name)
        if not self.alive(host.name):
            raise UsageError(f"{name} is down already", hint=f"`abbey demo revive {name}` brings it back")
        return kill(self.running.pop(host.name))

    def revive(self, name: str) -> None:
        """Start every program of a killed host again, all or none. Raise UsageError when it is up."""
        host = self.layout.host(name)
        if self.alive(host.name):
            raise UsageError(f"{name} is up")
        try:
            self._start_all(host)
        except AbbeyError:
            kill(self.running.pop(host.name, []))
            raise

    def alive(self, name: str) -> bool:
        """Return whether the host has a program that runs."""
        return any(one.alive for one in self.running.get(name, []))

    def holds_database(self, name: str) -> bool:
        """Return whether the database is on the host."""
        return name == self.layout.kscloud1.name

    def down(self) -> None:
        """Stop everything, the edge first and the database last, and leave no process."""
        for name in ("edge", *(host.name for host in self.layout.hosts)):
            stop(self.running.pop(name, []), within=STOP_SECONDS)

    def conninfo(self, host: DemoHost, database: str) -> str:
        """Return how the host's apps reach the database: through its door, where it has one."""
        if self.cluster is None:
            raise UsageError("the lab is not up")
        if host.door:
            return self.cluster.conninfo(database, address=host.address, port=host.door)
        return self.cluster.conninfo(database)

    def identity_database(self, host: DemoHost) -> str:
        """Return the name of the database that the host's sign-in uses."""
        return f"identity_{host.name}" if self.split else "identity"

    def _start_all(self, host: DemoHost) -> None:
        if self.cluster and self.holds_database(host.name):
            self._start([postgres.program(self.cluster, host=host.name)])
        self._start(self._behind(host))
        self._start([self._gateway(host)])

    def _start(self, programs: list[Program]) -> None:
        started = []
        for program in programs:
            started.append(start(program))
            self.running.setdefault(program.host, []).append(started[-1])
        await_ready(started, within=START_SECONDS, ended=self.ended)

    def _gateway(self, host: DemoHost) -> Program:
        # Started last: it counts what it finds down as down until it looks again, five seconds later.
        return gateway.program(
            self.programs.caddy, self.folder / host.name, lab=self.lab, host=host, layout=self.layout
        )

    def _behind(self, host: DemoHost) -> list[Program]:
        folder = self.folder / host.name
        folder.mkdir(exist_ok=True)
        layout, programs = self.layout, self.programs
        doors = [door.program(programs.haproxy, folder, host=host, layout=layout)] if programs.haproxy else []
        return [
            *doors,
            services.identity(folder, self.conninfo(host, self.identity_database(host)), host=host, layout=layout),
            services.app(folder, self.conninfo(host, "notes"), self.secrets, host=host, layout=layout),
            services.metrics(folder, portal.document_of(folder), host=host, layout=layout),
            portal.program(programs.nginx, folder, lab=self.lab, host=host, layout=layout),
        ]


def fill(lab: DemoLab, key: str) -> None:
    """Make the databases with the users, the apps and the signing key."""
    if lab.cluster is None:
        raise UsageError("the lab is not up")
    users = users_of(lab.lab)
    clients = [
        client(lab, services.NOTES_CLIENT, lab.secrets.notes_client, services.notes_redirect(lab.layout)),
        client(lab, services.WHOAMI_CLIENT, lab.secrets.whoami_client, services.whoami_redirect(lab.layout)),
    ]
    for name in sorted({lab.identity_database(host) for host in lab.layout.hosts}):
        postgres.create_database(lab.cluster, name, tables.IDENTITY)
        conninfo = lab.cluster.conninfo(name)
        tables.add_users(conninfo, users, lab.secrets.login.reveal())
        tables.add_clients(conninfo, clients)
        tables.add_signing_key(conninfo, key)
    postgres.create_database(lab.cluster, "notes", tables.NOTES)


def users_of(lab: Lab) -> list[User]:
    """Return the people that the lab's file names, with their groups."""
    if lab.identity is None:
        return []
    groups = lab.identity.groups
    return [
        User(
            username=name,
            email=lab.email if name == lab.admin else f"{name}@{lab.domain}",
            name=name.capitalize(),
            groups=tuple(group for group, members in groups if name in members),
        )
        for name in lab.identity.users
    ]


def client(lab: DemoLab, app: str, secret: Secret, redirect_uri: str) -> Client:
    """Return the app as the sign-in knows it; its groups are those of the lab's file."""
    return Client(app, app, secret.reveal(), (redirect_uri,), lab.lab.app(app).groups)
