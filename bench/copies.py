"""A long history in a moment: one story that the real code took in, copied in SQL into the past.

Its rows are copied whatever tables and columns there are, each under another id and, as real ones
are, with a capture, keys, version, receipt, statement and entry of its own.
"""

import hashlib
import random
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, MetaData, Table, func, select, text

from bench import english
from publish.words import words
from stories import transparency
from stories.config import Config
from stories.db import Store, feeds, key_value, retention, search, tables
from stories.db.engine import resume_sequence
from stories.db.search import Indexed

AT_ONCE = 2_000
"""Stories copied in one transaction."""


def lengthen(
    store: Store, config: Config, story: str, count: int, step: timedelta, kept: int
) -> None:
    """Copy *story* as :func:`copy` does; the log and the database's statistics are then as after so
    long a time."""
    copy(store, story, count, step, kept)
    transparency.append(store, config)
    retention.tidy(store)
    if store.dialect == "postgresql":
        with store.engine.connect() as plain:
            plain.execution_options(isolation_level="AUTOCOMMIT").execute(text("VACUUM ANALYZE"))


def copy(store: Store, story: str, count: int, step: timedelta, kept: int) -> None:
    """Copy *story*, of which there is one version, *count* times, *step* apart; of the captures
    the last *kept* have their bytes. The receipts wait for the log."""
    schema = MetaData()
    with store.write() as conn:
        schema.reflect(conn)  # a store of an earlier release may be copied in, too
        ids = tables.captures.c.id
        brought = select(tables.stories.c.capture_id).where(tables.stories.c.id == story)
        capture = conn.execute(brought).scalar_one()
        base = conn.execute(select(func.max(ids))).scalar_one()
    statements = []
    for table in schema.sorted_tables:
        key = {"stories": "id", "captures": "id"}.get(table.name, "story_id")
        if key in table.columns:
            value = capture if table.name == "captures" else story
            copies = _copies(table, key, base, count, step, kept)
            statements.append((text(copies), {"value": value}))
    for first in range(1, count + 1, AT_ONCE):
        bounds = {"first": first, "last": min(first + AT_ONCE - 1, count)}
        with store.write() as conn:
            _functions(conn)
            for statement, values in statements:
                conn.execute(statement, values | bounds)
    with store.write() as conn:
        for numbered in (tables.captures, tables.headlines, tables.acts):
            if numbered.name in schema.tables:
                resume_sequence(conn, numbered.c.id)
        if "sequences" in schema.tables:
            last = "SELECT max(seq) FROM placements AS p WHERE p.feed = sequences.feed"
            conn.execute(text(f"UPDATE sequences SET last = ({last})"))


def index(store: Store) -> None:
    """Put what is placed into the full-text index: *common* is a word of all, *seldom* of one in
    forty, *number7* of one."""
    placements = tables.placements
    query = select(placements.c.story_id, placements.c.changed_at).order_by(placements.c.changed_at)
    lots = random.Random(0)
    texts = [words(english.text(lots, 400)) for _ in range(500)]
    with store.read() as conn:
        placed = conn.execute(query).all()
    for first in range(0, len(placed), AT_ONCE):
        with store.write() as conn:
            search.put(
                conn,
                [
                    Indexed(
                        row.story_id,
                        row.changed_at,
                        [
                            *texts[number % len(texts)],
                            *("common", f"number{number}", *["seldom"] * (number % 40 == 0)),
                        ],
                    )
                    for number, row in enumerate(placed[first : first + AT_ONCE], first)
                ],
            )
    with store.write() as conn:
        reached = {name: (0, upto) for name, upto in feeds.numbers(conn).items()}
        key_value.write(conn, search.PROGRESS, reached)
        key_value.write(conn, search.REST, [])


def _copies(table: Table, key: str, base: int, count: int, step: timedelta, kept: int) -> str:
    """An INSERT of the copies ``:first`` to ``:last`` of *count* of the rows of *table* whose *key*
    is ``:value``."""
    special = {
        ("stories", "id"): "copy_id(n)",
        ("stories", "guid"): "substr({0}, 1, length({0}) - 13) || copy_id(n)",
        ("stories", "key"): "{0} || '/' || n",
        ("captures", "id"): f"{base} + n",
        # Of the others the bytes have gone by their age.
        ("captures", "expired_at"): f"CASE WHEN n <= {count - kept} THEN t.received_at END",
        ("headlines", "id"): "{0} + n",
        ("placements", "seq"): "{0} + n",
        # Long beyond the feed's end.
        ("placements", "digests"): "NULL",
        ("acts", "id"): "{0} + n",
        ("identities", "digest"): "copy_digest({0} || '/' || n)",
        ("receipts", "hash"): "copy_bytes(n)",
        # Unnumbered: they wait for the log.
        ("receipts", "idx"): "NULL",
        ("receipts", "logged_at"): "NULL",
    }
    columns = []
    for column in table.columns:
        new = {"story_id": "copy_id(n)", "capture_id": f"{base} + n"}.get(column.name, "{0}")
        known = tables.metadata.tables[table.name].columns.get(column.name)
        if known is not None and isinstance(known.type, tables.UtcDateTime):
            apart = step // timedelta(microseconds=1)
            new = f"{{0}} - ({count} + 1 - n) * CAST({apart} AS BIGINT)"
        columns.append(special.get((table.name, column.name), new).format(f't."{column.name}"'))
    names = ", ".join(f'"{column.name}"' for column in table.columns)
    return (
        f"INSERT INTO {table.name} ({names}) WITH RECURSIVE numbers(n) AS"
        " (SELECT CAST(:first AS BIGINT) UNION ALL SELECT n + 1 FROM numbers WHERE n < :last)"
        f" SELECT {', '.join(columns)}"
        f' FROM {table.name} AS t, numbers WHERE t."{key}" = :value'
    )


def _functions(conn: Connection) -> None:
    """Functions of a number, the same on both: an id, a digest, bytes; spread as real ones are."""
    if conn.dialect.name == "sqlite":  # which knows them for a connection; PostgreSQL keeps them
        raw: Any = conn.connection.driver_connection
        raw.create_function("copy_digest", 1, _digest)
        raw.create_function("copy_bytes", 1, lambda n: bytes.fromhex(_digest(n)))
        raw.create_function("copy_id", 1, lambda n: _digest(n).translate(_LETTERS)[:13])
        return
    digest = "sha256(convert_to($1::text, 'UTF8'))"
    for name, takes, returns, body in (
        ("copy_bytes", "bigint", "bytea", digest),
        ("copy_digest", "text", "text", f"encode({digest}, 'hex')"),
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
