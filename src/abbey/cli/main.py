"""The commands. Each is a few lines that call one function; the imports stay inside, so that `--help` is quick."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from abbey.cli.app_commands import app
from abbey.cli.import_command import import_
from abbey.cli.options import Group
from abbey.cli.options import file as _file
from abbey.cli.options import hosts as _hosts
from abbey.cli.options import json as _json
from abbey.version import __version__

F = TypeVar("F", bound=Callable[..., Any])
SECTIONS = {
    "Describe the lab": ("init", "import", "app", "check", "render", "schema"),
    "Make it true": ("plan", "up", "down", "images"),
    "Look at it": ("status", "logs"),
    "Around it": ("secret", "demo", "completion"),
}


class Commands(Group):
    """The list of commands in sections, in the order in which a person needs them."""

    group_class = Group  # of every group inside

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the sections."""
        for title, names in SECTIONS.items():
            rows = [
                (name, command.get_short_help_str(90)) for name in names if (command := self.get_command(ctx, name))
            ]
            with formatter.section(title):
                formatter.write_dl(rows)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, "-V", "--version", prog_name="abbey", message="%(prog)s %(version)s")
def main() -> None:
    """One file describes the lab; `abbey up` makes it true on every host.

    \b
    First steps:
      abbey demo           see a two-host lab run on this machine, without Docker or an account
      abbey init           write a commented abbey.yaml
      abbey check          everything wrong with it, at once, each with its place
      abbey plan           what would change on the hosts, and why
      abbey up             make it so

    \b
    Exit codes: 0 done, 1 failed, 2 wrong call or file, 3 changes pending (plan),
    4 a host was not reached, 130 interrupted.
    """


@main.command()
@_file
@click.option("--one-host", is_flag=True, help="For a single machine; a second one is one more line later.")
def init(path: Path, *, one_host: bool) -> int:
    """Write a commented abbey.yaml to start from."""
    from abbey.cli.files import init as work

    return work(path, starter="one-host" if one_host else "two-hosts")


@main.command()
@_file
@_json
def check(path: Path, *, as_json: bool) -> int:
    """Say everything that is wrong with the file, or worth knowing."""
    from abbey.cli.checks import check as work

    return work(path, as_json=as_json)


@main.command()
@_file
@_hosts
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder to write, one folder per host.")
def render(path: Path, out: Path, *, hosts: tuple[str, ...]) -> int:
    """Write every host's files into a folder; secrets by name only."""
    from abbey.cli.files import render_to

    return render_to(path, out, hosts=hosts)


@main.command()
def schema() -> int:
    """Print the JSON Schema of abbey.yaml, for editors."""
    from abbey.cli.checks import schema as work

    return work()


@main.command()
@_file
@_hosts
@_json
@click.option("--offline", is_flag=True, help="Against empty hosts, without asking the real ones.")
def plan(path: Path, *, hosts: tuple[str, ...], as_json: bool, offline: bool) -> int:
    """Show what `up` would change on the hosts, and why. Exit code 3 when there is something."""
    from abbey.cli.apply import show_plan

    return show_plan(path, hosts=hosts, as_json=as_json, offline=offline)


@main.command()
@_file
@_hosts
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.option("--why", default="", metavar="TEXT", help="Reason for the lock and the audit log on the hosts.")
@click.option("--break-lock", is_flag=True, help="Take the hosts over from whoever holds them.")
@click.option(
    "--accept-empty", multiple=True, metavar="NAME", help="Let this service move without its data; may be repeated."
)
def up(
    path: Path, *, hosts: tuple[str, ...], yes: bool, why: str, break_lock: bool, accept_empty: tuple[str, ...]
) -> int:
    """Make the lab true: show the plan, ask, then do it. Running it again finishes what was interrupted."""
    from abbey.cli.apply import Wishes
    from abbey.cli.apply import up as work

    wishes = Wishes(hosts=hosts, yes=yes, break_lock=break_lock, accept_empty=accept_empty, reason=why)
    return work(path, wishes)


@main.command()
@_file
@_hosts
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.option("--volumes", is_flag=True, help="Also delete the apps' data. There is no way back.")
def down(path: Path, *, hosts: tuple[str, ...], yes: bool, volumes: bool) -> int:
    """Remove the lab's containers from its hosts; data and files stay."""
    from abbey.cli.stop import down as work

    return work(path, hosts=hosts, yes=yes, volumes=volumes)


@main.command()
@_file
@_hosts
@_json
def status(path: Path, *, hosts: tuple[str, ...], as_json: bool) -> int:
    """Show every service on every host, and what differs from the file."""
    from abbey.cli.look import status as work

    return work(path, hosts=hosts, as_json=as_json)


@main.command()
@_file
@_hosts
@_json
@click.argument("services", nargs=-1)
@click.option("--follow", is_flag=True, help="Go on until Ctrl-C.")
@click.option("--tail", default=100, show_default=True, metavar="N", type=click.IntRange(0), help="Lines per service.")
def logs(
    path: Path, services: tuple[str, ...], *, hosts: tuple[str, ...], follow: bool, tail: int, as_json: bool
) -> int:
    """Print what services say, from all hosts at once."""
    from abbey.cli.look import logs as work

    return work(path, services, hosts=hosts, follow=follow, tail=tail, as_json=as_json)


main.add_command(app)
main.add_command(import_)


@main.group(invoke_without_command=True)
@_file
@_json
@click.pass_context
def images(ctx: click.Context, path: Path, *, as_json: bool) -> int:
    """Show the version of every image: tag, digest, age. `images update` moves them."""
    if ctx.invoked_subcommand:
        ctx.obj = path
        return 0
    from abbey.cli.images import show

    return show(path, as_json=as_json)


@images.command("update")
@click.argument("names", nargs=-1, metavar="[APP]...")
@_file
@click.option("--to", default="", metavar="TAG", help="Go to this tag; needs one app or one of its services.")
@click.option("--major", is_flag=True, help="Also to newer major versions, where no data must be moved by hand.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.option("--dry-run", is_flag=True, help="Only show what would change.")
@click.pass_context
def images_update(
    ctx: click.Context, path: Path, names: tuple[str, ...], *, to: str, major: bool, yes: bool, dry_run: bool
) -> int:
    """Ask the registries for newer versions, show the plan, and pin them in images.yaml."""
    from abbey.cli.images import Wishes, update

    given = ctx.get_parameter_source("path") is not click.core.ParameterSource.DEFAULT
    return update(path if given else ctx.obj, Wishes(names=names, to=to, major=major, yes=yes, dry_run=dry_run))


@main.group()
def secret() -> None:
    """List, show or set secrets; they lie encrypted beside the file."""


@secret.command("list")
@_file
@_json
def secret_list(path: Path, *, as_json: bool) -> int:
    """Name every secret that the lab needs, and whether it exists."""
    from abbey.cli.vault import list_secrets

    return list_secrets(path, as_json=as_json)


@secret.command("show")
@click.argument("name")
@_file
def secret_show(path: Path, name: str) -> int:
    """Print one secret."""
    from abbey.cli.vault import show_secret

    return show_secret(path, name)


@secret.command("set")
@click.argument("name")
@_file
def secret_set(path: Path, name: str) -> int:
    """Store a secret, from standard input or asked for without showing it."""
    from abbey.cli.vault import set_secret

    return set_secret(path, name)


@main.group(invoke_without_command=True)
@click.option(
    "--check", "checking", is_flag=True, help="The whole round without a screen; the exit code is the verdict."
)
@click.option("--port", type=click.IntRange(1, 65535), help="Port of the address to open; 8080 or the next free one.")
@click.option("--keep", is_flag=True, help="Keep the demo's folder with its logs.")
@click.pass_context
def demo(ctx: click.Context, *, checking: bool, port: int | None, keep: bool) -> int:
    """Run a two-host lab here, as processes: no Docker, no account."""
    if ctx.invoked_subcommand:
        return 0
    from abbey.cli import demo as work

    return work.check() if checking else work.run(port=port, keep=keep)


@demo.command("kill")
@click.argument("host")
def demo_kill(host: str) -> int:
    """Kill every process of a host of the running demo at once."""
    from abbey.cli import demo as work

    return work.kill(host)


@demo.command("revive")
@click.argument("host")
def demo_revive(host: str) -> int:
    """Bring a killed host of the running demo back."""
    from abbey.cli import demo as work

    return work.revive(host)


@main.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> int:
    """Print the completion script for bash, zsh or fish."""
    from click.shell_completion import get_completion_class

    from abbey.cli import output

    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f"no completion for {shell}")
    output.raw(kind(main, {}, "abbey", "_ABBEY_COMPLETE").source())
    return 0
