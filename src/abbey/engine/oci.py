"""The client for one repository of a registry: every request and answer is bounded, in time, size and number."""

from __future__ import annotations

import io
import time
from collections.abc import Sequence
from contextlib import closing
from typing import Any, cast
from urllib.parse import urlsplit

import requests
from oras import provider  # type: ignore[import-untyped]  # oras ships no types
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError, ReadTimeoutError

TIMEOUT = (5.0, 15.0)  # seconds to connect, and between two parts of an answer
MAX_BYTES = 16 << 20
MAX_REQUESTS = 500
MAX_WAIT = 5.0
_BUSY = (429, 500, 502, 503, 504)


class _Bounded(HTTPAdapter):
    """Asks with a timeout, reads a bounded answer, and speaks without encryption to this machine only."""

    def __init__(self, *, encrypted: bool) -> None:
        super().__init__()
        self._encrypted = encrypted

    def send(self, request: requests.PreparedRequest, *_: Any, **options: Any) -> requests.Response:
        """Return the answer. Raise RequestException when it is too large or would come over plain HTTP."""
        if self._encrypted and urlsplit(request.url or "").scheme != "https":
            raise requests.ConnectionError("it leads to an address without encryption")
        response = super().send(request, **options | {"stream": True, "timeout": TIMEOUT})
        try:
            with closing(response.raw):
                body = response.raw.read(MAX_BYTES + 1, decode_content=True)
        except ReadTimeoutError:
            raise requests.ReadTimeout from None
        except HTTPError:
            raise requests.ConnectionError("its answer broke off") from None
        if len(body) > MAX_BYTES:
            raise requests.ConnectionError(f"its answer is larger than {MAX_BYTES >> 20} MiB")
        response.raw = io.BytesIO(body)
        return response


class Client(provider.Registry):  # type: ignore[misc]  # oras ships no types
    """The client for one repository: its token is for that one. It repeats a request once, and soon."""

    def __init__(self, host: str) -> None:
        here = is_here(host)
        super().__init__(insecure=here)
        self._left = MAX_REQUESTS
        self.session.trust_env = not here  # a proxy does not reach this machine
        for scheme in ("http://", "https://"):
            self.session.mount(scheme, _Bounded(encrypted=not here))

    def ask(self, url: str, accept: Sequence[str] = (), *, method: str = "GET") -> requests.Response:
        """Return the answer to a request, whatever its status."""
        response = self._once(url, accept, method)
        if response.status_code in _BUSY:
            time.sleep(_wait(response))
            response = self._once(url, accept, method)
        return response

    def _once(self, url: str, accept: Sequence[str], method: str) -> requests.Response:
        self._left -= 1
        if self._left < 0:
            raise ValueError("it goes on without end")
        # oras would wait for up to two minutes between its own attempts.
        plainly = provider.Registry.do_request.__wrapped__
        headers = {"Accept": ", ".join(accept)} if accept else {}
        response = plainly(self, url, method, headers=headers)
        if response.status_code == 401 and _moved(url, response.url) and not hasattr(self.auth, "_basic_auth"):
            # A registry that only leads to another one: the token does not follow to another host by itself.
            response = plainly(self, response.url, method, headers=dict(headers))
        return cast(requests.Response, response)


def is_here(host: str) -> bool:
    """Return whether a registry is on this machine; only such a one may be asked without encryption."""
    return host.rpartition(":")[0 if ":" in host else 2] in ("localhost", "127.0.0.1")


def _moved(asked: str, answered: str) -> bool:
    return urlsplit(asked).netloc != urlsplit(answered).netloc


def _wait(response: requests.Response) -> float:
    said = response.headers.get("Retry-After", "1")
    return min(float(said) if said.isdecimal() else 1.0, MAX_WAIT)
