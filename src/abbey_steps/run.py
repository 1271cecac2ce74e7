"""A program against an app: one call after the other, until all are done or one is not answered as it must be."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from typing import Any

from jmespath.exceptions import JMESPathError
from jmespath.parser import ParsedResult

from abbey_steps import fill
from abbey_steps.client import Answer, Client, NotReachedError, NotSentError
from abbey_steps.excerpt import Sent, excerpt
from abbey_steps.program import Call, Program

AWAY = frozenset({502, 503, 504})  # statuses of an app that is still coming up
PAUSE = 1.0  # seconds between two attempts of the first call


class StepError(Exception):
    """A call did not end well. Its text is one line for people, without anything that was sent."""


def run(program: Program, *, sleep: Callable[[float], None] = time.sleep) -> None:
    """Make the calls in order. Raise StepError at the first that does not end well."""
    _Run(program, sleep).all()


class _Run:
    """One run: the client with its cookies, what was kept, and what must not be shown."""

    def __init__(self, program: Program, sleep: Callable[[float], None]) -> None:
        self._program = program
        self._sleep = sleep
        self._client = Client(program.base)
        self._kept: dict[str, Any] = {}
        self._sent = Sent()
        self._answered = False

    def all(self) -> None:
        for call in self._program.calls:
            try:
                self._one(call)
            except (NotReachedError, NotSentError, fill.NotKeptError) as error:
                what = "no answer" if isinstance(error, NotReachedError) else "it cannot be sent"
                raise StepError(f"{call.name}: {what}: {error}") from None

    def _one(self, call: Call) -> None:
        if call.when and not _true(_evaluated(call.when, {**self._kept, "kept": self._kept}, call)):
            return
        answer = self._ask(call)
        if answer.status not in call.expect:
            raise StepError(f"{call.name}: expected {_either(call.expect)}, got {self._shown(answer)}")
        known = {"status": answer.status, "headers": answer.headers, "body": answer.body, "kept": self._kept}
        new = {name: _evaluated(expression, known, call) for name, expression in call.keep.items()}
        self._kept |= new
        self._sent.add([value for value in new.values() if isinstance(value, str)])  # a document is for reading
        if call.check and not _true(_evaluated(call.check, known, call)):
            wanted = call.says or f"not true of the answer: {call.check.expression}"
            raise StepError(f"{call.name}: {wanted}; got {self._shown(answer)}")

    def _ask(self, call: Call) -> Answer:
        """Return the answer to a call; repeat the first one as long as the app is coming up and patience lasts."""
        path = fill.path(call.path, self._kept)
        headers = {name: fill.text(text, self._kept) for name, text in call.headers.items()}
        form = None if call.form is None else {name: fill.text(text, self._kept) for name, text in call.form.items()}
        body = fill.value(call.json, self._kept)
        self._sent.add([headers, form, body, re.split("[?&=]", path)[1:]])
        if call.onto is not None:
            body = fill.merged(fill.value(f"{{{{kept.{call.onto}}}}}", self._kept), body)
        deadline = time.monotonic() + (0 if self._answered else self._program.patience)
        while True:
            late = time.monotonic() >= deadline
            try:
                answer = self._client.ask(call.method, path, headers=headers, json_body=body, form=form)
            except NotReachedError as error:
                if late:
                    waited = "" if self._answered else f", for {self._program.patience:g} s"
                    raise NotReachedError(f"{error}{waited}") from None
            else:
                if late or answer.status not in AWAY or answer.status in call.expect:
                    self._answered = True
                    return answer
            self._sleep(min(PAUSE, max(0.0, deadline - time.monotonic())))

    def _shown(self, answer: Answer) -> str:
        return f"{answer.status} with {excerpt(answer.body, self._sent)}"


def _evaluated(expression: ParsedResult, known: Any, call: Call) -> Any:
    try:
        return expression.search(known)
    except JMESPathError:  # its text would hold the value that did not fit
        raise StepError(f"{call.name}: this does not fit the answer: {expression.expression}") from None


def _true(value: Any) -> bool:
    """Return whether JMESPath takes the value for true; unlike in Python, 0 is."""
    return value is not None and value is not False and value not in ("", [], {})


def _either(statuses: Sequence[int]) -> str:
    *others, last = map(str, statuses)
    return f"{', '.join(others)} or {last}" if others else last
