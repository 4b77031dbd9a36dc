"""Files of wires: what was last seen of each where it lies, and whether it is captured.

Written in the transaction that stores the captures, so that no file counts as taken that is not.
"""

import hashlib
from collections.abc import Collection, Mapping

from sqlalchemy import Connection, delete, select

from stories.db.engine import replacing
from stories.db.tables import files
from stories.models import Sighting

CHUNK = 400
"""Most values bound in one statement's IN (…): far below SQLite's and PostgreSQL's limits."""


def known(conn: Connection, wire: str) -> dict[str, Sighting]:
    """What was last seen of the files of *wire*, by their :func:`short` names."""
    fields = (files.c.mark, files.c.since, files.c.taken, files.c.digest, files.c.unsettled)
    rows = conn.execute(select(files.c.name, *fields).where(files.c.wire == wire))
    return {name: Sighting(*seen) for name, *seen in rows}


def note(
    conn: Connection, wire: str, seen: Mapping[str, Sighting], gone: Collection[str] = ()
) -> None:
    """Write what was *seen* of files of *wire*, by their short names, and forget those *gone*."""
    rows = [
        {"wire": wire, "name": name, "mark": one.mark, "since": one.since, "taken": one.taken}
        | {"digest": one.digest, "unsettled": one.unsettled}
        for name, one in sorted(seen.items())
    ]
    if rows:
        conn.execute(replacing(conn.dialect.name, files), rows)
    names = sorted(gone)
    for at in range(0, len(names), CHUNK):
        these = files.c.name.in_(names[at : at + CHUNK])
        conn.execute(delete(files).where(files.c.wire == wire, these))


def short(name: str) -> str:
    """The name under which a file called *name* is kept: any bytes, of any length."""
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
