"""Pins: which version of an image this lab runs, from the file images.yaml beside abbey.yaml.

The key of a pin is the reference with the tag that abbey.yaml or the catalog gives: two apps may use one repository
in two versions. What it pins is a tag, that one or a newer one, and the digest that the registry had for it.

A new Abbey has newer tags in its catalog, and then no key fits. A pin of the same line (the same repository and shape
of tag, the same major version) still counts when its tag is not older than the catalog's, so that an upgrade of Abbey
takes no app back; otherwise the catalog counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

from pydantic import Field, StringConstraints

from abbey.catalog.container import Fact, Image
from abbey.catalog.version import Age, plain, read
from abbey.catalog.version import Tag as Version
from abbey.emit import Flow, Note, yaml_text
from abbey.spec.load import load
from abbey.spec.load import read as read_file
from abbey.spec.value import Tag, in_words

FILE = "images.yaml"
_HEADER = (
    "What this lab runs of each image. `abbey images update` writes this file, `abbey images` shows it.\n"
    "Left: the image with the tag that abbey.yaml or the catalog gives. Right: what runs instead."
)
Key = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z0-9][a-z0-9.:-]*(/[a-z0-9._-]+)+:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$"),
    in_words("an image with its registry and tag, e.g. docker.io/grafana/grafana:13.2.3"),
]
Digest = Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$"), in_words("sha256: and 64 digits")]
Day = Annotated[
    str,
    StringConstraints(pattern=r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$"),
    in_words("a day, YYYY-MM-DD"),
]


class Pin(Fact):
    """One version of an image."""

    tag: Tag
    digest: Digest
    """The content behind the tag, for all platforms."""
    created: Day | None = None
    """When the image was made; absent where it does not say."""


class PinFile(Fact):
    """The file."""

    images: dict[Key, Pin] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Held:
    """The version of an image that is in force. `pin` is the key of the pin that says so, or ""."""

    tag: str
    digest: str = ""
    created: str = ""
    pin: str = ""
    remark: str = ""  # what a person should know about pins that are not taken as they stand

    def reference(self, ref: str) -> str:
        """Return the image as compose.yaml names it."""
        return f"{ref}:{self.tag}{f'@{self.digest}' if self.digest else ''}"


def load_pins(path: Path) -> Mapping[str, Pin]:
    """Return the pins of a file, none when there is no file. Raise UsageError or FileErrors when it is not right."""
    if not path.exists():
        return {}
    return load(PinFile, read_file(path, hint="`abbey images update` writes it anew where there is none")).images


def text_of(pins: Mapping[str, Pin]) -> str:
    """Return the file that holds the pins, sorted."""
    rows = {key: Flow(pin.model_dump(exclude_none=True)) for key, pin in sorted(pins.items())}
    return yaml_text({"images": Note(_HEADER, rows)})


def key_of(ref: str, tag: str) -> str:
    """Return the key of an image's pin, given the tag that abbey.yaml or the catalog gives."""
    return f"{ref}:{tag}"


@dataclass(frozen=True, slots=True)
class Pins:
    """The pins of a lab by key, and `given`: the keys that the catalog as it is now gives to images."""

    entries: Mapping[str, Pin] = field(default_factory=dict)
    given: frozenset[str] = frozenset()

    def held(self, image: Image, own_tag: str | None = None) -> Held:
        """Return the version of an image in force, given the tag that abbey.yaml gives it, if any.

        abbey.yaml is stronger than a pin: one for another tag does not count. A pin is stronger than the catalog.
        """
        if own_tag:
            return self._own(image.ref, own_tag)
        key = key_of(image.ref, image.tag)
        if pin := self.entries.get(key):
            return _pinned(key, pin)
        plainly = Held(image.tag, image.digest or "")
        now = read(image.tag) if self.entries else None
        older = self._line(image.ref, now) if now else []
        if not now or not older:
            return plainly
        age, key, pin = max(older, key=lambda one: one[0])
        if age >= now.age:
            return _pinned(key, pin, f"the pin of {key} counts on, because the catalog's {image.tag} is not newer")
        remark = f"the catalog's {image.tag} is newer than the pin of {key}, which does not count any more"
        return Held(image.tag, image.digest or "", remark=remark)

    def stale(self, image: Image) -> frozenset[str]:
        """Return the keys of those pins that a pin of the image's present key takes the place of."""
        now = read(image.tag)
        return frozenset(key for _, key, _ in self._line(image.ref, now)) if now else frozenset()

    def _own(self, ref: str, tag: str) -> Held:
        """Return the version that abbey.yaml gives, with the digest that is pinned for it."""
        key = key_of(ref, tag)
        pin = self.entries.get(key)
        if pin and pin.tag == tag:
            return _pinned(key, pin, "abbey.yaml gives the tag")
        others = sorted({other.tag for name, other in self.entries.items() if name.rpartition(":")[0] == ref})
        ignored = f"; the pin for {', '.join(others)} does not count" if others else ""
        return Held(tag, remark=f"abbey.yaml gives the tag{ignored}")

    def _line(self, ref: str, now: Version) -> list[tuple[Age, str, Pin]]:
        """Return age, key and pin of those that no image of the catalog has as its own, of the tag's line."""
        found = []
        for key, pin in self.entries.items():
            name, _, base = key.rpartition(":")
            if name == ref and key not in self.given and key != key_of(ref, now.text):
                before, after = read(base), read(pin.tag)
                if before and after and after.like(now) and now.major in (before.major, after.major):
                    found.append((after.age, key, pin))
        return found


def _pinned(key: str, pin: Pin, remark: str = "") -> Held:
    return Held(pin.tag, pin.digest, pin.created or "", key, remark)


def notes_url(image: Image, tag: str) -> str:
    """Return the address of the release notes of a tag, or "" where the data file gives none."""
    return image.notes.replace("{tag}", plain(tag)) if image.notes else ""


def age(created: str, today: date | None = None) -> str:
    """Given the day on which an image was made, return how long that is ago, for people; or "" when it is unknown."""
    try:
        days = ((today or datetime.now(UTC).date()) - date.fromisoformat(created)).days
    except ValueError:
        return ""
    if days < 1:
        return "today"
    for size, unit in ((730, "year"), (61, "month")):
        if days >= size:
            return f"{round(days / (365.25 if unit == 'year' else 30.44))} {unit}s"
    return f"{days} day{'s' if days > 1 else ''}"
