"""Statements and receipts: what is said of one published version, and of one version received.

Both are JSON objects. A statement holds everything its receipt does, so whoever has the statement
can make the receipt again, and look for it in the log. A receipt is written when the version is,
and becomes a leaf of the log when it is given its place there, with one more member: when that
was. Pure: signing, numbering and keeping are others' work.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from stories.models import Story, Version
from stories.signing import canonical
from wirecopy.encoding import legal
from wirecopy.scope import PARTS, Digests, Measurement

STATEMENT = "wirecopy-statement-2"
RECEIPT = "wirecopy-receipt-2"
"""Those of type 1 did not say when they were logged; some stand in logs and chains for good."""

LONGEST_RECEIPT = 0xFFFF
"""Bytes of a leaf of the log: its entries are served with a length of 16 bits before each."""

LONGEST_STATEMENT = 65_536
"""Characters of a statement, signed: verifiers read no more (``docs/statement.md``)."""

Claims = dict[str, Any]
"""A statement's members but for its place in the chain and in time."""

_PLACE = frozenset({"version", "issued_at", "previous", "receipt", "logged_at"})
_ANY_TIME = datetime(2000, 1, 1, tzinfo=UTC)  # all are written with the same number of bytes
_RECEIVED = ("guid", "agency", "agency_id", "agency_version", "rule", "received", "received_at")


def credited(version: Version, number: int) -> dict[str, str]:
    """Whose copy *version* is, under which id and version of theirs, as entries say it.

    *number* is ours, for an agency that does not number its versions.
    """
    return {
        "agency": legal(version.agency).strip() or version.wire,
        "agency_id": legal(version.agency_id),
        "agency_version": legal(version.agency_version or "") or str(number),
    }


def claims(story: Story, measured: Measurement, disclosure: str) -> Claims:
    """What is to be said of *story* as *measured*, with *disclosure* as its last paragraph."""
    received = measured.received
    return {
        "type": STATEMENT,
        "guid": legal(story.guid),
        "story": story.id,
        **credited(story.version, story.number),
        "rule": measured.rule,
        "scope": measured.scope,
        "disclosure": disclosure,
        "received": None if received is None else _received(received, story.raw_digest),
        "published": _parts(measured.published),
        "received_at": instant(story.received_at),
        "changed_at": instant(story.changed_at),
    }


class Logged(NamedTuple):
    """That a receipt stands in the log, as text (tlog-proof), and when it was given its place."""

    proof: str
    at: datetime


def compose(
    said: Claims, version: int, previous: str | None, receipt: Logged | None, now: datetime
) -> dict[str, Any]:
    """The statement that makes the claims *said*: number *version* of its story.

    *previous* is the digest of the one before, *receipt* shows that what was received stands in
    the log.
    """
    place = {
        "version": version,
        "previous": previous,
        "receipt": receipt.proof if receipt else None,
        "logged_at": instant(receipt.at) if receipt else None,
    }
    return {**said, **place, "issued_at": instant(now)}


def claims_of(statement: Mapping[str, Any]) -> Claims:
    """What *statement* claims, without its place: two that claim the same need not both be."""
    return {name: value for name, value in statement.items() if name not in _PLACE}


def receipt(
    guid: str,
    version: Version,
    number: int,
    received: Digests,
    raw: str | None,
    received_at: datetime,
) -> bytes:
    """The receipt of *version* under *guid*, without its time in the log.

    *received* are the digests made at receipt, *raw* is that of the item's own bytes.

    :raises ValueError: when it is longer than a leaf may be, or cannot be written.
    """
    return _written(
        {
            "guid": legal(guid),
            **credited(version, number),
            "rule": received.rule,
            "received": _received(received, raw),
            "received_at": instant(received_at),
        }
    )


def receipt_of(said: Mapping[str, Any]) -> bytes | None:
    """The receipt that a statement refers to, as :func:`receipt` writes it; None when nothing was
    received.

    :raises ValueError: as :func:`receipt` does.
    """
    if said["received"] is None:
        return None
    return _written({name: said[name] for name in _RECEIVED})


def logged(receipt: bytes, at: datetime) -> bytes:
    """The leaf of the log that a *receipt* becomes when it is given its place there."""
    return canonical({**json.loads(receipt), "logged_at": instant(at)})


def _written(members: dict[str, Any]) -> bytes:
    found = canonical({"type": RECEIPT, **members})
    size = len(logged(found, _ANY_TIME))
    if size > LONGEST_RECEIPT:
        raise ValueError(
            f"the log takes receipts of {LONGEST_RECEIPT:,} bytes, and this one has {size:,}:"
            " the agency's id or name is out of all proportion"
        )
    return found


def _received(digests: Digests, raw: str | None) -> dict[str, str | None]:
    return {**_parts(digests), "raw": raw}


def _parts(digests: Digests) -> dict[str, str | None]:
    return {part: getattr(digests, part) for part in PARTS}


def instant(moment: datetime) -> str:
    """*moment* in UTC to the microsecond (RFC 3339), always of the same length."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
