"""The newest figures as Prometheus reads them, made when they are asked for, from what is known already."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain

from abbey_metrics.documents import HostView
from abbey_metrics.figures import HostFigures
from abbey_metrics.platform import Platform

PLAIN = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
_KINDS = {"application/openmetrics-text": True, "text/plain": False}


def content_type(accept: str) -> tuple[str, bool]:
    """Given the header Accept, return the type of the answer, and whether it is to be OpenMetrics.

    Of the two formats the one with the higher weight is taken, and Prometheus' plain one where nothing is preferred.
    """
    weights = {True: 0.0, False: 0.0}
    for wish in accept.split(",", maxsplit=64):
        kind, *parameters = (part.strip().lower() for part in wish.split(";"))
        told = dict(parameter.split("=", 1) for parameter in parameters if "=" in parameter)
        if kind in _KINDS and told.get("version", "1.0.0") in ("0.0.1", "0.0.4", "1.0.0"):
            weights[_KINDS[kind]] = max(weights[_KINDS[kind]], _weight(told.get("q", "1")))
    openmetrics = weights[True] > weights[False]
    return (OPENMETRICS, True) if openmetrics else (PLAIN, False)


def _weight(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


def exposition(
    views: Iterable[HostView],
    *,
    host: str,
    age: float | None,
    figures: HostFigures | None,
    platform: Platform | None,
    openmetrics: bool,
) -> bytes:
    """Given how the hosts look, this host's newest sample with its age, and what runs on it, return it as text."""
    # Imported only now: a lab without Prometheus never asks, and need not pay for it with memory.
    from abbey_metrics.families import Families, text
    from abbey_metrics.host_families import api_families, host_families
    from abbey_metrics.platform_families import platform_families, platform_faults

    make, missing = Families(host), list[str]()
    found = api_families(make, views, age)
    if figures:
        found = chain(found, host_families(make, figures))
        missing += figures.missing
    if platform:
        found = chain(found, platform_families(make, platform))
        missing += platform_faults(platform)
    about = "A part of the figures of which something could not be read."
    last = make.gauges("abbey_host_missing", about, ("part",), (((part,), 1.0) for part in missing))
    return text(chain(found, (last,)), openmetrics=openmetrics)
