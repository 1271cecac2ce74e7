"""Reads a program on standard input and runs it. Ends with 0 when all is done, 1 when not, 2 when it is no program."""

from __future__ import annotations

import sys

from abbey_steps.program import ProgramError, read
from abbey_steps.run import StepError, run


def main() -> int:
    """Return the exit code; what is wrong is one line on standard error."""
    try:
        run(read(sys.stdin.buffer.read()))
    except ProgramError as error:
        return _say(str(error), 2)
    except StepError as error:
        return _say(str(error), 1)
    except KeyboardInterrupt:
        return _say("interrupted", 1)
    except Exception as error:  # its text, or a traceback, could hold what was sent
        return _say(f"it stopped by an unforeseen {type(error).__name__}", 1)
    return 0


def _say(line: str, code: int) -> int:
    sys.stderr.buffer.write(f"{line}\n".encode(errors="replace"))
    return code


if __name__ == "__main__":
    sys.exit(main())
