"""Answers that are ready: their bytes are made once after each change, however many ask."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from enum import StrEnum

from pydantic_core import to_json

from abbey_metrics.answer import Answer, tagged
from abbey_metrics.apps import Audience
from abbey_metrics.documents import People
from abbey_metrics.kept import Kept
from abbey_metrics.lab import Lab, without_insight

# So many are kept of 64 different audiences and of what all share; further ones displace the oldest.
MOST = 72


class Kind(StrEnum):
    """The parts of the lab that change at their own pace. Together they are its document."""

    FIGURES = "figures"
    PLATFORM = "platform"
    APPS = "apps"
    WEATHER = "weather"
    FORGEJO = "forgejo"


@dataclass(frozen=True, slots=True)
class Slot:
    """The newest of one kind for one audience: its JSON, and the same as an event."""

    data: bytes
    event: bytes


class Board:
    """What the lab looks like to each audience. `turn` sees what changed; bytes are made when first asked for."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._marks: dict[Kind, tuple[object, ...]] = {}
        self._changed = dict.fromkeys(Kind, 0)
        self._slots: Kept[Slot] = Kept(MOST)
        self._answers: Kept[Answer] = Kept(MOST)
        self.start = secrets.token_hex(4)
        """Names this run of the service: its numbers begin anew."""
        self.number = 0
        self.at = 0.0

    def turn(self) -> None:
        """Look at what changed since the turn before."""
        self.number += 1
        self.at = round(self._lab.clock.wall(), 3)
        marks = self._seen()
        for kind, mark in marks.items():
            if not _same(self._marks.get(kind), mark):
                self._changed[kind] = self.number
        self._marks = marks

    def slot(self, kind: Kind, audience: Audience) -> Slot:
        """Return the newest of a kind for an audience; the same object until it changed."""

        def make(before: Slot | None) -> Slot:
            data = self._data(kind, audience)
            if before and before.data == data:
                return before
            name = f"id: {self.identity()}\n".encode() if kind is Kind.FIGURES else b""
            return Slot(data, b"%bevent: %b\ndata: %b\n\n" % (name, kind.encode(), data))

        return self._slots.get((kind, self._share(kind, audience)), self._changed[kind], make)

    def lab(self, audience: Audience) -> Answer:
        """Return the document of the lab."""

        def make(_: Answer | None) -> Answer:
            parts = (self.slot(kind, audience).data[1:-1] for kind in Kind)
            return tagged(b"{%b}" % b",".join(parts), self._tag(), varies=True)

        return self._answers.get(("lab", audience), self.number, make)

    def host(self) -> Answer | None:
        """Return the newest sample of this host; None before the first."""
        figures = self._lab.sampler.latest
        if figures is None:
            return None
        return self._answers.get(("host", None), figures.seq, lambda _: tagged(_json(figures), self._tag()))

    def platform(self, audience: Audience) -> Answer:
        """Return what runs on this host."""

        def make(_: Answer | None) -> Answer:
            platform = self._lab.watch.latest
            shown = platform if audience.admin else without_insight(platform)
            return tagged(_json(shown), self._tag(), varies=True)

        return self._answers.get(("platform", audience.admin), self._changed[Kind.PLATFORM], make)

    def people(self, version: int, make: Callable[[], People]) -> Answer:
        """Return what everybody chose, made anew when its version is another."""
        tag = f"{self.start}-p{version}"
        return self._answers.get(("people", None), version, lambda _: tagged(_json(make()), tag, proxied=False))

    def identity(self) -> str:
        """Return the name of this moment, for who comes back after a lost connection."""
        figures = self._lab.sampler.latest
        return f"{self._lab.settings.host}/{self.start}/{self.number}/{figures.at if figures else self.at}"

    def _share(self, kind: Kind, audience: Audience) -> Hashable:
        """Return what of an audience this kind depends on: all that share it get the same bytes."""
        match kind:
            case Kind.FIGURES | Kind.WEATHER:
                return None
            case Kind.PLATFORM:
                return audience.admin
            case Kind.APPS:
                return audience.groups
            case Kind.FORGEJO:
                return self._lab.shows_forgejo(audience)

    def _data(self, kind: Kind, audience: Audience) -> bytes:
        lab = self._lab
        match kind:
            case Kind.FIGURES:
                about = {"host": lab.settings.host, "seq": self.number, "at": round(lab.clock.wall(), 3)}
                return _json({**about, "hosts": lab.hosts()})
            case Kind.PLATFORM:
                return _json({"platforms": lab.platforms(admin=audience.admin)})
            case Kind.APPS:
                return _json({"apps": [view for view in lab.app_views() if lab.apps.open_to(view.name, audience)]})
            case Kind.WEATHER:
                return _json({"weather": lab.weather()})
            case Kind.FORGEJO:
                return _json({"forgejo": lab.forgejo(audience)})

    def _seen(self) -> dict[Kind, tuple[object, ...]]:
        lab = self._lab
        running = lab.known_platforms()
        weather, forgejo = lab.weather_feed, lab.forgejo_feed
        return {
            Kind.FIGURES: (object(),),
            Kind.PLATFORM: (*running, *(_minute(peer.platform.age) for peer in lab.neighbours)),
            Kind.APPS: (*running, lab.apps),
            Kind.WEATHER: (weather.value, weather.error, _minute(weather.age)) if weather else (),
            Kind.FORGEJO: (forgejo.value, forgejo.error, _minute(forgejo.age), lab.apps) if forgejo else (lab.apps,),
        }

    def _tag(self) -> str:
        """Return a name that no other content has: different audiences know one address by different ones."""
        return f"{self.start}-{self._answers.made}"


def _minute(age: float | None) -> str:
    """Return what tells one minute of an age from the next: what nothing new comes for must not look fresh."""
    return "" if age is None else str(int(age // 60))


def _same(before: tuple[object, ...] | None, after: tuple[object, ...]) -> bool:
    """Return whether these are the very same things; words may be equal only."""
    return (
        before is not None
        and len(before) == len(after)
        and all(old is new or (isinstance(old, str) and old == new) for old, new in zip(before, after, strict=True))
    )


def _json(value: object) -> bytes:
    return to_json(value, inf_nan_mode="null")
