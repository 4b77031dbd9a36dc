"""A PostgreSQL for the bench: that of the tests, with durable commits."""

from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

import psycopg
from sqlalchemy import make_url

from tests import servers


@contextmanager
def running() -> Iterator[tuple[str, int]]:
    """PostgreSQL with every commit on disk, as SQLite's are; yields its
    URL and its process id.

    :raises RuntimeError: when none can be started here.
    """
    durable = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
    with (
        patch.dict(servers.POSTGRES_SETTINGS, durable),
        servers.throwaway() as folder,
        servers.postgres(folder) as url,
    ):
        lines = (folder / "pg" / "data" / "postmaster.pid").read_text().splitlines()
        yield url, int(lines[0])


@contextmanager
def database(url: str, name: str) -> Iterator[str]:
    """A fresh database *name* on the server at *url* while the block runs; yields its URL."""
    address = make_url(url)
    plain = address.set(drivername="postgresql").render_as_string(False)
    with psycopg.connect(plain, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}")
    try:
        yield address.set(drivername="postgresql", database=name).render_as_string(False)
    finally:
        with psycopg.connect(plain, autocommit=True) as admin:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
