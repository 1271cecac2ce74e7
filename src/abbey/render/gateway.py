"""The gateway's Caddyfile: this host first, the other host second, and never in a circle.

The retry rule is the heart of it: a GET or HEAD that failed here is asked again over there, a POST that was already
sent is never sent twice. Only Caddy (2.11.3 or newer) held both in every case that was measured.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from abbey.files import File, FileTree
from abbey.model.condition import monitored
from abbey.model.host import Host
from abbey.model.identity import PROVIDER
from abbey.model.ingress import PEER_PORT, PUBLIC_PORT, Gate, Site, sites
from abbey.model.lab import Lab
from abbey.model.monitoring import INSIDE_FILE

OUTPOST = "/outpost.goauthentik.io"
_OUTPOST_HEALTH = "/-/health/live/"  # of the sign-in, in which the outpost is embedded
_IDENTITY_HEADERS = "X-Authentik-Username X-Authentik-Groups X-Authentik-Email X-Authentik-Name X-Authentik-Uid"


@dataclass(frozen=True, slots=True)
class Listen:
    """Where the gateway listens: `address` may be empty (every address of the container)."""

    public: int = PUBLIC_PORT
    peer: int = PEER_PORT
    address: str = ""
    peer_address: str = ""
    health: int = 8082
    health_address: str = "127.0.0.1"
    admin: str = "localhost:2019"


def render(lab: Lab, host: Host) -> FileTree:
    """Return gateway/Caddyfile of a host."""
    here = sites(lab, host)
    outpost = next((site.local for site in here if site.app == PROVIDER), "")
    text = caddyfile(here, host=host.name, listen=Listen(), outpost=outpost, watched=monitored(lab))
    return FileTree([("gateway/Caddyfile", File(text))])


def caddyfile(here: Sequence[Site], *, host: str, listen: Listen, outpost: str, watched: bool = False) -> str:
    """Return the whole Caddyfile for these sites. `outpost` is the address of the sign-in on this host, or "".

    Where something watches the lab, requests are counted, and a file beside it says what the lab itself is answered.
    """
    blocks = [_head(listen, watched=watched), _SNIPPETS]
    blocks += [_block(_public(site, host), f"http://{site.hostname}:{listen.public}", listen.address) for site in here]
    blocks += [
        _block(_peer(site, outpost), f"http://{site.hostname}:{listen.peer}", listen.peer_address)
        for site in here
        if site.local
    ]
    blocks += [
        _block(['respond "No such site here." 421'], f"http://:{listen.public}", listen.address),
        _block(_stranger(outpost, watched=watched), f"http://:{listen.peer}", listen.peer_address),
        _block(['respond /healthz "ok"'], f"http://:{listen.health}", listen.health_address),
    ]
    return "\n".join(blocks)


def _head(listen: Listen, *, watched: bool) -> str:
    """Return the global options. Where requests are counted, they are by site and by listener, which so have names."""
    options = _SERVERS.replace("WHICH", "").replace("NAME", "")
    if watched:
        both = (("public", listen.address, listen.public), ("peer", listen.peer_address, listen.peer))
        options = _COUNTING + "".join(
            _SERVERS.replace("WHICH", f"{address}:{port} ").replace("NAME", f"\t\tname {name}\n")
            for name, address, port in both
        )
    return _HEAD.replace("ADMIN", listen.admin).replace("OPTIONS\n", options)


_HEAD = """\
# Written by Abbey. Changes made here are found and undone by `abbey up`.
{
	admin ADMIN
	persist_config off
	auto_https off
	grace_period 10s
OPTIONS
}
"""

_COUNTING = "\tmetrics {\n\t\tper_host\n\t}\n"
_SERVERS = """\
	servers WHICH{
NAME		# The tunnel's connector and the other hosts' gateways are believed when they name the visitor.
		trusted_proxies static private_ranges 100.64.0.0/10
		client_ip_headers CF-Connecting-IP X-Forwarded-For
	}
"""

_SNIPPETS = """\
# Try the first address; when it fails, the next. A GET may be asked twice, a POST that was sent never is.
(next_best) {
	lb_policy first
	lb_retries {args[0]}
	lb_retry_match `method('GET', 'HEAD') && ({rp.is_transport_error} || {rp.status_code} in [502, 503, 504])`
	# Long enough that the retry of this request goes elsewhere, too short to hurt anybody else: failures are counted
	# by address, and every site shares the other host's. What stays away is found by the watch below.
	fail_duration 50ms
	unhealthy_status 502 503 504
}

# Ask {args[1]} every few seconds under the site's own name: without the name, any Caddy would answer 200.
(watch) {
	health_uri {args[1]}
	health_headers {
		Host {args[0]}
	}
	health_interval 5s
	health_timeout 2s
}
"""


def _block(lines: Iterable[str], address: str, bind: str) -> str:
    inside = [f"bind {bind}"] if bind else []
    body = "".join(f"\t{line}\n" if line else "\n" for line in (*inside, *lines))
    return f"{address} {{\n{body}}}\n"


def _public(site: Site, host: str) -> list[str]:
    lines = [
        "request_header -X-Authentik-*",
        f"header ?X-Abbey-Host {host}",
        "header -Server",
        "encode zstd gzip",
    ]
    if site.body:
        lines += ["request_body {", f"\tmax_size {site.body.upper()}B", "}"]
    lines += _closed(site)
    lines += _gated(site, site.gate.outposts if site.gate else (), _proxies(site, site.upstreams))
    where = f" It lives on {site.owner}." if site.owner else ""
    words = _words(f"{site.title} does not answer right now.{where}")
    lines += ["handle_errors {", f'\trespond "{words}" {{err.status_code}}', "}"]
    return lines


def _peer(site: Site, outpost: str) -> list[str]:
    """Return what the other hosts' gateways get: this host's own upstream and nothing else."""
    lines = ["request_header -X-Authentik-*", *_closed(site)]
    return lines + _gated(site, (outpost,) if outpost else (), _proxies(site, (site.local,)))


def _stranger(outpost: str, *, watched: bool) -> list[str]:
    """Return the answer for a host name that this host does not serve: only the sign-in's paths and the lab's own."""
    lines = ["handle {", '\trespond "No such site here." 421', "}"]
    known = [f"import {INSIDE_FILE}"] if watched else []
    return known + (_outpost_paths((outpost,), "") if outpost else []) + lines


def _closed(site: Site) -> list[str]:
    """Return the answer for paths where the app would show its figures to whoever asks."""
    if not site.closed:
        return []
    paths = " ".join(f"{path} {path}/*" for path in site.closed)
    return [f"@figures path {paths}", "handle @figures {", '\trespond "Figures are for the lab itself." 404', "}"]


def _gated(site: Site, outposts: tuple[str, ...], proxy: list[str]) -> list[str]:
    """Return the proxy behind the login, or bare where the site has no gate.

    Paths that programs use pass without a login, and so does the path that the other gateway asks for health.
    """
    gate = site.gate
    if gate is None:
        return proxy
    ask = [
        f"forward_auth {' '.join(outposts)} {{",
        f"\turi {OUTPOST}/auth/caddy",
        f"\tcopy_headers {_IDENTITY_HEADERS}",
        *_ways(outposts, gate.hostname, _OUTPOST_HEALTH),
        *_transport("10s"),
        "}",
    ]
    open_paths = _open_paths(site, gate)
    return [
        *_outpost_paths(outposts, gate.hostname),
        *([f"@open path_regexp {open_paths}", "handle @open {", *_indent(proxy), "}"] if open_paths else []),
        "handle {",
        *_indent(ask + proxy),
        "}",
    ]


def _outpost_paths(outposts: tuple[str, ...], hostname: str) -> list[str]:
    return [
        f"handle {OUTPOST}/* {{",
        f"\treverse_proxy {' '.join(outposts)} {{",
        *_indent(_ways(outposts, hostname, _OUTPOST_HEALTH)),
        *_indent(_transport("30s")),
        "\t}",
        "}",
    ]


def _ways(upstreams: tuple[str, ...], hostname: str, health: str | None) -> list[str]:
    """Return how to choose among addresses: nothing for a single one, else retry, and watch where there is a path."""
    if len(upstreams) < 2:
        return []
    tried = f"\timport next_best {len(upstreams) - 1}"  # each address once
    return [tried, f"\timport watch {hostname} {health}"] if health else [tried]


def _open_paths(site: Site, gate: Gate) -> str:
    patterns = list(gate.bypass)
    if site.health and not any(pattern == f"^{site.health}$" for pattern in patterns):
        patterns.append(f"^{site.health}$")
    return f"`{'|'.join(patterns)}`" if patterns else ""


def _proxies(site: Site, upstreams: tuple[str, ...]) -> list[str]:
    """Return the proxy of the app, and before it those of paths that another of its services answers.

    That one is not watched: the path that is asked for health is the app's own.
    """
    lines: list[str] = []
    for path, address in site.also:
        others = tuple(address if upstream == site.local else upstream for upstream in upstreams)
        lines += [f"@at{path} path {path} {path}/*", f"handle @at{path} {{"]
        lines += [*_indent(_proxy(replace(site, health=None), others)), "}"]
    proxy = _proxy(site, upstreams)
    return [*lines, "handle {", *_indent(proxy), "}"] if lines else proxy


def _proxy(site: Site, upstreams: tuple[str, ...]) -> list[str]:
    lines = [f"reverse_proxy {' '.join(upstreams)} {{"]
    lines += _ways(upstreams, site.hostname, site.health)
    # One address, the visitor's: apps differ in which one of a list they believe.
    lines.append("\theader_up X-Forwarded-For {client_ip}")
    if site.streams:
        lines.append("\tflush_interval -1")
    lines += _transport("" if site.streams else site.patience)
    return [*lines, "}"]


def _words(text: str) -> str:
    """Return the text without what Caddy would take for its own: quotes, placeholders, comments of a line."""
    return "".join(char if char.isprintable() and char not in '"`\\\\{}' else "'" for char in text)


def _transport(patience: str) -> list[str]:
    """Return how long to wait: one second to connect, `patience` for the first byte ("" is without limit)."""
    wait = [f"\t\tresponse_header_timeout {patience}"] if patience else []
    return ["\ttransport http {", "\t\tdial_timeout 1s", *wait, "\t}"]


def _indent(lines: Iterable[str]) -> list[str]:
    return [f"\t{line}" for line in lines]
