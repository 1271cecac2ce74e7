"""Lists in pages: what runs on a host, and what happened in Forgejo."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Generic, TypeVar

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel
from pydantic_core import to_json

from abbey_metrics.access import Visitor
from abbey_metrics.documents import Activity
from abbey_metrics.lab import Lab
from abbey_metrics.platform import Container, Platform, Process

T = TypeVar("T")

Host = Annotated[str, Query(max_length=63, description="A host of the lab; this one when it is left out.")]
Offset = Annotated[int, Query(ge=0, le=1_000_000, description="How many to leave out at the beginning.")]
Limit = Annotated[int, Query(ge=1, le=200, description="How many to return at most.")]


class Fault(BaseModel):
    """Why a request was not answered, in words."""

    detail: str


class Page(BaseModel, Generic[T]):
    """A part of a list that has `total` entries, from the one with the number `offset` on."""

    total: int
    offset: int
    items: list[T]


WRONG: dict[int | str, dict[str, Any]] = {404: {"model": Fault}, 422: {"model": Fault}}


def pages(lab: Lab) -> APIRouter:
    """Given the lab, return the routes."""
    router = APIRouter(prefix="/api/v1", default_response_class=Response)

    @router.get("/containers", responses={200: {"model": Page[Container]}, **WRONG})
    async def containers(request: Request, host: Host = "", offset: Offset = 0, limit: Limit = 50) -> Response:
        """Return the containers of a host, for administrators; those of the lab first, by name."""
        found = _platform(lab, request, host)
        return _page(found.containers.list if found and found.containers else (), offset, limit)

    @router.get("/processes", responses={200: {"model": Page[Process]}, **WRONG})
    async def processes(request: Request, host: Host = "", offset: Offset = 0, limit: Limit = 50) -> Response:
        """Return the busiest programs of a host, for administrators; at most 20 are known."""
        found = _platform(lab, request, host)
        return _page(found.processes.top if found and found.processes else (), offset, limit)

    @router.get("/activity", responses={200: {"model": Page[Activity]}, 422: {"model": Fault}})
    async def activity(request: Request, offset: Offset = 0, limit: Limit = 50) -> Response:
        """Return what happened in Forgejo, newest first; nothing for who may not open it, or where there is none."""
        view = lab.forgejo(lab.apps.audience(_visitor(request)))
        return _page(view.data.entries if view and view.data else (), offset, limit)

    return router


def _platform(lab: Lab, request: Request, host: str) -> Platform | None:
    """Return what is known of a host. Raise HTTPException for who may not know it, and for a host that is not."""
    if not _visitor(request).admin:
        raise HTTPException(403, "containers and processes are shown to administrators only")
    for view in lab.platforms(admin=True):
        if view.name == (host or lab.settings.host):
            return view.platform
    raise HTTPException(404, "there is no such host in the lab")


def _visitor(request: Request) -> Visitor:
    visitor: Visitor = request.scope["visitor"]
    return visitor


def _page(entries: Sequence[object], offset: int, limit: int) -> Response:
    page = {"total": len(entries), "offset": offset, "items": entries[offset : offset + limit]}
    headers = {"Cache-Control": "no-store"}
    return Response(to_json(page, inf_nan_mode="null"), media_type="application/json", headers=headers)
