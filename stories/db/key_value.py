"""Small facts about the store: for which configuration it is rendered, how far a replay is."""

from typing import Any

from sqlalchemy import Connection, delete, select

from stories.db.engine import upsert
from stories.db.tables import notes


def read(conn: Connection, key: str) -> Any:
    """The value stored under *key*, None when there is none."""
    return conn.execute(select(notes.c.value).where(notes.c.key == key)).scalar()


def write(conn: Connection, key: str, value: Any) -> None:
    """Store *value*, anything JSON can hold, under *key*."""
    statement = upsert(conn, notes).values(key=key, value=value)
    conn.execute(statement.on_conflict_do_update(index_elements=["key"], set_={"value": value}))


def forget(conn: Connection, key: str) -> None:
    """Remove the value stored under *key*."""
    conn.execute(delete(notes).where(notes.c.key == key))
