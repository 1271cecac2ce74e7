"""The command `abbey import`; its work is imported inside, as in main.py."""

from __future__ import annotations

from pathlib import Path

import click

from abbey.cli.options import file as _file
from abbey.cli.options import json as _json


@click.command("import")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@_file
@_json
@click.option("--name", default="", metavar="NAME", help="Name of the app, if not the project's.")
@click.option("--service", default="", metavar="KEY", help="Service that visitors open, if not the first web port's.")
@click.option("--profile", "profiles", multiple=True, metavar="NAME", help="Take its services too; may be repeated.")
@click.option("--force", is_flag=True, help="Replace app files and secrets of an earlier import.")
@click.option("--dry-run", is_flag=True, help="Only say what would be written, and what could not be carried over.")
def import_(
    paths: tuple[Path, ...],
    path: Path,
    *,
    name: str,
    service: str,
    profiles: tuple[str, ...],
    force: bool,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Turn Compose files, or folders of them, into apps; name what was lost."""
    from abbey.cli.imports import Wishes
    from abbey.cli.imports import run as work

    wishes = Wishes(name=name, service=service, profiles=profiles, force=force, dry_run=dry_run, as_json=as_json)
    return work(paths, path, wishes)
