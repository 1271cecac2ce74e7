"""What the gateway answers to the lab itself: figures of this host's containers, and questions to Prometheus.

Only on the private listener, only to whoever shows the lab's token, and only at these paths. The token is read from
its file at every request (Caddy's `{file.…}`), so it stands neither in the Caddyfile nor in what Caddy makes of it,
and Caddy leaves the header that carries it out of its log. Where there is no file, nobody has the right token.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from abbey.files import File, FileTree
from abbey.model.condition import MONITOR, monitored
from abbey.model.host import Host
from abbey.model.ingress import PEER_PORT
from abbey.model.lab import Lab
from abbey.model.monitoring import INSIDE_FILE, INSIDE_PATH, TOKEN, Figures, figures, monitors
from abbey.model.secret_file import SECRETS, secret_file
from abbey.secrets import SecretRef

# Reading only: neither what deletes or takes in figures nor the configuration.
_QUESTIONS = (
    "query|query_range|query_exemplars|series|labels|label/[A-Za-z0-9_]+/values|metadata|rules|alerts"
    "|format_query|parse_query|status/buildinfo"
)


@dataclass(frozen=True, slots=True)
class Inside:
    """What one gateway answers to the lab: its figures, and where each Prometheus is: (host, address, is it here)."""

    figures: tuple[Figures, ...]
    monitors: tuple[tuple[str, str, bool], ...]
    secrets: str = SECRETS


_HEAD = """\
# Written by Abbey. What the private listener answers to the lab itself: to whoever shows its token, and else nobody.
"""


def render(lab: Lab, host: Host) -> FileTree:
    """Return gateway/inside.caddy of a host, or nothing where nothing watches the lab."""
    found = inside_of(lab, host)
    return FileTree([(f"gateway/{INSIDE_FILE}", File(inside(found)))] if found else [])


def inside_of(lab: Lab, host: Host) -> Inside | None:
    """Return what the gateway of a host answers to the lab itself; None where nothing watches the lab."""
    if not monitored(lab):
        return None
    return Inside(
        figures=tuple(one for one in figures(lab, host) if one.direct is None),
        monitors=tuple((other.name, _monitor(lab, other, host), other == host) for other in monitors(lab)),
    )


def _monitor(lab: Lab, host: Host, here: Host) -> str:
    app = lab.app(MONITOR)
    route = app.entry.route
    port = route.port if route else 9090
    return f"{app.service_name(app.main)}:{port}" if host == here else f"{host.tailnet}:{PEER_PORT}"


def inside(known: Inside) -> str:
    """Return the lines of the private listener; what does not belong to them falls through."""
    body: list[str] = []
    for one in known.figures:
        body += _figures(one, known.secrets)
    for name, address, here in known.monitors:
        body += _questions(name, address, here=here)
    body += ["handle {", '\trespond "Nothing is shown here." 404', "}"]
    lines = [
        "@inside {",
        "\tpath /.abbey/*",
        "\tmethod GET POST",
        f'\theader Authorization "Bearer {_text(TOKEN, known.secrets)}"',
        "}",
        "handle @inside {",
        *_indent(body),
        "}",
    ]
    return _HEAD + "\n".join(lines) + "\n"


def _figures(one: Figures, secrets: str) -> list[str]:
    if not one.address:
        return [f"handle {one.asked} {{", "\tmetrics", "}"]
    token = f'Authorization "Bearer {_text(one.token, secrets)}"' if one.token else "-Authorization"
    return [
        f"handle {one.asked} {{",
        f"\trewrite * {one.path}",
        f"\treverse_proxy {one.address} {{",
        f"\t\theader_up {token}",
        *_indent(_transport("10s"), 2),
        "\t}",
        "}",
    ]


def _questions(name: str, address: str, *, here: bool) -> list[str]:
    """Return how Prometheus of a host is asked: here, or by the gateway there, which has its own here. No circle."""
    matcher = f"ask_{name}"
    inner = [f"rewrite * /api/v1/{{re.{matcher}.1}}"] if here else []
    up = ["\theader_up -Authorization"] if here else []
    return [
        f"@{matcher} path_regexp {matcher} `^{INSIDE_PATH}/{name}/api/v1/({_QUESTIONS})$`".replace(
            "/.abbey", r"/\.abbey"
        ),
        f"handle @{matcher} {{",
        *_indent([*inner, f"reverse_proxy {address} {{", *up, *_indent(_transport("60s")), "}"]),
        "}",
    ]


def _text(ref: SecretRef, secrets: str) -> str:
    return f"{{file.{secrets}/{secret_file(ref)}}}"


def _transport(patience: str) -> list[str]:
    return ["transport http {", "\tdial_timeout 1s", f"\tresponse_header_timeout {patience}", "}"]


def _indent(found: Iterable[str], by: int = 1) -> list[str]:
    return ["\t" * by + line for line in found]
