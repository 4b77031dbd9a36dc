"""Wires as the database knows them: what is due, who has it, how the last poll went."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Connection, RowMapping, and_, func, insert, or_, select, update

from stories.newsroom import Wire
from stories.store.tables import wires


@dataclass(frozen=True, slots=True)
class WireState:
    """One row of ``wires``; see the table for the meaning of each."""

    name: str
    url: str
    agency: str
    host: str
    configured: bool
    added_at: datetime
    due_at: datetime
    due_because: str
    lease: str | None
    lease_until: datetime | None
    polled_at: datetime | None
    state: str
    message: str
    failures: float
    failing_since: datetime | None
    polls: int
    etag: str | None
    last_modified: str | None
    body_digest: str | None
    captured_at: datetime | None
    changed_at: datetime | None
    channel: dict[str, Any]
    fault: str | None
    configured_url: str = ""
    moved_to: str | None = None
    moved_count: int = 0
    moved_since: datetime | None = None
    leased_at: datetime | None = None
    lane: int = 0
    paused_at: datetime | None = None
    news: list[int] = field(default_factory=list)


def _state(row: RowMapping) -> WireState:
    return WireState(**row)


def agency_key(wire: Wire) -> str:
    """Under which agency a wire is budgeted: its code, else its agency, else its own name."""
    return wire.code or wire.agency or wire.name


def sync(conn: Connection, configured: Sequence[Wire], now: datetime) -> None:
    """Make the rows follow the configuration: new wires are due at once, removed ones rest.

    A wire whose address changed forgets its validators (they belong to the old address) and is
    due at once; one that comes back keeps its history. A restart changes nothing else.
    """
    known = {
        row.name: row
        for row in conn.execute(
            select(wires.c.name, wires.c.configured_url, wires.c.agency, wires.c.configured)
        )
    }
    for wire in configured:
        host = urlsplit(wire.url).hostname or ""
        row = known.get(wire.name)
        if row is None:
            conn.execute(
                insert(wires).values(
                    name=wire.name,
                    url=wire.url,
                    configured_url=wire.url,
                    agency=agency_key(wire),
                    host=host,
                    added_at=now,
                    due_at=now,
                    due_because="new wire",
                    configured=True,
                )
            )
        elif row.configured_url != wire.url:
            conn.execute(
                update(wires)
                .where(wires.c.name == wire.name)
                .values(
                    url=wire.url,
                    configured_url=wire.url,
                    agency=agency_key(wire),
                    host=host,
                    configured=True,
                    paused_at=None,
                    moved_to=None,
                    moved_count=0,
                    moved_since=None,
                    due_at=now,
                    due_because="address changed",
                    etag=None,
                    last_modified=None,
                    failures=0,
                )
            )
        elif row.agency != agency_key(wire) or not row.configured:
            conn.execute(
                update(wires)
                .where(wires.c.name == wire.name)
                .values(agency=agency_key(wire), configured=True)
            )
    gone = [
        name
        for name, row in known.items()
        if row.configured and name not in {w.name for w in configured}
    ]
    if gone:
        conn.execute(update(wires).where(wires.c.name.in_(gone)).values(configured=False))


def claim_due(conn: Connection, now: datetime, until: datetime, limit: int) -> list[WireState]:
    """Lease up to *limit* wires that are due and free, longest due first, until *until*."""
    free = and_(
        wires.c.configured,
        wires.c.due_at <= now,
        or_(wires.c.lease_until.is_(None), wires.c.lease_until < now),
    )
    chosen = select(wires.c.name).where(free).order_by(wires.c.due_at, wires.c.name).limit(limit)
    if conn.dialect.name == "postgresql":
        chosen = chosen.with_for_update(skip_locked=True)
    first = chosen.cte("chosen")  # evaluated once; see outbox.claim
    rows = (
        conn.execute(
            update(wires)
            .where(wires.c.name.in_(select(first)), free)
            .values(lease=str(uuid.uuid4()), lease_until=until)
            .returning(*wires.c)
        )
        .mappings()
        .all()
    )
    return sorted((_state(r) for r in rows), key=lambda w: (w.due_at, w.name))


def take(conn: Connection, names: Iterable[str], until: datetime) -> list[WireState]:
    """Lease the wires *names* whether due or leased or not: an operator asked for them now.

    Whoever held a lease finds it gone and drops what it fetched.
    """
    rows = (
        conn.execute(
            update(wires)
            .where(wires.c.name.in_(list(names)), wires.c.configured)
            .values(lease=str(uuid.uuid4()), lease_until=until)
            .returning(*wires.c)
        )
        .mappings()
        .all()
    )
    return sorted((_state(r) for r in rows), key=lambda w: w.name)


def leased(conn: Connection, lease: str, names: Sequence[str]) -> list[WireState]:
    """Those of *names* that *lease* still holds."""
    rows = conn.execute(
        select(wires).where(wires.c.name.in_(names), wires.c.lease == lease).order_by(wires.c.name)
    )
    return [_state(r) for r in rows.mappings()]


def finish_poll(conn: Connection, name: str, lease: str, values: dict[str, Any]) -> bool:
    """Write what a poll found and give the lease back; False when the lease was no longer ours."""
    changed = conn.execute(
        update(wires)
        .where(wires.c.name == name, wires.c.lease == lease)
        .values(lease=None, lease_until=None, polls=wires.c.polls + 1, **values)
    )
    return changed.rowcount == 1


def note_content(conn: Connection, name: str, values: dict[str, Any]) -> None:
    """Write what an ingest learned of the wire (channel, fault, changed_at)."""
    conn.execute(update(wires).where(wires.c.name == name).values(**values))


def get(conn: Connection, name: str) -> WireState | None:
    """The wire *name*, None when there is none."""
    row = conn.execute(select(wires).where(wires.c.name == name)).mappings().first()
    return None if row is None else _state(row)


def every(conn: Connection) -> list[WireState]:
    """All wires, by name."""
    return [_state(r) for r in conn.execute(select(wires).order_by(wires.c.name)).mappings()]


def next_due(conn: Connection) -> datetime | None:
    """When the next configured wire is due; None without wires."""
    return conn.execute(select(func.min(wires.c.due_at)).where(wires.c.configured)).scalar()
