"""Signing keys: their public halves, from when to when they are good, and in what order."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from stories.db.tables import signing_keys

_LOCK = 0x57495245_4B455953  # any constant of our own; "WIREKEYS"


@dataclass(frozen=True, slots=True)
class KeyRow:
    """One key. ``x`` is its public half as a JWK has it; it is good from ``not_before`` to
    ``not_after`` (None: without end), both whole seconds and included, unless it was revoked."""

    kid: str
    x: str
    not_before: datetime
    not_after: datetime | None = None
    revoked_at: datetime | None = None
    reason: str = ""


def lock(conn: Connection) -> None:
    """Be the only one who makes or changes keys until the transaction ends.

    On SQLite a writing transaction is alone anyway.
    """
    if conn.dialect.name == "postgresql":
        conn.execute(select(func.pg_advisory_xact_lock(_LOCK)))


def revoked(conn: Connection) -> set[str]:
    """The names of the keys that were revoked; none is until the transaction ends.

    To be asked before anything else is written, or the two could wait for each other.
    """
    if conn.dialect.name == "postgresql":
        conn.execute(select(func.pg_advisory_xact_lock_shared(_LOCK)))
    query = select(signing_keys.c.kid).where(signing_keys.c.revoked_at.is_not(None))
    return set(conn.execute(query).scalars())


def every(conn: Connection) -> list[KeyRow]:
    """All keys, in the order in which they begin to sign."""
    rows = conn.execute(
        select(signing_keys).order_by(signing_keys.c.not_before, signing_keys.c.kid)
    )
    return [KeyRow(**r) for r in rows.mappings()]


def add(conn: Connection, row: KeyRow) -> None:
    """Put a new key on record: from the commit on it is published."""
    conn.execute(insert(signing_keys).values(**_values(row)))


def change(conn: Connection, kid: str, **values: Any) -> None:
    """Set columns of the key *kid*."""
    conn.execute(update(signing_keys).where(signing_keys.c.kid == kid).values(**values))


def copy(conn: Connection, rows: Sequence[KeyRow]) -> None:
    """Write keys taken from another store, as they were."""
    if rows:
        conn.execute(insert(signing_keys), [_values(row) for row in rows])


def _values(row: KeyRow) -> dict[str, Any]:
    return {c.name: getattr(row, c.name) for c in signing_keys.c}
