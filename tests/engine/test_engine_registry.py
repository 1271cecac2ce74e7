"""The client for registries, against a real one and against a stand-in for what that does not do."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from abbey.engine import oci, registry
from abbey.engine.registry import Content, OciRepository, RegistryError, ask_all
from loopback import free_port
from registries import RealRegistry, digest_of, real_registry
from standin_registry import TOKEN, Answer, StandinRegistry, standin_registry

TAGS = ("1.0.0", "1.1.0", "v1.1.0", "1.1.0-alpine", "2.0.0-rc.1", "2.0.0")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


@pytest.fixture(scope="module")
def real(program: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealRegistry]:
    with real_registry(program("docker-registry"), tmp_path_factory.mktemp("registry")) as found:
        yield found


@pytest.fixture
def standin() -> Iterator[StandinRegistry]:
    with standin_registry() as found:
        found.add("app", "1.0.0", "1.1.0")
        yield found


def tags(ref: str) -> tuple[str, ...]:
    with OciRepository(ref) as repository:
        return repository.tags()


def content(ref: str, tag: str, known: Content | None = None) -> Content:
    with OciRepository(ref) as repository:
        return repository.content(tag, known)


def refusal(ref: str, tag: str = "") -> str:
    with pytest.raises(RegistryError) as caught:
        content(ref, tag) if tag else tags(ref)
    assert TOKEN not in str(caught.value)
    assert caught.value.hint
    return caught.value.message.removeprefix(f"{ref}: ")


def test_a_link_that_is_none_and_a_tag_without_end_harm_nobody(standin: StandinRegistry) -> None:
    ref = f"{standin.address}/app"
    body = json.dumps({"tags": ["1.0.0", "1-" + "-sha-" * 200_000]}).encode()
    standin.over = lambda method, path, headers: Answer(200, body)
    assert tags(ref) == ("1.0.0",)
    standin.over = lambda method, path, headers: Answer(200, body, {"Link": '<http://[/x>; rel="next"'})
    assert refusal(ref) == "its answer is not what a registry says"


@pytest.mark.process
def test_a_real_registry_tells_tags_and_content(real: RealRegistry) -> None:
    digest = real.push("group/app", *TAGS)
    assert set(tags(f"{real.address}/group/app")) == set(TAGS)
    assert content(f"{real.address}/group/app", "2.0.0") == Content(digest, "2026-10-01")


@pytest.mark.process
def test_an_image_for_one_platform_is_pinned_by_itself(real: RealRegistry) -> None:
    digest = real.push_single("single", "1.0", "2025-02-03T04:05:06Z")
    assert content(f"{real.address}/single", "1.0") == Content(digest, "2025-02-03")


@pytest.mark.process
def test_a_tag_that_was_pushed_again_has_another_digest(real: RealRegistry) -> None:
    before = content(f"{real.address}/moving", "1.0") if real.push("moving", "1.0") else None
    after = real.push("moving", "1.0", salt="again")
    assert before is not None
    assert content(f"{real.address}/moving", "1.0", before).digest == after != before.digest


@pytest.mark.process
def test_a_real_registry_says_what_it_does_not_have(real: RealRegistry) -> None:
    real.push("there", "1.0")
    assert refusal(f"{real.address}/nowhere") == "there is no such repository"
    assert refusal(f"{real.address}/there", "9.9") == "there is no tag 9.9"


@pytest.mark.parametrize("created", ["1970-01-01T00:00:00Z", "1980-01-01T00:00:00Z", "", "2026-13-45", "\x1b[2J"])
def test_an_image_without_a_believable_day_has_none(standin: StandinRegistry, created: str) -> None:
    digest = standin.add("old", "1.0", created=created)
    assert content(f"{standin.address}/old", "1.0") == Content(digest)


def test_all_pages_are_read_and_a_link_leads_nowhere_else(standin: StandinRegistry) -> None:
    standin.page = 3
    names = [f"1.{number}.0" for number in range(10, 20)]
    standin.add("paged", *names)
    assert tags(f"{standin.address}/paged") == tuple(names)
    assert sum("/tags/list" in asked for asked in standin.asked) == 4


def test_pages_without_end_are_an_error(standin: StandinRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(oci, "MAX_REQUESTS", 5)
    link = {"Link": '</v2/app/tags/list?last=x>; rel="next"'}
    standin.over = lambda method, path, headers: Answer(200, b'{"tags": ["x"]}', link)
    assert refusal(f"{standin.address}/app") == "its answer is not what a registry says"


def test_a_token_is_fetched_for_each_repository(standin: StandinRegistry) -> None:
    standin.token = True
    standin.add("group/other", "3.0")
    assert tags(f"{standin.address}/app") == ("1.0.0", "1.1.0")
    assert content(f"{standin.address}/group/other", "3.0").created == "2026-10-01"
    tokens = [asked for asked in standin.asked if "/token" in asked]
    assert len(tokens) == 2
    assert "scope=repository%3Agroup%2Fother%3Apull" in tokens[1]


def test_a_login_of_docker_is_used_and_never_told(standin: StandinRegistry, home: Path) -> None:
    standin.token, standin.login = True, base64.b64encode(b"ann:canary-password").decode()
    said = refusal(f"{standin.address}/app")
    assert said == "it asks for a login"
    (home / ".docker").mkdir()
    auths = {"auths": {standin.address: {"auth": standin.login}}}
    (home / ".docker" / "config.json").write_text(json.dumps(auths))
    assert tags(f"{standin.address}/app") == ("1.0.0", "1.1.0")


def test_the_login_at_docker_hub_has_a_name_of_its_own(home: Path) -> None:
    (home / ".docker").mkdir()
    auths = {"auths": {"https://index.docker.io/v1/": {"auth": "aHVi"}, "docker.io": {"auth": "b3RoZXI="}}}
    (home / ".docker" / "config.json").write_text(json.dumps(auths))
    with OciRepository("docker.io/library/postgres") as repository:
        repository._log_in()
        assert repository._client.auth._basic_auth == "aHVi"
        assert repository._base == "https://registry-1.docker.io/v2/library/postgres"


def test_a_configuration_of_docker_that_is_broken_is_an_error(standin: StandinRegistry, home: Path) -> None:
    (home / ".docker").mkdir()
    (home / ".docker" / "config.json").write_text("{")
    assert refusal(f"{standin.address}/app") == "~/.docker/config.json cannot be read"


def test_a_registry_that_leads_to_another_one(standin: StandinRegistry) -> None:
    standin.token = True
    with standin_registry() as front:
        front.over = lambda method, path, headers: Answer(307, b"", {"Location": f"http://{standin.address}{path}"})
        # Both have the address 127.0.0.1, and requests keeps credentials by host name and port.
        assert tags(f"{front.address}/app") == ("1.0.0", "1.1.0")


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_registry_is_asked_once_more(standin: StandinRegistry, status: int) -> None:
    answers = [Answer(status, b"", {"Retry-After": "0"})]
    standin.over = lambda method, path, headers: answers.pop() if answers else None
    assert tags(f"{standin.address}/app") == ("1.0.0", "1.1.0")
    standin.over = lambda method, path, headers: Answer(status, b"", {"Retry-After": "0"})
    said = refusal(f"{standin.address}/app")
    assert said == ("it was asked too often" if status == 429 else "it answers with the error 503")


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"<html>", b'{"tags": 3}', b'{"tags": [3]}', b"\xff\xfe", b"[" * 100_000],
)
def test_nonsense_is_told_as_such(standin: StandinRegistry, body: bytes) -> None:
    standin.over = lambda method, path, headers: Answer(200, body)
    with pytest.raises(RegistryError) if body != b"[]" else pytest.raises(AssertionError):
        assert tags(f"{standin.address}/app")
    with pytest.raises(RegistryError, match="is not what a registry says"):
        content(f"{standin.address}/app", "1.0.0")


def test_a_list_without_an_image_has_no_day(standin: StandinRegistry) -> None:
    body = b'{"manifests": [{"digest": 3}, "x", {"platform": {"os": "unknown"}, "digest": "sha256:00"}]}'
    standin.over = lambda method, path, headers: Answer(200, body)
    assert content(f"{standin.address}/app", "1.0.0") == Content(digest_of(body))


def test_content_that_is_not_what_it_says_is_refused(standin: StandinRegistry) -> None:
    standin.over = lambda method, path, headers: Answer(200, b"{}", {"Docker-Content-Digest": "sha256:" + "0" * 64})
    assert refusal(f"{standin.address}/app", "1.0.0") == "its answer is not the content that it names"


def test_what_is_known_is_asked_without_content(standin: StandinRegistry) -> None:
    known = content(f"{standin.address}/app", "1.0.0")
    standin.asked.clear()
    assert content(f"{standin.address}/app", "1.0.0", known) is known
    assert standin.asked == ["HEAD /v2/app/manifests/1.0.0"]


def test_silence_and_size_are_bounded(standin: StandinRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(oci, "TIMEOUT", (1.0, 0.2))
    standin.over = lambda method, path, headers: Answer(delay=1.0)
    assert refusal(f"{standin.address}/app").startswith("no answer within")
    monkeypatch.setattr(oci, "MAX_BYTES", 1 << 20)
    standin.over = lambda method, path, headers: Answer(200, b" " * (2 << 20))
    assert refusal(f"{standin.address}/app") == "its answer is larger than 1 MiB"


def test_nobody_there_and_an_answer_that_breaks_off(standin: StandinRegistry) -> None:
    assert refusal(f"127.0.0.1:{free_port()}/app") == "it was not reached"
    standin.over = lambda method, path, headers: Answer(200, b"{}", {"Content-Encoding": "gzip"})
    assert refusal(f"{standin.address}/app") == "its answer broke off"


@pytest.mark.parametrize(
    ("challenge", "said"),
    [
        ("", "it asks for a login"),
        ('Basic realm="here"', "it asks for a login"),
        ("Bearer", "its answer is not what a registry says"),
        ('Bearer realm="http://127.0.0.1:1/token"', "it was not reached"),
    ],
)
def test_a_login_that_cannot_be_answered(standin: StandinRegistry, challenge: str, said: str) -> None:
    standin.over = lambda method, path, headers: Answer(401, b"", {"Www-Authenticate": challenge})
    assert refusal(f"{standin.address}/app") == said


@pytest.mark.parametrize(
    ("host", "here"),
    [
        ("localhost:5000", True),
        ("127.0.0.1", True),
        ("localhost", True),
        ("ghcr.io", False),
        ("localhost.example", False),
    ],
)
def test_only_this_machine_is_asked_without_encryption(host: str, here: bool) -> None:
    assert oci.is_here(host) is here
    client = oci.Client(host)
    with client.session:
        assert client.prefix == ("http" if here else "https")


def test_a_registry_elsewhere_cannot_lead_to_an_open_line() -> None:
    with oci.Client("registry.example").session as session, pytest.raises(Exception, match="without encryption"):
        session.get("http://127.0.0.1:1/")


def test_questions_are_asked_together_and_one_that_fails_stops_no_other() -> None:
    meeting = threading.Barrier(3, timeout=10)

    def failing() -> int:
        meeting.wait()
        raise RegistryError("x: no")

    answers = ask_all({"a": meeting.wait, "b": failing, "c": meeting.wait})
    assert isinstance(answers["b"], RegistryError)
    assert {type(answers["a"]), type(answers["c"])} == {int}


def test_a_question_without_an_answer_is_given_up() -> None:
    answers = ask_all({"slow": lambda: time.sleep(2), "quick": lambda: None}, patience=0.2)
    assert answers["quick"] is None
    assert "slow: no answer" in str(answers["slow"])


def test_a_fault_of_our_own_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError):
        ask_all({"a": lambda: 1 / 0})
    assert registry.ask_all({}) == {}
