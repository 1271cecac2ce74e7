"""Tags as versions: which of a repository's tags is newer, and how far an update may go by itself."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from packaging.version import Version

Updates = Literal["patch", "minor", "major", "next-major", "by-hand"]
Age = tuple[Version, tuple[int, ...]]

FIRST_YEAR = 1900  # a number from here on is a year: a tag 2024.1.2 is not the successor of 13.2.3
_FORM = re.compile(
    r"(?P<prefix>v?)"
    r"(?P<number>[0-9]{1,9}(?:\.[0-9]{1,9}){0,5})"
    r"(?P<before>[-._]?(?:alpha|beta|preview|pre|rc|dev|[abc](?=[0-9]))[-._]?[0-9]{0,9}(?![a-zA-Z]))?"
    r"(?P<variant>(?:[-_+.].*?)??)"
    r"(?P<build>(?:-r[0-9]{1,9})?(?:-ls[0-9]{1,9})?)"
)
_UNFINISHED = re.compile(r"(?i)(^|[-_.+])(alpha|beta|rc|dev|nightly|edge|snapshot|canary|unstable|test|pre)")
_COMMIT = re.compile(r"[-_.+](?:g?[0-9a-f]{7,40}|sha-.*)$")


@dataclass(frozen=True)
class Tag:
    """A tag taken apart: v, numbers, pre-release, a variant such as -alpine, and the count of a rebuild (-ls12)."""

    text: str
    prefix: str
    version: Version
    variant: str
    build: tuple[int, ...]

    @cached_property
    def parts(self) -> tuple[int, ...]:
        """Return its numbers."""
        return self.version.release

    @property
    def calendar(self) -> bool:
        """Return whether its first number is a year."""
        return self.parts[0] >= FIRST_YEAR

    @property
    def major(self) -> tuple[int, ...]:
        """Return its major version: the first number."""
        return self.parts[:1]

    @property
    def series(self) -> tuple[int, ...]:
        """Return what an update must not skip: the major version, and year and month of a calendar version."""
        return self.parts[:2] if self.calendar and len(self.parts) > 2 else self.major

    @property
    def finished(self) -> bool:
        """Return whether it is a release."""
        return not self.version.is_prerelease and not _UNFINISHED.search(self.variant)

    @property
    def age(self) -> Age:
        """Return what is larger the newer it is."""
        return self.version, self.build

    def like(self, other: Tag) -> bool:
        """Return whether it counts in the same way and is the same variant, so that the two can be compared."""
        mine = (self.prefix, len(self.parts), self.calendar, self.variant, len(self.build))
        return mine == (other.prefix, len(other.parts), other.calendar, other.variant, len(other.build))


def read(text: str) -> Tag | None:
    """Given a tag, return it as a version; None when it is none: a name, or the name of a commit."""
    found = _FORM.fullmatch(text)
    if not found or _COMMIT.search(found["variant"]):
        return None
    version = Version(found["number"] + (_pre(found["before"]) if found["before"] else ""))
    build = tuple(map(int, re.findall(r"[0-9]+", found["build"])))
    return Tag(text, found["prefix"], version, found["variant"], build)


def _pre(text: str) -> str:
    """Return a pre-release as `packaging` knows it; `2.0-rc.1` and `2.0rc1` are the same."""
    word, number = re.findall(r"[a-z]+", text)[0], re.findall(r"[0-9]+", text)
    return f".dev{(number or ['0'])[0]}" if word == "dev" else f"{word}{(number or ['0'])[0]}"


def plain(text: str) -> str:
    """Return the tag as release notes name it: without a leading v, a variant such as -alpine, or a rebuild."""
    tag = read(text)
    return text.removeprefix(tag.prefix).removesuffix(_rest(tag)) if tag else text


def _rest(tag: Tag) -> str:
    found = _FORM.fullmatch(tag.text)
    return f"{found['variant']}{found['build']}" if found else ""


@dataclass(frozen=True, slots=True)
class Choice:
    """Where an update goes, and what it leaves aside.

    `tag` is the present one when nothing newer is allowed. `beyond` is the newest tag that the policy does not go to
    by itself, or ""; `refused` says that no option goes there, `step` which tag comes before it.
    """

    tag: str
    beyond: str = ""
    refused: bool = False
    step: str = ""


def choose(current: str, tags: Iterable[str], updates: Updates, *, major: bool = False, wait: bool = False) -> Choice:
    """Given the tag in force, the repository's tags and the policy, return where an update goes.

    `major` allows a newer major version where the policy is `major`. `wait` keeps `next-major` within the present
    series. Tags of another shape (variant, number of parts, leading v) and pre-releases are no candidates. A tag that
    is no version stays.
    """
    now = read(current)
    if now is None:
        return Choice(current)
    newer = _newer(now, tags)
    if updates == "next-major":
        return _next_series(now, newer, wait=wait)
    numbers = 2 if updates == "patch" else 1
    inside = [tag for tag in newer if tag.parts[:numbers] == now.parts[:numbers]]
    if updates == "major" and major:
        inside = newer
    best = inside[-1].text if inside else current
    beyond = newer[-1] if newer and newer[-1] not in inside else None
    return Choice(best, beyond.text if beyond else "", refused=bool(beyond) and updates != "major")


def _next_series(now: Tag, newer: list[Tag], *, wait: bool) -> Choice:
    later = [tag for tag in newer if tag.series != now.series]
    allowed = later[0].series if later and not wait else now.series
    inside = [tag for tag in newer if tag.series == allowed]
    best = inside[-1].text if inside else now.text
    beyond = newer[-1].text if newer and newer[-1].series > allowed else ""
    return Choice(best, beyond, refused=bool(beyond), step=best if beyond else "")


def _newer(now: Tag, tags: Iterable[str]) -> list[Tag]:
    """Return the releases of the same shape that are newer, oldest first."""
    found = {tag.text: tag for text in tags if (tag := read(text)) is not None}
    newer = [tag for tag in found.values() if tag.finished and tag.like(now) and tag.age > now.age]
    return sorted(newer, key=lambda tag: (tag.age, tag.text))


def crosses(current: str, wanted: str) -> bool:
    """Return whether a tag is of another series than the one in force."""
    now, then = read(current), read(wanted)
    return current != wanted and (now is None or then is None or now.series != then.series)


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether an update may go to a tag that a person named: `refused` and `warning` are reasons, or ""."""

    refused: str = ""
    warning: str = ""
    step: str = ""  # the tag to go to first


def ask(current: str, wanted: str, tags: Iterable[str], updates: Updates) -> Answer:
    """Given the tag in force and the one that a person wants, return whether an update may go there.

    Data that a version has changed is not given back: `by-hand` and `next-major` never go down.
    """
    now, then = read(current), read(wanted)
    careful = updates in ("by-hand", "next-major")
    if current == wanted:
        return Answer()
    if now is None or then is None or now.calendar != then.calendar:
        why = f"nothing tells whether {wanted} is newer than {current}"
        return Answer(refused=why) if careful else Answer(warning=why)
    if then.version < now.version:
        why = f"{wanted} is older than {current}, which may have changed data in a way that {wanted} cannot read"
        return Answer(refused=why) if careful else Answer(warning=why)
    if updates == "by-hand" and then.major != now.major:
        return Answer(refused=f"{wanted} is another major version than {current}, and data must be moved by hand")
    if updates == "next-major":
        return _ask_next(now, then, list(tags))
    if then.major != now.major:
        return Answer(warning=f"{wanted} is another major version than {current}; read its release notes first")
    return Answer()


def _ask_next(now: Tag, then: Tag, tags: list[str]) -> Answer:
    between = [tag for tag in _newer(now, tags) if now.series < tag.series < then.series]
    if not between:
        return Answer()
    step = [tag for tag in between if tag.series == between[0].series][-1].text
    return Answer(refused=f"{then.text} skips major versions after {now.text}; the next one is {step}", step=step)
