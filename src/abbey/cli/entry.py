"""Entry of the program: runs a command, and turns every way it can end into an exit code and words for a person."""

from __future__ import annotations

import os
import sys

import click

from abbey.cli.main import main
from abbey.errors import AbbeyError
from abbey.version import __version__

INTERRUPTED = 130


def run(arguments: list[str] | None = None) -> None:
    """Run a command and exit with its code. No traceback reaches a person for anything that Abbey foresees."""
    sys.exit(call(arguments))


def call(arguments: list[str] | None = None) -> int:
    """Run a command and return its exit code."""
    try:
        code = main.main(args=arguments, prog_name="abbey", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except AbbeyError as error:
        from abbey.cli import output

        output.error(error)
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted", err=True)
        return INTERRUPTED
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output went away, as `| head` does
        return 1
    except Exception as error:  # a fault of Abbey's own: kept for a report, not thrown at a person
        if os.environ.get("ABBEY_DEBUG"):
            raise
        return _fault_of_ours(error)
    return code if isinstance(code, int) else 0


def _fault_of_ours(error: Exception) -> int:
    import tempfile
    import traceback

    from abbey.cli import output

    with tempfile.NamedTemporaryFile("w", prefix="abbey-", suffix=".log", delete=False) as log:
        log.write(f"abbey {__version__}\n")
        log.writelines(traceback.format_exception(error))
    problem = AbbeyError(
        f"a fault in Abbey itself: {type(error).__name__}",
        hint=f"what you did is safe to repeat; {log.name} holds the details for a report",
    )
    output.error(problem)
    return problem.exit_code
