"""The commands of `abbey app`; the imports stay inside, as in main.py."""

from __future__ import annotations

from pathlib import Path

import click

from abbey.cli.options import Group
from abbey.cli.options import file as _file
from abbey.cli.options import json as _json


@click.group(cls=Group)
def app() -> None:
    """Look at the apps of the catalog, or begin one of your own."""


@app.command("list")
@_file
@_json
def app_list(path: Path, *, as_json: bool) -> int:
    """Name every app, and where it runs in this lab."""
    from abbey.cli.apps import list_apps

    return list_apps(path, as_json=as_json)


@app.command("show")
@click.argument("name", metavar="APP")
@_file
@_json
def app_show(path: Path, name: str, *, as_json: bool) -> int:
    """Tell what an app needs, promises and costs, and how to add it."""
    from abbey.cli.apps import show_app

    return show_app(path, name, as_json=as_json)


@app.command("new")
@click.argument("name")
@_file
@click.option("--image", metavar="REF:TAG", help="Its container image, as after `docker pull`.")
@click.option(
    "--port", default=8080, show_default=True, type=click.IntRange(1, 65535), help="Where it listens in its container."
)
def app_new(path: Path, name: str, *, image: str | None, port: int) -> int:
    """Begin a data file for an app that the catalog lacks: a commented apps/NAME.yaml."""
    from abbey.cli.apps import new_app

    return new_app(path, name, image=image, port=port)


@app.command("check")
@click.argument("name", metavar="[APP]", required=False)
@_file
@_json
def app_check(path: Path, name: str | None, *, as_json: bool) -> int:
    """Hold your own data files to the catalog's rules.

    Exit code 1 when something is found.
    """
    from abbey.cli.apps import check_apps

    return check_apps(path, name, as_json=as_json)
