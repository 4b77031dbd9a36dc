"""A copy of a whole store in one file of SQLite, and back into an empty store, of either database.

Rows are copied as they are kept, in their columns' plain types: nothing is unpacked on the way.
"""

import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import copyfile
from typing import Any
from urllib.parse import quote

from sqlalchemy import (
    URL,
    Connection,
    Function,
    Integer,
    NullPool,
    String,
    Table,
    TableClause,
    TypeDecorator,
    cast,
    column,
    create_engine,
    delete,
    func,
    insert,
    select,
    table,
)
from sqlalchemy.dialects.postgresql import REGCLASS

from stories import folders
from stories.db import search
from stories.db.engine import HEAD, Store, connect, resume_sequence
from stories.db.tables import (
    blobs,
    captures,
    metadata,
    pictures,
    sessions,
    signing_keys,
    stories,
    translog,
    writing,
)

STEP = 500
"""Rows copied at once; of bytes as received and of pictures, which may be large, :data:`FEW`."""

FEW = 10

Told = Callable[[int], None]
"""Is told how many rows were copied."""


def rows(conn: Connection) -> int:
    """How many rows the store has."""
    counts = (select(func.count()).select_from(each) for each in metadata.sorted_tables)
    return sum(conn.execute(count).scalar_one() for count in counts)


def save(conn: Connection, file: Path, told: Told) -> None:
    """Copy the store that is read by *conn*, one snapshot, into a new *file*."""
    copy = _file(file, "rwc")
    try:
        copy.migrate()
        with copy.write() as new:
            _copy(conn, new, told)
    finally:
        copy.close()


@contextmanager
def opened(file: Path, scratch: Path) -> Iterator[Connection]:
    """Read the copy in *file*, which is not touched. One that an earlier Wirecopy made is migrated
    first, in a folder made in *scratch*.

    :raises StoreError: when it is of a newer Wirecopy, or none of ours.
    """
    copy = _file(file, "ro")
    if copy.revision() == HEAD:
        with copy.read() as conn:
            yield conn
        return
    folders.make_private(scratch)  # a new machine has none yet
    with tempfile.TemporaryDirectory(prefix="rehearsal-", dir=scratch) as folder:
        migrated = connect(Path(folder) / file.name)
        try:
            copyfile(file, Path(folder) / file.name)
            migrated.migrate()
            with migrated.read() as conn:
                yield conn
        finally:
            migrated.close()


def holds(conn: Connection) -> str | None:
    """What the store holds that must not be overwritten; None when there is nothing."""
    for what, each in (
        ("stories", stories),
        ("captures", captures),
        ("keys", signing_keys),
        ("a log", translog),
    ):
        if conn.execute(select(each).limit(1)).first() is not None:
            return what
    return None


def load(copy: Connection, conn: Connection, told: Told) -> None:
    """Put all that is in *copy* in place of what is in the store written by *conn*."""
    for each in metadata.sorted_tables:
        conn.execute(delete(each))
    _copy(copy, conn, told)
    # But of captures, whose last number may be above that of any that is there.
    for each in metadata.sorted_tables:
        if each is not captures and each.autoincrement_column is not None:
            resume_sequence(conn, each.autoincrement_column)


def _copy(old: Connection, new: Connection, told: Told) -> None:
    for each in metadata.sorted_tables:
        if each in (sessions, writing):  # whoever is signed in at the desk signs in anew
            continue
        plain, step = _plain(each), FEW if each in (blobs, pictures) else STEP
        found = old.execute(select(plain).execution_options(yield_per=step))
        for part in found.mappings().partitions():
            new.execute(insert(plain), [dict(row) for row in part])
            told(len(part))
    _go_on_numbering(new, _last_number(old))
    search.begin_anew(new)  # no index is like that of another database


def _plain(each: Table) -> TableClause:
    kinds = (
        (one.name, one.type.impl if isinstance(one.type, TypeDecorator) else one.type)
        for one in each.c
    )
    return table(each.name, *(column(name, kind) for name, kind in kinds))


def _last_number(conn: Connection) -> int:
    """The last number that a capture got, which may have been deleted: none is used again."""
    if conn.dialect.name == "postgresql":
        last = func.pg_sequence_last_value(cast(_sequence(), REGCLASS))
        return conn.execute(select(last)).scalar() or 0
    return conn.execute(select(_NUMBERS.c.seq).where(_OF_CAPTURES)).scalar() or 0


def _go_on_numbering(conn: Connection, last: int) -> None:
    if conn.dialect.name == "postgresql":
        conn.execute(select(func.setval(_sequence(), max(last, 1))))
        return
    conn.execute(delete(_NUMBERS).where(_OF_CAPTURES))
    conn.execute(insert(_NUMBERS).values(name=captures.name, seq=last))


_NUMBERS = table("sqlite_sequence", column("name", String()), column("seq", Integer()))
_OF_CAPTURES = _NUMBERS.c.name == captures.name


def _sequence() -> Function[Any]:
    return func.pg_get_serial_sequence(captures.name, captures.c.id.name)


def _file(path: Path, mode: str) -> Store:
    """The store in the SQLite file at *path*, and in no other beside it.

    What is written is worth nothing until all of it is, so there is no journal; what is only read
    may be on a disk that cannot be written.
    """
    fixed = "&immutable=1" if mode == "ro" else ""

    def opened() -> sqlite3.Connection:
        address = f"file:{quote(str(path.absolute()))}?mode={mode}{fixed}"
        found = sqlite3.connect(address, uri=True, isolation_level=None)
        if mode != "ro":
            found.execute("PRAGMA journal_mode=OFF")
            found.execute("PRAGMA synchronous=OFF")
        return found

    address = URL.create("sqlite", database=str(path))
    return Store(create_engine(address, creator=opened, poolclass=NullPool))
