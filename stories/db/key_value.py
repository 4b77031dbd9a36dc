"""Small facts about the store: for which configuration it is rendered, how far a replay is."""

import hashlib
import secrets
from typing import Any

from sqlalchemy import Connection, delete, select, text

from stories.db.engine import Store, upsert
from stories.db.tables import notes

AUTHORITY = "authority"
"""The key of the publisher's host of which ids are made (``workers.start.keep_ids``)."""

FIRST_NAMES = "first-names"
"""The key of the names under which wires and feeds that were renamed began
(``stories.db.names``)."""

FORMER_NAMES = "former-names"
"""The key of the names that wires had, each with the url that went with it, by those that they have
(``stories.db.names``)."""

IDENTITY = "identity"
"""The key of the random number by which a database, and a copy of it, is known."""

RENDERED_FOR = "rendered-for"
"""The key of the digest of the settings and code for which everything is rendered."""

RENDERING_ANEW = "rendering-anew"
"""The key of how far everything is wanted to be rendered again (:mod:`publish.rerender`)."""


def read(conn: Connection, key: str, *, lock: bool = False) -> Any:
    """The value stored under *key*, None when there is none. With *lock* nobody else writes it, if
    it is there, until the transaction ends."""
    query = select(notes.c.value).where(notes.c.key == key)
    return conn.execute(query.with_for_update() if lock else query).scalar()


def write(conn: Connection, key: str, value: Any) -> None:
    """Store *value*, anything JSON can hold, under *key*."""
    statement = upsert(conn, notes).values(key=key, value=value)
    conn.execute(statement.on_conflict_do_update(index_elements=["key"], set_={"value": value}))


def forget(conn: Connection, key: str) -> None:
    """Remove the value stored under *key*."""
    conn.execute(delete(notes).where(notes.c.key == key))


def is_superseded(conn: Connection, settings: str) -> bool:
    """Whether another configuration was noted as started than that whose digest is *settings*."""
    return read(conn, RENDERED_FOR) not in (None, settings)


def identity(store: Store) -> str:
    """Which database this is, in 16 letters: no other has the same, and neither has a copy of it.

    A random number noted in it, and where it is: of SQLite the path of its file, of PostgreSQL name
    and number of the database and of its cluster.
    """
    with store.read() as conn:
        noted = read(conn, IDENTITY)
    if noted is None:
        with store.write() as conn:
            made = upsert(conn, notes).values(key=IDENTITY, value=secrets.token_hex(16))
            conn.execute(made.on_conflict_do_nothing())
            noted = read(conn, IDENTITY)
    return hashlib.sha256("\0".join([noted, *_place(store)]).encode()).hexdigest()[:16]


def _place(store: Store) -> list[str]:
    if store.dialect != "postgresql":
        return [str(store.file and store.file.resolve())]
    with store.read() as conn:
        named = "SELECT datname, oid FROM pg_database WHERE datname = current_database()"
        parts = list(conn.execute(text(named)).one())
        # A managed service may keep this from its users.
        allowed = "SELECT has_function_privilege('pg_control_system()', 'execute')"
        if conn.execute(text(allowed)).scalar():
            parts += conn.execute(text("SELECT system_identifier FROM pg_control_system()")).one()
    return [str(part) for part in parts]
