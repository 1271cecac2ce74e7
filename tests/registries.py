"""A real registry for tests: Debian's `docker-registry` as a process on loopback, and small images pushed into it."""

from __future__ import annotations

import hashlib
import json
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from oras import client, defaults  # type: ignore[import-untyped]  # oras ships no types

from loopback import free_port

CONFIG = """\
version: 0.1
log: {{level: error}}
storage: {{filesystem: {{rootdirectory: {folder}/store}}, delete: {{enabled: true}}}}
http: {{addr: "127.0.0.1:{port}"}}
"""
INDEX = defaults.default_index_media_type
MANIFEST = defaults.default_manifest_media_type
CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"


def digest_of(body: bytes) -> str:
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


def image(created: str, *, salt: str = "", architecture: str = "amd64") -> tuple[bytes, bytes]:
    """Return configuration and manifest of an image without layers."""
    config = json.dumps({"created": created, "architecture": architecture, "os": "linux", "salt": salt}).encode()
    entry = {"mediaType": CONFIG_TYPE, "digest": digest_of(config), "size": len(config)}
    manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": entry, "layers": []}
    return config, json.dumps(manifest).encode()


def index(manifests: dict[str, bytes]) -> bytes:
    """Return a list of platforms: architecture → manifest."""
    entries = [
        {
            "mediaType": MANIFEST,
            "digest": digest_of(body),
            "size": len(body),
            "platform": {"os": "unknown" if name == "unknown" else "linux", "architecture": name},
        }
        for name, body in manifests.items()
    ]
    return json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}).encode()


class RealRegistry:
    """A running registry at `address` (host:port)."""

    def __init__(self, address: str, folder: Path) -> None:
        self.address = address
        self._folder = folder
        self._client = client.OrasClient(insecure=True)

    def push(self, name: str, *tags: str, created: str = "2026-10-01T08:00:00Z", salt: str = "") -> str:
        """Push one image for two platforms under these tags, and return the digest of their list."""
        digest = ""
        for tag in tags:
            manifests = {}
            for architecture in ("arm64", "amd64"):
                day = created if architecture == "amd64" else "2001-01-01T00:00:00Z"
                config, manifest = image(day, salt=f"{name}{tag}{salt}", architecture=architecture)
                self._blob(name, config)
                manifests[architecture] = manifest
                self._put(name, digest_of(manifest), manifest, MANIFEST)
            digest = self._put(name, tag, index(manifests), INDEX)
        return digest

    def push_single(self, name: str, tag: str, created: str) -> str:
        """Push an image without a list of platforms."""
        config, manifest = image(created, salt=tag)
        self._blob(name, config)
        return self._put(name, tag, manifest, MANIFEST)

    def _blob(self, name: str, body: bytes) -> None:
        path = self._folder / "blob"
        path.write_bytes(body)
        layer = {"mediaType": CONFIG_TYPE, "digest": digest_of(body), "size": len(body)}
        container = self._client.get_container(f"{self.address}/{name}:x")
        assert self._client.upload_blob(str(path), container, layer).status_code in (200, 201)

    def _put(self, name: str, reference: str, body: bytes, kind: str) -> str:
        url = f"http://{self.address}/v2/{name}/manifests/{reference}"
        response = self._client.do_request(url, "PUT", data=body, headers={"Content-Type": kind})
        assert response.status_code == 201, response.text
        return digest_of(body)

    def close(self) -> None:
        self._client.session.close()


@contextmanager
def real_registry(program: Path, folder: Path) -> Iterator[RealRegistry]:
    """Run a registry that keeps its images in the folder."""
    port = free_port()
    config = folder / "config.yml"
    config.write_text(CONFIG.format(folder=folder, port=port))
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([program, "serve", config], stdout=log, stderr=log)
    registry = RealRegistry(f"127.0.0.1:{port}", folder)
    try:
        _wait(port, process, folder / "log")
        yield registry
    finally:
        registry.close()
        process.terminate()
        process.wait(timeout=10)


def _wait(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + 20
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/v2/", timeout=2):
                return
        except OSError:
            time.sleep(0.05)
    raise AssertionError(f"the registry does not answer: {log.read_text(errors='replace')}")
