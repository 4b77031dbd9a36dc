"""People of the desk in the browser, and their sessions.

Of passwords, links and sessions only digests are kept. A person is found by the key of their name,
so that nobody can be told from somebody else by capitals alone.
"""

import hashlib
import unicodedata
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Literal, get_args

from sqlalchemy import ColumnElement, Connection, RowMapping, delete, insert, select, update

from stories.db.engine import replacing, resume_sequence, upsert
from stories.db.tables import people, people_acts, sessions

Role = Literal["reader", "editor", "chief"]
"""Who may do what; each may do all that those before it may."""

ROLES: tuple[Role, ...] = get_args(Role)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who may use the desk. ``password`` is a hash, None until one is set; ``link`` is the
    digest of a link by which that can be done until ``link_until``."""

    key: str
    name: str
    role: Role
    password: str | None
    link: str | None
    link_until: datetime | None
    added_at: datetime
    added_by: str
    signed_in_at: datetime | None
    revoked_at: datetime | None
    revoked_by: str | None


@dataclass(frozen=True, slots=True)
class PersonAct:
    """Something that was done to a ``person``: the role that they had ``before`` and ``after``."""

    person: str
    kind: Literal["add", "role", "link", "password", "revoke"]
    by: str
    at: datetime
    before: Role | None
    after: Role | None


def key_of(name: str) -> str:
    """What two spellings of one name have in common."""
    return unicodedata.normalize("NFKC", " ".join(name.split())).casefold()


def digest_of(token: str) -> str:
    """The digest of a link's or session's *token*: SHA-256, as it has as many random bits."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


def add(conn: Connection, name: str, role: Role, by: str, now: datetime) -> None:
    """Note that *by* lets *name* in, who has no password yet; also who was revoked, once more."""
    values = {"name": name, "role": role, "added_at": now, "added_by": by}
    fresh = dict.fromkeys(("password", "link", "link_until", "revoked_at", "revoked_by"))
    row = upsert(conn, people).values(key=key_of(name), **values, **fresh)
    conn.execute(row.on_conflict_do_update(index_elements=["key"], set_={**values, **fresh}))


def named(conn: Connection, name: str) -> Person | None:
    """The person of that name, revoked or not; None when there is none."""
    return _one(conn, people.c.key == key_of(name))


def every(conn: Connection) -> list[Person]:
    """All people, in the order of names."""
    rows = conn.execute(select(people).order_by(people.c.key))
    return [_person(row) for row in rows.mappings()]


def give_link(conn: Connection, key: str, token: str, until: datetime) -> None:
    """Let a password be set by *token*, once, *until* then; no other link of theirs is good."""
    _set(conn, key, link=digest_of(token), link_until=until)


def linked(conn: Connection, token: str, now: datetime) -> Person | None:
    """Whose link *token* is; None when it is nobody's, used up or too old."""
    good = people.c.link_until > now, people.c.revoked_at.is_(None)
    return _one(conn, people.c.link == digest_of(token), *good)


def set_password(conn: Connection, token: str, hashed: str, now: datetime) -> Person | None:
    """Set the password of whose link *token* is, which is used up then, and end their sessions; who
    that is, None when the link is no good (any more)."""
    person = linked(conn, token, now)
    if person is None:
        return None
    this = people.c.key == person.key, people.c.link == digest_of(token)
    values = {"password": hashed, "link": None, "link_until": None}
    if conn.execute(update(people).where(*this).values(**values)).rowcount != 1:
        return None
    end_all(conn, person.key)
    note(conn, PersonAct(person.name, "password", person.name, now, person.role, person.role))
    return person


def set_role(conn: Connection, key: str, role: Role) -> None:
    """Let them do what *role* may, from their next request on."""
    _set(conn, key, role=role)


def revoke(conn: Connection, key: str, by: str, now: datetime) -> None:
    """Let them in no more, and end their sessions."""
    gone = dict.fromkeys(("password", "link", "link_until"))
    _set(conn, key, revoked_at=now, revoked_by=by, **gone)
    end_all(conn, key)


def begin(conn: Connection, key: str, token: str, now: datetime, until: datetime) -> None:
    """Begin a session of the person with that *key*; those that are over are forgotten."""
    conn.execute(delete(sessions).where(sessions.c.until <= now))
    conn.execute(insert(sessions).values(digest=digest_of(token), person=key, until=until))
    _set(conn, key, signed_in_at=now)


def in_session(conn: Connection, token: str, now: datetime) -> Person | None:
    """Who is signed in by *token*; None for nobody."""
    return _one(
        conn,
        people.c.revoked_at.is_(None),
        people.c.key == sessions.c.person,
        sessions.c.digest == digest_of(token),
        sessions.c.until > now,
    )


def end(conn: Connection, token: str) -> None:
    """End a session."""
    conn.execute(delete(sessions).where(sessions.c.digest == digest_of(token)))


def end_all(conn: Connection, key: str) -> None:
    """End all sessions of a person."""
    conn.execute(delete(sessions).where(sessions.c.person == key))


def note(conn: Connection, act: PersonAct) -> None:
    """Put *act* on record."""
    conn.execute(insert(people_acts).values(asdict(act)))


def copy(old: Connection, new: Connection) -> None:
    """Let the people of one store into another, with what was done to them; they sign in anew."""
    for table in (people, people_acts):
        rows = [dict(row) for row in old.execute(select(table)).mappings()]
        if rows:
            new.execute(replacing(new.dialect.name, table), rows)
    resume_sequence(new, people_acts.c.id)


def _set(conn: Connection, key: str, **values: object) -> None:
    conn.execute(update(people).where(people.c.key == key).values(**values))


def _one(conn: Connection, *where: ColumnElement[bool]) -> Person | None:
    row = conn.execute(select(people).where(*where)).mappings().first()
    return None if row is None else _person(row)


def _person(row: RowMapping) -> Person:
    return Person(**row)


def may(role: Role, needed: Role) -> bool:
    """Whether *role* may do what takes the role *needed*."""
    order: Sequence[Role] = ROLES
    return order.index(role) >= order.index(needed)
