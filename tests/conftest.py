"""Fixtures: real servers, started once per run; fresh state for every test.

``WIRECOPY_TEST_DATABASE_URL`` (PostgreSQL; its user may create databases) and
``WIRECOPY_TEST_REDIS_URL`` name servers to use instead of our own. Even there a test changes only
what it made: databases of its own, and a logical Redis database that was empty.
"""

import logging
import os
import shutil
import signal
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import psycopg
import pytest
import structlog
from hypothesis import HealthCheck, settings
from psycopg import sql
from sqlalchemy import Engine, make_url
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.util import LRUCache

from tests import servers

if TYPE_CHECKING:
    from stories.config import Config
    from stories.db import Store


# Who is run in the background of a script ignores SIGINT, and so would what tests start and stop.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# No test depends on speed; and what is run for a verdict is the same every time.
settings.register_profile(
    "quick",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=bool(os.environ.get("CI")),
    max_examples=25,
)
settings.register_profile("thorough", settings.get_profile("quick"), max_examples=150)
settings.load_profile("quick")  # `make test-all` says otherwise


def _compile_once() -> None:
    """Have all stores of this process share what SQLAlchemy compiles of statements.

    It keeps that with the engine, for a program has one. Each test opens a store of its own: to
    compile all anew was a sixth of their processor time.
    """
    shared: LRUCache[Any, Any] = LRUCache(2000)
    begin = Engine.__init__

    def begin_shared(self: Engine, *args: Any, **keys: Any) -> None:
        begin(self, *args, **keys)
        self._compiled_cache = shared

    def of_one_kind(self: Any, other: object) -> bool:
        return type(self) is type(other) and _version(self) == _version(other)

    Engine.__init__ = begin_shared  # type: ignore[method-assign]
    for dialect in (SQLiteDialect_pysqlite, PGDialect_psycopg):  # what it keeps it by
        dialect.__eq__ = of_one_kind  # type: ignore[method-assign]
        dialect.__hash__ = lambda self: hash(type(self))  # type: ignore[method-assign]


def _version(dialect: Any) -> object:
    return getattr(dialect, "server_version_info", None)


_compile_once()


BOTH_DATABASES = (
    "tests/stories/",
    "tests/test_locks.py",
    "tests/test_replay.py::test_a_live_replay_changes_nothing",
)
"""Where ``make test`` runs every case on PostgreSQL too: what has SQL in it, and the whole way."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark as ``repeated`` what ``make test`` runs on SQLite and need not run on PostgreSQL.

    A test that names its database (``parametrize("database_url", …)``) is no repetition.
    """
    for item in items:
        if not isinstance(item, pytest.Function) or item.nodeid.startswith(BOTH_DATABASES):
            continue
        named = {str(mark.args[0]) for mark in item.iter_markers("parametrize")}
        params = item.callspec.params.items() if hasattr(item, "callspec") else ()
        if any(value == "postgresql" and name not in named for name, value in params):
            item.add_marker("repeated")


postgresql_first = pytest.mark.parametrize(
    "database_url", ["postgresql", pytest.param("sqlite", marks=pytest.mark.slow)], indirect=True
)
"""For races between processes, which take seconds: SQLite in ``make test-all``."""


class ConfigOf(Protocol):
    """Makes a configuration for the test's folder; keys as in ``wirecopy.toml``."""

    def __call__(self, **keys: Any) -> "Config": ...


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drop the settings of the environment in which the tests run."""
    for name in list(os.environ):
        if name.startswith("WIRECOPY_") and not name.startswith("WIRECOPY_TEST_"):
            monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def _plain_logs() -> Iterator[None]:
    """Undo after each test what it configured of logging, which is global."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    logging.captureWarnings(False)
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


@pytest.fixture(scope="session")
def redis_server() -> Iterator[str]:
    """The URL of a Redis or Valkey of our own, or of the one named."""
    if named := os.environ.get("WIRECOPY_TEST_REDIS_URL"):
        yield named
        return
    with servers.throwaway() as folder, servers.redis(folder) as url:
        yield url


@pytest.fixture
def redis_url(redis_server: str) -> Iterator[str]:
    """The URL of an empty logical database for this test alone."""
    with servers.empty_database(redis_server) as url:
        yield url


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The URL of a PostgreSQL of our own, or of the one named; for making databases there."""
    if named := os.environ.get("WIRECOPY_TEST_DATABASE_URL"):
        yield make_url(named).set(drivername="postgresql+psycopg").render_as_string(False)
        return
    with servers.throwaway() as folder, servers.postgres(folder) as url:
        yield url


@contextmanager
def database(postgres_url: str, template: str | None = None) -> Iterator[str]:
    name = f"wirecopy_test_{uuid.uuid4().hex}"
    plain = make_url(postgres_url).set(drivername="postgresql").render_as_string(False)
    with psycopg.connect(plain, autocommit=True) as admin:
        made = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
        if template:
            made += sql.SQL(" TEMPLATE {}").format(sql.Identifier(template))
            if admin.info.server_version >= 150000:  # before, it was the only way
                made += sql.SQL(" STRATEGY file_copy")
        admin.execute(made)
    try:
        yield make_url(postgres_url).set(database=name).render_as_string(False)
    finally:
        with psycopg.connect(plain, autocommit=True) as admin:
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def _migrate(url: str) -> None:
    from stories.db import connect

    store = connect(url)
    store.migrate()
    store.close()


@pytest.fixture(scope="session")
def _postgres_template(postgres_url: str) -> Iterator[str]:
    with database(postgres_url) as url:
        _migrate(url)
        name = make_url(url).database
        assert name
        yield name


@pytest.fixture(scope="session")
def _sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "wirecopy.sqlite3"
    _migrate(f"sqlite:///{path}")
    return path


@contextmanager
def _fresh(request: pytest.FixtureRequest, path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        shutil.copyfile(request.getfixturevalue("_sqlite_template"), path)
        yield f"sqlite:///{path}"
        return
    template = request.getfixturevalue("_postgres_template")
    with database(request.getfixturevalue("postgres_url"), template) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a fresh, migrated database for this test alone, on SQLite and on PostgreSQL."""
    with _fresh(request, tmp_path / "wirecopy.sqlite3") as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def other_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A second fresh database, of either kind, for what goes from one into another."""
    with _fresh(request, tmp_path / "other.sqlite3") as url:
        yield url


@pytest.fixture
def store(database_url: str) -> Iterator["Store"]:
    """An open store of this test alone, on SQLite and on PostgreSQL."""
    from stories.db import connect

    opened = connect(database_url)
    yield opened
    opened.close()


@pytest.fixture
def config(tmp_path: Path) -> ConfigOf:
    """A factory of configurations whose data folder is in the test's own folder."""
    from stories.config import Config

    def make(**keys: Any) -> Config:
        publisher = {"name": "The Daily Test", "url": "https://daily.example"}
        return Config(**{"publisher": publisher, "data": tmp_path / "data", **keys})

    return make


class Time:
    """A clock that is set by hand, ``now``."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        """The time."""
        return self.now


@pytest.fixture
def time(request: pytest.FixtureRequest) -> Iterator[Time]:
    """The clock, set by hand; first it is the ``NOON`` of the test's module."""
    from stories import clock

    by_hand = Time(request.module.NOON)
    with clock.reading(by_hand):
        yield by_hand
