"""Letting people in to the desk in the browser: the link at which somebody sets a password."""

import secrets
from datetime import timedelta

from desk.headline import checked
from stories import clock
from stories.config import Config
from stories.db import Connection, Store, people
from stories.db.people import Person, PersonAct, Role
from stories.errors import UnknownNameError, WirecopyError

LINK = timedelta(hours=24)
"""For which a link may be used, once."""

LONGEST = 100
"""Characters of a name."""


class PeopleError(WirecopyError):
    """Somebody cannot be added."""


def invite(conn: Connection, config: Config, name: str) -> str:
    """The address at which the person of that *name*, whom there is, sets a password; empty where
    a proxy signs people in."""
    if config.desk.header is not None:
        return ""
    token = secrets.token_urlsafe(32)
    people.give_link(conn, people.key_of(name), token, clock.now() + LINK)
    return f"{config.desk.origin}/welcome/{token}"


def add(store: Store, config: Config, name: str, role: Role, by: str) -> tuple[str, str]:
    """Let somebody in: their name as it is kept, and the address at which they set a password.

    :raises HeadlineError: for a name that cannot be seen or typed.
    :raises PeopleError: for one that is too long, or that somebody has.
    """
    named = checked(name, "name")
    if len(named) > LONGEST:
        raise PeopleError(f"the name has {len(named)} characters; at most {LONGEST} are taken")
    with store.write() as conn:
        known = people.named(conn, named)
        if known is not None and known.revoked_at is None:
            raise PeopleError(
                f"{known.name}: is there already, as {known.role}; give them another role, or a"
                " new link for another password"
            )
        people.add(conn, named, role, by, clock.now())
        people.note(conn, PersonAct(named, "add", by, clock.now(), None, role))
        return named, invite(conn, config, named)


def link(store: Store, config: Config, name: str, by: str) -> tuple[str, str]:
    """The name of who is called *name*, and the address at which they set another password.

    :raises UnknownNameError: when there is nobody of that name.
    """
    with store.write() as conn:
        person = _known(conn, name)
        address = invite(conn, config, name)
        people.note(conn, PersonAct(person.name, "link", by, clock.now(), person.role, person.role))
    return person.name, address


def set_role(store: Store, name: str, role: Role, by: str) -> str:
    """Give somebody another role; their name.

    :raises UnknownNameError: when there is nobody of that name.
    """
    with store.write() as conn:
        person = _known(conn, name)
        people.set_role(conn, person.key, role)
        people.note(conn, PersonAct(person.name, "role", by, clock.now(), person.role, role))
    return person.name


def revoke(store: Store, name: str, by: str) -> str:
    """Let somebody in no more, who is signed out at once; their name.

    :raises UnknownNameError: when there is nobody of that name.
    """
    with store.write() as conn:
        person = _known(conn, name)
        people.revoke(conn, person.key, by, clock.now())
        people.note(conn, PersonAct(person.name, "revoke", by, clock.now(), person.role, None))
    return person.name


def _known(conn: Connection, name: str) -> Person:
    person = people.named(conn, name)
    if person is None or person.revoked_at is not None:
        gone = " any more" if person is not None else ""
        raise UnknownNameError(
            f"{name}: there is nobody of that name{gone}; `wirecopy people` lists who is there,"
            " and `wirecopy people add NAME --role ROLE` adds one"
        )
    return person
