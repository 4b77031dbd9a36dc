"""What was done at the desk, by whom and when, the newest first: headlines, acts on stories, wires
and people, and what was settled.

Each page is the beginning of walks along primary keys, so it costs the same however much was
done; a replay may add what an agency did long ago, which then stands where it was put on record.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from heapq import merge
from itertools import groupby, islice
from typing import Any

from sqlalchemy import Column, Connection, Row, Table, select

from stories.db.tables import acts, headlines, people_acts, settlings, wire_acts
from stories.models import WHOLE, Act, hiding

_TABLES = (headlines, acts, wire_acts, people_acts, settlings)

Place = tuple[int, ...]
"""Where a page ends: of each of these tables the number of the last row that is above."""

START: Place = (0,) * len(_TABLES)


@dataclass(frozen=True, slots=True)
class Done:
    """Something that was done to a story, a wire (``accept`` and ``leave`` to an item that came by
    it) or a person, each empty where it was to none: a headline, with the one ``before`` and
    ``after`` it (None where the wire's stood), or an act, with the status or role. ``by`` the
    agency, where ``agency``."""

    kind: str
    at: datetime
    by: str
    before: str | None = ""
    after: str | None = ""
    reason: str = ""
    agency: bool = False
    story_id: str = ""
    wire: str = ""
    person: str = ""
    place: Place = START


def newest(conn: Connection, after: Place | None, by: str | None, limit: int) -> list[Done]:
    """Up to *limit* of what was done, the newest first, behind the page that ends *after* there;
    only *by* one person, if given."""
    ends = [*(after or START)]
    walks = [
        [(row.at, at, row) for row in _walk(conn, table, ends[at], by, limit)]
        for at, table in enumerate(_TABLES)
    ]
    found = list(islice(merge(*walks, key=lambda each: each[0], reverse=True), limit))
    ids = sorted({row.story_id for _, at, row in found if _TABLES[at] in (headlines, acts)})
    texts, statuses = _texts(conn, ids), _statuses(conn, ids)
    done = []
    for _, at, row in found:
        ends[at] = row.id
        done.append(replace(_done(row, _TABLES[at], texts, statuses), place=tuple(ends)))
    return done


def _done(
    row: Any,
    table: Table,
    texts: Mapping[int, tuple[str | None, str | None]],
    statuses: Mapping[int, tuple[str, str]],
) -> Done:
    if table is headlines:
        return Done("headline", row.at, row.by, *texts[row.id], story_id=row.story_id)
    if table is acts:
        agency = row.capture_id is not None
        was = statuses[row.id]
        return Done(row.kind, row.at, row.by, *was, row.reason, agency, story_id=row.story_id)
    if table is settlings:
        turn = ("", "settled") if row.kind == "settle" else ("settled", "")
        return Done(row.kind, row.at, row.by, *turn, story_id=row.story_id)
    if table is wire_acts:
        what = f"capture {row.capture_id}" if row.capture_id is not None else ""
        if row.position is not None and row.position != WHOLE:
            what = f"item {row.position + 1} of {what}"
        return Done(row.kind, row.at, row.by, reason=what, wire=row.wire)
    roles = row.before or "", row.after or ""
    return Done(row.kind, row.at, row.by, *roles, person=row.person)


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
