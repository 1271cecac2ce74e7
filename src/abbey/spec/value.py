"""What single values of abbey.yaml may look like; data files of apps use the same forms."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, Strict, StringConstraints


def in_words(text: str) -> Any:
    """Return what an error says instead of a regular expression; editors that know the key show it too."""
    return Field(json_schema_extra={"patternErrorMessage": text})


Flag = Annotated[bool, Strict()]
NAME = r"^[a-z]([a-z0-9-]{0,28}[a-z0-9])?$"
NAME_IN_WORDS = "up to 30 lower-case letters, digits and dashes, a letter first"
Name = Annotated[str, StringConstraints(pattern=NAME), in_words(NAME_IN_WORDS)]
GroupName = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._-]{0,62}$"),
    in_words("letters, digits, spaces, dots and dashes, at most 63"),
]
UserName = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z_][a-z0-9_.-]{0,31}$"),
    in_words("lower-case letters, digits, dots and dashes, a letter first"),
]
Email = Annotated[
    str,
    StringConstraints(pattern=r"^[^@\s\"'<>]+@[^@\s\"'<>]+\.[^@\s\"'<>]+$", max_length=254),
    in_words("an e-mail address, e.g. ann@example.com"),
]
Domain = Annotated[
    str,
    StringConstraints(
        pattern=r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$", max_length=200
    ),
    in_words("a domain of yours, e.g. example.com"),
]
Label = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"),
    in_words("a single name of lower-case letters, digits and dashes, without dots"),
]
# No control character and none of the further ends of a line that YAML and JavaScript know.
Line = Annotated[
    str,
    StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]+$"),
    in_words("one line of text"),
]
# A target of the ssh program: never starts with a dash, so it can never be read as an option.
SshTarget = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9_\[][A-Za-z0-9_.:@/%\[\]-]{0,253}$"),
    in_words("what you would type after ssh, e.g. ann@host.lan or ssh://ann@host.lan:2222"),
]
Memory = Annotated[
    str, StringConstraints(pattern=r"^[1-9][0-9]{0,6}[mg]$"), in_words("a number and m or g, e.g. 512m or 2g")
]
EnvName = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,120}$"),
    in_words("letters, digits and underscores, no digit first"),
]
Tag = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$"), in_words("an image tag, e.g. 13.2.3")
]


_LOCAL = tuple(IPv4Network(text) for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"))  # RFC 1918
_TAILNET = IPv4Network("100.64.0.0/10")
_LOOPBACK = IPv4Network("127.0.0.0/8")  # resolve() allows it to a lab that nobody outside this machine can name


def _address(text: str) -> str:
    try:
        address = IPv4Address(text)
    except ValueError:
        raise ValueError("must be four numbers with dots, e.g. 100.64.0.1") from None
    if not any(address in network for network in (_TAILNET, *_LOCAL, _LOOPBACK)):
        ranges = ", ".join(str(network) for network in (_TAILNET, *_LOCAL))
        raise ValueError(f"must be an address that only the private network knows, in {ranges}")
    return str(address)


def _folder(text: str) -> str:
    if ".." in text.split("/"):
        raise ValueError("must not climb with ..")
    return text


def _subnet(text: str) -> str:
    try:
        network = IPv4Network(text)
    except ValueError:
        raise ValueError("must be a range that ends with .0.0/16, e.g. 172.30.0.0/16") from None
    if network.prefixlen != 16:
        raise ValueError("must be a /16, e.g. 172.30.0.0/16")
    if not any(network.subnet_of(private) for private in _LOCAL):
        raise ValueError(f"must be a private range, inside {', '.join(str(private) for private in _LOCAL)}")
    return str(network)


Address = Annotated[str, AfterValidator(_address)]
Folder = Annotated[
    str,
    StringConstraints(pattern=r"^/?[A-Za-z0-9_][A-Za-z0-9_./-]{0,200}$"),
    AfterValidator(_folder),
    in_words("a path of letters, digits, dots, dashes and slashes, absolute or below the home folder"),
]
Subnet = Annotated[str, AfterValidator(_subnet)]


def nothing_is_empty(value: Any) -> Any:
    """Return an empty mapping for a key that stands there without a value."""
    return {} if value is None else value


class Part(BaseModel):
    """Root of every part of the file: frozen, and a key that is not named here is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)
