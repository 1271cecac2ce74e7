"""PostgreSQL on the primary, and on every host the door that leads to it."""

from __future__ import annotations

from abbey.files import Effect, File, FileTree, OnChange
from abbey.model.condition import monitored
from abbey.model.database import PORT, SERVER_PART, WATCHER, Database, connections
from abbey.model.host import Host
from abbey.model.lab import Lab
from abbey.model.network import DATABASE
from abbey.secrets import SecretRef

ROLES_STEP = "postgres/roles"
ROLES_PATH = "secrets/postgres/roles.sql"


def render(lab: Lab, host: Host) -> FileTree:
    """Return the door's configuration, and on the primary the server's."""
    if lab.database is None:
        return FileTree()
    files = [("door/haproxy.cfg", File(_door(lab.database)))]
    if host.name == lab.database.primary.name:
        files += [
            ("postgres/postgresql.conf", File(_server(lab, lab.database))),
            ("postgres/pg_hba.conf", File(_callers(lab, lab.database))),
            (ROLES_PATH, File(_roles(lab, lab.database), mode=0o444, on_change=(OnChange(ROLES_STEP, Effect.RUN),))),
        ]
    return FileTree(files)


def _door(database: Database) -> str:
    primary = database.primary
    return f"""\
# Written by Abbey. Apps know one name, db:{PORT}; this door knows which host holds the database.
global
    log stdout format raw local0 notice
    maxconn 2000

defaults
    mode tcp
    log global
    timeout connect 3s
    # Idle pools of connections are normal; a server that vanished is noticed by the checks below, not by these.
    timeout client 12h
    timeout server 12h
    option clitcpka
    option srvtcpka

listen db
    bind :{PORT}
    # Cut what is still connected when the server goes: apps that wait for a dead peer hang for minutes.
    default-server inter 2s fall 3 rise 1 on-marked-down shutdown-sessions
    server {primary.name} {primary.tailnet}:{PORT} check
"""


def _server(lab: Lab, database: Database) -> str:
    return f"""\
# Written by Abbey. Kept outside the data directory, so that nothing which copies data copies settings.
listen_addresses = '127.0.0.1,{database.primary.tailnet}'
port = {PORT}
max_connections = {connections(database, len(lab.hosts))}
hba_file = '/etc/postgresql/abbey/pg_hba.conf'

ssl = on
ssl_cert_file = '/run/secrets/postgres_tls_cert'
ssl_key_file = '/run/abbey/server.key'
ssl_min_protocol_version = 'TLSv1.3'
password_encryption = scram-sha-256

shared_buffers = 256MB
# A login in Authentik is hundreds of small statements; compiling them costs more than it gives.
jit = off
# A dead caller is noticed within seconds instead of hours.
tcp_keepalives_idle = 30
tcp_keepalives_interval = 10
tcp_keepalives_count = 3

log_timezone = 'UTC'
timezone = 'UTC'
"""


def _callers(lab: Lab, database: Database) -> str:
    lines = [
        "# Written by Abbey. Every role may enter its own database only, from the doors of the lab's hosts only.",
        "local    all        postgres                        peer",
        f"hostssl  sameuser   all   {lab.subnets[DATABASE]:<20}  scram-sha-256   # door on {database.primary.name}",
    ]
    lines += [
        f"hostssl  sameuser   all   {other.tailnet + '/32':<20}  scram-sha-256   # door on {other.name}"
        for other in lab.others(database.primary)
    ]
    watchers = [(f"{host.tailnet}/32", f"the metrics API of {host.name}") for host in lab.hosts]
    if monitored(lab):
        watchers.append((lab.subnets[SERVER_PART], f"who counts, on {database.primary.name}"))
    lines += [f"hostssl  postgres   {WATCHER}   {subnet:<20}  scram-sha-256   # {who}" for subnet, who in watchers]
    return "\n".join(lines) + "\n"


def _roles(lab: Lab, database: Database) -> tuple[str | SecretRef, ...]:
    """Return SQL that may run any number of times: roles and databases that are missing are made, none is dropped."""
    parts: list[str | SecretRef] = [_ROLES_HEAD]
    for role in database.roles:
        before, after = _ROLE.replace("NAME", role.name).split("PASSWORD_HERE")
        parts += [before, role.password, after]
    # Each host's metrics API holds a connection and may be making its next; so may what counts.
    watcher = _WATCHER.replace("NAME", WATCHER).replace("MOST", str(2 * len(lab.hosts) + 3))
    before, after = watcher.split("PASSWORD_HERE")
    return (*parts, before, lab.app(SERVER_PART).secret("metrics_password"), after)


_ROLES_HEAD = """\
-- Written by Abbey; safe to repeat. Makes what is missing, sets passwords, drops nothing.
\\set ON_ERROR_STOP on
SET log_statement = none; SET log_min_error_statement = panic;  -- keep passwords out of the server's log
"""

# NAME is a lower-case word by the rule for app names; a generated password has letters and digits only.
_ROLE = """
SELECT 'CREATE ROLE "NAME" LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'NAME') \\gexec
ALTER ROLE "NAME" PASSWORD 'PASSWORD_HERE';
SELECT 'CREATE DATABASE "NAME" OWNER "NAME" TEMPLATE template0 ENCODING UTF8'
 WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'NAME') \\gexec
REVOKE CONNECT ON DATABASE "NAME" FROM PUBLIC;
"""

# It sees every figure of the server and no row of any app.
_WATCHER = """
SELECT 'CREATE ROLE "NAME" LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'NAME') \\gexec
ALTER ROLE "NAME" CONNECTION LIMIT MOST PASSWORD 'PASSWORD_HERE';
ALTER ROLE "NAME" SET default_transaction_read_only = on;
ALTER ROLE "NAME" SET statement_timeout = '10s';
GRANT pg_monitor TO "NAME";
"""
