"""The front page: what it is called, how it looks at first, and what of a person's own is on it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from abbey.model.faults import Faults, Path, did_you_mean
from abbey.model.identity import ADMIN_GROUP
from abbey.spec.portal import Activity as ActivitySpec
from abbey.spec.portal import Link as LinkSpec
from abbey.spec.schema import Spec

FORGE = "forgejo"  # the app whose activity is shown


@dataclass(frozen=True, slots=True)
class Weather:
    """A place on earth whose weather the portal shows."""

    place: str
    latitude: float
    longitude: float


@dataclass(frozen=True, slots=True)
class Link:
    """A tile that leads out of the lab. `name` is unlike that of any app."""

    name: str
    title: str
    url: str
    summary: str
    group: str
    icon: str
    groups: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Activity:
    """Whose work in Forgejo is shown; with a token also what is private."""

    user: str
    token: bool


@dataclass(frozen=True, slots=True)
class OwnFile:
    """A file that lies beside abbey.yaml: its name there, and its text."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Portal:
    """Everything of the front page that the lab's file says. `activity` is None where the lab has no Forgejo."""

    title: str
    theme: str
    language: str
    docs: str | None
    weather: Weather | None
    links: tuple[Link, ...]
    activity: Activity | None
    css: OwnFile | None
    widgets: tuple[OwnFile, ...]

    @property
    def own(self) -> tuple[OwnFile, ...]:
        """Return every file of a person's own."""
        return (*((self.css,) if self.css else ()), *self.widgets)


def portal_of(spec: Spec, own: Mapping[str, str], faults: Faults) -> Portal:
    """Given a valid file and the texts of the files that it names, return the portal.

    Add a fault for a group that nobody knows, and for Forgejo's activity without Forgejo.
    """
    portal = spec.portal
    weather = portal.weather
    return Portal(
        title=portal.title or spec.lab.replace("-", " ").title(),
        theme=portal.theme,
        language=portal.language,
        docs=portal.docs,
        weather=Weather(weather.place, weather.latitude, weather.longitude) if weather else None,
        links=tuple(_links(spec, faults)),
        activity=_activity(spec, portal.forgejo, faults),
        css=OwnFile(portal.css, own[portal.css]) if portal.css else None,
        widgets=tuple(OwnFile(name, own[name]) for name in portal.widgets),
    )


def _links(spec: Spec, faults: Faults) -> Iterator[Link]:
    taken: set[str] = set(spec.apps)
    for index, link in enumerate(spec.portal.links):
        _check_groups(spec, link, ("portal", "links", index, "groups"), faults)
        name = _name(link.title, taken)
        taken.add(name)
        yield Link(
            name=name,
            title=link.title,
            url=link.url,
            summary=link.summary or "",
            group=link.group,
            icon=link.icon or "",
            groups=link.groups,
        )


def _name(title: str, taken: Collection[str]) -> str:
    """Return a name that stays while the title does: people's favourites and their order are kept by it."""
    letters = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    base = f"link-{re.sub('[^a-z0-9]+', '-', letters).strip('-') or 'tile'}"[:40].rstrip("-")
    name, number = base, 1
    while name in taken:
        number += 1
        name = f"{base}-{number}"
    return name


def _check_groups(spec: Spec, link: LinkSpec, at: Path, faults: Faults) -> None:
    if link.groups and spec.identity is None:
        faults.add(at, "there is no identity provider that knows groups", "add `identity:`")
        return
    known = {*spec.identity.authentik.groups, ADMIN_GROUP} if spec.identity else set()
    for index, group in enumerate(link.groups):
        if group not in known:
            faults.add((*at, index), f"there is no group {group}", did_you_mean(group, known))


def _activity(spec: Spec, wish: ActivitySpec | None, faults: Faults) -> Activity | None:
    if FORGE in spec.apps:
        return Activity(user=(wish and wish.user) or spec.admin.user, token=bool(wish and wish.token))
    if wish:
        faults.add(("portal", "forgejo"), "there is no Forgejo in this lab", f"add `apps: {{{FORGE}: {{}}}}`")
    return None
