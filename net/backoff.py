"""When to come again to a server that did not do what it was asked: how much its failure weighs,
and what it asks for itself. Pure; polls, and what is pushed, go by the same."""

import hashlib
import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

LONGEST_RETRY_AFTER: Final = timedelta(days=1)
"""Whoever asks not to be asked for longer has mistaken a unit."""

_LIGHT: Final = {
    **{"dns": 0.25, "timeout": 0.5, "refused": 0.5, "reset": 0.5},
    **{"http-429": 0.5, "http-502": 0.5, "http-503": 0.5, "http-504": 0.5},
}


def weight(state: str) -> float:
    """How much one failure counts: a fetch error's state, or ``http-NNN``.

    Resolvers fail in bursts, ours too; a server that is overloaded, or being started, is so for now
    only. All else counts 1.
    """
    return _LIGHT.get(state, 1.0)


def retry_after(value: str | None, now: datetime) -> timedelta | None:
    """Retry-After (RFC 9110 §10.2.3) in either form, as a wait from *now*; None when missing or
    unreadable."""
    if not value:
        return None
    if re.fullmatch(r"[0-9]{1,9}", value.strip(), re.ASCII):
        return timedelta(seconds=int(value))
    moment = http_date(value)
    return None if moment is None else max(moment - now, timedelta(0))


def http_date(value: str) -> datetime | None:
    """An HTTP date (RFC 9110 §5.6.7), None when *value* is none."""
    if not value:
        return None
    try:
        moment = parsedate_to_datetime(value)
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def spread(name: str, now: datetime) -> float:
    """A number in [0, 1) that looks random and is a function of *name* and *now*: so those that
    failed together do not come again together."""
    drawn = hashlib.sha256(f"{name}\0{now.isoformat()}".encode()).digest()
    return int.from_bytes(drawn[:4]) / 2**32
