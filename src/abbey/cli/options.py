"""What many commands have: their options, and a group that names near misses."""

from __future__ import annotations

from pathlib import Path

import click

file = click.option(
    "-f",
    "--file",
    "path",
    default="abbey.yaml",
    show_default=True,
    type=click.Path(path_type=Path),
    help="The lab's file.",
)
json = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
hosts = click.option("--host", "hosts", multiple=True, metavar="NAME", help="Only this host; may be repeated.")


class Group(click.Group):
    """A group of commands that names the nearest one for a word that is none."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that is called. Raise UsageError with the nearest name when there is none."""
        import difflib

        name = args[0] if args else ""
        if name and not name.startswith("-") and self.get_command(ctx, name) is None:
            near = difflib.get_close_matches(name, self.list_commands(ctx), n=1)
            hint = f"did you mean `{ctx.command_path} {near[0]}`?" if near else f"see `{ctx.command_path} --help`"
            raise click.UsageError(f"there is no command {name}; {hint}", ctx)
        return super().resolve_command(ctx, args)
