"""Answers that are ready when somebody asks, or nearly so: who gets what on each route that is asked often."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qsl

from pydantic_core import to_json

from abbey_metrics.access import Visitor
from abbey_metrics.answer import Answer, Scope, answer, fault, header
from abbey_metrics.documents import Health, Range
from abbey_metrics.exposition import content_type, exposition
from abbey_metrics.lab import without_insight
from abbey_metrics.monitor import Monitor

HEALTHY_WITHIN = 10.0


class Ready:
    """One method per route. Each is given who asks and the request, and returns the answer."""

    def __init__(self, monitor: Monitor) -> None:
        self._monitor = monitor
        self._board = monitor.board

    def healthz(self, _: Visitor, __: Scope) -> Answer:
        """Say whether samples are fresh; 503 when the newest is older than ten seconds."""
        age = self._monitor.sampler.age()
        ok = self._fresh(age)
        return answer(to_json(Health(ok, None if age is None else round(age, 1))), status=200 if ok else 503)

    def host(self, _: Visitor, __: Scope) -> Answer:
        """Return the figures of this host, at most one second old."""
        return self._board.host() or fault(503, "no sample has been taken yet", retry=1)

    def platform(self, visitor: Visitor, _: Scope) -> Answer:
        """Return what runs on this host; containers and processes are for administrators."""
        return self._board.platform(self._monitor.lab.apps.audience(visitor))

    def lab(self, visitor: Visitor, _: Scope) -> Answer:
        """Return this host, the others as last heard, apps, weather and Forgejo activity, each with its age."""
        return self._board.lab(self._monitor.lab.apps.audience(visitor))

    def history(self, _: Visitor, scope: Scope) -> Answer:
        """Return what this host remembers of itself or of another, by the second, by ten seconds or by the minute."""
        asked = dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
        try:
            range_ = Range(asked.get("range", Range.MINUTES))
        except ValueError:
            return fault(422, f"range: one of {', '.join(Range)}")
        try:
            return self._monitor.pasts.answer(asked.get("host", "") or self._monitor.lab.settings.host, range_)
        except KeyError:
            return fault(404, "there is no such host in the lab")

    def me(self, visitor: Visitor, _: Scope) -> Answer:
        """Return who asks, as the gateway says, and what that person chose."""
        return answer(to_json(self._monitor.me(visitor)))

    def people(self, visitor: Visitor, _: Scope) -> Answer:
        """Return what everybody chose, for the other hosts of the lab only."""
        if not visitor.reader:
            return fault(403, "this is for the other hosts of the lab")
        return self._board.people(self._monitor.choices.version, self._monitor.people)

    def metrics(self, visitor: Visitor, scope: Scope) -> Answer:
        """Return the newest sample for Prometheus; once it is older than ten seconds, its age alone."""
        lab, age = self._monitor.lab, self._monitor.sampler.age()
        kind, openmetrics = content_type(header(scope, b"accept").decode("latin-1"))
        running = lab.watch.latest
        body = exposition(
            lab.hosts(),
            host=lab.settings.host,
            age=age,
            figures=lab.sampler.latest if self._fresh(age) else None,
            platform=running if visitor.admin else without_insight(running),
            openmetrics=openmetrics,
        )
        return answer(body, kind=kind.encode())

    def by_path(self) -> dict[str, Callable[[Visitor, Scope], Answer]]:
        """Return every route."""
        return {
            "/healthz": self.healthz,
            "/metrics": self.metrics,
            "/api/v1/host": self.host,
            "/api/v1/platform": self.platform,
            "/api/v1/lab": self.lab,
            "/api/v1/history": self.history,
            "/api/v1/me": self.me,
            "/api/v1/people": self.people,
        }

    @staticmethod
    def _fresh(age: float | None) -> bool:
        return age is not None and age < HEALTHY_WITHIN
