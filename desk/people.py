"""Letting people in to the desk in the browser: the link at which somebody sets a password."""

import secrets
from datetime import timedelta

from stories import clock
from stories.config import Config
from stories.db import Connection, people

LINK = timedelta(hours=24)
"""For which a link may be used, once."""


def invite(conn: Connection, config: Config, name: str) -> str:
    """The address at which the person of that *name*, whom there is, sets a password."""
    token = secrets.token_urlsafe(32)
    people.give_link(conn, people.key_of(name), token, clock.now() + LINK)
    return f"{config.desk.origin}/welcome/{token}"
