"""The HTTP side: routes that hand out ready bytes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse

from abbey_metrics.board import Answer
from abbey_metrics.documents import Health, LabFigures, Past
from abbey_metrics.exposition import CONTENT_TYPE, exposition
from abbey_metrics.figures import HostFigures
from abbey_metrics.hub import HubFullError
from abbey_metrics.monitor import Monitor

HEALTHY_WITHIN = 10.0
STREAM_HEADERS = {
    "Cache-Control": "no-cache, no-transform",
    "X-Accel-Buffering": "no",  # without it nginx holds compressed events back for ever
}
FIGURES_DOC = {"description": "Figures of this host in Prometheus' text format.", "content": {"text/plain": {}}}
STREAM_DOC = {"description": "Event `lab`, once per second: the document of /api/v1/lab.", "content": {}}


def build(monitor: Monitor) -> FastAPI:
    """Given the monitor, return the application; it starts and stops the monitor with itself."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with monitor.running():
            yield

    # The interactive pages of FastAPI load scripts from elsewhere, so only the document itself is served.
    app = FastAPI(
        title="Abbey metrics",
        summary="Figures of this host and of the lab, sampled once per second however many ask.",
        version="1",
        openapi_url="/api/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    _add_figures(app, monitor)
    _add_stream(app, monitor)
    _add_exposition(app, monitor)
    return app


def _add_figures(app: FastAPI, monitor: Monitor) -> None:
    board = monitor.board

    @app.get("/healthz", responses={200: {"model": Health}, 503: {"model": Health}})
    async def healthz() -> Response:
        """Say whether samples are fresh; 503 when the newest is older than ten seconds."""
        age = monitor.sampler.age()
        ok = age is not None and age < HEALTHY_WITHIN and board.host is not None
        return JSONResponse({"ok": ok, "age": None if age is None else round(age, 1)}, 200 if ok else 503)

    @app.get("/api/v1/host", responses={200: {"model": HostFigures}})
    async def host(request: Request) -> Response:
        """Return the figures of this host, at most one second old."""
        return _ready(request, board.host)

    @app.get("/api/v1/lab", responses={200: {"model": LabFigures}})
    async def lab(request: Request) -> Response:
        """Return this host, the others as last heard, weather and Forgejo activity, each with its age."""
        return _ready(request, board.lab)

    @app.get("/api/v1/history", responses={200: {"model": Past}})
    async def history(request: Request) -> Response:
        """Return the last minutes of this host, one point per second, renewed every ten."""
        return _ready(request, board.past)


def _add_stream(app: FastAPI, monitor: Monitor) -> None:
    @app.get("/api/v1/stream", response_class=StreamingResponse, responses={200: STREAM_DOC})
    async def stream() -> Response:
        """Stream the lab as server-sent events; 503 when too many listen, then poll /api/v1/lab."""
        try:
            events = monitor.hub.join()
        except HubFullError:
            return _unavailable("too many listeners; ask /api/v1/lab instead", retry=30)
        return StreamingResponse(events, media_type="text/event-stream", headers=STREAM_HEADERS)


def _add_exposition(app: FastAPI, monitor: Monitor) -> None:
    @app.get("/metrics", response_class=Response, responses={200: FIGURES_DOC})
    async def metrics() -> Response:
        """Return the newest sample for Prometheus; once it is older than ten seconds, its age alone."""
        lab, age = monitor.lab(), monitor.sampler.age()
        fresh = age is not None and age < HEALTHY_WITHIN
        figures = monitor.sampler.latest if fresh else None
        return Response(
            exposition(lab.hosts, host=lab.host, age=age, figures=figures),
            media_type=CONTENT_TYPE,
            headers={"Cache-Control": "no-store"},
        )


def _ready(request: Request, answer: Answer | None) -> Response:
    if answer is None:
        return _unavailable("no sample has been taken yet", retry=1)
    # nginx may keep the answer for a second and takes its own header off; browsers must ask each time.
    headers = {"ETag": answer.tag, "Cache-Control": "no-cache", "X-Accel-Expires": "1"}
    if request.headers.get("if-none-match") == answer.tag:
        return Response(status_code=304, headers=headers)
    return Response(answer.body, media_type="application/json", headers=headers)


def _unavailable(why: str, *, retry: int) -> Response:
    return JSONResponse({"detail": why}, 503, headers={"Retry-After": str(retry), "Cache-Control": "no-store"})
