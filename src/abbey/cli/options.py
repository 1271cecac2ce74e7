"""Options that many commands have."""

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
