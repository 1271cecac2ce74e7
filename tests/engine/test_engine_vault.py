"""The age vault: made on first need, never silently replaced, and silent about what it holds."""

import json
import multiprocessing
import os
import pickle
import re
import shutil
import ssl
import subprocess
import sys
import traceback
from pathlib import Path

import pyrage  # type: ignore[import-untyped]
import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from abbey.engine.vault import AgeVault, default_key_path
from abbey.errors import SecretError
from abbey.secrets import Kind, Secret, SecretRef

PASSWORD = SecretRef("grafana/admin_password")
CERT = SecretRef("postgres/tls", Kind.TLS_CERT)
KEY = SecretRef("postgres/tls", Kind.TLS_KEY)
# Put together here, so that a line of this file in a traceback does not hold it.
HIDDEN = Secret("cana" * 5)
CANARY = HIDDEN.reveal()


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    (tmp_path / "lab").mkdir()
    return tmp_path


def opened(lab: Path) -> AgeVault:
    return AgeVault(lab / "lab" / "secrets.age", lab / "config" / "abbey" / "age.key")


def text(vault: AgeVault, ref: SecretRef) -> str:
    secret = vault.get(ref)
    assert secret is not None
    return secret.reveal()


def test_nothing_is_written_before_the_first_need(lab: Path) -> None:
    vault = opened(lab)
    vault.ensure([SecretRef("cloudflared/tunnel_secret", Kind.GIVEN)])
    assert vault.get(PASSWORD) is None
    assert vault.names() == []
    assert sorted(path.name for path in lab.rglob("*")) == ["lab"]


@pytest.mark.parametrize(
    ("kind", "form"),
    [
        (Kind.PASSWORD, r"[A-Za-z0-9]{32}"),
        (Kind.HEX, r"[0-9a-f]{64}"),
        (Kind.KEY, r"[A-Za-z0-9]{50}"),
        (Kind.BASE64, r"[A-Za-z0-9+/]{43}="),
    ],
)
def test_a_secret_is_made_once_and_kept(lab: Path, kind: Kind, form: str) -> None:
    ref = SecretRef("app/one", kind)
    opened(lab).ensure([ref, SecretRef("app/two", kind)])
    first = text(opened(lab), ref)
    assert re.fullmatch(form, first)
    assert first != text(opened(lab), SecretRef("app/two", kind))
    opened(lab).ensure([ref, PASSWORD])
    assert text(opened(lab), ref) == first


def test_files_are_narrow_and_nothing_is_left_behind(lab: Path) -> None:
    opened(lab).ensure([PASSWORD])
    modes = {str(path.relative_to(lab)): path.stat().st_mode & 0o777 for path in lab.rglob("*")}
    assert modes.pop("config") & 0o700 == 0o700
    assert modes.pop("lab") & 0o700 == 0o700
    assert modes == {"config/abbey": 0o700, "config/abbey/age.key": 0o600, "lab/secrets.age": 0o600}


def test_age_itself_could_open_it(lab: Path) -> None:
    opened(lab).ensure([PASSWORD])
    key = (lab / "config/abbey/age.key").read_text().splitlines()
    content = (lab / "lab/secrets.age").read_text()
    assert key[0].startswith("# created: 20")
    assert key[1] == f"# public key: {pyrage.x25519.Identity.from_str(key[2]).to_public()}"
    assert content.startswith("-----BEGIN AGE ENCRYPTED FILE-----\n")
    plain = pyrage.decrypt(content.encode(), [pyrage.x25519.Identity.from_str(key[2])])
    assert list(json.loads(plain)) == ["grafana/admin_password"]


@pytest.mark.skipif(not shutil.which("age"), reason="the program age is not installed")
def test_age_itself_opens_it(lab: Path) -> None:
    opened(lab).ensure([PASSWORD])
    command = ["age", "-d", "-i", str(lab / "config/abbey/age.key"), str(lab / "lab/secrets.age")]
    done = subprocess.run(command, capture_output=True, check=True)
    assert json.loads(done.stdout) == {PASSWORD.name: text(opened(lab), PASSWORD)}


@pytest.mark.parametrize("refs", [[CERT, KEY], [KEY], [CERT]])
def test_a_certificate_and_its_key_belong_together(lab: Path, refs: list[SecretRef]) -> None:
    opened(lab).ensure(refs)
    vault = opened(lab)
    vault.ensure([CERT, KEY, PASSWORD])
    assert vault.names() == ["grafana/admin_password", "postgres/tls.crt", "postgres/tls.key"]
    files = {name: lab / name for name in ("crt", "key")}
    files["crt"].write_text(text(vault, CERT))
    files["key"].write_text(text(vault, KEY))
    # OpenSSL refuses a pair whose halves do not match.
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(files["crt"], files["key"])
    certificate = x509.load_pem_x509_certificate(text(vault, CERT).encode())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["db"]
    assert (certificate.not_valid_after_utc - certificate.not_valid_before_utc).days == 3651


def test_a_certificate_needs_a_package_and_says_so(lab: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cryptography", None)
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives", None)
    with pytest.raises(SecretError, match=r"abbey-lab\[tls\]"):
        opened(lab).ensure([KEY])
    assert not (lab / "lab/secrets.age").exists()


def test_a_given_secret_is_kept_as_it_is(lab: Path) -> None:
    ref = SecretRef("cloudflared/tunnel_secret", Kind.GIVEN)
    opened(lab).put(ref.name, Secret(' a\n"é"\\ '))
    opened(lab).ensure([ref, PASSWORD])
    assert text(opened(lab), ref) == ' a\n"é"\\ '
    opened(lab).put(ref.name, Secret("b"))
    assert text(opened(lab), ref) == "b"


@pytest.mark.parametrize("name", ["", "/a", "a//b", "../a", "a b", "a\n"])
def test_a_name_that_is_none_is_refused(lab: Path, name: str) -> None:
    with pytest.raises(SecretError, match="no name"):
        opened(lab).put(name, Secret("x"))


def test_an_open_vault_sees_what_another_wrote(lab: Path) -> None:
    one, other = opened(lab), opened(lab)
    one.ensure([PASSWORD])
    assert other.get(PASSWORD) == one.get(PASSWORD)
    other.put(PASSWORD.name, Secret("a longer text than before, so that even a coarse clock shows the change"))
    assert one.get(PASSWORD) == other.get(PASSWORD)


def write_many(lab: Path, writer: int) -> None:
    for number in range(5):
        opened(lab).ensure([SecretRef(f"app/w{writer}n{number}"), PASSWORD])


def test_two_writers_lose_nothing(lab: Path) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=write_many, args=(lab, number)) for number in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    assert [writer.exitcode for writer in writers] == [0, 0, 0]
    assert len(opened(lab).names()) == 16


def test_a_missing_key_never_becomes_a_new_one(lab: Path) -> None:
    opened(lab).ensure([PASSWORD])
    key = lab / "config/abbey/age.key"
    key.unlink()
    before = (lab / "lab/secrets.age").read_bytes()
    for act in (
        lambda: opened(lab).get(PASSWORD),
        lambda: opened(lab).ensure([KEY]),
        lambda: opened(lab).put("a", Secret("b")),
        lambda: opened(lab).names(),
    ):
        with pytest.raises(SecretError, match=r"is missing\n.*ABBEY_AGE_KEY_FILE"):
            act()
    assert not key.exists()
    assert (lab / "lab/secrets.age").read_bytes() == before


def test_the_wrong_key_is_told_from_a_damaged_file(lab: Path) -> None:
    opened(lab).ensure([PASSWORD])
    path, key = lab / "lab/secrets.age", lab / "config/abbey/age.key"
    good = key.read_text()
    key.write_text(f"{pyrage.x25519.Identity.generate()}\n")
    with pytest.raises(SecretError, match="encrypted to another key"):
        opened(lab).get(PASSWORD)
    key.write_text(good)
    path.write_bytes(path.read_bytes()[:-60])
    with pytest.raises(SecretError, match="is damaged"):
        opened(lab).get(PASSWORD)
    key.write_text("# nothing\n")
    with pytest.raises(SecretError, match="holds no age key"):
        opened(lab).get(PASSWORD)


@pytest.mark.parametrize("plain", [b"", b"\xff", b"[]", b'{"a": 1}', b"HUNTER2"])
def test_what_is_inside_must_be_names_and_texts(lab: Path, plain: bytes) -> None:
    identity = pyrage.x25519.Identity.generate()
    vault = AgeVault(lab / "secrets.age", lab / "age.key")
    (lab / "age.key").touch(mode=0o600)
    (lab / "age.key").write_text(f"{identity}\n")
    (lab / "secrets.age").write_bytes(pyrage.encrypt(plain, [identity.to_public()], armored=True))
    with pytest.raises(SecretError, match="is damaged") as caught:
        vault.names()
    assert caught.value.__context__ is None


@given(content=st.binary())
def test_any_file_is_a_vault_or_an_error(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    folder = tmp_path_factory.getbasetemp()
    (folder / "age.key").touch(mode=0o600)
    (folder / "age.key").write_text(f"{pyrage.x25519.Identity.generate()}\n")
    (folder / "secrets.age").write_bytes(content)
    with pytest.raises(SecretError):
        AgeVault(folder / "secrets.age", folder / "age.key").names()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o601])
def test_a_key_that_others_can_read_is_refused(lab: Path, mode: int) -> None:
    opened(lab).ensure([PASSWORD])
    (lab / "config/abbey/age.key").chmod(mode)
    with pytest.raises(SecretError, match=r"others can read.*\n.*chmod 600"):
        opened(lab).get(PASSWORD)


def test_a_failed_write_leaves_the_old_file(lab: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened(lab).ensure([PASSWORD])
    before = (lab / "lab/secrets.age").read_bytes()
    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(SecretError, match="cannot be written: No space left") as caught:
        opened(lab).put("a", HIDDEN)
    assert CANARY not in everything_told(caught.value)
    assert (lab / "lab/secrets.age").read_bytes() == before
    assert [path.name for path in (lab / "lab").iterdir()] == ["secrets.age"]


def full_disk(handle: int) -> None:
    raise OSError(28, "No space left on device")


def everything_told(error: BaseException) -> str:
    """A traceback with the local variables of every frame: the most talkative report there is."""
    told = traceback.TracebackException.from_exception(error, capture_locals=True)
    return f"{error!r} {error} {''.join(told.format())}"


def test_no_secret_text_shows(lab: Path) -> None:
    vault = opened(lab)
    vault.put("app/canary", HIDDEN)
    secret = vault.get(SecretRef("app/canary"))
    state = vars(vault)
    shown = [
        repr(vault),
        str(vault),
        f"{vault}",
        repr(state),
        repr(secret),
        str(secret),
        f"{secret:>20}",
        f"{[secret]}",
    ]
    (lab / "lab/secrets.age").chmod(0o600)
    (lab / "lab/secrets.age").write_bytes(b"broken")
    with pytest.raises(SecretError) as caught:
        vault.put("app/other", HIDDEN)
    shown.append(everything_told(caught.value))
    for unpicklable in (secret, vault):
        with pytest.raises(TypeError) as refused:
            pickle.dumps(unpicklable)
        shown.append(everything_told(refused.value))
    assert not [text for text in shown if CANARY in text]
    assert CANARY not in (lab / "lab/secrets.age").read_text()


def test_the_key_is_where_the_environment_says() -> None:
    assert default_key_path({"ABBEY_AGE_KEY_FILE": "/k"}) == Path("/k")
    assert default_key_path({}) == Path.home() / ".config/abbey/age.key"
