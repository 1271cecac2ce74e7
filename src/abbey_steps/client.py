"""One app over HTTP: cookies are kept, redirects are answers like any other, proxies are not asked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from http.client import HTTPException, HTTPResponse
from http.cookiejar import Cookie, CookieJar, DefaultCookiePolicy
from typing import Any
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, HTTPHandler, OpenerDirector, Request

SECONDS = 120.0  # that one answer may take; some apps migrate their data before the first
LARGEST = 16 * 1024 * 1024


class NotReachedError(Exception):
    """No answer came. Its text says why and holds nothing of the request."""


class NotSentError(Exception):
    """The request is none that HTTP can carry."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, headers by lower-case name, and the body: as JSON where it is that, else as text; None when empty."""

    status: int
    headers: Mapping[str, str]
    body: Any


class _OneServer(DefaultCookiePolicy):
    """Takes every cookie and gives it back: there is one server, which may name itself as its visitors know it."""

    def __init__(self) -> None:
        # An app behind a gateway marks its cookies `Secure`, although the gateway speaks plain HTTP to it.
        super().__init__(secure_protocols=("http", "https"))

    def set_ok_domain(self, cookie: Cookie, request: Request) -> bool:
        return True

    def return_ok_domain(self, cookie: Cookie, request: Request) -> bool:
        return True

    def domain_return_ok(self, domain: str, request: Request) -> bool:
        return True


class Client:
    """Speaks to the server at `base`, e.g. `http://grafana:3000`."""

    def __init__(self, base: str) -> None:
        self._base = base
        self._opener = OpenerDirector()
        for handler in (HTTPHandler(), HTTPCookieProcessor(CookieJar(_OneServer()))):
            self._opener.add_handler(handler)

    def ask(
        self, method: str, path: str, *, headers: Mapping[str, str], json_body: Any, form: Mapping[str, str] | None
    ) -> Answer:
        """Return the answer, whatever its status. Raise NotReachedError or NotSentError when there is none."""
        try:
            body, kind = _body(json_body, form)
            all_headers = {"Accept": "application/json", **({"Content-Type": kind} if kind else {}), **headers}
            request = Request(f"{self._base}{path}", data=body, headers=all_headers, method=method)  # noqa: S310  `base` is http
            response = self._opener.open(request, timeout=SECONDS)
            if not isinstance(response, HTTPResponse):
                raise NotSentError("its address is not one")
            with response:
                return _answer(response)
        except OSError as error:
            raise NotReachedError(_reason(error)) from None
        except HTTPException as error:
            raise NotReachedError(f"it did not answer in HTTP ({type(error).__name__})") from None
        except ValueError:
            raise NotSentError("it holds a character that HTTP forbids") from None


def _body(json_body: Any, form: Mapping[str, str] | None) -> tuple[bytes | None, str]:
    if form is not None:
        return urlencode(form).encode(), "application/x-www-form-urlencoded"
    if json_body is not None:
        return json.dumps(json_body, ensure_ascii=False).encode(), "application/json"
    return None, ""


def _reason(error: OSError) -> str:
    """Return why there was no answer; urllib wraps the true error."""
    inner = getattr(error, "reason", error)
    if isinstance(inner, TimeoutError):
        return "it took too long"
    if isinstance(inner, OSError) and inner.strerror:
        return inner.strerror
    return "the connection ended" if isinstance(inner, ConnectionError) else "it cannot be connected to"


def _answer(response: HTTPResponse) -> Answer:
    found = response.read(LARGEST + 1)
    if len(found) > LARGEST:
        raise NotReachedError("its answer does not end")
    headers: dict[str, str] = {}
    for name, content in response.headers.items():
        headers[name.lower()] = f"{headers[name.lower()]}, {content}" if name.lower() in headers else content
    return Answer(response.status, headers, _parsed(found, response.headers))


def _parsed(found: bytes, headers: Message) -> Any:
    try:
        text = found.decode(headers.get_content_charset("utf-8"), errors="replace").strip()
    except LookupError:
        text = found.decode(errors="replace").strip()
    if "json" in headers.get_content_type() or text.startswith(("{", "[")):
        try:
            return json.loads(text) if text else None
        except (ValueError, RecursionError):
            return text
    return text or None
