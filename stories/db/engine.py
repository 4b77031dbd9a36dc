"""Opening the store: SQLite (WAL) or PostgreSQL behind the same queries."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Engine,
    Table,
    create_engine,
    event,
    func,
    inspect,
    make_url,
    select,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError

from stories.errors import StoreError

BUSY_SECONDS = 30.0
"""How long SQLite waits for another writer: far above our longest transaction."""

HEAD = "0005"
"""The newest revision in ``migrations/versions``."""

_MIGRATION_LOCK = 0x57495245  # any constant of our own; "WIRE"


class Store:
    """An open database. Cheap to hold, safe to share between threads, not across a fork."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    @property
    def dialect(self) -> str:
        """``sqlite`` or ``postgresql``."""
        return self.engine.dialect.name

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction that may write; commits when the block ends well, else rolls back.

        On SQLite it takes the write lock at once (BEGIN IMMEDIATE): a transaction that reads
        first and writes later cannot be told to start over half-way.
        """
        with self._connection() as conn, conn.begin():
            yield conn

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One consistent snapshot to read from."""
        options: dict[str, Any] = {"wirecopy_read": True}
        if self.dialect == "postgresql":
            options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        with self._connection() as conn, conn.execution_options(**options).begin():
            yield conn

    @contextmanager
    def _connection(self) -> Iterator[Connection]:
        try:
            conn = self.engine.connect()
        except DBAPIError as error:
            raise StoreError(f"database {self.name}: cannot be opened: {why(error)}") from error
        try:
            yield conn
        finally:
            conn.close()

    @property
    def name(self) -> str:
        """The database's address without its password."""
        return self.engine.url.render_as_string(hide_password=True)

    def revision(self) -> str | None:
        """The schema's revision, None for a database without one."""
        with self.read() as conn:
            if not inspect(conn).has_table("alembic_version"):
                return None
            return conn.execute(text("SELECT version_num FROM alembic_version")).scalar()

    def migrate(self) -> None:
        """Bring the tables to this code's schema; safe when several processes do so at once.

        :raises StoreError: when the database was written by a newer Wirecopy.
        """
        if self.revision() == HEAD:
            return
        # Imported only now: it costs a third of a second, and is needed once a release.
        from alembic import command
        from alembic.config import Config
        from alembic.script import ScriptDirectory

        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
        known = {s.revision for s in ScriptDirectory.from_config(config).walk_revisions()}
        with self.write() as conn:
            if self.dialect == "postgresql":
                conn.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
            revision = self.revision()
            if revision is not None and revision not in known:
                raise StoreError(
                    f"database {self.name}: its schema {revision} is newer than this Wirecopy;"
                    " upgrade Wirecopy, or name another database"
                )
            config.attributes["connection"] = conn
            command.upgrade(config, "head")

    def close(self) -> None:
        """Close every pooled connection."""
        self.engine.dispose()


def connect(url: str) -> Store:
    """Open the database at the SQLAlchemy *url* (``sqlite:///PATH``, ``postgresql+psycopg://…``).

    :raises StoreError: for an address that is none of the two, or a folder that cannot be made.
    """
    try:
        address = make_url(url)
        if address.get_backend_name() not in ("sqlite", "postgresql"):
            raise StoreError(
                f"database {address.get_backend_name()}: not supported;"
                " use sqlite:///PATH or postgresql://USER@HOST/NAME"
            )
        if address.get_backend_name() == "postgresql":
            address = address.set(drivername="postgresql+psycopg")
            patience = {} if "connect_timeout" in address.query else {"connect_timeout": 10}
            return Store(
                create_engine(address, pool_pre_ping=True, pool_size=5, connect_args=patience)
            )
    except (ArgumentError, NoSuchModuleError, ValueError) as error:
        raise StoreError(f"database address cannot be read: {error}") from error
    if address.database and address.database != ":memory:":
        folder = Path(address.database).parent
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise StoreError(f"data folder {folder}: cannot be made: {error.strerror}") from error
    engine = create_engine(address, connect_args={"timeout": BUSY_SECONDS})
    event.listen(engine, "connect", _on_sqlite_connect)
    event.listen(engine, "begin", _on_sqlite_begin)
    return Store(engine)


def _on_sqlite_connect(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the driver must not open transactions of its own
    if connection.execute("PRAGMA page_count").fetchone() == (0,):
        # Only a file that nothing was written to takes this: pages freed by retention can then
        # be given back to the file system, a few at a time.
        connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",  # a capture acknowledged is a capture on disk, power cut or not
        "foreign_keys=ON",
        "temp_store=MEMORY",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _on_sqlite_begin(conn: Connection) -> None:
    reading = conn.get_execution_options().get("wirecopy_read", False)
    conn.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


def why(error: SQLAlchemyError) -> str:
    """What the database said, in one line and without the statement that it said it of."""
    said = error.orig if isinstance(error, DBAPIError) and error.orig else error
    return str(said).strip().split("\n")[0]


def upsert(conn: Connection, table: Table) -> postgresql.Insert | sqlite.Insert:
    """An INSERT into *table*, to be told what to do where the row is there already.

    SQLite and PostgreSQL share ON CONFLICT; SQLAlchemy has it for each by itself.
    """
    if conn.dialect.name == "postgresql":
        return postgresql.insert(table)
    return sqlite.insert(table)


def resume_sequence(conn: Connection, column: Column[Any]) -> None:
    """After rows were copied in with their numbers, let the next one for *column* lie above them.

    PostgreSQL's sequences do not notice such rows; SQLite numbers above them by itself.
    """
    if conn.dialect.name != "postgresql":
        return
    top = conn.execute(select(func.max(column))).scalar()
    if top is not None:
        sequence = func.pg_get_serial_sequence(column.table.name, column.name)
        conn.execute(select(func.setval(sequence, top)))
