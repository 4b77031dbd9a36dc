"""Whether a standby of PostgreSQL has taken the place of its primary, and what it had by then.

Where one is promoted, another timeline begins (PostgreSQL's manual, 26.3.6). The store notes on
which it is, so whoever looks next sees that it is on another.
"""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from stories.db import key_value
from stories.db.engine import Store

_NOTED = "timeline"

_LOOK = text("SELECT pg_walfile_name(pg_current_wal_lsn()), pg_last_xact_replay_timestamp()")


class Timeline(NamedTuple):
    """The timeline with a number that the database ``of`` that identity is on, and until when it
    had what the primary had committed before: None when it was started again since, or was never a
    standby."""

    of: str
    number: int
    had_until: datetime | None = None


def look(store: Store) -> Timeline | None:
    """The timeline that *store* is on; None for SQLite, and where a managed service does not
    tell."""
    if store.dialect != "postgresql":
        return None
    try:
        with store.read() as conn:
            file, had_until = conn.execute(_LOOK).one()
    except DBAPIError as error:
        if error.connection_invalidated:
            raise
        return None
    return Timeline(key_value.identity(store), int(file[:8], 16), had_until)


def noted(conn: Connection) -> Timeline | None:
    """The timeline that was noted last, None when none was."""
    found = key_value.read(conn, _NOTED)
    return None if found is None else Timeline(*found)


def note(conn: Connection, found: Timeline) -> None:
    """Note that the store is on this one."""
    key_value.write(conn, _NOTED, [found.of, found.number])
