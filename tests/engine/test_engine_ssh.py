"""Against a real sshd on loopback, started by the test as the current user."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from abbey.engine.ssh import CONFIG_VARIABLE, SshShell
from abbey.errors import HostError

SSHD = shutil.which("sshd", path="/usr/sbin:/usr/local/sbin:/usr/bin")
pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(SSHD is None, reason="the program sshd is not installed (package openssh-server)"),
]


@dataclass(frozen=True)
class Server:
    """A running sshd, and an ssh configuration in which it is `monk`."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes]

    def know(self, key: str) -> None:
        """Make this key the known one; "" makes it unknown."""
        line = f"[127.0.0.1]:{self.port} {(self.folder / f'{key}.pub').read_text()}" if key else ""
        (self.folder / "known_hosts").write_text(line)

    def shell(self, target: str = "monk") -> SshShell:
        return SshShell("monk", target, environ={CONFIG_VARIABLE: str(self.folder / "ssh_config")})


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("sshd")
    for name in ("host_key", "other_host_key", "client"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", folder / name], check=True)
    shutil.copy(folder / "client.pub", folder / "authorized_keys")
    if os.geteuid() == 0:  # sshd separates privileges there; its package makes the folder at boot
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    port = _free_port()
    settings = {
        "ListenAddress": f"127.0.0.1:{port}",
        "HostKey": folder / "host_key",
        "AuthorizedKeysFile": folder / "authorized_keys",
        "PidFile": "none",
        "UsePAM": "no",
        "StrictModes": "no",
        "PasswordAuthentication": "no",
        "KbdInteractiveAuthentication": "no",
        "PermitRootLogin": "prohibit-password",
    }
    (folder / "sshd_config").write_text("".join(f"{name} {value}\n" for name, value in settings.items()))
    client = {
        "HostName": "127.0.0.1",
        "Port": port,
        "User": getpass.getuser(),
        "IdentityFile": folder / "client",
        "IdentitiesOnly": "yes",
        "IdentityAgent": "none",
        "UserKnownHostsFile": folder / "known_hosts",
        "GlobalKnownHostsFile": "/dev/null",
        "StrictHostKeyChecking": "no",  # as careless people write; Abbey must not follow
    }
    lines = "".join(f"  {name} {value}\n" for name, value in client.items())
    refused = lines.replace(str(folder / "client"), str(folder / "other_host_key"))
    text = f"Host monk\n{lines}Host stranger\n{refused}Host closed\n{lines.replace(str(port), '1')}"
    (folder / "ssh_config").write_text(text)
    log = (folder / "sshd.log").open("wb")
    command = [str(SSHD), "-D", "-e", "-f", str(folder / "sshd_config")]
    with log, subprocess.Popen(command, stderr=log, stdin=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 20
        while not _listens(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError((folder / "sshd.log").read_text())
        yield Server(folder, port, process)
        process.terminate()


@pytest.fixture
def server(running: Server) -> Server:
    running.know("host_key")
    return running


def _connections(server: Server) -> int:
    return (server.folder / "sshd.log").read_text().count("Accepted publickey")


def _masters(shell: SshShell) -> list[int]:
    found = subprocess.run(["pgrep", "-f", f"^ssh: {shell._folder}/s"], capture_output=True, text=True, check=False)
    return [int(word) for word in found.stdout.split()]


def test_output_code_and_stdin_come_through(server: Server) -> None:
    with closing(server.shell()) as shell:
        result = shell.run(["sh", "-c", "cat; echo no >&2; exit 7"], stdin=b"\0\xffbytes" * 100_000)
    assert (result.code, result.out, result.err) == (7, b"\0\xffbytes" * 100_000, b"no\n")


def test_nasty_arguments_survive(server: Server) -> None:
    nasty = ["", " ", "a b", "$(id)", "`id`", "'", '"', "\\", "*", "~", "a\nb", "; exit 3", "-n", "é", "#", "!x", "&&"]
    with closing(server.shell()) as shell:
        assert shell.run(["printf", "%s\\0", *nasty]).out.decode().split("\0")[:-1] == nasty


def test_one_connection_serves_many_commands_and_close_leaves_nothing(server: Server) -> None:
    before = _connections(server)
    shell = server.shell()
    with closing(shell):
        for _ in range(5):
            assert shell.run(["true"]).code == 0
        assert _connections(server) - before == 1
        folder = shell._folder
        assert folder is not None
        assert folder.stat().st_mode & 0o777 == 0o700
        (master,) = _masters(shell)
    assert not folder.exists()
    deadline = time.monotonic() + 10
    while Path(f"/proc/{master}").exists():
        assert time.monotonic() < deadline, "the shared connection outlived its shell"


def test_a_dead_connection_is_replaced(server: Server) -> None:
    with closing(server.shell()) as shell:
        shell.run(["true"])
        (master,) = _masters(shell)
        os.kill(master, 9)
        assert shell.run(["echo", "again"], timeout=30).out == b"again\n"


def test_a_connection_that_dies_under_a_command_is_an_error_not_a_repetition(server: Server) -> None:
    counter = server.folder / "counter"
    with closing(server.shell()) as shell:
        shell.run(["true"])
        (master,) = _masters(shell)
        script = f"echo x >> {counter}; kill -9 {master}; exec sleep 1"
        with pytest.raises(HostError) as caught:
            shell.run(["sh", "-c", script], timeout=30)
    assert "run the command again" in caught.value.hint
    assert counter.read_text() == "x\n"


def test_a_command_that_does_not_end_is_given_up(server: Server) -> None:
    with closing(server.shell()) as shell:
        with pytest.raises(HostError, match=r"monk: no answer within 0\.5 s"):
            shell.run(["sleep", "5"], timeout=0.5)
        assert shell.run(["echo", "still there"]).out == b"still there\n"


def test_an_unknown_key_is_refused_and_says_how_to_learn_it(server: Server) -> None:
    server.know("")
    with closing(server.shell()) as shell, pytest.raises(HostError) as caught:
        shell.run(["true"])
    assert caught.value.message == "monk: its host key is not known yet"
    assert "run `ssh monk` once and compare the key" in caught.value.hint
    assert (server.folder / "known_hosts").read_text() == "", "nothing may be learned silently"


def test_a_changed_key_is_refused(server: Server) -> None:
    server.know("other_host_key")
    with closing(server.shell()) as shell, pytest.raises(HostError) as caught:
        shell.run(["true"])
    assert caught.value.message == "monk: its host key is not the one that is known"
    assert "somebody may be in between" in caught.value.hint


def test_a_refused_login_says_what_must_work(server: Server) -> None:
    with closing(server.shell("stranger")) as shell, pytest.raises(HostError) as caught:
        shell.run(["true"])
    assert caught.value.message == "monk: it does not accept the login"
    assert "`ssh stranger` must work without a password" in caught.value.hint


def test_a_closed_port_and_an_unknown_name_are_told_apart(server: Server) -> None:
    with closing(server.shell("closed")) as shell, pytest.raises(HostError, match="it refuses the connection"):
        shell.run(["true"])
    with (
        closing(server.shell("no-such-name.invalid")) as shell,
        pytest.raises(HostError, match="its name is not known"),
    ):
        shell.run(["true"])


def test_a_target_that_looks_like_an_option_is_a_name(server: Server, tmp_path: Path) -> None:
    with closing(server.shell(f"-oProxyCommand=touch {tmp_path}/owned")) as shell, pytest.raises(HostError):
        shell.run(["true"])
    assert list(tmp_path.iterdir()) == []


def test_lines_come_as_they_are_written_and_closing_ends_the_command(server: Server) -> None:
    with closing(server.shell()) as shell:
        assert list(shell.stream(["sh", "-c", "echo one; echo two >&2; exit 3"])) == ["one", "two"]
        endless = shell.stream(["sh", "-c", "while echo tick; do sleep 0.1; done"])
        assert next(endless) == "tick"
        endless.close()  # type: ignore[attr-defined]
        assert shell.run(["true"]).code == 0


def test_a_stream_from_an_unknown_host_is_an_error(server: Server) -> None:
    server.know("")
    with closing(server.shell()) as shell, pytest.raises(HostError, match="its host key is not known yet"):
        list(shell.stream(["true"]))
