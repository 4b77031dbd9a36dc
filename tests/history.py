"""A long history in a moment: one story that the real code took in, copied in SQL into the past.

Its rows are copied whatever tables and columns there are, each under another id and, as real ones
are, with a capture, keys, version, receipt, statement and entry of its own.
"""

import hashlib
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, Table, func, select, text

from stories import transparency
from stories.config import Config
from stories.db import Store, retention, tables
from stories.db.engine import resume_sequence

STEP = timedelta(minutes=5)
"""Between two stories of the history."""


def lengthen(store: Store, config: Config, story: str, count: int) -> None:
    """Copy *story*, of which there is one version, *count* times; the log and the database's
    statistics are then as after so long a time."""
    with store.write() as conn:
        _functions(conn)
        number = tables.captures.c.id
        brought = select(tables.stories.c.capture_id).where(tables.stories.c.id == story)
        capture = conn.execute(brought).scalar_one()
        base = conn.execute(select(func.max(number))).scalar_one()
        for table in tables.metadata.sorted_tables:
            key = {"stories": "id", "captures": "id"}.get(table.name, "story_id")
            if key in table.columns:
                value = capture if table.name == "captures" else story
                conn.execute(text(_copies(table, key, base, count)), {"value": value})
        resume_sequence(conn, number)
        resume_sequence(conn, tables.headlines.c.id)
    transparency.append(store, config)
    retention.tidy(store)
    if store.dialect == "postgresql":
        with store.engine.connect() as plain:
            plain.execution_options(isolation_level="AUTOCOMMIT").execute(text("VACUUM ANALYZE"))


def _copies(table: Table, key: str, base: int, count: int) -> str:
    """An INSERT of *count* copies of the rows of *table* whose *key* is ``:value``."""
    step = STEP // timedelta(microseconds=1)
    special = {
        ("stories", "id"): "copy_id(n)",
        ("stories", "guid"): "substr({0}, 1, length({0}) - 13) || copy_id(n)",
        ("stories", "key"): "{0} || '/' || n",
        ("captures", "id"): f"{base} + n",
        # Of most the bytes have gone by their age.
        ("captures", "expired_at"): f"CASE WHEN n <= {count - 100} THEN t.received_at END",
        ("headlines", "id"): "{0} + n",
        ("identities", "key"): "{0} || '/' || n",
        ("identities", "digest"): "copy_digest({0} || '/' || n)",
        ("receipts", "hash"): "copy_bytes(n)",
        # Unnumbered: they wait for the log.
        ("receipts", "idx"): "NULL",
        ("receipts", "logged_at"): "NULL",
    }
    columns = []
    for column in table.columns:
        new = {"story_id": "copy_id(n)", "capture_id": f"{base} + n"}.get(column.name, "{0}")
        if isinstance(column.type, tables.UtcDateTime):
            new = f"{{0}} - ({count} + 1 - n) * CAST({step} AS BIGINT)"
        columns.append(special.get((table.name, column.name), new).format(f't."{column.name}"'))
    names = ", ".join(f'"{column.name}"' for column in table.columns)
    return (
        f"INSERT INTO {table.name} ({names}) WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL"
        f" SELECT n + 1 FROM numbers WHERE n < {count}) SELECT {', '.join(columns)}"
        f' FROM {table.name} AS t, numbers WHERE t."{key}" = :value'
    )


def _functions(conn: Connection) -> None:
    """Functions of a number, the same on both: an id, a digest, bytes; spread as real ones are."""
    if conn.dialect.name == "sqlite":
        raw: Any = conn.connection.driver_connection
        raw.create_function("copy_digest", 1, _digest)
        raw.create_function("copy_bytes", 1, lambda n: bytes.fromhex(_digest(n)))
        raw.create_function("copy_id", 1, lambda n: _digest(n).translate(_LETTERS)[:13])
        return
    digest = "sha256(convert_to($1::text, 'UTF8'))"
    for name, takes, returns, body in (
        ("copy_digest", "text", "text", f"encode({digest}, 'hex')"),
        ("copy_bytes", "bigint", "bytea", digest),
        (
            *("copy_id", "bigint", "text"),
            f"substr(translate(encode({digest}, 'hex'), '0189', 'ghij'), 1, 13)",
        ),
    ):
        made = (
            f"CREATE OR REPLACE FUNCTION {name}({takes}) RETURNS {returns} LANGUAGE sql IMMUTABLE"
        )
        conn.execute(text(f"{made} AS $${'SELECT ' + body}$$"))


_LETTERS = str.maketrans("0189", "ghij")


def _digest(value: object) -> str:
    return hashlib.sha256(str(value).encode()).hexdigest()
