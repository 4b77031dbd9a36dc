"""What was done to stories, by whom and when: headlines and acts, the newest first.

Each page is the beginning of two walks along primary keys, so it costs the same however much was
done; a replay may add what an agency did long ago, which then stands where it was put on record.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from heapq import merge
from itertools import groupby, islice
from typing import NamedTuple

from sqlalchemy import Column, Connection, Row, Table, select

from stories.db.tables import acts, headlines
from stories.models import Act, ActKind, hiding


class Place(NamedTuple):
    """Where a page ends: the numbers of the last headline and of the last act that are above."""

    headline: int
    act: int


@dataclass(frozen=True, slots=True)
class Done:
    """Something that was done: a headline, with the one ``before`` and ``after`` it (None where the
    wire's stood), or an act, with the status. ``by`` the agency, where ``agency``."""

    kind: ActKind | str
    story_id: str
    at: datetime
    by: str
    before: str | None
    after: str | None
    reason: str
    agency: bool
    place: Place


def newest(conn: Connection, after: Place | None, by: str | None, limit: int) -> list[Done]:
    """Up to *limit* of what was done, the newest first, behind the page that ends *after* there;
    only *by* one person, if given."""
    ends = after or Place(0, 0)
    walks = [
        [(row.at, table.name, row) for row in _walk(conn, table, number, by, limit)]
        for table, number in ((headlines, ends.headline), (acts, ends.act))
    ]
    found = list(islice(merge(*walks, key=lambda each: each[0], reverse=True), limit))
    ids = sorted({row.story_id for _, _, row in found})
    texts, statuses = _texts(conn, ids), _statuses(conn, ids)
    done = []
    for at, name, row in found:
        if name == headlines.name:
            ends = ends._replace(headline=row.id)
            before, now = texts[row.id]
            told = ("headline", row.story_id, at, row.by, before, now, "", False)
        else:
            ends = ends._replace(act=row.id)
            was, is_ = statuses[row.id]
            agency = row.capture_id is not None
            told = (row.kind, row.story_id, at, row.by, was, is_, row.reason, agency)
        done.append(Done(*told, ends))
    return done


def _walk(
    conn: Connection, table: Table, number: int, by: str | None, limit: int
) -> Sequence[Row[tuple[int, ...]]]:
    here: Column[int] = table.c.id
    query = select(table).order_by(here.desc()).limit(limit)
    if number:
        query = query.where(here < number)
    if by is not None:
        query = query.where(table.c.by == by)
    return conn.execute(query).all()


def _texts(conn: Connection, ids: Sequence[str]) -> dict[int, tuple[str | None, str | None]]:
    """The texts before and after each headline of the stories *ids*, by its number."""
    query = select(headlines).where(headlines.c.story_id.in_(ids))
    rows = conn.execute(query.order_by(headlines.c.story_id, headlines.c.id)).all()
    found: dict[int, tuple[str | None, str | None]] = {}
    for _, each in groupby(rows, key=lambda row: row.story_id):
        before = None
        for row in each:
            found[row.id] = before, row.text
            before = row.text
    return found


def _statuses(conn: Connection, ids: Sequence[str]) -> dict[int, tuple[str, str]]:
    """The status before and after each act on the stories *ids*, by its number."""
    query = select(acts).where(acts.c.story_id.in_(ids))
    rows = conn.execute(query.order_by(acts.c.story_id, acts.c.at, acts.c.id)).all()
    found: dict[int, tuple[str, str]] = {}
    for _, each in groupby(rows, key=lambda row: row.story_id):
        past: list[Act] = []
        for row in each:
            was = hiding(past).status
            past.append(
                Act(
                    kind=row.kind,
                    by=row.by,
                    reason=row.reason,
                    at=row.at,
                    capture_id=row.capture_id,
                )
            )
            found[row.id] = was, hiding(past).status
    return found
