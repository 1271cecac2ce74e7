"""A host over the system's OpenSSH client: the user's own configuration, agent, jump hosts and known keys."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from abbey.engine.process import Children
from abbey.engine.shell import Result
from abbey.errors import HostError

CONFIG_VARIABLE = "ABBEY_SSH_CONFIG"  # names a configuration file to use instead of ~/.ssh/config
CONNECTION_FAILED = 255  # what ssh itself returns; a command's own 255 cannot be told from it
OPTIONS = (
    "BatchMode=yes",  # a question nobody sees must fail instead of hang
    "StrictHostKeyChecking=yes",  # whatever the user's configuration says
    "ConnectTimeout=10",
    "ServerAliveInterval=5",
    "ServerAliveCountMax=3",
    "ControlMaster=auto",
    "ControlPersist=60",
    "ClearAllForwardings=yes",
    "RemoteCommand=none",
    "ForwardAgent=no",
    "LogLevel=ERROR",
)

_HINTS = (
    (
        r"REMOTE HOST IDENTIFICATION HAS CHANGED|host key .* has changed",
        "its host key is not the one that is known",
        "if the host was installed anew, compare the new key on its console, then `ssh-keygen -R {name}` and"
        " `ssh {target}` once; if not, somebody may be in between",
    ),
    (
        r"Host key verification failed|No .* host key is known",
        "its host key is not known yet",
        "run `ssh {target}` once and compare the key with the one on the host's console",
    ),
    (
        r"Permission denied|Too many authentication failures",
        "it does not accept the login",
        "`ssh {target}` must work without a password: load your key into the agent or `ssh-copy-id {target}`",
    ),
    (
        r"Could not resolve hostname",
        "its name is not known",
        "look at `ssh:` of this host in the lab file, and at your ~/.ssh/config",
    ),
    (
        r"timed out|not responding|No route to host|Network is unreachable",
        "it does not answer",
        "is it on, and is its network up? `ssh {target}` tells more",
    ),
    (r"Connection refused", "it refuses the connection", "does sshd run there, and on this port?"),
)


class SshShell:
    """Runs commands on `target` (`user@name` or `ssh://user@name:port`) over one shared connection."""

    def __init__(self, host: str, target: str, *, environ: Mapping[str, str] = os.environ) -> None:
        self._host = host
        self._target = target
        self._config = environ.get(CONFIG_VARIABLE, "")
        self._runtime = environ.get("XDG_RUNTIME_DIR", "")
        self._folder: Path | None = None
        self._children = Children()

    def run(self, argv: Sequence[str], *, stdin: bytes = b"", timeout: float | None = None) -> Result:
        """Run the command to its end. Raise HostError when the host is not reached or does not answer in time.

        A connection that died in silence is noticed after 15 s. Ssh itself then connects anew if the command cannot
        have started; if it may have, that is an error here, because only the caller knows whether to repeat it.
        """
        try:
            result = self._children.run(self._command(argv), stdin=stdin, timeout=timeout)
        except TimeoutError as error:
            self._hang_up()
            raise HostError(self._host, str(error), hint=f"does `ssh {self._target}` still answer?") from None
        if result.code == CONNECTION_FAILED:
            raise self._failure(result.complaint)
        return result

    def stream(self, argv: Sequence[str]) -> Iterator[str]:
        """Yield the lines of the command's output as they come; closing the iterator ends the command."""
        last = ""
        lines = self._children.stream(self._command(argv))
        while True:
            try:
                last = next(lines)
            except StopIteration as end:
                if end.value == CONNECTION_FAILED:
                    raise self._failure(last) from None
                return
            yield last

    def close(self) -> None:
        """End every command that still runs, the shared connection and its socket."""
        self._children.kill()
        self._hang_up()
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def _command(self, argv: Sequence[str]) -> list[str]:
        """Return the local command. Here, and nowhere else, the remote command is quoted."""
        return [*self._ssh(), "-T", "--", self._target, shlex.join(argv)]

    def _ssh(self) -> list[str]:
        if self._folder is None:
            # Short, because a socket's whole path must fit into 104 bytes; private, because it is an open door.
            base = self._runtime if self._runtime and len(self._runtime) < 40 else "/tmp"  # noqa: S108
            self._folder = Path(tempfile.mkdtemp(prefix="abbey-", dir=base))
        config = ["-F", self._config] if self._config else []
        options = [word for option in OPTIONS for word in ("-o", option)]
        return ["ssh", *config, *options, "-o", f"ControlPath={self._folder}/s"]

    def _hang_up(self) -> None:
        if self._folder and (self._folder / "s").exists():
            with contextlib.suppress(TimeoutError):
                self._children.run([*self._ssh(), "-O", "exit", "--", self._target], timeout=5)
            (self._folder / "s").unlink(missing_ok=True)

    def _failure(self, complaint: str) -> HostError:
        name = re.sub(r"^(ssh://)?([^@]*@)?", "", self._target).rstrip("/")
        for pattern, message, hint in _HINTS:
            if re.search(pattern, complaint, re.IGNORECASE):
                return HostError(self._host, message, hint=hint.format(target=self._target, name=name))
        return HostError(
            self._host,
            f"the connection was lost: {complaint.strip().splitlines()[-1]}",
            hint="run the command again: what was begun will be finished",
        )
