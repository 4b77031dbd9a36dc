"""Row numbers after a copy: PostgreSQL's sequences do not notice rows that bring their own."""

from typing import Any

from sqlalchemy import Column, Connection, func, select


def resume_serial(conn: Connection, column: Column[Any]) -> None:
    """Let the next number drawn for *column* lie above all that stand (SQLite does so itself)."""
    if conn.dialect.name != "postgresql":
        return
    top = conn.execute(select(func.max(column))).scalar()
    if top is not None:
        sequence = func.pg_get_serial_sequence(column.table.name, column.name)
        conn.execute(select(func.setval(sequence, top)))
