"""What the stand-ins share about requests: forms, the address a browser used, redirects."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qs, urlencode, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

Endpoint = Callable[[Request], Response]
FormEndpoint = Callable[[Request, dict[str, str]], Response]


def with_form(endpoint: FormEndpoint) -> Callable[[Request], object]:
    """Return an endpoint that reads the form, then runs beside the event loop, where it may wait for PostgreSQL."""

    async def read_form(request: Request) -> Response:
        body = (await request.body()).decode(errors="replace")
        form = {name: values[0] for name, values in parse_qs(body, keep_blank_values=True).items()}
        return await run_in_threadpool(endpoint, request, form)

    return read_form


def origin(request: Request) -> str:
    """Return scheme and host as the visitor's browser knows them; only the gateway can be asked."""
    scheme = request.headers.get("x-forwarded-proto", request.url.scheme)
    return f"{scheme}://{visited_host(request)}"


def visited_host(request: Request) -> str:
    """Return the host name, with its port, that the visitor's browser asked."""
    return request.headers.get("x-forwarded-host") or request.headers.get("host", "")


def answer(uri: str, **values: str) -> Response:
    """Return a redirect to the address with the values added to its query."""
    return RedirectResponse(f"{uri}{'&' if '?' in uri else '?'}{urlencode(values)}", 302)


def local_path(target: str) -> str:
    """Return the path, or `/` when it would lead to another site."""
    parts = urlsplit(target)
    stays = not parts.scheme and not parts.netloc and target.startswith("/") and "\\" not in target
    return target if stays and not target.startswith("//") else "/"
