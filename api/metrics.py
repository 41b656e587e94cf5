"""Figures for Prometheus: operations, stores, live connections, and gauges handed in as callbacks."""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from prometheus_client import CollectorRegistry, Gauge, generate_latest
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily

from api.logs import OperationRecord

MAX_OPERATION_NAMES = 200
DURATION_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


@dataclass(frozen=True, slots=True)
class GaugeSource:
    """A figure read when somebody scrapes: name without prefix, its meaning with the unit, how to read it."""

    name: str
    words: str
    read: Callable[[], float]


Labels = tuple[str, str, str]
"""Operation, kind, status."""


@dataclass(slots=True)
class Durations:
    """How many operations took up to each of DURATION_BUCKETS, and how many longer than all."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(DURATION_BUCKETS) + 1))
    seconds: float = 0.0

    def add(self, seconds: float) -> None:
        self.counts[bisect_left(DURATION_BUCKETS, seconds)] += 1
        self.seconds += seconds

    def cumulative(self) -> list[tuple[str, float]]:
        bounds = [*map(str, map(float, DURATION_BUCKETS)), "+Inf"]
        return list(zip(bounds, map(float, accumulate(self.counts)), strict=True))


@dataclass(slots=True, eq=False)
class OperationCounts:
    """Plain numbers, handed to the library when somebody scrapes: its own counters take a lock each time."""

    _finished: dict[Labels, int] = field(default_factory=dict)
    _durations: dict[str, Durations] = field(default_factory=dict)
    _names: set[str] = field(default_factory=set)

    def count(self, record: OperationRecord) -> None:
        name = self._bounded(record.operation or "anonymous")
        labels = (name, record.kind, record.status)
        self._finished[labels] = self._finished.get(labels, 0) + 1
        if record.kind != "subscription":
            durations = self._durations.get(name) or self._durations.setdefault(name, Durations())
            durations.add(record.duration_ms / 1000)

    def collect(self) -> Iterator[CounterMetricFamily | HistogramMetricFamily]:
        """What the registry asks for."""
        finished = CounterMetricFamily(
            "c360_operations", "Finished operations.", labels=("operation", "kind", "status")
        )
        for labels, number in self._finished.items():
            finished.add_metric(labels, number)
        yield finished
        seconds = HistogramMetricFamily(
            "c360_operation_seconds",
            "Time from the first byte read to the answer; subscriptions are not in it.",
            labels=("operation",),
        )
        for name, durations in self._durations.items():
            seconds.add_metric((name,), durations.cumulative(), durations.seconds)
        yield seconds

    def _bounded(self, name: str) -> str:
        """Names come from clients; past a bound new ones share a label, or a client could fill our memory."""
        if name in self._names:
            return name
        if len(self._names) >= MAX_OPERATION_NAMES:
            return "other"
        self._names.add(name)
        return name


class Metrics:
    """One registry per application, so that two in a process do not mix."""

    def __init__(self, sources: Sequence[GaugeSource] = ()) -> None:
        self._registry = CollectorRegistry()
        self._operations = OperationCounts()
        self._registry.register(self._operations)
        self._store_up = Gauge(
            "c360_store_up", "1 if the store answered when last asked.", ("store",), registry=self._registry
        )
        for source in sources:
            gauge = Gauge(f"c360_{source.name}", source.words, registry=self._registry)
            gauge.set_function(source.read)

    def count(self, record: OperationRecord) -> None:
        self._operations.count(record)

    def show_store(self, name: str, *, up: bool) -> None:
        self._store_up.labels(name).set(1 if up else 0)

    def text(self) -> bytes:
        return generate_latest(self._registry)
