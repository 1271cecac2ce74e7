"""What cloudflared makes of its configuration file: accepted or not, with a warning or not, and who answers a URL."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import unquote

from abbey.check import golang
from abbey.check.tunnel_keys import RefusedError, is_true, unused_keys
from abbey.check.tunnel_lints import findings
from abbey.check.tunnel_rule import Rule, host_matches
from abbey.errors import FileErrors
from abbey.report import Finding
from abbey.spec.yaml import Plain, parse


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether cloudflared accepts the file, whether it warns of unused keys, why, and what it does not notice."""

    ok: bool
    warning: bool = False
    message: str = ""
    rules: tuple[Rule, ...] = ()
    findings: tuple[Finding, ...] = ()


def validate(text: str) -> Verdict:
    """Return cloudflared's verdict on the text of its configuration file, and the findings it does not make."""
    try:
        config = parse(text, "config.yml").data
        unused = unused_keys(config)
        rules = _rules(config)
    except FileErrors as error:
        return Verdict(ok=False, message=str(error.faults[0]))
    except RefusedError as error:
        return Verdict(ok=False, message=str(error))
    found = findings(config, rules, unused)
    return Verdict(ok=True, warning=bool(unused), message=", ".join(unused), rules=rules, findings=found)


def match(rules: Sequence[Rule], url: str) -> int:
    """Return the index of the rule that answers the URL. Raise ValueError when the URL has no host."""
    parts = golang.url(url)
    if not parts.host:
        raise ValueError(f"{url} has no host name; add a scheme")
    path = unquote(parts.path)
    for index, rule in enumerate(rules):
        if host_matches(rule.hostname, parts.host) and (not rule.path or golang.regexp(rule.path).search(path)):
            return index
    return len(rules) - 1


def _rules(config: Plain) -> tuple[Rule, ...]:
    entries = config.get("ingress") if isinstance(config, dict) else None
    if not isinstance(entries, list) or not entries:
        raise RefusedError("the file has no ingress rules")
    defaults = config.get("originRequest") if isinstance(config, dict) else None
    rules: list[Rule] = []
    for number, entry in enumerate(entries, 1):
        given = entry if isinstance(entry, dict) else {}
        rule = Rule(*(str(given.get(name) or "") for name in ("hostname", "path", "service")))
        origins = [part for part in (defaults, given.get("originRequest")) if isinstance(part, dict)]
        _check_service(rule.service, bastion=any(is_true(origin.get("bastionMode")) for origin in origins))
        _check_access(origins)
        _check_hostname(rule, number, len(entries))
        try:
            golang.regexp(rule.path)
        except ValueError as error:
            raise RefusedError(f"rule {number} has an invalid path expression: {error}") from None
        rules.append(rule)
    return tuple(rules)


def _check_service(service: str, *, bastion: bool) -> None:
    if service.startswith("http_status:"):
        code = service.removeprefix("http_status:")
        if not re.fullmatch(r"[-+]?[0-9]{1,9}", code) or not 100 <= int(code) <= 999:
            raise RefusedError(f"`{code}` is no HTTP status")
        return
    if service.startswith(("unix:", "unix+tls:")) or bastion:
        return
    if service in ("hello_world", "hello-world", "bastion", "socks-proxy"):
        return
    try:
        parts = golang.url(service)
    except ValueError as error:
        raise RefusedError(f"`{service}` is no address: {error}") from None
    if not parts.scheme or not parts.host:
        raise RefusedError(f"`{service}` is no address: it needs a scheme and a host")
    if parts.path:
        raise RefusedError(f"`{service}`: a service has no path; the request's own path is used")


def _check_hostname(rule: Rule, number: int, total: int) -> None:
    if golang.split_port(rule.hostname) is not None:
        raise RefusedError(f"rule {number}: a host name has no port")
    if rule.hostname.rfind("*") > 0:
        raise RefusedError(f"rule {number}: one wildcard, and only as the first character, e.g. *.example.com")
    if number == total and not rule.catches_all:
        raise RefusedError("the last rule must match everything: no hostname and no path")
    if number < total and rule.catches_all:
        raise RefusedError(f"rule {number} matches everything, so that the rules after it never answer")


def _check_access(origins: Sequence[dict[str, Plain]]) -> None:
    for origin in origins:
        access = origin.get("access")
        if isinstance(access, dict) and access.get("audTag") and not access.get("teamName"):
            raise RefusedError("access.audTag needs access.teamName")
