"""What cloudflared accepts in silence though it cannot be meant: rules that never answer, keys that do nothing."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence

from abbey.check import golang
from abbey.check.tunnel_rule import Rule, ascii_name, host_matches
from abbey.report import Finding, Severity
from abbey.spec.yaml import Plain

_KNOWN = (
    "tunnel", "credentials-file", "credentials-contents", "token", "token-file", "origincert", "ingress",
    "originRequest", "warp-routing", "protocol", "metrics", "metrics-update-freq", "grace-period", "edge-ip-version",
    "edge-bind-address", "region", "retries", "loglevel", "transport-loglevel", "logfile", "log-directory", "pidfile",
    "no-autoupdate", "autoupdate-freq", "post-quantum", "tag", "label", "ha-connections", "management-diagnostics",
    "icmpv4-src", "icmpv6-src", "no-prechecks",
)  # fmt: skip
_SCHEMES = ("http", "https", "ws", "wss", "tcp", "ssh", "rdp", "smb")
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?")
_LONGEST_GRACE = 180


def findings(config: Plain, rules: Sequence[Rule], unused: Sequence[str]) -> tuple[Finding, ...]:
    """Return what a person should know about an accepted file."""
    top = config if isinstance(config, dict) else {}
    found = [*_keys(top, unused)]
    for number, rule in enumerate(rules, 1):
        found += [*_hostname(rule, f"rule {number}"), *_service(rule, f"rule {number}"), *_path(rule, f"rule {number}")]
    found += _shadowed(rules)
    return tuple(found)


def _keys(top: dict[str, Plain], unused: Sequence[str]) -> Iterator[Finding]:
    for key in top:
        if key not in _KNOWN:
            near = difflib.get_close_matches(key.replace("_", "-"), _KNOWN, n=1)
            fix = f"did you mean `{near[0]}`?" if near else "remove it"
            yield _warning("tunnel-unknown-key", key, "cloudflared ignores this key in silence", fix)
    for path in unused:
        yield _warning(
            "tunnel-unknown-key", path, "cloudflared ignores this key and only prints a warning", "remove it"
        )
    for key in ("tunnel", "credentials-file"):
        if not top.get(key):
            yield _error("tunnel-incomplete", key, "the connector cannot start without it", f"set `{key}`")
    grace = top.get("grace-period")
    try:
        too_long = isinstance(grace, str) and golang.seconds(grace) > _LONGEST_GRACE
    except ValueError:
        yield _error("tunnel-grace-period", "grace-period", "is no duration", "write e.g. 30s")
    else:
        if too_long:
            yield _error("tunnel-grace-period", "grace-period", "more than 3m is refused at start", "write at most 3m")


def _hostname(rule: Rule, subject: str) -> Iterator[Finding]:
    name = rule.hostname
    if name in ("", "*"):
        return
    if name.startswith("*") and not name.startswith("*."):
        yield _error("tunnel-never-matches", subject, f"`{name}` matches no host", "a wildcard ends at a dot: *.name")
    labels = ascii_name(name.removeprefix("*.").lstrip("*")).lower().split(".")
    if not all(_LABEL.fullmatch(label) for label in labels):
        yield _error("tunnel-hostname", subject, f"`{name}` is no host name, so no request carries it", "correct it")
    elif all(label.isdigit() for label in labels):
        yield _warning(
            "tunnel-hostname", subject, f"`{name}` is an address; requests carry host names", "name the host"
        )


def _service(rule: Rule, subject: str) -> Iterator[Finding]:
    if "://" not in rule.service:
        return
    parts = golang.url(rule.service)
    if parts.scheme not in _SCHEMES:
        near = difflib.get_close_matches(parts.scheme, _SCHEMES, n=1)
        fix = f"did you mean `{near[0]}`?" if near else f"one of {', '.join(_SCHEMES)}"
        yield _warning("tunnel-scheme", subject, f"`{parts.scheme}:` is not known and taken for raw TCP", fix)
    if parts.port and int(parts.port) > 65535:
        yield _error("tunnel-port", subject, f"port {parts.port} does not exist", "correct it")


def _path(rule: Rule, subject: str) -> Iterator[Finding]:
    if rule.path and not rule.path.startswith("^"):
        seen = f"`{rule.path}` matches anywhere in the path, not only at its beginning"
        yield Finding("tunnel-path", Severity.NOTE, subject, seen, fix=f"write ^{rule.path} if the beginning is meant")


def _shadowed(rules: Sequence[Rule]) -> Iterator[Finding]:
    for later, rule in enumerate(rules[:-1]):
        for earlier, other in enumerate(rules[:later]):
            if other.path in ("", rule.path) and host_matches(other.hostname, ascii_name(rule.hostname)):
                seen = f"rule {earlier + 1} answers everything that `{rule.hostname}{rule.path}` would"
                yield _error("tunnel-shadowed", f"rule {later + 1}", seen, "put the narrower rule first, or remove it")
                break


def _error(rule: str, subject: str, message: str, fix: str) -> Finding:
    return Finding(rule, Severity.ERROR, subject, message, fix=fix)


def _warning(rule: str, subject: str, message: str, fix: str) -> Finding:
    return Finding(rule, Severity.WARNING, subject, message, fix=fix)
