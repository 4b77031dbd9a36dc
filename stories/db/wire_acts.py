"""What people of the desk do about wires, and about items in quarantine.

An item is known by its bytes: what was accepted once is taken in wherever these come again on the
wire, also in a replay or a rebuild.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import ColumnElement, Connection, and_, exists, insert, or_, select, update

from stories.db.engine import resume_sequence, upsert
from stories.db.tables import problems, wire_acts
from stories.models import Problem

WireActKind = Literal["poll", "pause", "resume", "believe", "accept", "leave"]

ACCEPTED: WireActKind = "accept"

LISTED = 200
"""Problems among which those are sought that nobody has looked at."""


@dataclass(frozen=True, slots=True)
class WireAct:
    """One act on a wire; of ``accept`` and ``leave`` with the item, by its capture, its position
    there and the digest of its bytes, where that is known."""

    wire: str
    kind: WireActKind
    by: str
    at: datetime
    capture_id: int | None = None
    position: int | None = None
    digest: str | None = None


def add(conn: Connection, act: WireAct) -> None:
    """Append *act*. What it accepts waits to be taken in."""
    due = act.at if act.kind == ACCEPTED else None
    values = {name: getattr(act, name) for name in WireAct.__slots__}
    conn.execute(insert(wire_acts).values(**values, due_at=due))


def of_wire(conn: Connection, wire: str, limit: int) -> list[WireAct]:
    """The last *limit* acts on *wire* and what it brought, the newest first."""
    query = select(*(wire_acts.c[name] for name in WireAct.__slots__))
    query = query.where(wire_acts.c.wire == wire).order_by(wire_acts.c.id.desc()).limit(limit)
    return [WireAct(*row) for row in conn.execute(query)]


def accepted(conn: Connection, wire: str, digests: Collection[str]) -> list[str]:
    """Those of *digests*, a few, of items that were accepted on *wire*, sorted."""
    query = select(wire_acts.c.digest).where(
        wire_acts.c.wire == wire,
        wire_acts.c.digest.in_(sorted(digests)),
        wire_acts.c.kind == ACCEPTED,
    )
    return sorted(set(conn.execute(query).scalars()))


def waiting(conn: Connection) -> dict[str, list[datetime]]:
    """When something was accepted that waits to be taken in, by wire, the last act last."""
    query = select(wire_acts.c.wire, wire_acts.c.due_at).where(wire_acts.c.due_at.is_not(None))
    found: dict[str, list[datetime]] = {}
    for row in conn.execute(query.order_by(wire_acts.c.due_at)):
        found.setdefault(row.wire, []).append(row.due_at)
    return found


def taken_in(conn: Connection, wire: str, upto: datetime) -> None:
    """Note that nothing waits that was accepted on *wire* until then."""
    these = wire_acts.c.wire == wire, wire_acts.c.due_at <= upto
    conn.execute(update(wire_acts).where(*these).values(due_at=None))


def unseen_problems(conn: Connection) -> list[Problem]:
    """The newest problems about which nobody did anything yet: of those that are about the same
    bytes the newest, of the :data:`LISTED` that are looked at."""
    newest = select(problems.c.id).order_by(problems.c.id.desc()).limit(LISTED).subquery()
    query = select(*(c for c in problems.c if c.name != "id"))
    query = query.where(problems.c.id.in_(select(newest.c.id)), unseen())
    found: dict[tuple[str, str], Problem] = {}
    for row in conn.execute(query.order_by(problems.c.id.desc())).mappings():
        each = Problem(**row)
        found.setdefault((each.wire, each.digest or f"{each.capture_id}/{each.position}"), each)
    return list(found.values())


def unseen() -> ColumnElement[bool]:
    """That nobody did anything about a row of ``problems``: neither there nor about its bytes."""
    of_wire = wire_acts.c.wire == problems.c.wire
    there = (
        wire_acts.c.capture_id == problems.c.capture_id,
        wire_acts.c.position == problems.c.position,
    )
    return and_(
        ~exists().where(of_wire, *there),
        ~exists().where(of_wire, wire_acts.c.digest == problems.c.digest),
    )


def act_on(conn: Connection, problem: Problem) -> WireAct | None:
    """What was done last about what is in quarantine as *problem*."""
    this = and_(
        wire_acts.c.capture_id == problem.capture_id, wire_acts.c.position == problem.position
    )
    if problem.digest is not None:
        this = or_(this, wire_acts.c.digest == problem.digest)
    query = select(*(wire_acts.c[name] for name in WireAct.__slots__))
    query = query.where(wire_acts.c.wire == problem.wire, this)
    row = conn.execute(query.order_by(wire_acts.c.id.desc()).limit(1)).first()
    return None if row is None else WireAct(*row)


def copy(old: Connection, new: Connection) -> None:
    """Write all of them into another store, as they were; what was accepted is taken in there as
    its captures are."""
    rows = [dict(row) for row in old.execute(select(wire_acts)).mappings()]
    if rows:
        fresh = [{**row, "due_at": None} for row in rows]
        new.execute(upsert(new, wire_acts).on_conflict_do_nothing(index_elements=["id"]), fresh)
        resume_sequence(new, wire_acts.c.id)
