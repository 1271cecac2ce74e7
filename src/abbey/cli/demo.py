"""`abbey demo`: draws what the two-host lab on this machine tells."""

from __future__ import annotations

from abbey.cli import output
from abbey.errors import AbbeyError

_NEEDS = "`make demo` in the checkout, or install the extra `demo`"


def run(*, port: int | None, keep: bool) -> int:
    """Run the demo until Ctrl-C and return 0."""
    try:
        from abbey.sim import demo
    except ImportError as error:
        raise AbbeyError(f"the demo needs a package that is not installed: {error.name}", hint=_NEEDS) from None
    with output.live() as board:
        return demo.run(None, port=port, on_event=output.demo_event, board=board, keep=keep)


def check() -> int:
    """Run the whole round without a screen, and return 0 when everything was as it must be."""
    try:
        from abbey.sim import supervise, verdict
    except ImportError as error:
        raise AbbeyError(f"the demo needs a package that is not installed: {error.name}", hint=_NEEDS) from None
    try:
        found = verdict.check(output.demo_event)
    except supervise.EndedError:
        raise KeyboardInterrupt from None
    passed = sum(one.passed for one in found.probes)
    output.line(f"{passed} of {len(found.probes)} probes passed in {found.seconds:.0f} s")
    return found.exit_code


def kill(host: str) -> int:
    """Kill a host of the running demo."""
    from abbey.sim import demo

    output.line(demo.kill(host))
    return 0


def revive(host: str) -> int:
    """Bring a host of the running demo back."""
    from abbey.sim import demo

    output.line(demo.revive(host))
    return 0
