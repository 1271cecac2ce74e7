"""Pages about the apps, made from their data files: one page each, and a table of all."""

from __future__ import annotations

import re
from collections.abc import Mapping

from abbey.catalog.card import card, entry_lines
from abbey.catalog.schema import App

_SPAN = re.compile(r"(`[^`]*`|https?://[^\s<>]+)")
_HEAD = "<!-- Written from src/abbey/catalog/apps/{file}; edit that one. -->\n\n"


def pages(apps: Mapping[str, App]) -> dict[str, str]:
    """Return every page by its file name; README.md is the table. Parts of the platform have none."""
    chosen = {name: app for name, app in sorted(apps.items()) if app.kind == "app"}
    return {"README.md": _index(chosen)} | {f"{name}.md": page(name, app) for name, app in chosen.items()}


def page(name: str, app: App) -> str:
    """Return the page of one app as Markdown."""
    text = f"# {_plain(app.title)}\n\n{_HEAD.format(file=f'{name}.yaml')}{_plain(app.summary)}. <{app.home}>\n"
    text += f"\n## Adding it\n\n```yaml\n{entry_lines(name, app)}```\n"
    for section in card(name, app):
        rows = "".join(f"- {_plain(row)}\n" for row in section.rows)
        text += f"\n## {section.title}\n\n{rows}"
    return text


def _index(apps: Mapping[str, App]) -> str:
    rows = "".join(_row(name, app) for name, app in apps.items())
    return (
        f"# The apps of the catalog\n\n{_HEAD.format(file='')}"
        "`abbey app list` prints this table, and `abbey app show APP` the page of an app.\n\n"
        "| App | What it is | Login | State, best first | Memory |\n|---|---|---|---|---|\n"
        f"{rows}"
    )


def _row(name: str, app: App) -> str:
    contracts = ", ".join(app.contracts)
    memory = app.uses.memory if app.uses else ""
    cells = (f"[{_plain(app.title)}]({name}.md)", _plain(app.summary), app.sso.mode, contracts, memory)
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |\n"


def _plain(text: str) -> str:
    """Return the text so that Markdown shows it as it is; code spans and addresses stay."""
    pieces = _SPAN.split(text)
    return "".join(
        piece if place % 2 else re.sub(r"([*\\\[\]<])", r"\\\1", piece) for place, piece in enumerate(pieces)
    )
