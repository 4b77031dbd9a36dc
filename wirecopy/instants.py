"""Instants as statements write them, each with one spelling (docs/statement.md §1)."""

import re
from datetime import UTC, datetime, timedelta

from .errors import Refused

SLACK = timedelta(minutes=5)
"""Clocks of one newsroom's machines may differ by so much."""

_FORMAT = "%Y-%m-%dT%H:%M:%S.%fZ"
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", re.ASCII)


def from_instant(text: str) -> datetime:
    """The instant that *text* is.

    :raises Refused: when it is none.
    """
    try:
        if not _INSTANT.fullmatch(text):
            raise ValueError
        return datetime.strptime(text, _FORMAT).replace(tzinfo=UTC)
    except ValueError:
        raise Refused(f"{text[:40]!r} is no instant") from None


def to_instant(moment: datetime) -> str:
    """*moment* in UTC, always with six digits."""
    told = moment.astimezone(UTC).isoformat(timespec="microseconds")
    return told.replace("+00:00", "Z")


def minute(moment: datetime) -> str:
    """*moment* to the minute, for a person."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M}Z"
