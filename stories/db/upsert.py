"""INSERT … ON CONFLICT, which SQLite and PostgreSQL share and SQLAlchemy has for each by itself."""

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite


def upsert(conn: Connection, table: Table) -> postgresql.Insert | sqlite.Insert:
    """An INSERT into *table*, to be told what to do where the row is there already."""
    if conn.dialect.name == "postgresql":
        return postgresql.insert(table)
    return sqlite.insert(table)
