"""Families of figures of one host. A figure that is not known is left out; none is ever zero instead."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.exposition import generate_latest as plain_text
from prometheus_client.openmetrics.exposition import generate_latest as openmetrics_text
from prometheus_client.registry import Collector

V = TypeVar("V")
Values = Iterable[tuple[tuple[str, ...], V | None]]
# What the end of a name says about its figures; OpenMetrics tells it on a line of its own.
UNITS = ("bytes", "seconds", "celsius", "ratio", "hertz")


class Families:
    """Makes families of which every figure has the label `host`.

    Of two figures with the same labels the later one counts: Prometheus would refuse both, and all others with them.
    """

    def __init__(self, host: str) -> None:
        self._host = host

    def one(self, name: str, about: str, value: float | None) -> Metric:
        """Return a family with one figure, or without any when it is not known."""
        return self.gauges(name, about, (), [((), value)])

    def gauges(self, name: str, about: str, labels: tuple[str, ...], values: Values[float]) -> Metric:
        """Return a family of figures that rise and fall."""
        family = GaugeMetricFamily(name, about, labels=("host", *labels), unit=_unit(name))
        for found, value in _known(values).items():
            family.add_metric((self._host, *found), value)
        return family

    def counters(self, name: str, about: str, labels: tuple[str, ...], values: Values[float]) -> Metric:
        """Return a family of figures that only grow; `_total` is added to their names."""
        family = CounterMetricFamily(name, about, labels=("host", *labels), unit=_unit(name))
        for found, value in _known(values).items():
            family.add_metric((self._host, *found), value)
        return family

    def infos(self, name: str, about: str, labels: tuple[str, ...], values: Values[dict[str, str]]) -> Metric:
        """Return a family of words about what `labels` name; `_info` is added to their names."""
        family = InfoMetricFamily(name, about, labels=("host", *labels))
        for found, said in _known(values).items():
            family.add_metric((self._host, *found), {key: _clean(text) for key, text in said.items()})
        return family


class _Known(Collector):
    """Those families that have a figure."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        """Return them, once."""
        return (family for family in self._families if family.samples)


def text(families: Iterable[Metric], *, openmetrics: bool) -> bytes:
    """Given families, return those that have a figure as Prometheus reads them."""
    write = openmetrics_text if openmetrics else plain_text
    return bytes(write(_Known(families)))


def _unit(name: str) -> str:
    unit = name.rpartition("_")[2]
    return unit if unit in UNITS else ""


def _known(values: Values[V]) -> dict[tuple[str, ...], V]:
    return {tuple(map(_clean, labels)): value for labels, value in values if value is not None}


def _clean(text: str) -> str:
    """Return the text with what is no UTF-8 replaced: a mount point may be called anything."""
    return text.encode(errors="replace").decode()
