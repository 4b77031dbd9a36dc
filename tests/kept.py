"""The store that release 0.1 wrote: as it is, on PostgreSQL too, and with a long history.

``tests/data/release-0.1.tar.xz`` was made by version 0.1.0 (d8d4c48): five wires, 17 stories, desk
headlines with a second look due, an item in quarantine, a key about to be rotated. Beside it stand
the feeds as that version served them.
"""

import tarfile
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, MetaData, create_engine, insert, select, text

from stories.db import connect, engine, tables
from stories.db.engine import resume_sequence

KEPT = Path(__file__).parent / "data" / "release-0.1.tar.xz"

REVISION = "0005"
"""Of that version's schema."""


def unpack(folder: Path) -> Path:
    """Have in *folder* data and configuration as that version left them; the store's file."""
    with tarfile.open(KEPT) as archive:
        archive.extractall(folder, filter="data")
    return folder / "wirecopy-data" / "wirecopy.sqlite3"


def empty(conn: Connection) -> None:
    """Take everything out of a PostgreSQL database."""
    conn.execute(text("DROP SCHEMA public CASCADE"))
    conn.execute(text("CREATE SCHEMA public"))


def move(file: Path, url: str) -> None:
    """Have the PostgreSQL database at *url* hold what is in *file*, and nothing else, as that
    version would have written it."""
    old, store, schema = create_engine(f"sqlite:///{file}"), connect(url), MetaData()
    config = Config()
    config.set_main_option("script_location", str(Path(engine.__file__).parent / "migrations"))
    with old.connect() as source, store.write() as conn:
        empty(conn)
        config.attributes["connection"] = conn
        command.upgrade(config, REVISION)
        schema.reflect(source)
        for table in schema.sorted_tables:
            conn.execute(table.delete())
            if rows := source.execute(select(table)).mappings().all():
                conn.execute(insert(table), [dict(row) for row in rows])
        for column in (tables.captures.c.id, tables.problems.c.id, tables.headlines.c.id):
            resume_sequence(conn, column)
    old.dispose()
    store.close()
