"""Custody: agencies' key sets as they are pinned, and the agencies' own statements of versions.

A key set is kept under a digest of its address and its bytes, and never changes: what was verified
by it can be verified again. A capture names those that were pinned when it came.
"""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import NamedTuple

from sqlalchemy import Connection, Executable, bindparam, insert, select, update

from stories.config import Wire
from stories.db.captures import CHUNK
from stories.db.engine import replacing, upsert
from stories.db.tables import agency_statements, captures, key_sets, pins, problems
from stories.models import members


@dataclass(frozen=True, slots=True)
class Pin:
    """By which key set the items of *wire* are verified, None before the first; since when.

    ``address`` is the wire's setting ``keys``. ``asked_at`` is when it was asked last, ``fault``
    why in vain, ``notice`` what changed last in the set that is believed. ``offered`` is a set that
    is not, as it lacks what the pinned one has.
    """

    wire: str
    address: str
    key_set: str | None = None
    since: datetime | None = None
    asked_at: datetime | None = None
    fault: str | None = None
    notice: str | None = None
    offered: str | None = None
    offered_at: datetime | None = None


def pinned(conn: Connection, wire: str) -> Pin | None:
    """What is pinned for *wire*, None where nothing was ever asked for."""
    row = conn.execute(_PINNED, {"name": wire}).mappings().first()
    return None if row is None else Pin(**row)


_PINNED = select(pins).where(pins.c.wire == bindparam("name"))


def key_set_of(conn: Connection, wire: Wire) -> str | None:
    """The digest of the key set by which the items of *wire* are verified, None for none."""
    pin = pinned(conn, wire.name) if wire.keys is not None else None
    return pin.key_set if pin is not None and pin.address == wire.keys else None


def every(conn: Connection, *, offered: bool = False) -> list[Pin]:
    """All pins by wire; those beside which another set is *offered*, when asked so."""
    query = select(pins).order_by(pins.c.wire)
    if offered:
        query = query.where(pins.c.offered.is_not(None))
    return [Pin(**row) for row in conn.execute(query).mappings()]


def pin(conn: Connection, one: Pin) -> None:
    """Write *one* in the place of what was pinned for its wire."""
    conn.execute(replacing(conn.dialect.name, pins), members(one))


def believe(conn: Connection, one: Pin, now: datetime) -> Pin:
    """Pin what is offered beside *one*, as a person says so.

    Captures that have been quarantined, whole or in part, since it was offered are to be verified
    by it too when they are replayed.
    """
    after = replace(one, key_set=one.offered, since=now, offered=None, offered_at=None)
    pin(conn, after)
    bad = select(problems.c.capture_id).where(problems.c.wire == one.wire)
    here = captures.c.wire == one.wire
    since = captures.c.received_at >= one.offered_at
    conn.execute(
        update(captures)
        .where(here, since, captures.c.id.in_(bad), captures.c.key_set.is_not(None))
        .values(key_set=captures.c.key_set.concat(f" {one.offered}"))
    )
    return after


def add_key_set(conn: Connection, address: str, document: bytes) -> str:
    """Keep a key set as it was had from *address* (empty for a file); the digest that names it."""
    digest = hashlib.sha256(b"\0".join((address.encode(), document))).hexdigest()
    values = {"digest": digest, "address": address, "document": document}
    conn.execute(_add(conn.dialect.name, "key_sets"), values)
    return digest


def documents(conn: Connection, digests: Collection[str]) -> dict[str, bytes]:
    """The key sets of these *digests*, a few."""
    rows = conn.execute(_DOCUMENTS, {"names": sorted(set(digests))})
    return {row.digest: row.document for row in rows}


_DOCUMENTS = select(key_sets.c.digest, key_sets.c.document).where(
    key_sets.c.digest.in_(bindparam("names", expanding=True))
)


@dataclass(frozen=True, slots=True)
class AgencyStatementRow:
    """A statement of an agency: its text, its digest (``sha-256=:…:``), the key that signed it, its
    number among those of its story, the key set by which it was found good."""

    digest: str
    kid: str
    number: int
    key_set: str
    statement: bytes


def add_statements(conn: Connection, rows: Iterable[AgencyStatementRow]) -> None:
    """Keep statements of agencies; those that are there already stay as they are."""
    made = sorted({row.digest: members(row) for row in rows}.items())
    conn.execute(_add(conn.dialect.name, "agency_statements"), [row for _, row in made])


@cache
def _add(dialect: str, name: str) -> Executable:
    table = {"key_sets": key_sets, "agency_statements": agency_statements}[name]
    return upsert(dialect, table).on_conflict_do_nothing(index_elements=["digest"])


class Signed(NamedTuple):
    """A statement of an agency, the id of its key, and the address of the key set, empty for a
    file."""

    statement: str
    kid: str
    address: str


def statements(conn: Connection, digests: Sequence[str]) -> dict[str, Signed]:
    """The statements of agencies with these *digests*."""
    found: dict[str, Signed] = {}
    for at in range(0, len(digests), CHUNK):
        for row in conn.execute(_STATEMENTS, {"names": digests[at : at + CHUNK]}):
            found[row.digest] = Signed(row.statement.decode(), row.kid, row.address)
    return found


_STATEMENTS = (
    select(
        agency_statements.c.digest,
        agency_statements.c.statement,
        agency_statements.c.kid,
        key_sets.c.address,
    )
    .join(key_sets, key_sets.c.digest == agency_statements.c.key_set)
    .where(agency_statements.c.digest.in_(bindparam("names", expanding=True)))
)


def copy(old: Connection, new: Connection) -> None:
    """Copy key sets, pins and statements of agencies into another store that has none."""
    for table in (key_sets, pins, agency_statements):
        rows: list[Mapping[str, object]] = [
            dict(row) for row in old.execute(select(table)).mappings()
        ]
        if rows:
            new.execute(insert(table), rows)
