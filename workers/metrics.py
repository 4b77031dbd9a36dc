"""Metrics of workers on any machine, added up in the broker, for the web's ``/metrics``.

Worker processes come and go and run on several machines, so Prometheus cannot scrape them. Each
adds to one hash in the broker instead, once per task. When the broker loses it, the metrics start
from nothing, which Prometheus understands as a counter's restart; nothing else depends on them.
"""

import json
import math
import threading
import time
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import redis
import structlog
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from net.client import STATES
from net.places import STATES as PLACE_STATES
from workers.address import Broker

KEY = "metrics"
"""The hash, after the prefix of our keys: field ``["metric", ["label value", …], part]`` as JSON,
value a number."""

PAUSE = 5.0
"""Seconds without a try after the broker could not be reached, so that no task waits for it."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Counter:
    """A number that only grows. Label values must come from a small, fixed set."""

    name: str
    help: str
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Histogram:
    """Observations in seconds, counted by *buckets* (upper bounds, rising)."""

    name: str
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = (0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300)


TASK_SECONDS = Histogram(
    "wirecopy_task_seconds", "How long tasks ran, by task and outcome.", ("task", "outcome")
)

POLLS = Counter("wirecopy_polls", "Polls, by outcome.", ("outcome",))

POLL_LAG = Histogram(
    "wirecopy_poll_lag_seconds",
    "From the moment a wire was due until its answer was written down.",
    buckets=(0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 3, 5, 8, 13, 20, 30, 60, 120, 300, 900),
)

WIRE_TO_FEED = Histogram(
    "wirecopy_wire_to_feed_seconds",
    "From the receipt of a story's newest version, or the desk's act, until it stood in its feeds.",
    buckets=(0.1, 0.25, 0.5, 1, 2, 3, 5, 10, 30, 60, 300, 3600),
)

OUTCOMES = frozenset(
    (
        *("new", "ok", "unchanged", "not-modified", *STATES, *PLACE_STATES),
        *("http-401", "http-403", "http-404", "http-410", "http-429", "http-503"),
    )
)
"""The outcomes of a poll, and states of a wire, that are labels; other statuses by class."""


def outcome(state: str) -> str:
    """*state* of a wire as a label: itself, or for a rare HTTP status its class (``http-5xx``)."""
    if state in OUTCOMES:
        return state
    status = state.removeprefix("http-")
    return f"http-{status[0]}xx" if status[:1] in tuple("12345") and status != state else "other"


LEASES_LOST = Counter(
    "wirecopy_leases_lost",
    "Wires that were no longer leased when their poll began, or ended.",
    ("when",),
)

PUSHES = Counter(
    "wirecopy_pushes", "What became of what callbacks were asked and sent.", ("outcome",)
)

PICTURES = Counter(
    "wirecopy_pictures", "What became of pictures that were to be kept.", ("outcome",)
)

WIRE_TO_SUBSCRIBER = Histogram(
    "wirecopy_wire_to_subscriber_seconds",
    "From the receipt of a story's newest version, or the desk's act, until a subscriber took it.",
    buckets=WIRE_TO_FEED.buckets,
)

AnyMetric = Counter | Histogram

METRICS: tuple[AnyMetric, ...] = (
    *(TASK_SECONDS, POLLS, POLL_LAG, LEASES_LOST, WIRE_TO_FEED),
    *(PUSHES, WIRE_TO_SUBSCRIBER, PICTURES),
)
"""All of them."""


class Tally:
    """What one process has counted and not yet sent to the broker; its threads may share it."""

    def __init__(self) -> None:
        self._amounts: dict[str, float] = {}
        self._lock = threading.Lock()
        self._resume = 0.0

    def count(self, counter: Counter, *labels: str, amount: float = 1) -> None:
        """Add *amount* to *counter* for these label values."""
        self._add(counter, labels, "total", amount)

    def observe(self, histogram: Histogram, *labels: str, seconds: float) -> None:
        """Count one observation of *seconds*."""
        self._add(histogram, labels, str(bisect_left(histogram.buckets, seconds)), 1)
        self._add(histogram, labels, "sum", seconds)

    def _add(self, metric: AnyMetric, labels: tuple[str, ...], part: str, amount: float) -> None:
        if len(labels) != len(metric.labels):
            raise ValueError(f"{metric.name} has the labels {metric.labels}, not {len(labels)}")
        self._put({json.dumps([metric.name, labels, part]): amount})

    def _put(self, amounts: dict[str, float]) -> None:
        with self._lock:
            for field, amount in amounts.items():
                self._amounts[field] = self._amounts.get(field, 0) + amount

    def flush(self, broker: Broker) -> None:
        """Send everything in one round trip; on failure keep it and try again later."""
        if not self._amounts or time.monotonic() < self._resume:
            return
        with self._lock:
            amounts, self._amounts = self._amounts, {}
        pipe = broker.pipeline(transaction=True)
        for field, amount in amounts.items():
            pipe.hincrbyfloat(broker.prefix + KEY, field, amount)
        try:
            pipe.execute()
        except (redis.RedisError, OSError) as error:
            self._resume = time.monotonic() + PAUSE
            self._put(amounts)
            log.debug("metrics not sent", error=str(error))


class Collected(Collector):
    """The metrics of all workers, for a :class:`prometheus_client.CollectorRegistry`."""

    def __init__(self, broker: Broker, metrics: Iterable[AnyMetric] = METRICS) -> None:
        self._broker = broker
        self._metrics = tuple(metrics)

    def collect(self) -> Iterator[Metric]:
        """Each metric; none without a broker, since a zero would be wrong."""
        try:
            key = self._broker.prefix + KEY
            found: dict[bytes, bytes] = self._broker.hgetall(key)  # type: ignore[assignment]
        except (redis.RedisError, OSError):
            return
        yield from families(self._metrics, {k.decode(): float(v) for k, v in found.items()})


def families(metrics: Iterable[AnyMetric], amounts: dict[str, float]) -> Iterator[Metric]:
    """*amounts*, fields of the hash, as Prometheus' metrics. Unknown fields are left out."""
    parts: dict[str, dict[tuple[str, ...], dict[str, float]]] = {}
    for field, amount in amounts.items():
        name, labels, part = json.loads(field)
        parts.setdefault(name, {}).setdefault(tuple(labels), {})[part] = amount
    for one in metrics:
        series = sorted(parts.get(one.name, {}).items())
        if isinstance(one, Counter):
            counter = CounterMetricFamily(one.name, one.help, labels=one.labels)
            for labels, values in series:
                counter.add_metric(labels, values.get("total", 0))
            yield counter
        else:
            histogram = HistogramMetricFamily(one.name, one.help, labels=one.labels)
            for labels, values in series:
                histogram.add_metric(labels, _cumulative(one, values), values.get("sum", 0))
            yield histogram


def _cumulative(histogram: Histogram, values: dict[str, float]) -> list[tuple[str, float]]:
    total, buckets = 0.0, []
    for number, bound in enumerate(map(floatToGoString, (*histogram.buckets, math.inf))):
        total += values.get(str(number), 0)
        buckets.append((bound, total))
    return buckets
