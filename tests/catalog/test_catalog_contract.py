"""Rules that every data file keeps. A new app is tested by being there; each rule is shown something wrong and right."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import yaml

from abbey.catalog.contract import RULES, findings
from abbey.catalog.contract.rule import Rule
from abbey.catalog.load import files
from abbey.catalog.schema import App
from abbey.spec.load import load
from abbey.spec.yaml import parse

FILES = {name: (app, document) for name, app, document in files()}

PROXY: dict[str, Any] = {
    "image": {
        "ref": "docker.io/tecnativa/docker-socket-proxy",
        "tag": "0.4.1",
        "source": "its releases",
        "notes": "https://example.org/{tag}",
    },
    "host_paths": [{"host": "/var/run/docker.sock", "path": "/var/run/docker.sock"}],
    "no_health": "it has no program that could ask",
}
FILTER = PROXY["image"] | {"ref": "docker.io/library/haproxy"}
DATABASE: dict[str, Any] = {
    "image": {
        "ref": "docker.io/library/postgres",
        "tag": "17.11",
        "source": "its releases",
        "notes": "https://example.org/{tag}",
        "updates": "by-hand",
        "path": "dump, new major version, restore",
    },
    "when": ["own-database"],
    "volumes": [{"name": "database", "path": "/var/lib/postgresql/data", "holds": "own-database"}],
    "health": {"test": ["CMD", "pg_isready"]},
}
GOOD: dict[str, Any] = {
    "title": "Board",
    "summary": "A board of tasks",
    "home": "https://board.example.org/",
    "contracts": {"owner": "SQLite in its own volume", "split": "a board on each host"},
    "refuses": {"shared": "it knows SQLite only", "stateless": "tasks must be kept"},
    "secrets": {"key": "key"},
    "services": {
        "board": {
            "image": {
                "ref": "docker.io/example/board",
                "tag": "1.2.3",
                "source": "its releases",
                "notes": "https://example.org/{tag}",
            },
            "env": {"URL": "{{url}}", "SECRET_KEY_FILE": "{{secret.key}}"},
            "with_oidc": {
                "OIDC_ID": "{{oidc.client_id}}",
                "OIDC_SECRET": "{{text.oidc}}",
                "OIDC_URL": "{{oidc.discovery}}",
                "ADMINS": "{{role.admin}}",
            },
            "volumes": [{"name": "data", "path": "/data"}],
            "health": {"test": ["CMD", "curl", "http://127.0.0.1:80/"], "source": "example/board:Dockerfile"},
            "memory": "256m",
        }
    },
    "route": {"service": "board", "port": 80},
    "sso": {"mode": "oidc", "oidc": {"redirects": ["/callback"]}, "roles": {"admin": "sees every board"}},
    "backup": {"volumes": {"data": {"how": "sqlite", "databases": ["*.db"], "why": "one file"}}},
    "uses": {"memory": "100m", "known": "guess"},
    "tile": {"group": "Work", "icon": "Bo", "colour": "blue"},
    "sources": ["example/board:docs/install.md"],
}
ON_DATABASE: dict[str, Any] = {
    "database": {"contracts": ["owner"]},
    "services.board.joins": ["database"],
    "services.board.with_database": {"DB": "{{db.host}}"},
}
SHARED: dict[str, Any] = ON_DATABASE | {
    "contracts": {"shared": "all in PostgreSQL"},
    "refuses": {"owner": "no", "split": "no", "stateless": "no"},
    "database": {"contracts": ["shared"], "required": True},
    "services.board.volumes": [],
    "backup": {},
}
NO_VOLUME: dict[str, Any] = {"services.board.volumes": [], "backup": {}}
OWN_LOGIN: dict[str, Any] = {"sso": {"mode": "own", "why": "it knows no OpenID"}, "services.board.with_oidc": {}}
GATED: dict[str, Any] = OWN_LOGIN | {"sso": {"mode": "forward-auth", "why": "it knows no OpenID"}}
CALLS: dict[str, Any] = {
    "name": "login",
    "title": "its login",
    "service": "board",
    "calls": [{"request": "GET /x", "check": "body.ok", "says": "it was not taken"}],
}
RUN: dict[str, Any] = {
    "name": "login",
    "title": "its login",
    "service": "board",
    "run": "set-login\nget-login | grep -q on\n",
}

# Rule → (what is changed in a right file, what is said about it).
WRONG: dict[str, list[tuple[dict[str, Any], str]]] = {
    "health-plausible": [
        ({"services.board.health": None}, "nothing says whether board works"),
        ({"services.board.no_health": "none"}, "a health check and a reason"),
        ({"services.board.health.source": None}, "nowhere that the image has curl"),
        ({"services.board.health": {"test": ["CMD-SHELL", "exit 0"]}}, "nowhere that the image has sh"),
        ({"services.board.health": {"test": ["CMD", "/usr/bin/python3", "-c", "1"]}}, "has python3"),
        ({"services.board.health": {"test": ["curl", "x"]}}, "begins with neither"),
        ({"services.board.health.interval": "2s"}, "asking every 2s"),
        ({"services.board.image.ref": "docker.io/vikunja/vikunja"}, "docker.io/vikunja/vikunja has no curl"),
        (
            {
                "services.board.image.ref": "ghcr.io/twin/gatus",
                "services.board.health": {"test": ["CMD-SHELL", "x"], "source": "?"},
            },
            "has no sh",
        ),
    ],
    "image-version": [
        ({"services.board.image.tag": "latest"}, "latest is another version tomorrow"),
        ({"services.board.image.tag": "stable-alpine"}, "another version tomorrow"),
        ({"services.board.image.tag": "15"}, "15 is whatever is newest"),
        ({"services.board.image.tag": "v15-rootless"}, "whatever is newest"),
        ({"services.board.image.tag": "15-alpine3.22"}, "whatever is newest"),
        ({"services.board.image.source": None}, "where that version was seen"),
        ({"services.board.image.notes": None}, "no address of release notes"),
        ({"services.db": DATABASE, "services.db.image.updates": "minor"}, "is a database"),
        ({"services.db": DATABASE, "services.db.image.path": None}, "is a database"),
        ({"services.two": GOOD["services"]["board"], "services.two.image.tag": "1.2.4"}, "is used here with"),
    ],
    "no-published-port": [
        ({"services.board.publish": [{"at": "tailnet", "port": 80, "to": 80, "why": "?"}]}, "the gateway asks"),
        ({"services.board.publish": [{"at": "loopback", "port": 22, "to": 22, "why": "?"}]}, "nobody but the host"),
        ({"services.board.publish": [{"at": "everywhere", "port": 22, "to": 22}]}, "nowhere why port 22"),
    ],
    "socket": [
        ({"services.board.host_paths": PROXY["host_paths"]}, "whoever takes over board"),
        (
            {"services.board.host_paths": [{"host": "/var/run", "path": "/run/host"}]},
            "whoever takes over board",
        ),
        ({"services.socket": PROXY, "services.socket.host_paths.0.write": True}, "mounted to be written"),
        ({"services.socket": PROXY, "route.service": "socket"}, "visitors would reach Docker"),
        ({"services.socket": PROXY | {"image": FILTER}}, "whoever takes over socket"),
        (
            {"services.socket": PROXY, "services.socket.publish": [{"at": "tailnet", "port": 2375, "to": 2375}]},
            "open on the host",
        ),
    ],
    "containers-exist": [
        ({"services.board.env.REDIS": "redis://board-redis:6379"}, "there is no container board-redis"),
        ({"services.board.env.REDIS": "redis://:x@board-redis/0"}, "there is no container board-redis"),
        ({"services.board.env.REDIS_HOST": "board-redis"}, "its containers: board"),
        ({"services.board.env.REDIS": "board-redis:6379"}, "there is no container board-redis"),
    ],
    "reload-files": [
        (
            {"services.board.reload": ["kill"], "services.board.files": [{"path": "/etc/b", "text": "x"}]},
            "would reread the file",
        )
    ],
    "secret-is-secret": [
        ({"services.board.env.ADMIN_PASSWORD": "hunter2x"}, "ADMIN_PASSWORD is a literal"),
        ({"services.board.env.API_TOKEN": "{{lab}}"}, "API_TOKEN is a literal"),
        ({"services.board.env.DATABASE": "postgres://board:hunter2@db/board"}, "an address with a password"),
        ({"services.board.command": ["serve", "--admin-password=hunter2"]}, "admin-password is a literal"),
        ({"services.board.files": [{"path": "/b.yaml", "text": "a: 1\npassword: 'hunter2'\n"}]}, "password is a"),
        ({"steps": [RUN | {"run": "token = 'hunter2'\ntest x\n"}]}, "token is a literal"),
        (
            {"steps": [CALLS | {"calls": [{"request": "PUT /", "json": {"password": "hunter2"}, "check": "a", "says": "b"}]}]},
            "password is a literal",
        ),
    ],
    "secrets-used": [({"secrets.other": "key"}, "the secret other is made")],
    "templates": [
        ({"services.board.env.X": "{{url}"}, "begins and does not end"),
        ({"services.board.env.X": "{url}}"}, "one brace before it"),
    ],
    "backup-covers": [
        ({"backup": {}}, "how the volume data is backed up"),
        ({"services.db": DATABASE}, "how the volume database is backed up"),
        ({"services.board.host_paths": [{"host": "/srv/x", "path": "/x", "write": True}]}, "/srv/x of the host"),
        ({"backup.volumes.data.leave": ["../x"]}, "is not inside the volume"),
    ],
    "state-contract": [
        ({"refuses": {}}, "nothing is said about `stateless`"),
        ({"refuses.owner": "no"}, "`owner` is honoured and refused"),
        ({"contracts.stateless": "yes", "refuses.stateless": None}, "may be `stateless`"),
        (
            ON_DATABASE | {"contracts.stateless": "yes", "refuses.stateless": None},
            "keeps its state in the database",
        ),
        ({"contracts.shared": "yes", "refuses.shared": None}, "nothing of it is in the shared database"),
        (ON_DATABASE | {"contracts.shared": "yes", "refuses.shared": None}, "does not name `shared`"),
        (SHARED | {"services.board.volumes": [{"name": "data", "path": "/d"}]}, "differs from host to host"),
    ],
    "database-reached": [
        ({"services.board.joins": ["database"]}, "has no `database:`"),
        (ON_DATABASE | {"services.board.joins": []}, "none reaches it"),
        (ON_DATABASE | {"services.board.with_database": {}}, "where the database is"),
        (ON_DATABASE | {"database": {"contracts": ["owner", "shared"]}}, "none of its contracts"),
        (ON_DATABASE | {"database.required": True}, "as `split` it would have no database"),
        (ON_DATABASE | NO_VOLUME, "no volume to keep its own in"),
    ],
    "sso-complete": [
        ({"services.board.with_oidc.OIDC_ID": "board"}, "its name as a client"),
        ({"services.board.with_oidc.OIDC_SECRET": None}, "gives the app its secret"),
        ({"services.board.with_oidc.OIDC_URL": "{{oidc.token}}"}, "leads the app to the sign-in"),
        ({"services.board.with_oidc.ADMINS": "{{admin.group}}"}, "the same in every lab"),
        ({"sso.roles.editor": "may write"}, "{{role.editor}}"),
        ({"sso.licence": "ten a month"}, "and costs money"),
        (OWN_LOGIN | {"sso": {"mode": "own"}}, "nothing says why"),
        (OWN_LOGIN | {"services.board.with_oidc": {"A": "b"}}, "is never used"),
        ({"services.board.with_gate": {"A": "b"}}, "is never used"),
        ({"route": None, "tile": None}, "nobody can come back"),
    ],
    "open-page": [(GATED | {"route.health": "/"}, "opens without a login")],
    "public-address": [({"services.board.env.URL": "https://x"}, "its own address")],
    "steps": [
        ({"steps": [CALLS | {"calls": [{"request": "PUT /x", "json": {}}]}]}, "reads nothing back"),
        ({"steps": [CALLS | {"calls": [{"request": "GET /x", "check": "a"}]}]}, "does not say what is wrong"),
        ({"steps": [RUN | {"run": "set-login\n"}]}, "without looking"),
        ({"steps": [RUN | {"run": "set-login\ngrep -q on || true\n"}]}, "cannot fail"),
        ({"steps": [RUN | {"run": "grep -q on x\necho done\n"}]}, "cannot fail"),
    ],
    "tile-complete": [
        ({"summary": "A board."}, "ends with a dot"),
        ({"summary": "A board " * 15}, "longer than 100"),
        ({"tile": None}, "there is none"),
        ({"tile.group": "Boards"}, "no other app is in the group"),
        ({"tile.icon": None}, "not one or two letters"),
        ({"tile.icon": "★"}, "not one or two letters"),
        ({"tile.colour": None}, "nobody chose its colour"),
        ({"route": None}, "an app without a web page"),
    ],
    "resources": [
        ({"uses": None}, "nothing says what the app needs"),
        ({"uses.memory": "1g"}, "and may have 256m"),
    ],
    "sources": [
        ({"sources": []}, "where these facts are from"),
        ({"sources": ["everybody knows"]}, "none is a repository"),
    ],
}  # fmt: skip
RIGHT: dict[str, list[dict[str, Any]]] = {
    "health-plausible": [
        {"services.board.health": None, "services.board.no_health": "it has no program that could ask"},
        {"services.board.health": {"test": ["CMD", "/board", "health"]}},
        {
            "services.board.image": GOOD["services"]["board"]["image"]
            | {"ref": "docker.io/portainer/portainer-ce", "tag": "2.39.6-alpine"}
        },
    ],
    "image-version": [
        {"services.board.image.tag": "2026.9.1-abcdef0"},
        {"services.board.image.tag": "20260901"},
        {"services.board.image.tag": "17-vectorchord0.4.3-pgvector0.8.0"},
        {"services.board.image.tag": "release", "services.board.image.digest": f"sha256:{'0' * 64}"},
        {"services.db": DATABASE, "backup.volumes.database": {"how": "stop", "why": "nothing changes"}},
    ],
    "no-published-port": [{"services.board.publish": [{"at": "tailnet", "port": 22, "to": 22, "why": "it is ssh"}]}],
    "socket": [
        {"services.socket": PROXY},
        {
            "services.socket": PROXY
            | {"image": FILTER, "files": [{"path": "/etc/haproxy.cfg", "text": "http-request deny unless reads"}]}
        },
    ],
    "containers-exist": [
        {"services.db": DATABASE, "services.board.env.DB": "postgres://board-db:5432/board"},
        {"services.board.env.NAME": "board-admin", "services.board.env.LINK": "https://x/board-x"},
    ],
    "reload-files": [
        {"services.board.files": [{"path": "/etc/b", "text": "x"}]},
        {"services.board.reload": ["kill"]},
    ],
    "secret-is-secret": [
        {"services.board.env.PASSWORD": "{{text.key}}", "services.board.env.TOKEN_TTL": "30d"},
        {"services.board.env.DATABASE": "postgres://board:{{text.key}}@db/board"},
        {"services.board.env.SECRET_KEY": "/run/key", "services.board.env.HIDE_PASSWORD": "true"},
        {
            "services.board.files": [
                {"path": "/b.yaml", "text": "# password: x\ntoken_url: http://x\npassword: {{text.key}}"}
            ]
        },
        {
            "steps": [
                CALLS | {"calls": [{"request": "PUT /", "json": {"password": "changeme"}, "check": "a", "says": "b"}]}
            ]
        },
        {"steps": [RUN | {"run": 'TOKEN="$(cat {{secret.key}})"\ntoken = answer["token"]\ntest x\n'}]},
    ],
    "secrets-used": [
        {"secrets.other": "key", "services.board.secret_files": ["other"]},
        {"secrets.other": "key", "metrics": [{"service": "board", "port": 1, "token": "other"}]},
    ],
    "templates": [
        {"services.board.env.X": "{{ url }}", "services.board.env.Y": '{"a":{"b":1}}'},
        {"services.board.env.X": "{{ $value }} {{ .Name }}"},
    ],
    "backup-covers": [
        {"services.board.volumes.0.holds": "cache", "backup": {}},
        {
            "services.board.host_paths": [{"host": "/srv/x", "path": "/x", "write": True}],
            "doubts": ["/srv/x is yours to copy"],
        },
    ],
    "state-contract": [
        SHARED,
        NO_VOLUME | {"contracts": {"stateless": "nothing"}, "refuses": {"owner": "no", "split": "no", "shared": "no"}},
    ],
    "database-reached": [
        ON_DATABASE,
        SHARED,
        ON_DATABASE
        | {
            "database.required": True,
            "services.db": DATABASE,
            "backup.volumes.database": {"how": "stop", "why": "nothing changes"},
        },
    ],
    "sso-complete": [
        OWN_LOGIN,
        {"services.board.with_oidc.OIDC_URL": "{{oidc.authorize}} {{oidc.token}}"},
        OWN_LOGIN | {"sso": {"mode": "forward-auth", "why": "no OpenID"}, "services.board.with_gate": {"A": "b"}},
    ],
    "open-page": [GATED | {"route.health": "/robots.txt"}, OWN_LOGIN | {"route.health": "/"}],
    "public-address": [
        {"services.board.env.URL": "https://{{hostname}}"},
        {"services.board.env.URL": "x", "sources": ["example/board:auth.js (its address is taken from the request)"]},
    ],
    "steps": [{"steps": [CALLS]}, {"steps": [RUN]}],
    "tile-complete": [OWN_LOGIN | {"route": None, "tile": None}],
    "resources": [{"services.board.memory": "1g", "uses.memory": "1g"}],
    "sources": [
        {"sources": ["Board's documentation, installation"]},
        {"sources": ["measured", "https://board.example.org/docs"]},
    ],
}


def varied(changes: dict[str, Any]) -> tuple[App, Any]:
    """Return the right file with values at dotted paths replaced; None removes one."""
    data = copy.deepcopy(GOOD)
    for path, value in changes.items():
        *parents, last = path.split(".")
        inner: Any = data
        for key in parents:
            inner = inner[int(key)] if isinstance(inner, list) else inner.setdefault(key, {})
        if value is None:
            inner.pop(last, None)
        else:
            inner[last] = copy.deepcopy(value)
    document = parse(yaml.safe_dump(data, sort_keys=False), "board.yaml")
    return load(App, document), document


@pytest.mark.parametrize("name", FILES)
def test_every_data_file_keeps_every_rule(name: str) -> None:
    app, document = FILES[name]
    assert [f"{found.rule}: {found.message}" for found in findings(name, app, document)] == []


def test_a_right_file_keeps_every_rule() -> None:
    app, document = varied({})
    assert findings("board", app, document) == ()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_every_rule_says_why_and_what_to_do_and_is_shown_both(rule: Rule) -> None:
    assert rule.why
    assert rule.fix
    assert WRONG[rule.id]
    assert RIGHT[rule.id]


@pytest.mark.parametrize(
    ("rule", "changes", "said"), [(rule, changes, said) for rule, cases in WRONG.items() for changes, said in cases]
)
def test_a_rule_sees_what_is_wrong(rule: str, changes: dict[str, Any], said: str) -> None:
    app, document = varied(changes)
    messages = [found.message for found in findings("board", app, document) if found.rule == rule]
    assert [message for message in messages if said in message], messages
    assert all(message.startswith("board.yaml:") for message in messages)


@pytest.mark.parametrize(("rule", "changes"), [(rule, changes) for rule, cases in RIGHT.items() for changes in cases])
def test_a_rule_leaves_what_is_right_alone(rule: str, changes: dict[str, Any]) -> None:
    app, document = varied(changes)
    assert [found for found in findings("board", app, document) if found.rule == rule] == []


def test_a_finding_has_the_place_of_what_is_wrong() -> None:
    app, document = varied({"services.board.env.ADMIN_PASSWORD": "hunter2x"})
    (found,) = findings("board", app, document)
    line = next(
        number
        for number, row in enumerate(yaml.safe_dump(document.data, sort_keys=False).splitlines(), 1)
        if "hunter2x" in row
    )
    assert found.message == f"board.yaml:{line}:23: ADMIN_PASSWORD is a literal"
