"""The keys of cloudflared's configuration file, each with the type that cloudflared decodes it to."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from abbey.check import golang
from abbey.spec.yaml import Plain

# Quoted or not, these are flags for cloudflared's reader.
_YES = frozenset({"y", "Y", "yes", "Yes", "YES", "on", "On", "ON"})
_NO = frozenset({"n", "N", "no", "No", "NO", "off", "Off", "OFF"})


class RefusedError(Exception):
    """cloudflared refuses the file; the text says why."""


def is_true(value: Plain) -> bool:
    """Return whether cloudflared takes the value for true."""
    return value is True or value in _YES


Type = Callable[[Plain, str, list[str]], None]


def _text(value: Plain, where: str, unused: list[str]) -> None:
    if isinstance(value, (list, dict)):
        raise RefusedError(f"`{where}` must be text")


def _flag(value: Plain, where: str, unused: list[str]) -> None:
    if not (value is None or isinstance(value, bool) or value in _YES | _NO):
        raise RefusedError(f"`{where}` must be true or false")


def _whole(value: Plain, where: str, unused: list[str]) -> None:
    if not (value is None or (isinstance(value, (int, float)) and not isinstance(value, bool) and value == int(value))):
        raise RefusedError(f"`{where}` must be a whole number")


def _duration(value: Plain, where: str, unused: list[str]) -> None:
    if value is None:
        return
    try:
        golang.seconds(value if isinstance(value, str) else "")
    except ValueError:
        raise RefusedError(f"`{where}` must be a duration such as 30s") from None


def _list_of(item: Type) -> Type:
    def check(value: Plain, where: str, unused: list[str]) -> None:
        if value is not None and not isinstance(value, list):
            raise RefusedError(f"`{where}` must be a list")
        for number, part in enumerate(value or [], 1):
            item(part, f"{where}.{number}", unused)

    return check


def _mapping_of(fields: Mapping[str, Type]) -> Type:
    def check(value: Plain, where: str, unused: list[str]) -> None:
        _fields(value, fields, where, unused)

    return check


_ACCESS = {"required": _flag, "teamName": _text, "audTag": _list_of(_text), "environment": _text}
_IP_RULE = {"prefix": _text, "ports": _list_of(_whole), "allow": _flag}
_ORIGIN: Mapping[str, Type] = {
    **dict.fromkeys(("connectTimeout", "tlsTimeout", "tcpKeepAlive", "keepAliveTimeout"), _duration),
    **dict.fromkeys(("noHappyEyeballs", "noTLSVerify", "matchSNItoHost", "disableChunkedEncoding"), _flag),
    **dict.fromkeys(("bastionMode", "http2Origin"), _flag),
    **dict.fromkeys(("httpHostHeader", "originServerName", "caPool", "proxyAddress", "proxyType"), _text),
    **dict.fromkeys(("keepAliveConnections", "proxyPort"), _whole),
    "ipRules": _list_of(_mapping_of(_IP_RULE)),
    "access": _mapping_of(_ACCESS),
}
_RULE: Mapping[str, Type] = {
    **dict.fromkeys(("hostname", "path", "service"), _text),
    "originRequest": _mapping_of(_ORIGIN),
}
_WARP = {"connectTimeout": _duration, "maxActiveFlows": _whole, "tcpKeepAlive": _duration}
_TOP: Mapping[str, Type] = {
    "tunnel": _text,
    "ingress": _list_of(_mapping_of(_RULE)),
    "originRequest": _mapping_of(_ORIGIN),
    "warp-routing": _mapping_of(_WARP),
}


def unused_keys(config: Plain) -> list[str]:
    """Return the paths of the keys that cloudflared warns of. Raise RefusedError where a value has the wrong type."""
    unused: list[str] = []
    _fields(config, _TOP, "", unused, open_ended=True)
    return unused


def _fields(
    value: Plain, fields: Mapping[str, Type], where: str, unused: list[str], *, open_ended: bool = False
) -> None:
    if value is not None and not isinstance(value, dict):
        raise RefusedError(f"`{where or 'the file'}` must be a mapping")
    for key, part in (value or {}).items():
        path = f"{where}.{key}" if where else key
        if key in fields:
            fields[key](part, path, unused)
        elif not open_ended:
            unused.append(path)
