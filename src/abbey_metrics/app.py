"""All routes as FastAPI knows them: it describes every one, and answers those that the front does not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response

from abbey_metrics.answer import Receive, Scope, Send
from abbey_metrics.chosen import Chosen, in_words
from abbey_metrics.documents import Health, LabFigures, Me, Past, People, Preferences, Range
from abbey_metrics.figures import HostFigures
from abbey_metrics.front import CHOICES, STREAM, Front
from abbey_metrics.monitor import Monitor
from abbey_metrics.pages import Fault, Host, pages
from abbey_metrics.platform import Platform
from abbey_metrics.ready import Ready

Responses = dict[int | str, dict[str, Any]]

UNCHANGED: Responses = {304: {"description": "It is what If-None-Match names."}}
PROMETHEUS = {
    "description": "Figures of this host, in Prometheus' text format or in OpenMetrics.",
    "content": {kind: {"schema": {"type": "string"}} for kind in ("text/plain", "application/openmetrics-text")},
}
EVENTS = {
    "description": "Events: `past` first, then `figures` every second, and `platform`, `apps`, `weather`, `forgejo` "
    "when they changed. Their data are parts of the document of /api/v1/lab.",
    "content": {"text/event-stream": {"schema": {"type": "string"}}},
}
LAST = {
    "name": "Last-Event-ID",
    "in": "header",
    "description": "The id of the last event that came; the stream begins with what was missed since.",
    "schema": {"type": "string", "maxLength": 200},
}


class _Handed(Response):
    """A response that the front makes, since the route is one of its own."""

    def __init__(self, front: Front) -> None:
        super().__init__()
        self._front = front

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._front(scope, receive, send)


def application(monitor: Monitor, front: Front) -> FastAPI:
    """Given the monitor and the front that hands requests on, return the application."""
    # The interactive pages of FastAPI load scripts from elsewhere, so only the document itself is served.
    app = FastAPI(
        title="Abbey metrics",
        summary="Figures of this host and of the lab, sampled once per second however many ask.",
        version="1",
        openapi_url="/api/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
        responses=_faults(403, 421),
    )
    _describe(app, front, Ready(monitor))
    app.include_router(pages(monitor.lab))

    @app.exception_handler(RequestValidationError)
    async def refuse(_: Request, error: RequestValidationError) -> JSONResponse:
        return JSONResponse({"detail": in_words(error.errors())}, 422, headers={"Cache-Control": "no-store"})

    return app


def _describe(app: FastAPI, front: Front, ready: Ready) -> None:
    """Add the routes of the front, with what it says of them."""

    async def handed() -> Response:
        return _Handed(front)

    async def past(host: Host = "", range_: Annotated[Range, Query(alias="range")] = Range.MINUTES) -> Response:
        return _Handed(front)

    def add(
        path: str, method: Callable[..., Any], responses: Responses, route: Callable[..., Any] = handed, **more: Any
    ) -> None:
        name = path.removeprefix("/api/v1/").strip("/").replace("/", "_")
        app.add_api_route(
            path,
            route,
            name=name,
            description=method.__doc__,
            responses=responses,
            response_class=Response,
            **more,
        )

    add("/healthz", ready.healthz, {200: {"model": Health}, 503: {"model": Health}})
    add("/metrics", ready.metrics, {200: PROMETHEUS})
    add("/api/v1/host", ready.host, {200: {"model": HostFigures}, **UNCHANGED, **_faults(503)})
    add("/api/v1/platform", ready.platform, {200: {"model": Platform}, **UNCHANGED})
    add("/api/v1/lab", ready.lab, {200: {"model": LabFigures}, **UNCHANGED})
    add("/api/v1/history", ready.history, {200: {"model": Past}, **UNCHANGED, **_faults(404, 422)}, past)
    add("/api/v1/me", ready.me, {200: {"model": Me}})
    add("/api/v1/people", ready.people, {200: {"model": People}, **UNCHANGED})
    add(STREAM, front.stream, {200: EVENTS, **_faults(503)}, openapi_extra={"parameters": [LAST]})
    body = {"required": True, "content": {"application/json": {"schema": Chosen.model_json_schema()}}}
    kept: Responses = {200: {"model": Preferences}, **_faults(400, 413, 415, 422)}
    add(CHOICES, front.choose, kept, methods=["PUT"], openapi_extra={"requestBody": body})


def _faults(*statuses: int) -> Responses:
    return {status: {"model": Fault} for status in statuses}
