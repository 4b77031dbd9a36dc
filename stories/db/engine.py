"""Opening the store: SQLite (WAL) or PostgreSQL behind the same queries."""

import re
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from functools import cache, partial
from math import inf
from pathlib import Path
from typing import Any

from sqlalchemy import (
    URL,
    Column,
    Connection,
    Dialect,
    Engine,
    ExceptionContext,
    Executable,
    Integer,
    Table,
    create_engine,
    event,
    func,
    inspect,
    literal,
    literal_column,
    make_url,
    select,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    InvalidatePoolError,
    NoSuchModuleError,
    PendingRollbackError,
    SQLAlchemyError,
)

from stories import clock, folders
from stories.db.tables import metadata
from stories.errors import AddressError, NewerError, StoreError, UnknownOutcomeError
from stories.logs import masked

BUSY_SECONDS = 30.0
"""How long SQLite waits for another writer: far above our longest transaction."""

HEAD = "0042"
"""The newest revision in ``migrations/versions``."""

_MIGRATION_LOCK = 0x57495245  # any constant of our own; "WIRE"


class Store:
    """An open database. Cheap to hold, safe to share between threads, not across a fork."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.patience: float | None = None

    def hurry(self, patience: float) -> "Store":
        """Have PostgreSQL answer every statement within *patience* seconds from now on, and end a
        transaction that it hears nothing of for :data:`IDLE` seconds; this store. For members: one
        that waits for a host which has gone without a word does nothing, and locks what it had.
        """
        self.patience = patience
        self.engine.dispose()  # what is open was told otherwise
        return self

    @property
    def dialect(self) -> str:
        """``sqlite`` or ``postgresql``."""
        return self.engine.dialect.name

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction that may write; commits when the block ends well, else rolls back.

        On SQLite it takes the write lock at once (BEGIN IMMEDIATE): a transaction that reads
        first and writes later cannot be told to start over half-way.

        :raises UnknownOutcomeError: when nobody says whether it was committed.
        """
        with self._connection() as conn, conn.begin() as transaction:
            self._begin(conn, "BEGIN IMMEDIATE")
            yield conn
            try:
                transaction.commit()
            except DBAPIError as error:
                if not error.connection_invalidated:
                    raise
                raise UnknownOutcomeError(
                    f"database {self.name}: the connection was lost during the commit, so it is not"
                    " known whether this was done; look, or do it again: what was done is not done"
                    f" twice ({why(error)})"
                ) from error

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One consistent snapshot to read from."""
        options: dict[str, Any] = {}
        if self.dialect == "postgresql":
            options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        with self._connection() as conn, conn.execution_options(**options).begin():
            self._begin(conn, "BEGIN")
            yield conn

    def _begin(self, conn: Connection, how: str) -> None:
        """Begin the transaction, where the driver does not. Here and not as an engine's event: with
        any, SQLAlchemy takes a fifth more time for every statement."""
        if self.dialect == "sqlite":
            conn.exec_driver_sql(how)

    @contextmanager
    def _connection(self) -> Iterator[Connection]:
        try:
            conn = self.engine.connect()
        except DBAPIError as error:
            reason = self.file and folders.refusal(self.file.parent, *_files(self.file))
            raise StoreError(
                f"database {self.name}: cannot be opened: {reason or why(error)}"
            ) from error
        try:
            yield conn
        finally:
            conn.close()

    @property
    def name(self) -> str:
        """The database as people may see it: the file, or user, host and name; no password."""
        url = self.engine.url
        if self.dialect == "sqlite":
            return f"sqlite:///{url.database}"
        host = url.host or ",".join(_several(url.query.get("host", "")))
        user, port = f"{url.username}@" if url.username else "", f":{url.port}" if url.port else ""
        return f"postgresql://{user}{host}{port}/{url.database or ''}"

    @property
    def file(self) -> Path | None:
        """The file of SQLite; None for PostgreSQL and for a database in memory."""
        name = self.engine.url.database
        return Path(name) if self.dialect == "sqlite" and name and name != ":memory:" else None

    def revision(self) -> str | None:
        """The schema's revision, None for an empty database.

        :raises StoreError: when what stands there is another program's.
        """
        with self.read() as conn:
            there = set(inspect(conn).get_table_names())
            found = None
            if "alembic_version" in there:
                found = conn.execute(text("SELECT version_num FROM alembic_version")).scalar()
        ours = there & set(metadata.tables)
        if bool(ours) != bool(found) or not (found is None or _REVISION.fullmatch(found)):
            what = f"alembic_version {found}" if found else f"a table named {min(ours, default='')}"
            raise StoreError(
                f"database {self.name}: has {what} of another program; give Wirecopy one of its"
                " own: CREATE DATABASE, and name it in database_url"
            )
        return found

    def migrate(self) -> None:
        """Bring the tables to this code's schema; safe when several processes do so at once.

        :raises StoreError: when the database was written by a newer Wirecopy, belongs to another
            program, or cannot hold every language.
        """
        self._check_encoding()
        revision = self.revision()
        if revision == HEAD:
            return
        self._refuse_newer(revision)
        with self.write() as conn:
            if self.dialect == "postgresql":
                conn.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
            if inspect(conn).has_table("alembic_version"):
                _upgrade(conn)
            else:
                _create(conn)

    def refuse_newer(self) -> None:
        """Quickly make sure that no newer Wirecopy has migrated the store since it was opened.

        :raises StoreError: when one has.
        """
        with self.read() as conn:
            self._refuse_newer(
                conn.execute(text("SELECT version_num FROM alembic_version")).scalar()
            )

    def _refuse_newer(self, revision: str | None) -> None:
        if revision is not None and revision > HEAD:
            raise NewerError(
                f"database {self.name}: its schema {revision} is newer than this Wirecopy;"
                " upgrade Wirecopy, or name another database"
            )

    def _check_encoding(self) -> None:
        if self.dialect != "postgresql":
            return
        with self.read() as conn:
            encoding = conn.execute(text("SHOW server_encoding")).scalar()
        if encoding != "UTF8":
            raise StoreError(
                f"database {self.name}: its encoding is {encoding}, which cannot hold every"
                f" language; make one that can: CREATE DATABASE {self.engine.url.database}_utf8"
                " ENCODING 'UTF8' TEMPLATE template0, and name it in database_url"
            )

    def writes_refused(self) -> str | None:
        """Why nothing can be written just now, with the remedy; None if it can, as far as can be
        known without writing.

        :raises StoreError, SQLAlchemyError: when the database does not answer.
        """
        if self.file is not None:
            return folders.refusal(self.file.parent, *_files(self.file))
        if self.dialect == "sqlite":
            return None
        with self.read() as conn:  # whose own transaction is read-only in any case
            standby, read_only = conn.execute(
                text("SELECT pg_is_in_recovery(), current_setting('default_transaction_read_only')")
            ).one()
        if standby:
            return "it is a standby; name the primary in database_url, or promote it"
        if read_only == "on":
            return "default_transaction_read_only is on; set that off"
        return None

    def close(self) -> None:
        """Close every pooled connection."""
        self.engine.dispose()


def _create(conn: Connection) -> None:
    """Make the tables of an empty database as they are, which migrations would make step by step.

    In an eighth of the time; a test holds one against the other.
    """
    metadata.create_all(conn, checkfirst=False)
    conn.execute(
        text(
            "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL,"
            " CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))"
        )
    )
    conn.execute(text("INSERT INTO alembic_version VALUES (:head)"), {"head": HEAD})


def _upgrade(conn: Connection) -> None:
    # Imported only now: it costs a third of a second, and is needed once a release.
    from alembic import command
    from alembic.config import Config

    config = Config()
    # An option of an INI file, in which a "%" is written twice.
    folder = str(Path(__file__).parent / "migrations").replace("%", "%%")
    config.set_main_option("script_location", folder)
    config.attributes["connection"] = conn
    command.upgrade(config, "head")


def connect(where: str | Path) -> Store:
    """Open the SQLite file at a path, or the database at a URL (``sqlite:///PATH``,
    ``postgresql://USER@HOST/NAME``; several hosts as libpq has them).

    :raises AddressError: for an address that is none of these.
    :raises StoreError: for a folder that cannot be used.
    """
    if isinstance(where, Path):
        return _sqlite(URL.create("sqlite", database=str(where)), where.parent)
    try:
        address, ports = _parse(where)
        if address.get_backend_name() == "sqlite":
            if address.database in (None, "", ":memory:"):  # it would be lost with the process
                raise ValueError("it names no file")
            return _sqlite(address, None)
        if address.get_backend_name() == "postgresql":
            return _postgresql(address, ports)
    except (ArgumentError, NoSuchModuleError, ValueError) as error:
        why = f"{error}".removesuffix(" from given URL string")
        raise AddressError(
            f"database address {masked(where)}: cannot be read: {why};"
            " use sqlite:///PATH or postgresql://USER@HOST/NAME"
        ) from error
    raise AddressError(
        f"database {address.get_backend_name()}: not supported;"
        " use sqlite:///PATH or postgresql://USER@HOST/NAME"
    )


def import_driver(where: str | Path) -> None:
    """Import what opening the database *where* imports, for processes that will be forked."""
    is_postgresql = isinstance(where, str) and where.startswith("postgres")
    create_engine("postgresql+psycopg://" if is_postgresql else "sqlite://")


_REVISION = re.compile(r"[0-9]{4}", re.ASCII)
_SEVERAL_HOSTS = re.compile(r"(\w[\w+]*://(?:[^:/]*(?::[^@]*)?@)?)([^/?@]*,[^/?@]*)(.*)", re.DOTALL)
_HOST = re.compile(r"\[?(?P<host>[^\]]*?)\]?(?::(?P<port>[0-9]*))?")


def _several(value: str | tuple[str, ...]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else value


def _parse(text: str) -> tuple[URL, str]:
    """The URL, and the ports of its hosts where it names several of both."""
    text = re.sub(r"^postgres(ql)?://", "postgresql+psycopg://", text)
    ports = ""
    if parts := _SEVERAL_HOSTS.fullmatch(text):
        found = [_HOST.fullmatch(one) for one in parts[2].split(",")]
        if not all(found):
            raise ValueError("of its hosts one is none; write HOST:PORT,HOST:PORT")
        ports = ",".join((m["port"] or "") if m else "" for m in found)
        hosts = ",".join(m["host"] if m else "" for m in found)
        address = make_url(parts[1] + parts[3]).set(host=hosts)
    else:
        address = make_url(text)
    if "@" in (address.host or ""):
        raise ValueError(
            "it has more than one @; write %40 for that of the password, or leave the password out"
            " and give it as PGPASSWORD or in ~/.pgpass"
        )
    return address, ports


def _postgresql(address: URL, ports: str) -> Store:
    arguments: dict[str, Any] = {
        # Against PGCLIENTENCODING, and against what ALTER ROLE has set.
        "client_encoding": "utf8",
        "prepare_threshold": None,  # until it is known that nothing stands between
    }
    if ports.strip(","):
        arguments["port"] = ports
    several = "," in (address.host or ",".join(_several(address.query.get("host", ""))))
    bounds = {**_BOUNDS, **({"target_session_attrs": "read-write"} if several else {})}
    arguments |= {name: value for name, value in bounds.items() if name not in address.query}
    address = address.set(drivername="postgresql+psycopg")
    store = Store(create_engine(address, pool_size=5, connect_args=arguments))
    event.listen(store.engine, "do_connect", partial(_connected, store))
    event.listen(store.engine, "connect", partial(_on_postgresql_connect, store))
    event.listen(store.engine, "checkout", partial(_on_postgresql_checkout, several))
    event.listen(store.engine, "handle_error", _on_postgresql_error)
    return store


_BOUNDS = {
    "connect_timeout": 5,  # seconds, for each host
    # A host that vanished without a word (power, firewall) is noticed within some ten seconds.
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,  # milliseconds
}
"""What libpq is told unless the address says otherwise."""

IDLE = 60
"""Seconds after which PostgreSQL ends a member's transaction in which nothing is asked: its host
may be cut off, and what it has locked is waited for."""

PREPARED_AFTER = 5
"""Times a statement is sent until the server prepares it: a quarter of the time of short ones."""


def _connected(store: Store, dialect: Dialect, _record: Any, args: Any, keys: Any) -> Any:
    """A new connection, which waits for answers as long as *store* does.

    Keepalives are answered by a kernel whose PostgreSQL is stopped, and by what stands between.
    """
    connection = dialect.loaded_dbapi.connect(*args, **keys)
    wait = connection.wait

    def within(waiting: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
        end = time.monotonic() + (store.patience or inf)
        try:
            wanted = next(waiting)
            while True:
                ready = yield wanted
                if not ready and time.monotonic() > end:
                    connection.close()
                    raise dialect.loaded_dbapi.OperationalError(
                        f"no answer within {store.patience:g} s: see whether it can be reached"
                    )
                wanted = waiting.send(ready)
        except StopIteration as ended:
            return ended.value

    def bounded(waiting: Generator[Any, Any, Any], *args: Any, **keys: Any) -> Any:
        return wait(within(waiting) if store.patience else waiting, *args, **keys)

    connection.wait = bounded
    return connection


def _on_postgresql_connect(store: Store, connection: Any, record: Any) -> None:
    """Follow the server's clock; and on a direct connection let statements be prepared, and have
    the server notice when this host has gone.

    A pool that lends a session for one transaction (PgBouncer) gives the next one to another, which
    knows nothing of them. It cannot hide: the session's process is not the one that it named.
    """
    connection.autocommit = True
    _ask(connection)
    (process,) = connection.execute("SELECT pg_backend_pid()").fetchone()
    if process == connection.info.backend_pid:
        connection.prepare_threshold = PREPARED_AFTER
        wanted = dict(_SERVER)
        if store.patience:
            wanted["idle_in_transaction_session_timeout"] = f"{IDLE}s"
        for each in wanted.items():
            with suppress(connection.Error):  # which this server, or its system, does not have
                connection.execute("SELECT set_config(%s, %s, false)", each)
    connection.autocommit = False
    record.info["asked"] = True


_SERVER = {
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "10s",
    "client_connection_check_interval": "10s",  # who waits for a lock, and whom nobody waits for
}
"""What a server is told of a connection, so that what is locked by a host that has gone is free."""


def _on_postgresql_checkout(several: bool, connection: Any, record: Any, _fairy: Any) -> None:
    """See that the connection is good, which also tells the server's time: in one round trip.

    :raises InvalidatePoolError: when it is not, and no other from before is; the pool connects
        anew. Of *several* hosts the one that takes no more writes is left, too.
    """
    if record.info.pop("asked", False):  # just now, as it was opened
        return
    try:
        connection.autocommit = True
        read_only = _ask(connection)
        connection.autocommit = False
    except Exception as error:
        raise InvalidatePoolError("it does not answer") from error
    if several and read_only:
        raise InvalidatePoolError("it takes no writes any more")


def _ask(connection: Any) -> bool:
    """Follow the server's clock; whether it takes no writes."""
    asked = time.monotonic()
    said, read_only = connection.execute(_ASKED).fetchone()
    clock.follow(said, asked, time.monotonic())
    return bool(read_only)


_ASKED = (
    "SELECT extract(epoch from clock_timestamp())::float8,"
    " current_setting('transaction_read_only')::boolean"
)

_READ_ONLY = "25006"
"""SQLSTATE of a write that a server refuses which was the primary until now."""


def _on_postgresql_error(context: ExceptionContext) -> None:
    """Have every connection opened anew once one of them was refused a write."""
    if getattr(context.original_exception, "sqlstate", None) == _READ_ONLY:
        context.is_disconnect = True


def _files(file: Path) -> tuple[Path, Path, Path]:
    """The files of the SQLite database *file*."""
    return file, file.with_name(f"{file.name}-wal"), file.with_name(f"{file.name}-shm")


def _sqlite(address: URL, ours: Path | None) -> Store:
    """*ours*: a folder that is the store's own, and not just anywhere that a URL names."""
    if address.database and address.database != ":memory:":
        file = Path(address.database)
        try:
            if ours is not None or not file.parent.exists():
                folders.make_private(file.parent)
            if refused := folders.refusal(file.parent, *_files(file), full=False):
                raise StoreError(f"data folder {refused}, or name another (data =)")
            folders.make_file_private(file)
        except OSError as error:
            raise StoreError(
                f"data folder {file.parent}: cannot be made: {error.strerror}; mend that, or name"
                " another (data =)"
            ) from error
    engine = create_engine(address, connect_args={"timeout": BUSY_SECONDS})
    event.listen(engine, "connect", _on_sqlite_connect)
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


def away(error: Exception) -> bool:
    """Whether *error* is of the database, or of the way to it, and not of what was asked of it."""
    if isinstance(error, DBAPIError):
        return error.connection_invalidated
    return isinstance(error, StoreError | PendingRollbackError)


def why(error: SQLAlchemyError) -> str:
    """The database's message, in one line and without the SQL statement."""
    said = error.orig if isinstance(error, DBAPIError) and error.orig else error
    line = str(said).strip().split("\n")[0]
    remedy = next((remedy for words, remedy in _REMEDIES if words in line), "")
    return f"{line}: {remedy}" if remedy else line


_REMEDIES = (
    ("disk is full", "make room on its disk"),
    ("No space left", "make room on its server's disk"),
    ("readonly database", "see who owns its file and the folder of that"),
    ("read-only transaction", "it is a standby, or set so: name the one that takes writes"),
)


def upsert(conn: Connection | str, table: Table) -> postgresql.Insert | sqlite.Insert:
    """An INSERT into *table* that can have ON CONFLICT, for a connection or the name of a dialect.

    SQLite and PostgreSQL have the same clause; SQLAlchemy has a class for each.
    """
    if (conn if isinstance(conn, str) else conn.dialect.name) == "postgresql":
        return postgresql.insert(table)
    return sqlite.insert(table)


@cache
def replacing(dialect: str, table: Table) -> Executable:
    """An INSERT of rows of *table*, each in place of the one that has its key."""
    statement = upsert(dialect, table)
    rest = {c.name: statement.excluded[c.name] for c in table.c if not c.primary_key}
    return statement.on_conflict_do_update(index_elements=[*table.primary_key], set_=rest)


COUNTED = 1000
"""Rows up to which a growing table is counted."""


def roughly(conn: Connection, table: Table) -> int:
    """How many rows *table* has: up to :data:`COUNTED` exactly, above that as the database
    estimates it, for to count reads them all.

    PostgreSQL's estimate is that of its last ANALYZE. SQLite's is made of the first and the last
    number of a row: too high by as many as were deleted between them.
    """
    few = select(literal(1)).select_from(table).limit(COUNTED + 1).subquery()
    counted = select(func.count()).select_from(few).scalar_subquery()
    if conn.dialect.name == "postgresql":
        one = text(f"oid = '{table.name}'::regclass")
        estimate = (
            select(literal_column("reltuples", Integer)).select_from(text("pg_class")).where(one)
        )
    else:
        row = literal_column("rowid", Integer)
        first, last = (select(end(row)).select_from(table) for end in (func.min, func.max))
        estimate = select(last.scalar_subquery() - first.scalar_subquery() + 1)
    count, about = conn.execute(select(counted, estimate.scalar_subquery())).one()
    return int(count) if count <= COUNTED else max(int(count), int(about))


def resume_sequence(conn: Connection, column: Column[Any]) -> None:
    """After rows were copied in with their numbers, let new numbers for *column* begin above them.

    PostgreSQL's sequences do not notice such rows; SQLite does.
    """
    if conn.dialect.name != "postgresql":
        return
    top = conn.execute(select(func.max(column))).scalar()
    if top is not None:
        sequence = func.pg_get_serial_sequence(column.table.name, column.name)
        conn.execute(select(func.setval(sequence, top)))
