"""The documents that the API answers with. Sizes are bytes, rates bytes per second, times Unix seconds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from abbey_metrics.figures import HostFigures
from abbey_metrics.platform import ContainerState, Platform


class HostState(StrEnum):
    """Whether a host answers."""

    UP = "up"
    STALE = "stale"  # it answers, but its newest figures are old
    AWAY = "away"
    UNKNOWN = "unknown"  # not asked yet


@dataclass(frozen=True, slots=True)
class HostView:
    """A host as seen from the one that answers: its last figures and how old they are, in seconds."""

    name: str
    own: bool
    state: HostState
    age: float | None
    away_since: float | None
    error: str
    figures: HostFigures | None


@dataclass(frozen=True, slots=True)
class PlatformView:
    """What runs on a host, as last heard, and how old that is in seconds."""

    name: str
    age: float | None
    platform: Platform | None


@dataclass(frozen=True, slots=True)
class AppView:
    """How an app does on each host that has a container of it; the worst of its containers there counts.

    Only apps that the visitor may open are told.
    """

    name: str
    hosts: dict[str, ContainerState]


@dataclass(frozen=True, slots=True)
class Hours:
    """The weather of the next hours, one value per hour, beginning with the hour `start` (Unix seconds)."""

    start: float
    celsius: tuple[float | None, ...]
    rain: tuple[float | None, ...]  # percent of probability
    code: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Day:
    """The weather of one day, named by its date at the place (2026-11-23).

    `sunrise` and `sunset` are times of day there (07:38); empty where the sun does not rise or set.
    """

    date: str
    low: float | None
    high: float | None
    rain: float | None
    code: int
    sunrise: str
    sunset: str


@dataclass(frozen=True, slots=True)
class Weather:
    """The weather at the lab's place. The data's licence asks for `attribution` to be shown.

    `code` is the WMO's; `text` says it in English, the portal has words of its own.
    """

    place: str
    celsius: float
    feels_like: float | None
    humidity: float | None
    wind: float | None
    code: int
    text: str
    day: bool
    attribution: str
    days: tuple[Day, ...] = ()
    hours: Hours | None = None


@dataclass(frozen=True, slots=True)
class Activity:
    """One thing that happened in Forgejo. Its texts are written by users: show them as text only.

    `kind` is Forgejo's word (commit_repo, create_issue, ...), `what` says it in English.
    """

    at: str
    who: str
    kind: str
    what: str
    repository: str
    subject: str
    url: str


@dataclass(frozen=True, slots=True)
class HeatDay:
    """What was contributed on one day (2026-11-23, in the lab's time zone)."""

    date: str
    count: int


@dataclass(frozen=True, slots=True)
class Forge:
    """The newest entries, and the contributions of the last year by day; `heat` is null where Forgejo gives none."""

    entries: tuple[Activity, ...]
    heat: tuple[HeatDay, ...] | None


@dataclass(frozen=True, slots=True)
class WeatherView:
    """The last weather that was fetched, its age in seconds, and why there is no newer one (or empty)."""

    data: Weather | None
    age: float | None
    error: str


@dataclass(frozen=True, slots=True)
class ForgejoView:
    """The last activity that was fetched, its age in seconds, and why there is no newer one (or empty)."""

    data: Forge | None
    age: float | None
    error: str


@dataclass(frozen=True, slots=True)
class LabFigures:
    """The whole lab as seen from `host`. `weather` and `forgejo` are null when they are not configured or not shown."""

    host: str
    seq: int
    at: float
    hosts: tuple[HostView, ...]
    platforms: tuple[PlatformView, ...]
    apps: tuple[AppView, ...]
    weather: WeatherView | None
    forgejo: ForgejoView | None


class Range(StrEnum):
    """How far back: five minutes by the second, one hour by ten seconds, a day by the minute."""

    MINUTES = "5m"
    HOUR = "1h"
    DAY = "24h"


@dataclass(frozen=True, slots=True)
class Past:
    """What this host remembers of one host (itself or another), oldest first, in columns.

    Value number n of each column is the mean over the `step` seconds that begin at `start + n * step`; null where
    nothing was known. `cpu`, `memory`, `swap` and `disk` (the fullest) are percent, `load` the one minute average,
    `celsius` the warmest sensor, the others bytes per second.
    """

    host: str
    range: Range
    start: float
    step: float
    columns: dict[str, tuple[float | None, ...]]


@dataclass(frozen=True, slots=True)
class Preferences:
    """What a person chose. `at` is when; of two, the later one holds. Order and favourites are names of apps."""

    at: float
    favourites: tuple[str, ...] = ()
    order: tuple[str, ...] = ()
    theme: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True)
class Me:
    """Who asks, as the gateway says. `known` is false for whoever came without a login; nothing is kept for them."""

    known: bool
    name: str
    groups: tuple[str, ...]
    admin: bool
    preferences: Preferences | None


@dataclass(frozen=True, slots=True)
class People:
    """The preferences of everybody by user name; for the other hosts of the lab only."""

    host: str
    people: dict[str, Preferences]


@dataclass(frozen=True, slots=True)
class Health:
    """Whether samples are fresh: the age of the newest in seconds."""

    ok: bool
    age: float | None
