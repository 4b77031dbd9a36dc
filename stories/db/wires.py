"""Wires in the database: which are due, who has leased them, how the last poll went."""

import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    Executable,
    and_,
    bindparam,
    case,
    func,
    literal,
    or_,
    select,
    update,
)

from stories import clock
from stories.config import RULES, Config, Politeness, Wire, as_left
from stories.db.engine import upsert
from stories.db.tables import UtcDateTime, wires
from stories.models import DueWire, Terms, Traffic, WireState, host_of

CHUNK = 1000
"""Wires per statement: SQLite binds 32,766 values at most, PostgreSQL 65,535."""


_FIELDS = tuple(wires.c[field.name] for field in fields(WireState))


def _state(row: Sequence[Any]) -> WireState:
    return WireState(*row)


def agency_key(wire: Wire) -> str:
    """The agency under which a wire's polls are counted: its code, agency, or else its name."""
    return wire.code or wire.agency or wire.name


def sync(conn: Connection, configured: Sequence[Wire], now: datetime) -> None:
    """Bring the rows up to date with the configuration: new wires are due at once, removed ones
    are kept and not polled.

    A wire whose address changed loses its validators (they belong to the old address) and is due at
    once; one that comes back keeps its history. The licence's term is kept when the wire is
    removed, and so are the rules by which its copy is read and shown. A restart changes nothing
    else.

    To be called under :func:`stories.db.names.lock`: members start at once, and each is to see
    what the one before has written, or each writes all wires.
    """
    known = {
        row.name: row
        for row in conn.execute(select(wires.c.name, wires.c.configured_url, *_AS_CONFIGURED))
    }
    fresh: list[dict[str, Any]] = []
    changed: list[dict[str, Any]] = []
    for wire in configured:
        row = known.get(wire.name)
        agency = agency_key(wire)
        said = {
            "agency": agency,
            "configured": True,
            "expires_after": wire.expires_after,
            "rules": _rules(wire),
        }
        if row is None:
            fresh.append({**_new(wire.name, wire.url, agency, now), **said})
        elif row.configured_url != wire.url:
            conn.execute(
                update(wires)
                .where(wires.c.name == wire.name)
                .values(
                    url=wire.url,
                    configured_url=wire.url,
                    host=host_of(wire.url, wire.name),
                    **said,
                    paused_at=None,
                    moved_to=None,
                    moved_count=0,
                    moved_since=None,
                    lane=1,
                    # The result of a poll of the old address must not be written.
                    lease=None,
                    lease_until=None,
                    due_at=now,
                    due_because="address changed",
                    etag=None,
                    last_modified=None,
                    retry_at=None,
                    failures=0,
                    pushed_until=None,
                )
            )
        elif any(getattr(row, name) != value for name, value in said.items()):
            changed.append({"wire": wire.name, **said})
    # A release that reads copy otherwise changes the rules of all wires.
    for at in range(0, len(changed), CHUNK):
        conn.execute(_CHANGE, changed[at : at + CHUNK])
    _add(conn, fresh)
    names = {w.name for w in configured}
    gone = [name for name, row in known.items() if row.configured and name not in names]
    for at in range(0, len(gone), CHUNK):
        conn.execute(
            update(wires).where(wires.c.name.in_(gone[at : at + CHUNK])).values(configured=False)
        )


_AS_CONFIGURED = (wires.c.agency, wires.c.configured, wires.c.expires_after, wires.c.rules)

_CHANGE = (
    update(wires)
    .where(wires.c.name == bindparam("wire"))
    .values({column: bindparam(column.name, type_=column.type) for column in _AS_CONFIGURED})
)


def _new(name: str, url: str, agency: str, now: datetime) -> dict[str, Any]:
    """The row of a wire that was never polled."""
    return {
        "name": name,
        "url": url,
        "configured_url": url,
        "agency": agency,
        "host": host_of(url, name),
        "added_at": now,
        "due_at": now,
        "due_because": "new wire",
        "lane": 1,
    }


def _add(conn: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Insert *rows*; rows that are there already stay as they are."""
    statement = upsert(conn, wires).on_conflict_do_nothing(index_elements=["name"])
    for at in range(0, len(rows), CHUNK):
        conn.execute(statement, list(rows[at : at + CHUNK]))


AHEAD = timedelta(minutes=5)
"""By how much the clocks of the machines may differ. What lies further in the future was written
by a clock that was wrong."""

_PAST = (
    *("added_at", "polled_at", "failing_since", "paused_at", "captured_at", "changed_at"),
    "pushed_at",
)


def _ahead(now: datetime) -> ColumnElement[bool]:
    late = now + AHEAD
    return or_(wires.c.added_at > late, wires.c.polled_at > late, wires.c.leased_at > late)


def ahead(conn: Connection, now: datetime) -> int:
    """How many wires have times in the future."""
    count = select(func.count()).select_from(wires).where(wires.c.configured, _ahead(now))
    return int(conn.execute(count).scalar_one())


def put_right(conn: Connection, now: datetime) -> int:
    """Void what a clock that ran ahead wrote of wires: they are free and due; how many."""
    rows = conn.execute(select(wires.c.name, wires.c.news).where(_ahead(now))).all()
    for row in rows:
        past = {
            name: case((wires.c[name] > now, literal(now, UtcDateTime())), else_=wires.c[name])
            for name in _PAST
        }
        conn.execute(
            update(wires)
            .where(wires.c.name == row.name)
            .values(
                **past,
                due_at=now,
                due_because="the clock was put right",
                lease=None,
                lease_until=None,
                leased_at=None,
                moved_since=None,
                moved_to=None,
                moved_count=0,
                retry_at=None,
                pushed_until=None,
                news=[moment for moment in row.news if moment <= now],
            )
        )
    return len(rows)


def _rules(wire: Wire) -> dict[str, Any]:
    """Those of *wire*, as JSON: what is not as in any wire."""
    return wire.model_dump(mode="json", include=set(RULES), exclude_defaults=True)


def left(conn: Connection, configured: Sequence[Wire]) -> dict[str, Wire]:
    """The wires on record that are not among *configured*, by name, as last configured."""
    names = {wire.name for wire in configured}
    rows = conn.execute(select(wires.c.name, wires.c.configured_url, wires.c.rules))
    return {
        row.name: as_left(row.name, row.configured_url, row.rules)
        for row in rows
        if row.name not in names
    }


def terms(conn: Connection, names: Collection[str] | None = None) -> dict[str, timedelta]:
    """The licences' terms as last configured, by wire, of the few wires *names* or of all; a wire
    without one is not there."""
    if names is not None and not names:
        return {}
    query = select(wires.c.name, wires.c.expires_after).where(wires.c.expires_after.is_not(None))
    if names is not None:
        query = query.where(wires.c.name.in_(sorted(names)))
    return {row.name: row.expires_after for row in conn.execute(query)}


def licence_terms(conn: Connection, config: Config, names: Collection[str] | None = None) -> Terms:
    """The licences' terms of the wires *names*, a few, or of all: as configured now, or as last
    configured for wires that are configured no longer."""
    if names is None:
        configured, left = list(config.wires), terms(conn)
    else:
        configured = [w for name in set(names) if (w := config.wire(name)) is not None]
        left = terms(conn, set(names) - {w.name for w in configured})
    found = {name: term for name, term in left.items() if config.wire(name) is None}
    return found | {w.name: w.expires_after for w in configured if w.expires_after is not None}


def copy(old: Connection, new: Connection, names: Collection[str]) -> None:
    """Copy addresses and licences' terms of the wires *names* into another store.

    The wires are added as not configured; :func:`sync` then marks those that are.
    """
    rows = old.execute(select(wires))
    _add(
        new,
        [
            {
                **_new(row.name, row.configured_url, row.agency, row.added_at),
                "configured": False,
                "expires_after": row.expires_after,
                "rules": row.rules,
            }
            for row in rows
            if row.name in names
        ],
    )


_DISPATCHER_LOCK = 0x57495245_44495350  # any constant of our own; "WIREDISP"


def dispatcher(conn: Connection) -> bool:
    """Be the only dispatcher until the transaction ends; False when another one is.

    Politeness is judged over many rows: two dispatchers that read before either wrote would
    together start too many polls. On SQLite a writing transaction is alone anyway.
    """
    if conn.dialect.name != "postgresql":
        return True
    return bool(conn.execute(select(func.pg_try_advisory_xact_lock(_DISPATCHER_LOCK))).scalar())


def traffic(conn: Connection, now: datetime, gap: timedelta) -> Traffic:
    """The leases that hold at *now*, and the last start of each host and agency within *gap*."""
    found = Traffic()
    for row in conn.execute(
        select(wires.c.host, wires.c.agency, func.count().label("n"))
        .where(wires.c.lease_until >= now)
        .group_by(wires.c.host, wires.c.agency)
    ):
        found.hosts[row.host] = found.hosts.get(row.host, 0) + row.n
        found.agencies[row.agency] = found.agencies.get(row.agency, 0) + row.n
    if not gap:
        return found
    for row in conn.execute(
        select(wires.c.host, wires.c.agency, func.max(wires.c.leased_at).label("last"))
        .where(wires.c.leased_at > now - gap)
        .group_by(wires.c.host, wires.c.agency)
    ):
        for starts, key in (
            (found.host_starts, row.host),
            (found.agency_starts, row.agency),
        ):
            starts[key] = max(row.last, starts.get(key, row.last))
    return found


def _free(now: datetime | BindParameter[datetime]) -> ColumnElement[bool]:
    """Due and not leased: what the dispatcher may hand out. Checked again when leasing."""
    return and_(
        wires.c.configured,
        wires.c.paused_at.is_(None),
        wires.c.due_at <= now,
        or_(wires.c.lease_until.is_(None), wires.c.lease_until < now),
    )


_DUE_WIRE = (wires.c.name, wires.c.host, wires.c.agency, wires.c.lane, wires.c.due_at)


def candidates(
    conn: Connection, now: datetime, lane: int, limit: int, politeness: Politeness
) -> list[DueWire]:
    """Up to *limit* wires of *lane* that are due and free, longest due first, leaving out those
    of hosts and agencies that have no room.

    The walk along the index ends at the limit; wires without room are skipped on the way.
    """
    rows = conn.execute(
        select(*_DUE_WIRE)
        .where(_free(now), wires.c.lane == lane, *_has_room(now, politeness))
        .order_by(wires.c.due_at, wires.c.name)
        .limit(limit)
    )
    return [DueWire(*row) for row in rows]


def spread_candidates(
    conn: Connection, now: datetime, lane: int, limit: int, politeness: Politeness
) -> list[DueWire]:
    """As :func:`candidates`, but no more of each host, and then of each agency, than may start at
    once.

    It reads every due row, where :func:`candidates` stops at its limit; but a few hosts with
    thousands of due wires cannot fill the result.
    """

    def turn(column: Any, rows: Any) -> Any:
        return func.row_number().over(partition_by=column, order_by=(rows.due_at, rows.name))

    ranked = (
        select(*_DUE_WIRE, turn(wires.c.host, wires.c).label("turn"))
        .where(_free(now), wires.c.lane == lane, *_has_room(now, politeness))
        .subquery()
    )
    again = (
        select(ranked, turn(ranked.c.agency, ranked.c).label("agency_turn"))
        .where(ranked.c.turn <= (1 if politeness.gap else politeness.per_host))
        .subquery()
    )
    rows = conn.execute(
        select(*(again.c[c.name] for c in _DUE_WIRE))
        .where(again.c.agency_turn <= (1 if politeness.gap else politeness.per_agency))
        .order_by(again.c.due_at, again.c.name)
        .limit(limit)
    )
    return [DueWire(*row) for row in rows]


def named(conn: Connection, names: Iterable[str]) -> list[DueWire]:
    """The wires *names*, due or not, those that exist."""
    wanted, found = sorted(names), []
    for at in range(0, len(wanted), CHUNK):
        chosen = wires.c.name.in_(wanted[at : at + CHUNK])
        found += [DueWire(*row) for row in conn.execute(select(*_DUE_WIRE).where(chosen))]
    return found


def _has_room(now: datetime, politeness: Politeness) -> Iterator[ColumnElement[bool]]:
    """Conditions that host and agency have room: as subqueries, as thousands may have none."""
    busy = wires.alias("busy")
    for column, most in (("host", politeness.per_host), ("agency", politeness.per_agency)):
        under_way = (
            select(busy.c[column])
            .where(busy.c.lease_until >= now)
            .group_by(busy.c[column])
            .having(func.count() >= most)
        )
        yield wires.c[column].not_in(under_way)
        if politeness.gap:
            began = select(busy.c[column]).where(busy.c.leased_at > now - politeness.gap)
            yield wires.c[column].not_in(began)


def new_lease() -> str:
    """A new, unique lease."""
    return str(uuid.uuid4())


def lease(
    conn: Connection, number: str, names: Collection[str], now: datetime, until: datetime
) -> set[str]:
    """Lease those of *names* that are still due and free, as *number*, until *until*; their names.

    One conditional UPDATE. Rows that somebody else is writing are skipped.
    """
    asked = {"names": sorted(names), "by": number, "now": now, "until": until}
    return set(conn.execute(_lease(conn.dialect.name), asked).scalars())


# Statements are made once: to make one takes several times what it takes to carry it out.
_NAMED = wires.c.name.in_(bindparam("names", expanding=True))


@cache
def _lease(dialect: str) -> Executable:
    free = _free(bindparam("now"))
    chosen = select(wires.c.name).where(_NAMED, free)
    if dialect == "postgresql":
        chosen = chosen.with_for_update(skip_locked=True)
    locked = chosen.cte("chosen")  # evaluated once; see outbox.claim
    return (
        update(wires)
        .where(wires.c.name.in_(select(locked.c.name)), free)
        .values(lease=bindparam("by"), lease_until=bindparam("until"))
        .values(leased_at=bindparam("now"))
        .returning(wires.c.name)
    )


def begin(
    conn: Connection, lease: str, names: Sequence[str], now: datetime, until: datetime
) -> list[WireState]:
    """Those of *names* still leased as *lease* at *now*, which are then leased until *until*.

    A lease that ran out is not extended: the wires may be leased to somebody else by now.
    """
    asked = {"names": names, "by": lease, "now": now, "until": until}
    return sorted((_state(r) for r in conn.execute(_BEGIN, asked)), key=lambda w: w.name)


def _each_in_order(*where: ColumnElement[bool]) -> ColumnElement[bool]:
    """In an UPDATE: the wires *where*, each locked before the next by name, as intake locks them.
    PostgreSQL would take them as they come, and two that meet would wait for each other."""
    chosen = select(wires.c.name).where(*where).order_by(wires.c.name).with_for_update()
    return wires.c.name.in_(select(chosen.cte("chosen").c.name))


_BEGIN = (
    update(wires)
    .where(
        _each_in_order(
            _NAMED, wires.c.lease == bindparam("by"), wires.c.lease_until >= bindparam("now")
        )
    )
    .values(lease_until=bindparam("until"))
    .returning(*_FIELDS)
)


def give_back(conn: Connection, lease: str, names: Sequence[str]) -> None:
    """End *lease* on *names* without a poll; they stay due."""
    conn.execute(
        update(wires)
        .where(_each_in_order(wires.c.name.in_(names), wires.c.lease == lease))
        .values(lease=None, lease_until=None)
    )


def take(
    conn: Connection,
    names: Iterable[str],
    until: datetime,
    *,
    resume: bool = True,
    insist: bool = True,
) -> list[WireState]:
    """Lease the wires *names*, due or not, leased or not: an operator wants them polled now.

    Whoever had a lease loses it and drops what it fetched. Wires that are paused are resumed;
    without *resume* they are left out. So are, without *insist*, those whose servers asked not to
    be polled yet.
    """
    wanted = sorted(names)
    asked = {"by": new_lease(), "now": clock.now(), "until": until}
    taken: list[WireState] = []
    for at in range(0, len(wanted), CHUNK):
        named = {"names": wanted[at : at + CHUNK]}
        taken += (_state(row) for row in conn.execute(_take(resume, insist), {**asked, **named}))
    return sorted(taken, key=lambda w: w.name)


@cache
def _take(resume: bool, insist: bool) -> Executable:
    chosen = and_(_NAMED, wires.c.configured)
    if not resume:
        chosen = and_(chosen, wires.c.paused_at.is_(None))
    if not insist:
        patient = or_(wires.c.retry_at.is_(None), wires.c.retry_at <= bindparam("now"))
        chosen = and_(chosen, patient)
    return (
        update(wires)
        .where(_each_in_order(chosen))
        .values(lease=bindparam("by"), lease_until=bindparam("until"))
        .values(leased_at=bindparam("now"), paused_at=None)
        .returning(*_FIELDS)
    )


def hasten(conn: Connection, name: str, by: str, now: datetime) -> bool:
    """Have the wire *name* polled before all that is due, as *by* asked; False where it is not
    polled at all, is being polled, or its server asked to wait."""
    patient = or_(wires.c.retry_at.is_(None), wires.c.retry_at <= now)
    idle = or_(wires.c.lease_until.is_(None), wires.c.lease_until < now)
    asked = {"due_at": now, "due_because": f"asked for by {by}", "lane": 1}
    return _changed(conn, name, asked, wires.c.paused_at.is_(None), patient, idle)


def pause(conn: Connection, name: str, by: str, now: datetime) -> bool:
    """Have the wire *name* polled no more until somebody resumes it; False where it is paused.

    A poll that is under way loses its lease: its result would resume it.
    """
    why = f"paused by {by}"
    values = {"paused_at": now, "due_because": why, "message": why}
    free = {"lease": None, "lease_until": None}
    return _changed(conn, name, {**values, **free}, wires.c.paused_at.is_(None))


def resume(conn: Connection, name: str, by: str, now: datetime) -> bool:
    """Have the wire *name* polled again, at once; False where it is not paused."""
    values = {"paused_at": None, "due_at": now, "due_because": f"resumed by {by}", "lane": 1}
    values |= {"message": ""}
    return _changed(conn, name, values, wires.c.paused_at.is_not(None))


def _changed(
    conn: Connection, name: str, values: Mapping[str, Any], *where: ColumnElement[bool]
) -> bool:
    this = wires.c.name == name, wires.c.configured, *where
    return conn.execute(update(wires).where(*this).values(**values)).rowcount == 1


def finish_polls(
    conn: Connection, results: Mapping[str, tuple[str, Mapping[str, Any]]]
) -> set[str]:
    """Write the results of polls, by wire the lease and the columns, of all the same ones, and end
    the leases; the wires whose leases were not lost: of others nothing is written."""
    rows = conn.execute(_LEASED, {"names": list(results)}).all()
    held = {row.name for row in rows if row.lease == results[row.name][0]}
    written = [{"wire": name, **values} for name, (_, values) in results.items() if name in held]
    if written:
        conn.execute(_FINISHED, written)
    return held


# In one order: two transactions that want several cannot wait for each other.
_LEASED = select(wires.c.name, wires.c.lease).where(_NAMED).order_by(wires.c.name).with_for_update()
_FINISHED = (
    update(wires)
    .where(wires.c.name == bindparam("wire"))
    .values(lease=None, lease_until=None, lane=0, polls=wires.c.polls + 1)
)


def note_push(conn: Connection, name: str, digest: str, now: datetime) -> None:
    """Write that the bytes *digest* were sent to the wire *name*, which is locked."""
    came = {"state": "ok", "message": "", "failures": 0, "failing_since": None}
    conn.execute(
        update(wires)
        .where(wires.c.name == name)
        .values(polled_at=now, captured_at=now, body_digest=digest, **came)
    )


def lock(conn: Connection, names: Sequence[str]) -> dict[str, WireState]:
    """Those of the wires *names* that exist; nobody else writes them until the transaction ends.

    Who writes a wire and the outbox in one transaction locks the wire first; on PostgreSQL a poll
    and an intake of one wire at once would else deadlock. On SQLite a writer is alone anyway.
    """
    return {row.name: _state(row) for row in conn.execute(_LOCKED, {"names": names})}


def hold(conn: Connection, names: Collection[str]) -> None:
    """Keep others from writing any of the wires *names* until the transaction ends, so that of
    these no capture is stored or taken in meanwhile."""
    if conn.dialect.name == "postgresql":
        chosen = select(wires.c.name).where(wires.c.name.in_(names)).order_by(wires.c.name)
        conn.execute(chosen.with_for_update())


# In one order: two transactions that want several cannot wait for each other.
_LOCKED = select(*_FIELDS).where(_NAMED).order_by(wires.c.name).with_for_update()


def note_content(conn: Connection, found: Mapping[str, Mapping[str, Any]]) -> None:
    """Write what taking captures in showed of wires, by name: channel, fault, news, changed_at; of
    all the same columns."""
    rows = [{"wire": name, **values} for name, values in found.items()]
    if rows:
        conn.execute(_NOTED, rows)


_NOTED = update(wires).where(wires.c.name == bindparam("wire"))


def reschedule(conn: Connection, moved: Sequence[Mapping[str, Any]]) -> None:
    """Change the next polls of wires (``wire``, ``due``, ``why``), if nothing happened to them
    since the polls (``at``) whose content is the reason."""
    if moved:
        conn.execute(_RESCHEDULED, list(moved))


_RESCHEDULED = (
    update(wires)
    .where(
        wires.c.name == bindparam("wire"),
        wires.c.polled_at == bindparam("at"),
        wires.c.lease.is_(None),
        wires.c.lane == 0,
        wires.c.paused_at.is_(None),
    )
    .values(due_at=bindparam("due"), due_because=bindparam("why"))
)


def bring_forward(conn: Connection, name: str, due: datetime, why: str) -> None:
    """Have the wire *name* polled when *due* at the latest, unless it is just being polled, fails,
    or its server asked not to be."""
    patient = or_(wires.c.retry_at.is_(None), wires.c.retry_at <= due)
    conn.execute(
        update(wires)
        .where(wires.c.name == name, wires.c.due_at > due, wires.c.lease.is_(None))
        .where(wires.c.failures == 0, patient)
        .values(due_at=due, due_because=why)
    )


def get(conn: Connection, name: str) -> WireState | None:
    """The wire *name*, None when there is none."""
    row = conn.execute(select(*_FIELDS).where(wires.c.name == name)).first()
    return None if row is None else _state(row)


def every(conn: Connection) -> list[WireState]:
    """All wires, by name."""
    return [_state(r) for r in conn.execute(select(*_FIELDS).order_by(wires.c.name))]


def next_due(conn: Connection, after: datetime | None = None) -> datetime | None:
    """When the next wire is due, or the next one *after* that time; None when none will be."""
    polled = and_(wires.c.configured, wires.c.paused_at.is_(None))
    if after is not None:
        polled = and_(polled, wires.c.due_at > after)
    # By lane, so that each half is the first row of an index.
    firsts = [
        conn.execute(select(func.min(wires.c.due_at)).where(polled, wires.c.lane == lane)).scalar()
        for lane in (0, 1)
    ]
    return min((f for f in firsts if f is not None), default=None)


def batches_under_way(conn: Connection, now: datetime) -> int:
    """How many leases hold at *now*: batches that are polled, or on their way to a poller."""
    count = select(func.count(wires.c.lease.distinct())).where(wires.c.lease_until >= now)
    return int(conn.execute(count).scalar_one())
