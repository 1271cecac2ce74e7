"""What Go's standard library makes of a text, as far as configuration files need it: RE2, durations, URLs, addresses.

Stricter than Go where it must choose: syntax that is not certain to mean the same here and there is an error.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_DURATION = re.compile(r"[-+]?(0|(([0-9]+\.?[0-9]*|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))+)")
_PART = re.compile(r"([0-9.]+)(ns|us|µs|μs|ms|s|m|h)")
_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}

_URL = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*):(//(?P<authority>[^/]*))?(?P<path>.*)", re.DOTALL)
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|([A-Za-z0-9_.~!$&'()*+,;=<>\"-]|[^\x00-\x7f])*)(:[0-9]*)?")

_TOKEN = re.compile(
    r"""(?P<escape>\\(?:[dDsSwWbBAafnrtvz]|x[0-9A-Fa-f]{2}|[^A-Za-z0-9\s]))
      | (?P<group>\((?!\?)|\(\?:|\(\?P?<[A-Za-z_][A-Za-z0-9_]*>|\(\?[ims]+:)
      | (?P<set>\[\^?\]?(?:[^\]\[\\]|\\(?:[dDsSwWafnrtv]|[^A-Za-z0-9\s]))*\])
      | (?P<repeat>[*+?]\??|\{[0-9]+(?:,[0-9]*)?\}\??)
      | (?P<other>[^\\()\[*+?]|\))""",
    re.VERBOSE,
)
_FLAGS = re.compile(r"\(\?[ims]+\)")


@dataclass(frozen=True, slots=True)
class Url:
    """The parts of a URL that Go tells apart; the host without its port and brackets."""

    scheme: str
    host: str
    port: str
    path: str


def seconds(text: str) -> float:
    """Return the seconds of a Go duration such as 1m30s. Raise ValueError for anything else."""
    if not _DURATION.fullmatch(text):
        raise ValueError(f"`{text}` is no duration such as 1m30s")
    total = sum(float(number) * _SECONDS[unit] for number, unit in _PART.findall(text))
    return -total if text.startswith("-") else total


def url(text: str) -> Url:
    """Return the parts of the URL. Raise ValueError where Go's url.Parse does."""
    bare = text.partition("#")[0].partition("?")[0]
    found = _URL.fullmatch(bare)
    if any(char < " " or char == "\x7f" for char in text):
        raise ValueError(f"`{text!r}` holds control characters")
    if not found:
        return Url("", "", "", bare)
    address = (found["authority"] or "").rpartition("@")[2]
    if not _HOST.fullmatch(address):
        raise ValueError(f"`{address}` is no host and port")
    host, port = split_port(address) or (address, "")
    return Url(found["scheme"].lower(), host.strip("[]"), port, found["path"] if found["authority"] is not None else "")


def split_port(address: str) -> tuple[str, str] | None:
    """Return host and port as Go's net.SplitHostPort does, or None where it fails."""
    if bracketed := re.fullmatch(r"\[([^\[\]]*)\]:([^\[\]:]*)", address):
        return bracketed[1], bracketed[2]
    if address.count(":") != 1 or "[" in address or "]" in address:
        return None
    host, _, port = address.partition(":")
    return host, port


def regexp(text: str) -> re.Pattern[str]:
    """Return a pattern that means what RE2 means. Raise ValueError for what RE2 refuses or is not known here."""
    flags = _FLAGS.match(text)
    at = flags.end() if flags else 0
    parts = [flags[0]] if flags else []
    repeated = True  # nothing stands here yet that could be repeated
    while at < len(text):
        token = _TOKEN.match(text, at)
        if token is None:
            raise ValueError(f"RE2 does not know what stands at `{text[at : at + 12]}`")
        at = token.end()
        parts.append(_translated(token, repeated=repeated))
        repeated = bool(token["repeat"] or token["group"]) or token[0] in ("|", "^")
    try:
        return re.compile("".join(parts), re.ASCII)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(str(error)) from None


def _translated(token: re.Match[str], *, repeated: bool) -> str:
    text = token[0]
    if token["repeat"]:
        if repeated:
            raise ValueError(f"nothing that `{text}` could repeat")
        if any(int(count) > 1000 for count in re.findall("[0-9]+", text)):
            raise ValueError(f"`{text}` repeats more than 1000 times")
        return text
    if text in ("$", r"\z"):
        return r"\Z"  # RE2's end of the text; Python's `$` also matches before a last newline
    if text == "{":
        return r"\{"  # not a repetition for RE2, though `{,5}` is one for Python
    return text.replace("(?<", "(?P<") if token["group"] else text
