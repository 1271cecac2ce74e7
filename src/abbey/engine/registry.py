"""Registries of images: which tags a repository has, and which content is behind a tag.

Every answer is bounded in time and size. Nothing that was sent to log in is ever part of a message.
"""

from __future__ import annotations

import hashlib
import json
import logging
import queue
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol, TypeVar
from urllib.parse import urlsplit

import requests
from oras import container, defaults, logger  # type: ignore[import-untyped]  # oras ships no types

from abbey.engine.oci import TIMEOUT, Client
from abbey.errors import AbbeyError

PATIENCE = 60.0  # seconds in which at least one of several repositories must answer
AT_ONCE = 6
PAGE = 1000
LONGEST = 128  # characters in a tag; what is longer is none
_LOGINS = "~/.docker/config.json"
_LOGIN = f"`docker login {{}}` on this machine; Abbey reads {_LOGINS}"
_HUB = "docker.io"
_UNKNOWN = date(1980, 1, 1)  # builds that can be repeated exactly carry this day, or the beginning of 1970
_DOCKER_LIST = defaults.docker_manifest_list_media_type
_MANIFESTS = tuple(defaults.default_manifest_accepted_media_types)
_INDEXES = (defaults.default_index_media_type, _DOCKER_LIST)

T = TypeVar("T")
K = TypeVar("K")


class RegistryError(AbbeyError):
    """A registry was not reached, refused, or said what no registry says."""


@dataclass(frozen=True, slots=True)
class Content:
    """What is behind a tag: the digest of the list of platforms, or of the image where there is no list."""

    digest: str
    created: str = ""  # day on which the image was made (amd64 where there are several), or "" where it does not say


class Repository(Protocol):
    """One repository of a registry."""

    def tags(self) -> tuple[str, ...]:
        """Return every tag. Raise RegistryError when the registry does not tell."""

    def content(self, tag: str, known: Content | None = None) -> Content:
        """Return what is behind a tag, `known` where that is still it. Raise RegistryError when it does not tell."""


class OciRepository:
    """A repository of a real registry, asked over the network. Use it as a context: leaving it hangs up."""

    def __init__(self, ref: str) -> None:
        logger.logger.set_level(logging.CRITICAL + 1)  # what it would print is told by RegistryError
        self._ref = ref
        self._host, _, self._name = ref.partition("/")
        at = defaults.registry.default_v2_registry["host"] if self._host == _HUB else self._host
        self._client = Client(at)
        self._base = f"{self._client.prefix}://{at}/v2/{self._name}"
        self._ready = False
        self._tags: tuple[str, ...] | None = None

    def __enter__(self) -> OciRepository:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.session.close()

    def tags(self) -> tuple[str, ...]:
        """Return every tag, in the order of the registry. Raise RegistryError when it does not tell."""
        if self._tags is not None:
            return self._tags
        found: list[str] = []
        path = f"/tags/list?n={PAGE}"
        while path:
            response = self._get(f"{self._base}{path}", "there is no such repository")
            names = _mapping(self._json(response.content)).get("tags") or []
            if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
                raise self._strange()
            found += (name for name in names if len(name) <= LONGEST)
            path = self._next(response) if names else ""
        self._tags = tuple(dict.fromkeys(found))
        return self._tags

    def _next(self, response: requests.Response) -> str:
        """Return path and query of the next page; the link's query alone counts, whatever address it names."""
        try:
            link = urlsplit(response.links.get("next", {}).get("url", ""))
        except ValueError:
            raise self._strange() from None
        return f"/tags/list?{link.query}" if link.query else ""

    def content(self, tag: str, known: Content | None = None) -> Content:
        """Return what is behind a tag, `known` where that is still it. Raise RegistryError when it does not tell.

        Whether it is still it is asked without its content, which registries count and limit.
        """
        if known and known.digest == self._digest(tag):
            return known
        digest, manifest = self._manifest(tag, f"there is no tag {tag}")
        if manifest.get("mediaType") in _INDEXES or "manifests" in manifest:
            chosen = _platform(manifest.get("manifests"))
            manifest = self._manifest(chosen, "its image is missing")[1] if chosen else {}
        elif not isinstance(manifest.get("config"), dict):
            raise self._strange()
        config = manifest.get("config")
        return Content(digest, self._created(config.get("digest") if isinstance(config, dict) else None))

    def _digest(self, tag: str) -> str:
        """Return the digest that the registry has for a tag; "" when it only tells that with the content."""
        response = self._ask(f"{self._base}/manifests/{tag}", _MANIFESTS, method="HEAD")
        return response.headers.get("Docker-Content-Digest", "") if response.status_code == 200 else ""

    def _manifest(self, name: str, missing: str) -> tuple[str, dict[str, Any]]:
        """Return digest and content of a manifest. Raise RegistryError when it is not the one that was asked for."""
        response = self._get(f"{self._base}/manifests/{name}", missing, _MANIFESTS)
        digest = f"sha256:{hashlib.sha256(response.content).hexdigest()}"
        said = name if name.startswith("sha256:") else response.headers.get("Docker-Content-Digest", digest)
        if said != digest:
            what = "its answer is not the content that it names"
            raise self._problem(what, "something on the way changes it; try again from another network")
        return digest, _mapping(self._json(response.content))

    def _created(self, digest: object) -> str:
        """Return the day of an image's configuration; "" when it has none, which keeps nobody from pinning it."""
        if not isinstance(digest, str) or not digest.startswith("sha256:"):
            return ""
        response = self._get(f"{self._base}/blobs/{digest}", "its configuration is missing")
        made = _mapping(self._json(response.content)).get("created")
        try:
            day = date.fromisoformat(made[:10]) if isinstance(made, str) else _UNKNOWN
        except ValueError:
            return ""
        return day.isoformat() if day > _UNKNOWN else ""

    def _ask(self, url: str, accept: Sequence[str] = (), *, method: str = "GET") -> requests.Response:
        self._log_in()
        try:
            return self._client.ask(url, accept, method=method)
        except Exception as error:  # oras lets through whatever its own parsing meets: KeyError, AttributeError …
            raise self._unanswered(error) from None

    def _get(self, url: str, missing: str, accept: Sequence[str] = ()) -> requests.Response:
        """Return an answer that is one. Raise RegistryError when it is not; `missing` says what 404 means."""
        response = self._ask(url, accept)
        code = response.status_code
        if code == 200:
            return response
        if code == 404:
            raise self._problem(missing, "see the project's page for where its images are")
        if code in (401, 403):
            raise self._problem("it asks for a login", _LOGIN.format(self._host))
        if code == 429:
            raise self._problem("it was asked too often", f"try again later, or {_LOGIN.format(self._host)}")
        raise self._problem(f"it answers with the error {code}", "try again later")

    def _log_in(self) -> None:
        """Take what docker's configuration holds for the registry, if anything. Raise RegistryError if it is broken."""
        if self._ready:
            return
        holder = container.Container(self._ref)
        if self._host == _HUB:
            holder.registry = defaults.registry.index_server
        try:
            self._client.auth.load_configs(holder)
        except Exception:  # oras lets through whatever is wrong with the file, or with a helper that it names
            raise self._problem(f"{_LOGINS} cannot be read", "is it what `docker login` wrote?") from None
        self._ready = True

    def _json(self, body: bytes) -> object:
        try:
            return json.loads(body)
        except (ValueError, RecursionError):
            raise self._strange() from None

    def _unanswered(self, error: Exception) -> RegistryError:
        again = "is the address right, and the network there?"
        match error:
            case requests.Timeout():
                return self._problem(f"no answer within {TIMEOUT[1]:.0f} seconds", again)
            case requests.exceptions.SSLError():
                return self._problem("its certificate is not to be trusted", again)
            case requests.ConnectionError() if error.args and isinstance(error.args[0], str):
                return self._problem(error.args[0], again)
            case requests.RequestException() if not isinstance(error, ValueError):
                return self._problem("it was not reached", again)
            case ValueError() if "authentication" in str(error) or isinstance(error, requests.RequestException):
                return self._problem("it asks for a login", _LOGIN.format(self._host))  # or by no address at all
        return self._strange()

    def _strange(self) -> RegistryError:
        return self._problem("its answer is not what a registry says", "is there a registry at this address?")

    def _problem(self, what: str, hint: str) -> RegistryError:
        return RegistryError(f"{self._ref}: {what}", hint=hint)


def ask_all(
    questions: Mapping[K, Callable[[], T]],
    *,
    patience: float = PATIENCE,
) -> dict[K, T | AbbeyError]:
    """Ask several registries at the same time, and return each answer or its error, in the order of the questions.

    When none comes for that long, those that are left out count as unanswered. An interrupt ends it at once.
    """
    waiting: queue.SimpleQueue[tuple[K, Callable[[], T]]] = queue.SimpleQueue()
    answers: queue.SimpleQueue[tuple[K, T | Exception]] = queue.SimpleQueue()
    for item in questions.items():
        waiting.put(item)
    for _ in range(min(AT_ONCE, len(questions))):
        threading.Thread(target=_work, args=(waiting, answers), daemon=True).start()
    found: dict[K, T | AbbeyError] = {}
    for key, answer in _arriving(answers, len(questions), patience):
        if isinstance(answer, Exception) and not isinstance(answer, AbbeyError):
            raise answer
        found[key] = answer
    late = f"no answer within {patience:.0f} seconds"
    for key in questions.keys() - found.keys():
        found[key] = RegistryError(f"{key}: {late}", hint="try again later")
    return {key: found[key] for key in questions}


def _work(waiting: queue.SimpleQueue[tuple[K, Callable[[], T]]], answers: queue.SimpleQueue[Any]) -> None:
    while True:
        try:
            key, question = waiting.get_nowait()
        except queue.Empty:
            return
        try:
            answers.put((key, question()))
        except Exception as error:  # told by the thread that waits
            answers.put((key, error))


def _arriving(answers: queue.SimpleQueue[Any], count: int, patience: float) -> Iterator[Any]:
    for _ in range(count):
        try:
            yield answers.get(timeout=patience)
        except queue.Empty:
            return


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _platform(entries: object) -> str:
    """Return the digest of the image for linux/amd64 in a list of platforms, else of the first that is an image."""
    found: dict[str, str] = {}
    for entry in entries if isinstance(entries, list) else []:
        platform = _mapping(_mapping(entry).get("platform"))
        digest = _mapping(entry).get("digest")
        if isinstance(digest, str) and digest.startswith("sha256:") and platform.get("os") != "unknown":
            found.setdefault("/".join(str(platform.get(key, "")) for key in ("os", "architecture")), digest)
    return found.get("linux/amd64") or next(iter(found.values()), "")
