"""Whether this host's connector has its way to Cloudflare: its container's check is cloudflared's own `ready`."""

from __future__ import annotations

from collections.abc import Iterable

from abbey_metrics.clock import Clock
from abbey_metrics.platform import Container, ContainerState, Link, Tunnel

# "Starting" says that the check has not passed yet: no connection so far, and no fault either.
LINKS = {ContainerState.UP: Link.UP, ContainerState.STARTING: Link.UNKNOWN}
BEST_FIRST = (Link.UP, Link.UNKNOWN, Link.DOWN)


class TunnelState:
    """Says how the connector does, and remembers since when it does so."""

    def __init__(self, service: str, clock: Clock) -> None:
        self._service = service
        self._clock = clock
        self._state: Link | None = None
        self._since: float | None = None

    def of(self, containers: Iterable[Container], at: float | None) -> Tunnel:
        """Given the containers and when they were listed, return how the connector does; of several the best counts.

        `since` is null until a change was seen: Docker does not tell since when a container is healthy.
        """
        own = [container for container in containers if container.service == self._service]
        state = min((LINKS.get(one.state, Link.DOWN) for one in own), key=BEST_FIRST.index, default=Link.DOWN)
        if self._state not in (None, state):
            self._since = self._clock.wall()
        self._state = state
        return Tunnel(at, state, self._since, _explain(own, state))

    def unknown(self, at: float | None, why: str) -> Tunnel:
        """Given why Docker does not tell, return that the state is not known. What was known before is remembered."""
        return Tunnel(at, Link.UNKNOWN, None, why)


def _explain(own: list[Container], state: Link) -> str:
    if state is not Link.DOWN:
        return ""
    if not own:
        return "it has no container"
    return "no connection to Cloudflare" if own[0].state is ContainerState.UNHEALTHY else "it does not run"
