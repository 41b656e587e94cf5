"""Figures for Prometheus: operations, stores, live connections, and gauges handed in as callbacks."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from api.logs import OperationRecord

MAX_OPERATION_NAMES = 200
DURATION_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


@dataclass(frozen=True, slots=True)
class GaugeSource:
    """A figure read when somebody scrapes: name without prefix, its meaning with the unit, how to read it."""

    name: str
    words: str
    read: Callable[[], float]


class Metrics:
    """One registry per application, so that two in a process do not mix."""

    def __init__(self, sources: Sequence[GaugeSource] = ()) -> None:
        self._registry = CollectorRegistry()
        self._names: set[str] = set()
        self._labelled: dict[tuple[str, str, str], tuple[Counter, Histogram | None]] = {}
        self._operations = Counter(
            "c360_operations",
            "Finished operations.",
            ("operation", "kind", "status"),
            registry=self._registry,
        )
        self._seconds = Histogram(
            "c360_operation_seconds",
            "Time from the first byte read to the answer; subscriptions are not in it.",
            ("operation",),
            buckets=DURATION_BUCKETS,
            registry=self._registry,
        )
        self._store_up = Gauge(
            "c360_store_up", "1 if the store answered when last asked.", ("store",), registry=self._registry
        )
        for source in sources:
            gauge = Gauge(f"c360_{source.name}", source.words, registry=self._registry)
            gauge.set_function(source.read)

    def count(self, record: OperationRecord) -> None:
        name = self._bounded(record.operation or "anonymous")
        counter, histogram = self._of(name, record.kind, record.status)
        counter.inc()
        if histogram:
            histogram.observe(record.duration_ms / 1000)

    def _of(self, name: str, kind: str, status: str) -> tuple[Counter, Histogram | None]:
        """The figures with these labels; looking them up in the library costs as much as counting."""
        key = (name, kind, status)
        if key not in self._labelled:
            histogram = None if kind == "subscription" else self._seconds.labels(name)
            self._labelled[key] = (self._operations.labels(*key), histogram)
        return self._labelled[key]

    def show_store(self, name: str, *, up: bool) -> None:
        self._store_up.labels(name).set(1 if up else 0)

    def text(self) -> bytes:
        return generate_latest(self._registry)

    def _bounded(self, name: str) -> str:
        """Names come from clients; past a bound new ones share a label, or a client could fill our memory."""
        if name not in self._names and len(self._names) >= MAX_OPERATION_NAMES:
            return "other"
        self._names.add(name)
        return name
