"""The only module that prints. Results go to standard output; progress, questions and errors to standard error."""

from __future__ import annotations

import json
import shutil
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from abbey.errors import AbbeyError
from abbey.report import Finding, Severity

if TYPE_CHECKING:
    from abbey.sim.board import Board
    from abbey.sim.demo import Event

NARROWEST = 24  # letters in a line of the last column of a table; with less room the terminal folds better itself
_COLOURS = {"+": "green", "~": "yellow", "-": "red"}
_STATES = {"healthy": "green", "running": "green", "starting": "yellow", "missing": "red", "unhealthy": "red"}


def line(text: str = "") -> None:
    """Print a line of the result."""
    click.echo(text)


def raw(text: str) -> None:
    """Print text as it is, without a further line end."""
    click.echo(text, nl=False)


def note(text: str) -> None:
    """Tell the person something that is not the result."""
    click.echo(text, err=True)


def document(value: Any) -> None:
    """Print a JSON document."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def error(problem: AbbeyError) -> None:
    """Tell what went wrong and what helps."""
    text = str(problem)
    for index, row in enumerate(text.splitlines()):
        if row.strip().startswith("hint:"):
            click.echo(click.style(row, dim=True), err=True)
        else:
            head = click.style("error: ", fg="red", bold=True) if index == 0 else ""
            click.echo(f"{head}{row}", err=True)


def plan(text: str) -> None:
    """Print the text of a plan, coloured by its signs."""
    for row in text.splitlines():
        sign = row.strip()[:1]
        if row.startswith("  ") and sign in _COLOURS and row[2:4] == f"{sign} ":
            click.echo(click.style(row[:3], fg=_COLOURS[sign], bold=True) + row[3:])
        elif row.startswith("warning: "):
            click.echo(click.style("warning: ", fg="yellow", bold=True) + row.removeprefix("warning: "))
        elif row and not row.startswith(" ") and ":" not in row:
            click.echo(click.style(row, bold=True))
        else:
            click.echo(row)


def table(rows: Iterable[Sequence[str]], *, head: Sequence[str]) -> None:
    """Print rows in columns; a column named STATE is coloured. On a narrow terminal the last column is folded."""
    cells = [list(head), *(list(row) for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    before = sum(widths[:-1]) + 2 * len(widths[:-1])
    room = shutil.get_terminal_size().columns - before if sys.stdout.isatty() else 0
    for number, row in enumerate(cells):
        first, *rest = textwrap.wrap(row[-1], room) or [""] if room >= NARROWEST else [row[-1]]
        shown = [
            _cell(text, bold=number == 0, state=head[column] == "STATE") + " " * (widths[column] - len(text))
            for column, text in enumerate([*row[:-1], first])
        ]
        click.echo("  ".join(shown).rstrip())
        for line in rest:
            click.echo(" " * before + line)


def _cell(text: str, *, bold: bool, state: bool) -> str:
    if bold:
        return click.style(text, dim=True)
    return click.style(text, fg=_STATES[text]) if state and text in _STATES else text


def section(title: str, rows: Iterable[str]) -> None:
    """Print a heading and the sentences below it, folded to the width of the terminal."""
    width = min(100, shutil.get_terminal_size((100, 24)).columns)
    click.echo(f"\n{click.style(title, bold=True)}")
    for row in rows:
        folder = textwrap.TextWrapper(width, initial_indent="  ", subsequent_indent="    ")
        folder.break_long_words = folder.break_on_hyphens = False
        click.echo(folder.fill(row))


def interactive() -> bool:
    """Return whether a person sits at both ends."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def agreed(question: str) -> bool:
    """Ask, and return whether the answer was yes."""
    return click.confirm(question, default=False, err=True)


def progress(host: str, text: str, *, outcome: str = "", seconds: float = 0.0, width: int = 8) -> None:
    """Tell that something on a host began (no outcome) or how it ended."""
    marks = {"": ("…", "cyan"), "ok": ("✓", "green"), "failed": ("✗", "red"), "skipped": ("-", "yellow")}
    mark, colour = marks[outcome]
    took = f"  {seconds:.1f} s" if outcome in ("ok", "failed") else ""
    click.echo(f"{host:<{width}} {click.style(mark, fg=colour)} {text}{took}", err=True)


def finding(found: Finding) -> None:
    """Print what a rule found: how grave, about what, and what to do."""
    colour = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.NOTE: "cyan"}[found.severity]
    click.echo(f"{click.style(found.severity, fg=colour)} {found.rule}: {found.message}")
    click.echo(click.style(f"    why: {found.why}\n    fix: {found.fix}", dim=True))


def demo_event(event: Event) -> None:
    """Tell what happens in the demo; the address to open stands out."""
    if event.kind == "ready":
        click.echo(f"\n  {click.style(event.text, fg='cyan', bold=True)}\n")
    elif event.kind == "probe":
        failed = event.text.startswith("FAILED")
        click.echo(click.style(event.text, fg="red") if failed else event.text)
    elif event.kind == "step":
        click.echo(click.style(f"{event.text} …", dim=True))
    else:
        label = {"real": "real: ", "stand-in": "stand-in: ", "login": "log in: "}.get(event.kind, "")
        click.echo(f"  {label}{event.text}")


@contextmanager
def live() -> Iterator[Callable[[Board], None]]:
    """Give a function that draws the demo's board in place; without a terminal it prints what changed."""
    if not sys.stdout.isatty():
        last: list[str] = []
        yield lambda board: _print_changes(board, last)
        return
    from rich.console import Console
    from rich.live import Live

    with Live(console=Console(), refresh_per_second=4, transient=True) as display:
        yield lambda board: display.update(_board_text(board))


def _print_changes(board: Board, last: list[str]) -> None:
    if last[-1:] != [board.truth]:
        last[:] = [board.truth]
        click.echo(board.truth)


def _board_text(board: Board) -> Any:
    from rich.text import Text

    text = Text()
    for host in board.hosts:
        mark, style = ("●", "green") if host.alive else ("○", "red")
        text.append(f"  {mark} {host.name:<10}", style=f"bold {style}")
        for name, alive in host.programs:
            text.append(f" {name}", style="dim" if alive else "red strike")
        text.append("\n" if host.alive else " killed\n")
    visits = board.visits
    text.append(f"\n  visitors  {visits.asked} asked, {visits.failed} failed\n", style="bold")
    text.append(f"  {board.truth}\n")
    text.append(
        f"\n  try in another terminal: {board.advice}\n  Ctrl-C ends it and leaves nothing behind.", style="dim"
    )
    return text
