"""How everything stands: gathered as values, for the command, for the page and for JSON."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any, TypeVar

import redis

from desk import show
from publish.web.board import Board, Fact, Listing
from stories.config import Config
from stories.db import Store, alerts, captures, feeds, key_value, outbox, retention, statistics
from stories.db import stories as records
from stories.db.statistics import Listed, Unfinished
from stories.logs import masked
from workers import pulse, queues
from workers.address import broker_url, client
from workers.alerts import FAILING_FOR

WORST = 20
"""Rows shown of each list: an operator mends the first ones first."""

LATE = timedelta(minutes=1)
"""A wire this long past its time is late: what is due is claimed every second."""

LATE_TOO_LONG = timedelta(minutes=10)
"""Lateness that budgets of politeness and a busy hour no longer explain."""

TRIES = 5
"""Attempts after which work that fails does not mend itself: four minutes of them."""

RECENT = timedelta(days=1)
"""For how long something new in quarantine calls for a person; it is listed for ever."""

PATIENCE = 3.0
"""Seconds the broker has to say how it stands."""

WORTH = 100
"""How many times as long as it took to add them up figures of storage serve."""

WORTH_NOTING = 0.2
"""Seconds that adding up must take for its outcome to be noted at all."""

_STORAGE = "status:storage"

Answer = TypeVar("Answer")


def gather(config: Config, store: Store, now: datetime) -> dict[str, Any]:
    """Everything the operator wants to know at once, as JSON holds it (but instants).

    Lists hold the worst :data:`WORST` only; ``counts`` says how many there are.

    :raises StoreError, SQLAlchemyError: when the database does not answer; the broker may be away.
    """
    broker = broker_told(config)
    with store.read() as conn:
        states = statistics.states(conn)
        lists = {
            "failing": statistics.failing(conn, WORST),
            "paused": statistics.paused(conn, WORST),
            "faulty": statistics.faulty(conn, WORST),
            "late": statistics.late(conn, now - LATE, now, WORST),
        }
        standing = alerts.counts(conn)
        counts = {name: found.count for name, found in lists.items()}
        counts["quiet"] = standing.get("quiet", 0)
        counts["failing_long"] = statistics.failing_before(conn, now - FAILING_FOR)
        counts["late_long"] = statistics.late(conn, now - LATE_TOO_LONG, now, 0).count
        headless = statistics.headless(conn)
        stories, versions = records.counts(conn)
        oldest = statistics.oldest_unrendered(conn)
        told: dict[str, Any] = {
            "at": now,
            "database": store.name,
            "wires": sum(states.values()),
            "states": states,
            "counts": counts,
            **{name: _lines(found, name) for name, found in lists.items()},
            "quiet": [
                {"wire": a.subject, "since": a.since, "message": masked(a.message)}
                for a in alerts.standing(conn, WORST, "quiet")
            ],
            "alerts": [asdict(a) for a in alerts.standing(conn, WORST)],
            "broker": broker,
            "quarantine": {
                "count": captures.problems_count(conn),
                "recent": statistics.quarantined_since(conn, now - RECENT),
                "newest": [asdict(p) for p in captures.problems_listing(conn, WORST)],
            },
            "outbox": [asdict(w) for w in outbox.waiting(conn, now)],
            "outbox_failures": [_failure(f) for f in statistics.failures(conn, WORST)],
            "outbox_stuck": statistics.stuck(conn, TRIES, headless),
            "oldest_unrendered": None if oldest is None else _failure(oldest),
            "unrendered": feeds.unrendered(conn),
            "leases_expired": statistics.expired_leases(conn, now),
            "stories": stories,
            "versions": versions,
            "second_look": len(records.second_looks(conn)),
            "no_headline": len(headless),
            "feeds": {
                name: {"entries": entries, "modified": modified}
                for name, (entries, modified) in feeds.summary(conn).items()
            },
        }
    told |= storage(store, now)
    told["needs"] = needs(told)
    return told


def storage(store: Store, now: datetime) -> dict[str, Any]:
    """What is kept and how it grows: ``captures`` and ``storage``, as of its ``at``.

    The only figures for which every capture is looked at. They are noted, and serve again for
    :data:`WORTH` times as long as they took: at once in a small store, for minutes in a large one.
    """
    with store.read() as conn:
        noted = key_value.read(conn, _STORAGE)
    if noted is not None:
        age = now - datetime.fromisoformat(noted["storage"]["at"])
        if timedelta(0) <= age < timedelta(seconds=noted["seconds"] * WORTH):
            return {"captures": noted["captures"], "storage": noted["storage"]}
    began = time.monotonic()
    with store.read() as conn:
        volume = asdict(captures.volume(conn))
        days = [
            {**asdict(d), "day": d.day.isoformat()} for d in retention.storage_by_day(conn, now)
        ]
    found = {
        "captures": volume,
        "storage": {"at": now.isoformat(), "days": days, "database": retention.size(store)},
    }
    seconds = time.monotonic() - began
    if seconds >= WORTH_NOTING:
        with store.write() as conn:
            key_value.write(conn, _STORAGE, {**found, "seconds": seconds})
    return found


def _lines(found: Listed, name: str) -> list[dict[str, Any]]:
    since = {"failing": "failing_since", "paused": "paused_at", "late": "due_at"}.get(name)
    rows = []
    for line in found.worst:
        row: dict[str, Any] = {"wire": line.name, "state": line.state}
        if since is not None:
            row["since"] = getattr(line, since)
        if name == "faulty":
            row["fault"] = line.fault
        else:
            row |= {"message": masked(line.message), "next_poll": line.due_at}
        rows.append(row)
    return rows


def _failure(work: Unfinished) -> dict[str, Any]:
    return {**asdict(work), "error": None if work.error is None else masked(work.error)}


def broker_told(config: Config) -> dict[str, Any]:
    """Whether the broker answers, how deep its queues are and who is alive; within a bound."""

    def ask() -> dict[str, Any]:
        with client(broker_url(config), timeout=PATIENCE) as broker:
            depths = queues.depths(broker)
            return {"reachable": True, "queues": depths, "alive": pulse.alive(broker)}

    away: dict[str, Any] = {"reachable": False, "queues": {}, "alive": []}
    try:
        found = within(PATIENCE, ask)
    except (redis.RedisError, OSError, ValueError) as error:
        return {**away, "error": masked(f"{type(error).__name__}: {error}")}
    return found or {**away, "error": f"no answer within {PATIENCE:g} s"}


def within(seconds: float, ask: Callable[[], Answer]) -> Answer | None:
    """What *ask* says, None when it took longer. It is left behind then, in a thread of its own.

    Timeouts of sockets bound neither the resolving of a name nor the number of round trips.

    :raises Exception: whatever *ask* raises.
    """
    said: list[Answer] = []
    raised: list[Exception] = []

    def run() -> None:
        try:
            said.append(ask())
        except Exception as error:
            raised.append(error)

    thread = threading.Thread(target=run, name="asking", daemon=True)
    thread.start()
    thread.join(seconds)
    if raised:
        raise raised[0]
    return said[0] if said else None


def needs(told: dict[str, Any]) -> list[str]:
    """What waits for a person, in sentences; empty when nothing does. A function of *told* alone.

    What mends itself is not in it: a poll that failed lately, a lease that ran out, work that is
    tried again. Nor is what waits for the desk: second looks, stories without a headline.
    """
    counts, broker = told["counts"], told["broker"]
    found = []
    if not broker["reachable"]:
        found.append(f"the broker cannot be reached ({broker['error']}); start it, or wirecopy up")
    else:
        there = {mark.partition("@")[0] for mark in broker["alive"]}
        for member in pulse.MEMBERS:
            if member not in there:
                found.append(f"no {member} is alive; start one: wirecopy up {member}")
    for name, one, many in (
        ("paused", "wire is paused, gone for good", "wires are paused, gone for good"),
        ("failing_long", "wire fails for an hour or more", "wires fail for an hour or more"),
        ("quiet", "wire is strangely quiet", "wires are strangely quiet"),
        ("faulty", "wire sends what cannot be read", "wires send what cannot be read"),
        ("late_long", "wire is not polled in time", "wires are not polled in time"),
    ):
        if counts[name]:
            found.append(f"{counts[name]} {one if counts[name] == 1 else many}")
    if recent := told["quarantine"]["recent"]:
        found.append(f"{recent} new in quarantine since yesterday; wirecopy captures --failed")
    if stuck := told["outbox_stuck"]:
        found.append(f"{stuck} in the outbox failed {TRIES} times or more")
    return found


def board(told: dict[str, Any]) -> Board:
    """*told* as a person reads it."""
    now = told["at"]
    return Board(
        at=show.when(now), needs=tuple(told["needs"]), facts=_facts(told), listings=_listings(told)
    )


def _facts(told: dict[str, Any]) -> tuple[Fact, ...]:
    counts, broker, volume = told["counts"], told["broker"], told["captures"]
    now: datetime = told["at"]
    oldest = told["oldest_unrendered"]
    unwell = ", ".join(
        f"{counts[n]} {n}" for n in ("failing", "paused", "faulty", "late", "quiet") if counts[n]
    )
    waiting = ", ".join(
        f"{w['count']} {w['kind']} (oldest {show.ago(w['oldest'], now)}"
        + (f", {w['failed']} failed)" if w["failed"] else ")")
        for w in told["outbox"]
    )
    depths = ", ".join(f"{n} {queue}" for queue, n in broker["queues"].items() if n)
    days = told["storage"]["days"]
    kept = [size(d["kept"]) for d in days]
    return tuple(
        fact
        for fact in (
            Fact("database", told["database"]),
            Fact(
                "broker",
                (depths or "queues are empty") if broker["reachable"] else broker["error"],
                "good" if broker["reachable"] else "bad",
            ),
            Fact(
                "alive",
                ", ".join(broker["alive"]) or "nobody",
                "good" if broker["alive"] else "bad",
            ),
            Fact("wires", f"{told['wires']} ({unwell or 'all well'})", "bad" if unwell else "good"),
            Fact("stories", f"{told['stories']} in {told['versions']} versions"),
            Fact("second look", _wait(told["second_look"], "for the desk")),
            Fact("no headline", _wait(told["no_headline"], "for the desk to write one")),
            Fact(
                "quarantine",
                str(told["quarantine"]["count"]),
                "bad" if told["quarantine"]["recent"] else "plain",
            ),
            Fact("waiting", waiting or "nothing"),
            Fact(
                "oldest change not in its feed",
                f"{oldest['kind']} {oldest['key']}, {show.ago(oldest['since'], now)}"
                if oldest
                else "",
            ),
            Fact("not rendered", str(told["unrendered"]) if told["unrendered"] else ""),
            Fact("leases run out", _leases(told["leases_expired"])),
            Fact(
                "captures",
                f"{volume['captures']} ({size(volume['received'])} received,"
                f" {size(volume['kept'])} kept)",
            ),
            Fact("storage", f"{size(told['storage']['database'])}, the database"),
            Fact(f"kept a day, last {len(days)}", ", ".join(kept)),
        )
        if fact.value
    )


def _wait(count: int, whom: str) -> str:
    return f"{count} {'waits' if count == 1 else 'wait'} {whom}" if count else ""


def _leases(expired: dict[str, int]) -> str:
    return ", ".join(f"{n} {what}" for what, n in expired.items() if n)


def _listings(told: dict[str, Any]) -> tuple[Listing, ...]:
    counts = told["counts"]
    now: datetime = told["at"]

    def table(
        title: str, names: Sequence[str], rows: Sequence[dict[str, Any]], count: int | None = None
    ) -> Listing:
        cells = tuple(tuple(_cell(row.get(n), now) for n in names) for row in rows)
        columns = tuple(n.replace("_", " ") for n in names)
        return Listing(title, columns, cells, (count or len(rows)) - len(rows))

    failed = ("wire", "state", "since", "message", "next_poll")
    found = (
        table("Paused", ("wire", "since", "message"), told["paused"], counts["paused"]),
        table("Failing", failed, told["failing"], counts["failing"]),
        table("Strangely quiet", ("wire", "since", "message"), told["quiet"], counts["quiet"]),
        table("Cannot be read", ("wire", "fault"), told["faulty"], counts["faulty"]),
        table("Late", ("wire", "since", "state"), told["late"], counts["late"]),
        table(
            "In quarantine",
            ("wire", "capture", "item", "at", "state", "message"),
            [
                {
                    **p,
                    "capture": p["capture_id"],
                    "item": p["position"] if p["position"] >= 0 else "all",
                }
                for p in told["quarantine"]["newest"]
            ],
            told["quarantine"]["count"],
        ),
        table(
            "Failed work, tried again",
            ("kind", "key", "since", "attempts", "error"),
            told["outbox_failures"],
            sum(w["failed"] for w in told["outbox"]),
        ),
    )
    return tuple(listing for listing in found if listing.rows)


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
