"""Signed statements, each story's in the order in which they were made; none is ever changed."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, and_, func, insert, select

from stories.db.tables import statements

STEP = 500
"""Rows read or written at once."""


@dataclass(frozen=True, slots=True)
class StatementRow:
    """One statement: the compact JWS, its digest (``sha-256=:…:``), the key that signed it."""

    story_id: str
    version: int
    kid: str
    digest: str
    jws: str


def last(conn: Connection, ids: Sequence[str]) -> dict[str, StatementRow]:
    """The latest statement of each of the stories *ids* that has one."""
    found: dict[str, StatementRow] = {}
    for at in range(0, len(ids), STEP):
        chunk = list(ids[at : at + STEP])
        latest = (
            select(statements.c.story_id, func.max(statements.c.version).label("version"))
            .where(statements.c.story_id.in_(chunk))
            .group_by(statements.c.story_id)
            .subquery()
        )
        rows = conn.execute(
            select(statements).join(
                latest,
                and_(
                    latest.c.story_id == statements.c.story_id,
                    latest.c.version == statements.c.version,
                ),
            )
        )
        found |= {r["story_id"]: StatementRow(**r) for r in rows.mappings()}
    return found


def of(conn: Connection, story: str) -> list[str]:
    """Every statement of the story, oldest first."""
    rows = conn.execute(
        select(statements.c.jws)
        .where(statements.c.story_id == story)
        .order_by(statements.c.version)
    )
    return list(rows.scalars())


def standing_by(conn: Connection, kid: str) -> list[str]:
    """The stories whose latest statement the key *kid* signed."""
    later = statements.alias()
    newest = select(func.max(later.c.version)).where(later.c.story_id == statements.c.story_id)
    rows = conn.execute(
        select(statements.c.story_id)
        .where(statements.c.kid == kid, statements.c.version == newest.scalar_subquery())
        .order_by(statements.c.story_id)
    )
    return list(rows.scalars())


def add(conn: Connection, rows: Sequence[StatementRow]) -> None:
    """Keep new statements; fails when a story has one of that number already."""
    if rows:
        conn.execute(
            insert(statements), [{c.name: getattr(r, c.name) for c in statements.c} for r in rows]
        )


def copy(old: Connection, new: Connection) -> None:
    """Copy every statement into another store that has none."""
    query = select(statements).order_by(statements.c.story_id, statements.c.version)
    rows = old.execute(query.execution_options(yield_per=STEP))
    for part in rows.mappings().partitions():
        new.execute(insert(statements), [dict(r) for r in part])
