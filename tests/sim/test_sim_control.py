from __future__ import annotations

import os
import threading
from collections.abc import Callable

import pytest

from abbey.errors import AbbeyError, UsageError
from abbey.sim.control import Control, Order, give

NAME = f"test-control-{os.getpid()}"


def answered(obey: Callable[[Order], str]) -> str:
    """Give one order to a control that obeys like this, and return the answer."""
    control = Control(NAME)
    thread = threading.Thread(target=control.serve, args=(obey,), kwargs={"wait": 10})
    thread.start()
    try:
        return give(Order("kill", "monk"), name=NAME)
    finally:
        thread.join()
        control.close()


def test_an_order_arrives_and_its_answer_returns() -> None:
    assert answered(lambda order: f"{order.verb} {order.host}") == "kill monk"


def test_an_error_of_usage_arrives_as_one_with_its_hint() -> None:
    def refuse(order: Order) -> str:
        raise UsageError("down already", hint="revive it")

    with pytest.raises(UsageError, match="down already") as raised:
        answered(refuse)
    assert raised.value.hint == "revive it"


def test_a_failure_is_not_an_error_of_usage() -> None:
    def fail(order: Order) -> str:
        raise AbbeyError("it did not start")

    with pytest.raises(AbbeyError, match="it did not start") as raised:
        answered(fail)
    assert not isinstance(raised.value, UsageError)


def test_without_a_demo_the_error_says_how_to_start_one() -> None:
    with pytest.raises(UsageError, match="no demo of yours is running") as raised:
        give(Order("kill", "monk"), name=f"{NAME}-none")
    assert "abbey demo" in raised.value.hint


def test_one_name_is_one_demo() -> None:
    control = Control(NAME)
    try:
        with pytest.raises(UsageError, match="running already"):
            Control(NAME)
    finally:
        control.close()
