"""Files to be: what a host's folder must hold, before anything is written anywhere."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from abbey.secrets import Secret, SecretRef


class Effect(StrEnum):
    """What a service needs after one of its files changed."""

    RECREATE = "recreate"
    RELOAD = "reload"  # the service rereads its files without a restart
    RUN = "run"  # a declared step (named instead of a service) runs again


@dataclass(frozen=True, slots=True, order=True)
class OnChange:
    """When the file changes, `service` (its Compose name, or a step's name for RUN) needs `effect`."""

    service: str
    effect: Effect


@dataclass(frozen=True, slots=True)
class Quoted:
    """A secret inside double quotes of a file whose form gives some characters a meaning."""

    ref: SecretRef
    form: Literal["json", "env"]

    def text(self, secret: Secret) -> str:
        """Return the secret as it must stand between the quotes."""
        return quoted(secret.reveal(), self.form)

    def __str__(self) -> str:
        return str(self.ref)


def quoted(text: str, form: Literal["json", "env"]) -> str:
    """Return the text as it must stand between double quotes, in JSON (and YAML) or in an env file of Compose."""
    inside = json.dumps(text, ensure_ascii=False)[1:-1]
    return inside.replace("$", "\\$") if form == "env" else inside


@dataclass(frozen=True, slots=True)
class File:
    """One file: text, bytes, or parts of text and references to secrets; its mode; whom a change concerns."""

    content: str | bytes | tuple[str | SecretRef | Quoted, ...]
    mode: int = 0o644
    on_change: tuple[OnChange, ...] = ()

    @property
    def refs(self) -> tuple[SecretRef, ...]:
        """Return the secrets that the content names, in order."""
        if isinstance(self.content, tuple):
            found = (part.ref if isinstance(part, Quoted) else part for part in self.content)
            return tuple(part for part in found if isinstance(part, SecretRef))
        return ()

    @property
    def secret(self) -> bool:
        """Return whether the content holds a secret, so that it is never shown."""
        return bool(self.refs)

    def body(self, reveal: Callable[[SecretRef], Secret | None]) -> bytes | None:
        """Return the bytes to write, or None when a named secret does not exist yet."""
        if isinstance(self.content, bytes):
            return self.content
        if isinstance(self.content, str):
            return self.content.encode()
        texts: list[str] = []
        for part in self.content:
            if isinstance(part, str):
                texts.append(part)
                continue
            secret = reveal(part.ref if isinstance(part, Quoted) else part)
            if secret is None:
                return None
            texts.append(part.text(secret) if isinstance(part, Quoted) else secret.reveal())
        return "".join(texts).encode()

    def shown(self) -> bytes:
        """Return the bytes with every secret replaced by its name: for `render`, golden files and diffs."""
        if isinstance(self.content, bytes):
            return self.content
        if isinstance(self.content, str):
            return self.content.encode()
        return "".join(str(part) for part in self.content).encode()


class FileTree(Mapping[str, File]):
    """Files by relative POSIX path, sorted. Two writers of one path are a programming error."""

    def __init__(self, files: Iterable[tuple[str, File]] = ()) -> None:
        collected: dict[str, File] = {}
        for path, file in files:
            if path in collected:
                raise ValueError(f"two renderers write {path}")
            if path.startswith("/") or ".." in path.split("/"):
                raise ValueError(f"a path must stay inside the host's folder: {path}")
            collected[path] = file
        self._files = dict(sorted(collected.items()))

    def __getitem__(self, path: str) -> File:
        return self._files[path]

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)

    def merged(self, *others: FileTree) -> FileTree:
        """Return one tree with the files of all. Raise ValueError when two hold the same path."""
        return FileTree(pair for tree in (self, *others) for pair in tree.items())

    def refs(self) -> list[SecretRef]:
        """Return every secret that any file names, sorted, each once."""
        return sorted({ref for file in self.values() for ref in file.refs})


def digest(data: bytes) -> str:
    """Return the SHA-256 of the bytes, as hexadecimal."""
    return hashlib.sha256(data).hexdigest()
