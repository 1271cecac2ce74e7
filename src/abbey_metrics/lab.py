"""The lab as this host knows it now, without asking anyone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from abbey_metrics.apps import Apps, Audience
from abbey_metrics.clock import Clock
from abbey_metrics.documents import (
    AppView,
    Forge,
    ForgejoView,
    HostState,
    HostView,
    PlatformView,
    Weather,
    WeatherView,
)
from abbey_metrics.feed import Feed
from abbey_metrics.peers import STALE_AFTER, Neighbour, host_view, platform_view
from abbey_metrics.platform import Platform
from abbey_metrics.sampler import Sampler
from abbey_metrics.settings import Settings
from abbey_metrics.watch import Watch

FORGEJO = "forgejo"


@dataclass(slots=True)
class Lab:
    """Everything that documents are made of. `apps` is replaced when portal.json changed."""

    settings: Settings
    clock: Clock
    sampler: Sampler
    watch: Watch
    neighbours: Sequence[Neighbour] = ()
    weather_feed: Feed[Weather] | None = None
    forgejo_feed: Feed[Forge] | None = None
    apps: Apps = field(default_factory=Apps)

    def hosts(self) -> tuple[HostView, ...]:
        """Return how every host stands, by name."""
        views = [self._own(), *map(host_view, self.neighbours)]
        return tuple(sorted(views, key=lambda view: view.name))

    def platforms(self, *, admin: bool) -> tuple[PlatformView, ...]:
        """Return what runs on every host, by name; containers and processes are for administrators."""
        own = PlatformView(self.settings.host, self._since(self.watch.latest.at), self.watch.latest)
        views = sorted((own, *map(platform_view, self.neighbours)), key=lambda view: view.name)
        if admin:
            return tuple(views)
        return tuple(
            replace(view, platform=without_insight(view.platform) if view.platform else None) for view in views
        )

    def known_platforms(self) -> tuple[Platform, ...]:
        """Return what runs on the hosts that were heard of, this one first."""
        heard = (peer.platform.value for peer in self.neighbours)
        return (self.watch.latest, *(platform for platform in heard if platform))

    def app_views(self) -> tuple[AppView, ...]:
        """Return how every app does."""
        return self.apps.views(self.known_platforms())

    def weather(self) -> WeatherView | None:
        """Return the weather, or None when it is not configured."""
        feed = self.weather_feed
        return WeatherView(feed.value, feed.age, feed.error) if feed else None

    def forgejo(self, audience: Audience) -> ForgejoView | None:
        """Return what happened in Forgejo, or None when it is not configured or not for this audience."""
        feed = self.forgejo_feed
        return ForgejoView(feed.value, feed.age, feed.error) if feed and self.shows_forgejo(audience) else None

    def shows_forgejo(self, audience: Audience) -> bool:
        """Return whether an audience may see it: with a token, it tells of private repositories too."""
        told = self.settings.forgejo
        if told and told.token_file:
            return audience.admin
        return self.apps.open_to(FORGEJO, audience)

    def _own(self) -> HostView:
        age, figures = self.sampler.age(), self.sampler.latest
        state = HostState.UP if age is not None else HostState.UNKNOWN
        if age is not None and age > STALE_AFTER:
            state = HostState.STALE
        return HostView(
            name=self.settings.host,
            own=True,
            state=state,
            age=None if age is None else round(age, 1),
            away_since=None,
            error="",
            figures=figures,
        )

    def _since(self, at: float) -> float:
        return round(max(0.0, self.clock.wall() - at), 1)


def without_insight(platform: Platform) -> Platform:
    """Given what runs on a host, return what every visitor may know of it."""
    return replace(platform, containers=None, processes=None)
