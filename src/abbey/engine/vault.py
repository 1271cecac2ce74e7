"""The vault: one ASCII-armoured age file beside abbey.yaml that holds every secret of the lab.

It is encrypted to one key, which `age-keygen` could have written, so that `age -d -i KEY secrets.age` opens it
without Abbey. Text leaves this module only inside a Secret.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import stat
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pyrage  # type: ignore[import-untyped]

from abbey.engine.generate import generate, tls_certificate
from abbey.errors import SecretError
from abbey.secrets import Kind, Secret, SecretRef

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*(/[A-Za-z0-9][A-Za-z0-9_.-]*)*")
_SUFFIX = {Kind.TLS_KEY: ".key", Kind.TLS_CERT: ".crt"}
_LOST = "restore it from your backup, or set ABBEY_AGE_KEY_FILE; without it the secrets cannot be read by anybody"


def default_key_path(environ: Mapping[str, str]) -> Path:
    """Return the age key's path: ABBEY_AGE_KEY_FILE, else abbey/age.key in the user's configuration folder."""
    if named := environ.get("ABBEY_AGE_KEY_FILE"):
        return Path(named).expanduser()
    return Path("~/.config/abbey/age.key").expanduser()


class AgeVault:
    """Secrets in `path`, opened by the key in `key_path`. The key is made on first need, and never a second time."""

    def __init__(self, path: Path, key_path: Path) -> None:
        self._path = path
        self._key_path = key_path
        self._seen: tuple[tuple[int, ...], dict[str, Secret]] | None = None

    def get(self, ref: SecretRef) -> Secret | None:
        """Return the secret, or None when it does not exist yet. Raise SecretError when the vault cannot be read."""
        return self._read().get(_stored_name(ref))

    def names(self) -> list[str]:
        """Return the stored names, sorted."""
        return sorted(self._read())

    def put(self, name: str, secret: Secret) -> None:
        """Store a secret that a person supplied. Raise SecretError when the vault cannot be written."""
        self._change(lambda secrets: {name: secret})

    def ensure(self, refs: list[SecretRef]) -> None:
        """Make every missing secret that is not GIVEN and store them at once. Raise SecretError on failure."""
        wanted = sorted(ref for ref in refs if ref.kind is not Kind.GIVEN)
        stored = self._read()
        if any(_stored_name(ref) not in stored for ref in wanted):
            self._change(lambda secrets: _made(wanted, secrets))

    def _change(self, addition: Callable[[dict[str, Secret]], dict[str, Secret]]) -> None:
        """Add secrets while no other process changes the file."""
        try:
            with _alone_in(self._path.parent):
                secrets = self._read()
                secrets = {**secrets, **addition(secrets)}
                for name in secrets:
                    if not _NAME.fullmatch(name):
                        raise SecretError(f"{name!r} is no name for a secret", hint="e.g. grafana/admin_password")
                _replace(self._path, _encrypted(secrets, self._identity(make=not self._path.exists())))
        except OSError as error:
            raise SecretError(f"{self._path} cannot be written: {error.strerror}") from None

    def _read(self) -> dict[str, Secret]:
        try:
            state = self._path.stat()
            version = (state.st_ino, state.st_size, state.st_mtime_ns)
            if self._seen is None or self._seen[0] != version:
                content = self._path.read_bytes()
                self._seen = version, _decrypted(content, self._identity(make=False), self._path)
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise SecretError(f"{self._path} cannot be read: {error.strerror}") from None
        return self._seen[1]

    def _identity(self, *, make: bool) -> pyrage.x25519.Identity:
        if make and not self._key_path.exists():
            _make_key(self._key_path)
        return _read_key(self._key_path)


def _stored_name(ref: SecretRef) -> str:
    return ref.name + _SUFFIX.get(ref.kind, "")


def _made(refs: list[SecretRef], stored: dict[str, Secret]) -> dict[str, Secret]:
    """Return the secrets that are missing. A key and its certificate are made together, for either of the two."""
    made: dict[str, Secret] = {}
    for ref in refs:
        if _stored_name(ref) in stored or _stored_name(ref) in made:
            continue
        if ref.kind not in _SUFFIX:
            made[_stored_name(ref)] = generate(ref.kind)
            continue
        key = _stored_name(SecretRef(ref.name, Kind.TLS_KEY))
        made[key] = stored.get(key) or generate(Kind.TLS_KEY)
        made[_stored_name(SecretRef(ref.name, Kind.TLS_CERT))] = tls_certificate(made[key])
    return made


def _encrypted(secrets: dict[str, Secret], identity: pyrage.x25519.Identity) -> bytes:
    text = json.dumps({name: secret.reveal() for name, secret in sorted(secrets.items())}, indent=1)
    return bytes(pyrage.encrypt(text.encode(), [identity.to_public()], armored=True))


def _decrypted(content: bytes, identity: pyrage.x25519.Identity, path: Path) -> dict[str, Secret]:
    # Raised outside of `except`: the errors of both libraries may hold the text itself.
    try:
        data = json.loads(pyrage.decrypt(content, [identity]))
    except pyrage.DecryptError as error:
        wrong_key = "matching keys" in str(error)
        data = None
    except ValueError:
        wrong_key, data = False, None
    if isinstance(data, dict) and all(isinstance(text, str) for text in data.values()):
        return {name: Secret(text) for name, text in data.items()}
    if data is None and wrong_key:
        raise SecretError(f"{path} was encrypted to another key", hint=_LOST)
    raise SecretError(f"{path} is damaged", hint="restore it from your repository or backup")


def _read_key(path: Path) -> pyrage.x25519.Identity:
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            words = [line for line in file.read(10_000).split() if line.startswith("AGE-SECRET-KEY-")]
    except FileNotFoundError:
        raise SecretError(f"the key {path} that opens the secrets is missing", hint=_LOST) from None
    except OSError as error:
        raise SecretError(f"the key {path} cannot be read: {error.strerror}") from None
    if mode & 0o077:
        raise SecretError(f"others can read the key {path}", hint=f"chmod 600 {path}")
    for word in words:
        try:
            return pyrage.x25519.Identity.from_str(word)
        except pyrage.IdentityError:
            continue
    raise SecretError(f"{path} holds no age key", hint="it must hold a line AGE-SECRET-KEY-1..., as age-keygen writes")


def _make_key(path: Path) -> None:
    """Write a new key, unless another process does so first."""
    identity = pyrage.x25519.Identity.generate()
    made = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    text = f"# created: {made}\n# public key: {identity.to_public()}\n{identity}\n"
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = _written_beside(path, text.encode())
    try:
        os.link(temporary, path)
    except FileExistsError:
        return
    finally:
        temporary.unlink()


def _replace(path: Path, content: bytes) -> None:
    """Put the whole content in the file's place, or leave it as it was."""
    temporary = _written_beside(path, content)
    try:
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _written_beside(path: Path, content: bytes) -> Path:
    """Return a new file of mode 0600 in the same folder, with the content safely on the disk."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        Path(name).unlink()
        raise
    return Path(name)


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Hold the folder's lock. Nothing is left behind; a process that dies lets go of it."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
        os.fsync(handle)
    finally:
        os.close(handle)
