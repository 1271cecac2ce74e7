"""What may stand under `portal:` in abbey.yaml."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, Strict, StringConstraints

from abbey.spec.value import Flag, GroupName, Line, Part, in_words, nothing_is_empty

WebUrl = Annotated[
    str,
    StringConstraints(
        pattern=r"^https?://[^\x00-\x20\x7f-\xa0\u2028\u2029\"'<>\\/?#@]+([/?#][^\x00-\x20\x7f-\xa0\u2028\u2029\"'<>\\]*)?$",
        max_length=2000,
    ),
    in_words("an address of the web that begins with https:// or http://, without a name and password in it"),
]
_PLACE = r"^([A-Za-z0-9_][A-Za-z0-9_.-]*/){0,8}[A-Za-z0-9_][A-Za-z0-9_.-]*"
_PLACE_IN_WORDS = "of letters, digits, dots and dashes, and without `..`"
Stylesheet = Annotated[
    str,
    StringConstraints(pattern=rf"{_PLACE}\.css$", max_length=200),
    in_words(f"a file beside this one that ends with .css, its path {_PLACE_IN_WORDS}"),
]
Script = Annotated[
    str,
    StringConstraints(pattern=rf"{_PLACE}\.js$", max_length=200),
    in_words(f"a file beside this one that ends with .js, its path {_PLACE_IN_WORDS}"),
]
Icon = Annotated[
    str,
    StringConstraints(pattern=r"^[^\x00-\x20\x7f-\xa0\u2028\u2029\"'<>&]{1,2}$"),
    in_words("one or two letters"),
]


class Weather(Part):
    """Weather on the portal, from Open-Meteo; the hosts ask, never the visitor's browser."""

    place: Line
    """Name shown on the portal."""
    latitude: Annotated[float, Strict(), Field(ge=-90, le=90)]
    """Degrees north."""
    longitude: Annotated[float, Strict(), Field(ge=-180, le=180)]
    """Degrees east."""


class Link(Part):
    """A tile that leads somewhere else: a router, a printer, another lab."""

    title: Line
    """Name on the tile."""
    url: WebUrl
    """Where it leads."""
    summary: Line | None = None
    """One line about it."""
    group: Line = "Links"
    """Heading under which it stands; that of an app, such as Home, or one of your own."""
    icon: Icon | None = None
    """One or two letters; the first of the title when absent."""
    groups: tuple[GroupName, ...] = ()
    """Only people in one of these groups see it; everybody when empty. It hides the tile, and guards nothing there."""


class Activity(Part):
    """Whose work in the lab's Forgejo the portal shows."""

    user: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,39}$")] | None = None
    """Name in Forgejo; that of `admin` when absent."""
    token: Flag = False
    """Show what is private there, too, to administrators: `abbey secret set metrics/forgejo_token` takes the token."""


class PortalSpec(Part):
    """The front page of the lab, at the domain itself."""

    title: Line | None = None
    """Shown at the top; the lab's name when absent."""
    theme: Literal["cyberpunk", "calm", "light"] = "cyberpunk"
    """Colours to start with; a visitor may choose another."""
    language: Literal["en", "de"] = "en"
    """Language for browsers that ask for none of those the portal speaks; a visitor may choose another."""
    weather: Weather | None = None
    """Show the weather of a place."""
    login: Flag = True
    """Ask for the lab's login before showing the portal, where there is an identity provider."""
    docs: WebUrl | None = None
    """Where the lab is documented, for a link in the header."""
    links: Annotated[tuple[Link, ...], Field(max_length=200)] = ()
    """Tiles beside those of the apps."""
    forgejo: Annotated[Activity, BeforeValidator(nothing_is_empty)] | None = None
    """Whose work in Forgejo is shown, where the lab has that app; what is public of `admin` when absent."""
    css: Stylesheet | None = None
    """A file beside this one with colours and shapes over those of the theme."""
    widgets: Annotated[tuple[Script, ...], Field(max_length=20)] = ()
    """Files beside this one, JavaScript modules, each of which puts something of your own on the portal."""
