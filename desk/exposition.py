"""``/metrics``: the status and what the workers counted, in Prometheus' text format.

Labels are kinds of states and of work, configured feeds, and the first :data:`WIRES_NAMED`
configured wires: bounded, and none that a wire can make.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta

import redis
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from desk.status import broker
from stories import clock
from stories.config import Config
from stories.db import Connection, SQLAlchemyError, Store, alerts, statistics
from stories.errors import StoreError
from workers import pulse
from workers.address import Broker
from workers.alerts import WORDS
from workers.metrics import Collected, outcome

WIRES_NAMED = 500
"""Wires that have series of their own: the first ones configured, so that they stay the same. Of
all there are sums."""

WELL_WITHIN = (60, 300, 900, 3600, 21_600, 86_400)
"""Seconds within which it is counted how many wires were polled well."""

WORK = (
    *("ingest", "story", "feed", "alert", "ping", "picture"),
    *("export", "export-story", "export-feed", "export-page"),
)
"""Kinds of work in the outbox."""

GAUGES = {
    "database_up": ("", "1 when the database answers, else 0."),
    "web_stale_seconds": (
        "",
        "Since when the database has not confirmed what this web serves; 0 while it does.",
    ),
    "wires": ("state", "Configured wires, by how their last poll went."),
    "wires_unwell": (
        "what",
        "Configured wires with which something is wrong; one may be counted under several.",
    ),
    "wires_polled_within": (
        "seconds",
        "Configured wires that were polled well within so many seconds.",
    ),
    "wire_polled_age_seconds": (
        "wire",
        "Since when a wire was last known to be polled well; of the first wires configured.",
    ),
    "wire_news_age_seconds": (
        "wire",
        "Since when a wire has brought no news; of the first wires configured.",
    ),
    "alerts": ("kind", "Alerts that stand, by kind."),
    "due_lag_seconds": ("", "For how long the wire that waits longest has been due for its poll."),
    "unrendered_oldest_seconds": ("", "Since when the oldest change waits to be in its feed."),
    "leases_expired": (
        "kind",
        "Leases that ran out and were not taken over yet, by what was leased.",
    ),
    "subscriptions": ("state", "Subscriptions to feeds; one may be counted under several states."),
    "second_looks": ("", "Stories that wait for the desk's second look."),
    "stories_without_headline": ("", "Stories that wait for a headline."),
    "stories": ("", "Stories on record."),
    "versions": ("", "Versions on record."),
    "stories_unrendered": ("", "Stories on record without an entry."),
    "stories_hidden": ("state", "Stories on record that nobody sees, by why."),
    "quarantined": ("", "Captures and items that could not be taken in."),
    "kills_waiting": ("", "Kills of a day that wait for a person, as it is not known of what."),
    "outbox": ("kind", "Work wanted and not yet done, by kind."),
    "outbox_failed": ("kind", "Work that failed and waits for another try, by kind."),
    "outbox_oldest_seconds": ("kind", "For how long the oldest work has been wanted, by kind."),
    "feed_entries": ("feed", "Entries in a feed."),
    "feed_age_seconds": ("feed", "Since when a feed's bytes have been the same."),
    "alive": ("member", "Processes that left a sign of life lately, by kind."),
    "queue": ("queue", "Messages that wait in a queue."),
}
"""Each gauge without its prefix ``wirecopy_``: its label, if it has one, and what it says."""

Values = Mapping[str, float | Mapping[str, float]]


def figures(
    config: Config, store: Store, connection: Broker, stale: Callable[[], float] = lambda: 0.0
) -> CollectorRegistry:
    """What ``/metrics`` shows, as everything stands when it is asked; *stale* is since how many
    seconds this web has served what it cannot confirm."""
    registry = CollectorRegistry()
    registry.register(Collected(connection))
    registry.register(Gauges(config, store, connection, stale))
    return registry


class Gauges(Collector):
    """The gauges, read when they are asked for. What is away has none: absent figures are honest,
    zeros are not."""

    def __init__(
        self, config: Config, store: Store, connection: Broker, stale: Callable[[], float]
    ) -> None:
        self._stale = stale
        self._config = config
        self._store = store
        self._connection = connection

    def collect(self) -> Iterator[Metric]:
        """All of them, as they are now."""
        yield from families({"web_stale_seconds": self._stale()})
        try:
            with self._store.read() as conn:
                yield from families({"database_up": 1, **of_the_store(conn, self._config)})
        except (SQLAlchemyError, StoreError):
            yield from families({"database_up": 0})
        try:
            yield from families(of_the_broker(self._connection))
        except (redis.RedisError, OSError):
            return


def families(values: Values) -> list[Metric]:
    """*values*, by the names of :data:`GAUGES`, as Prometheus' metrics."""
    found: list[Metric] = []
    for name, value in values.items():
        label, help_text = GAUGES[name]
        family = GaugeMetricFamily(f"wirecopy_{name}", help_text, labels=[label] if label else [])
        for key, number in value.items() if isinstance(value, Mapping) else (("", value),):
            family.add_metric([key] if label else [], float(number))
        found.append(family)
    return found


def of_the_store(conn: Connection, config: Config) -> Values:
    """What the database has."""
    now = clock.now()
    status = statistics.status(conn, now, config.alerts.failing_after)
    alarmed = alerts.counts(conn)
    due = statistics.oldest_due(conn, now)
    fresh = statistics.freshness(conn, [wire.name for wire in config.wires[:WIRES_NAMED]])
    well = statistics.well_since(conn, [now - timedelta(seconds=s) for s in WELL_WITHIN])
    oldest = status.oldest_unrendered
    work = {waiting.kind: waiting for waiting in status.outbox}
    rendered = {f.name: status.feeds[f.name] for f in config.outgoing if f.name in status.feeds}
    outcomes: dict[str, int] = {}
    for state, count in status.states.items():
        outcomes[outcome(state)] = outcomes.get(outcome(state), 0) + count

    def age(moment: datetime) -> float:
        return (now - moment).total_seconds()

    return {
        "wires": dict(sorted(outcomes.items())),
        "wires_unwell": {n: status.counts[n] for n in ("paused", "faulty", "late", "failing")},
        "wires_polled_within": dict(zip(map(str, WELL_WITHIN), well, strict=True)),
        "wire_polled_age_seconds": {w.name: age(w.good_at) for w in fresh if w.good_at},
        "wire_news_age_seconds": {w.name: age(w.news_at) for w in fresh if w.news_at},
        "alerts": {kind: alarmed.get(kind, 0) for kind in WORDS},
        "due_lag_seconds": age(due) if due else 0,
        "unrendered_oldest_seconds": age(oldest.since) if oldest else 0,
        "leases_expired": status.leases_expired,
        "subscriptions": {
            "subscribed": status.subscribers.subscribed,
            "failing": status.subscribers.failing,
            "behind": status.subscribers.behind,
            "unverified": status.subscribers.unverified,
        },
        "second_looks": status.second_look,
        "stories_without_headline": status.no_headline,
        "stories": status.stories,
        "versions": status.versions,
        "stories_unrendered": status.unrendered,
        "stories_hidden": {
            "killed": status.hidden.killed,
            "withheld": status.hidden.withheld,
            "embargoed": status.hidden.embargoed,
        },
        "quarantined": status.quarantine.count,
        "kills_waiting": status.quarantine.kills,
        "outbox": {kind: work[kind].count if kind in work else 0 for kind in WORK},
        "outbox_failed": {kind: work[kind].failed if kind in work else 0 for kind in WORK},
        "outbox_oldest_seconds": {k: age(work[k].oldest) if k in work else 0 for k in WORK},
        "feed_entries": {name: feed.entries for name, feed in rendered.items()},
        "feed_age_seconds": {name: age(feed.modified) for name, feed in rendered.items()},
    }


def of_the_broker(connection: Broker) -> Values:
    """What the broker has.

    :raises redis.RedisError, OSError: when it cannot be reached.
    """
    found = broker(connection)
    members = [mark.partition("@")[0] for mark in found.alive]
    return {
        "alive": {member: members.count(member) for member in pulse.MEMBERS},
        "queue": found.queues,
    }
