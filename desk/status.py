"""How everything stands: gathered once, and shown alike by command, page and JSON."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any, TypeVar

import redis

from desk import show
from publish import indexer, rerender
from publish.web.views import Fact, Listing, StatusPage
from stories import keys
from stories.config import Config
from stories.db import Store, statistics, storage
from stories.db.statistics import TRIES, WORST, Broker, Status
from stories.db.stories import Hidden
from stories.logs import masked
from workers import address, pulse, queues
from workers.address import broker_address, client, key_prefix

PATIENCE = 3.0
"""Seconds the broker has to answer."""

Answer = TypeVar("Answer")


def gather(config: Config, store: Store, now: datetime, *, with_keys: bool = True) -> Status:
    """The status of everything, *with_keys* of the files of keys on this machine, too.

    :raises StoreError, SQLAlchemyError: when the database does not answer; the broker may be away.
    """
    refused = store.writes_refused()
    found = ask_broker(config, key_prefix(store))
    with store.read() as conn:
        status = statistics.status(conn, now, config.alerts.failing_after)
        faults = keys.faults(conn, config, now) if with_keys else ()
        anew = rerender.upto(conn)
        unindexed = indexer.behind(conn, config)
    kept = storage.summary(store, now, note=refused is None)
    overran = [
        f"{name}: {state.entries} where {feed.limit} are configured"
        for name, state in sorted(status.feeds.items())
        if (feed := config.feed(name)) is not None and state.entries > feed.limit
    ]
    return replace(
        status,
        database=store.name,
        writes_refused=refused,
        key_faults=faults,
        broker=found,
        rendering_anew=anew,
        unindexed=unindexed,
        overran=overran,
        **kept,
    )


def ask_broker(config: Config, prefix: str) -> Broker:
    """How the broker stands, or why it cannot be asked; within :data:`PATIENCE`. *prefix* is what
    our keys in it begin with."""

    def ask() -> Broker:
        with client(broker_address(config), PATIENCE, prefix) as connection:
            return broker(connection)

    try:
        found = within(PATIENCE, ask)
    except (redis.RedisError, OSError, ValueError) as error:
        return Broker(error=masked(address.away(config, error)))
    return found or Broker(error=f"no answer within {PATIENCE:g} s; see whether it runs")


def broker(connection: address.Broker) -> Broker:
    """How the broker stands.

    :raises redis.RedisError, OSError: when it cannot be reached.
    """
    refused = address.writes_refused(connection)
    return Broker(True, queues.depths(connection), pulse.alive(connection), refused)


def within(seconds: float, ask: Callable[[], Answer]) -> Answer | None:
    """What *ask* returns, None when it took longer. It is left behind then, in its own thread.

    Timeouts of sockets bound neither the resolving of a name nor the number of round trips.

    :raises Exception: whatever *ask* raises.
    """
    answers: list[Answer] = []
    raised: list[Exception] = []

    def run() -> None:
        try:
            answers.append(ask())
        except Exception as error:
            raised.append(error)

    thread = threading.Thread(target=run, name="asking", daemon=True)
    thread.start()
    thread.join(seconds)
    if raised:
        raise raised[0]
    return answers[0] if answers else None


def needs(status: Status) -> list[str]:
    """What waits for a person, in sentences; empty when nothing does.

    What mends itself is not in it: a poll that failed lately, a lease that ran out, work that is
    tried again. Nor is what waits for the desk: second looks, unless a fact
    changed, and stories without a headline.
    """
    found = []
    if status.writes_refused:
        found.append(f"the database takes no writes: {status.writes_refused}")
    found += status.key_faults
    if status.broker.reachable:
        if status.broker.error:
            found.append(f"the broker {status.broker.error}")
        alive = {mark.partition("@")[0] for mark in status.broker.alive}
        found += [
            f"no {member} is alive; start one: wirecopy up {member}"
            for member in pulse.MEMBERS
            if member not in alive
        ]
    else:
        found.append(f"broker: {status.broker.error}")
    for name, one, many in (
        ("paused", "wire is paused", "wires are paused"),
        (
            "failing_long",
            "wire fails for longer than alerts.failing_after",
            "wires fail for longer than alerts.failing_after",
        ),
        ("quiet", "wire is strangely quiet", "wires are strangely quiet"),
        ("faulty", "wire sends what cannot be read", "wires send what cannot be read"),
        ("late_long", "wire is not polled in time", "wires are not polled in time"),
    ):
        if count := status.counts.get(name, 0):
            found.append(f"{count} {one if count == 1 else many}")
    if recent := status.quarantine.recent:
        found.append(f"{recent} new in quarantine since yesterday; wirecopy captures --failed")
    if kills := status.quarantine.kills:
        found.append(
            f"{kills} {'kill waits' if kills == 1 else 'kills wait'} for a person, as no story is"
            " known by the id that the agency names; wirecopy captures --failed, then wirecopy kill"
        )
    if told := status.contradicted:
        found.append(
            f"{told} desk {'headline stands' if told == 1 else 'headlines stand'} over copy whose"
            " number, name or negation the wire changed; wirecopy stories --second-look"
        )
    if again := status.hidden.sent_again:
        stories = "story was" if len(again) == 1 else "stories were"
        found.append(
            f"{len(again)} killed {stories} sent again by the agency, which shows nobody anything"
            f" until `wirecopy release`: {', '.join(again[:WORST])}"
        )
    found += [
        f"wire {alert.subject} is offered keys that are not believed: {alert.message}"
        for alert in status.alerts
        if alert.kind == "keys"
    ]
    found += [
        f"the clock ran ahead: {alert.message}" for alert in status.alerts if alert.kind == "clock"
    ]
    found += [
        f"the log {alert.subject} lost {alert.message}"
        for alert in status.alerts
        if alert.kind == "log"
    ]
    found += [
        f"PostgreSQL failed over to {alert.subject}: {alert.message}"
        for alert in status.alerts
        if alert.kind == "failover"
    ]
    behind = [
        work for work in status.outbox_failures if work.kind == "export" and work.attempts >= TRIES
    ]
    found += [f"the exported folder is out of date: {work.error}" for work in behind]
    if stuck := status.outbox_stuck - len(behind):
        found.append(f"{stuck} in the outbox failed {TRIES} times or more")
    return found


def as_data(status: Status) -> dict[str, Any]:
    """*status* as JSON holds it (but instants), with what it :func:`needs`."""
    data = asdict(status)
    if status.broker.error is None:
        del data["broker"]["error"]
    return {**data, "needs": needs(status)}


def board(status: Status) -> StatusPage:
    """*status* as a person reads it."""
    return StatusPage(
        at=show.when(status.at),
        needs=tuple(needs(status)),
        facts=tuple(fact for fact in _facts(status) if fact.value),
        listings=tuple(listing for listing in _listings(status) if listing.rows),
    )


def _facts(status: Status) -> list[Fact]:
    now, broker_, oldest = status.at, status.broker, status.oldest_unrendered
    volume, days = status.captures, status.storage["days"]
    queued = ", ".join(f"{n} {queue}" for queue, n in broker_.queues.items() if n)
    unwell = ", ".join(
        f"{status.counts[name]} {name}"
        for name in ("failing", "paused", "faulty", "late", "quiet")
        if status.counts[name]
    )
    waiting = ", ".join(
        f"{work.count} {work.kind} (oldest {show.ago(work.oldest, now)}"
        + (f", {work.failed} failed)" if work.failed else ")")
        for work in status.outbox
    )
    leases = ", ".join(f"{n} {what}" for what, n in status.leases_expired.items() if n)
    return [
        Fact("database", status.database),
        Fact("broker", queued or "queues are empty", "good")
        if broker_.error is None
        else Fact("broker", broker_.error, "bad"),
        Fact("alive", ", ".join(broker_.alive) or "nobody", "good" if broker_.alive else "bad"),
        Fact("wires", f"{status.wires} ({unwell or 'all well'})", "bad" if unwell else "good"),
        Fact("stories", f"{status.stories} in {status.versions} versions"),
        *(
            Fact(
                f"feed {name}",
                f"matches {feed.selected} of {feed.of} stories of the last day",
                "plain" if feed.selected or not feed.of else "bad",
            )
            for name, feed in sorted(status.feeds.items())
        ),
        Fact("feeds beyond their limit", "; ".join(status.overran)),
        Fact("second look", _wait(status.second_look, "for the desk")),
        Fact("no headline", _wait(status.no_headline, "for the desk to write one")),
        Fact("hidden", _hidden(status.hidden)),
        Fact(
            "quarantine",
            str(status.quarantine.count),
            "bad" if status.quarantine.recent else "plain",
        ),
        Fact("waiting", waiting or "nothing"),
        Fact(
            "oldest change not in its feed",
            f"{oldest.kind} {oldest.key}, {show.ago(oldest.since, now)}" if oldest else "",
        ),
        Fact("not rendered", str(status.unrendered or "")),
        Fact(
            "rendering anew",
            f"all that changed before {show.when(status.rendering_anew)}, newest first"
            if status.rendering_anew
            else "",
        ),
        Fact(
            "not found by search yet",
            f"about {status.unindexed} changes" if status.unindexed else "",
        ),
        Fact("leases run out", leases),
        Fact("subscribers", _subscribers(status)),
        Fact(
            "captures",
            f"{volume['captures']} ({size(volume['received'])} received,"
            f" {size(volume['kept'])} kept)",
        ),
        Fact("storage", f"{size(status.storage['database'])}, the database"),
        Fact(f"kept a day, last {len(days)}", ", ".join(size(day["kept"]) for day in days)),
    ]


def _subscribers(status: Status) -> str:
    found = status.subscribers
    more = ", ".join(
        f"{count} {what}"
        for count, what in (
            (found.failing, "take nothing"),
            (found.behind, "have changes to come"),
            (found.unverified, "to be verified"),
        )
        if count
    )
    return f"{found.subscribed}{f' ({more})' if more else ''}" if found.subscribed or more else ""


def _hidden(hidden: Hidden) -> str:
    counts = {"killed": hidden.killed, "withheld": hidden.withheld}
    counts["under embargo"] = hidden.embargoed
    return ", ".join(f"{count} {status}" for status, count in counts.items() if count)


def _wait(count: int, whom: str) -> str:
    return f"{count} {'waits' if count == 1 else 'wait'} {whom}" if count else ""


def _listings(status: Status) -> list[Listing]:
    counts = status.counts
    problems = [
        {
            **asdict(problem),
            "capture": problem.capture_id,
            "item": problem.item or "all",
        }
        for problem in status.quarantine.newest
    ]
    failures = [asdict(work) for work in status.outbox_failures]
    failed = sum(work.failed for work in status.outbox)

    def listing(title: str, columns: str, rows: Sequence[Mapping[str, Any]], count: int) -> Listing:
        names = columns.split()
        cells = tuple(tuple(_cell(row[name], status.at) for name in names) for row in rows)
        titles = tuple(name.replace("_", " ") for name in names)
        return Listing(title, titles, cells, max(0, count - len(rows)))

    return [
        listing("Paused", "wire since message", status.paused, counts["paused"]),
        listing("Failing", "wire state since message next_poll", status.failing, counts["failing"]),
        listing("Strangely quiet", "wire since message", status.quiet, counts["quiet"]),
        listing("Cannot be read", "wire fault", status.faulty, counts["faulty"]),
        listing("Late", "wire since state", status.late, counts["late"]),
        listing(
            "Subscribers that take nothing",
            "host feed since error",
            [asdict(each) for each in status.subscribers.longest_failing],
            status.subscribers.failing,
        ),
        listing(
            "In quarantine",
            "wire capture item at state message",
            problems,
            status.quarantine.count,
        ),
        listing("Failed work, tried again", "kind key since attempts error", failures, failed),
    ]


def _cell(value: object, now: datetime) -> str:
    return show.ago(value, now) if isinstance(value, datetime) else show.safe(value)


def size(count: int) -> str:
    """*count* bytes as people say them, in powers of a thousand."""
    amount = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000:
            return (
                f"{amount:.0f} {unit}" if unit == "B" or amount >= 100 else f"{amount:.1f} {unit}"
            )
        amount /= 1000
    return f"{amount:.1f} TB"
