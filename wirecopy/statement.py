"""Statements of published versions, and receipts of received ones: written and read.

Both are JSON objects (``docs/statement.md`` §2 and §5). A statement has all members of its receipt,
so whoever has the statement can write the receipt again and look for it in the log. A receipt is
written with its version. When it gets its place in the log it becomes a leaf, which has one member
more: when that was.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from .encoding import canonical, from_instant, is_digest, names, to_instant, xml_chars
from .errors import Refused
from .jose import Token
from .scope import PARTS, RULES, SCOPES, Digests, Measurement

STATEMENT = "wirecopy-statement-2"
EARLIER = "wirecopy-statement-1"
"""A type without ``logged_at``, in its receipt too. Only the beginning of a chain may have it."""

RECEIPT = "wirecopy-receipt-2"
LONGEST_RECEIPT = 0xFFFF
"""Bytes of a leaf of the log: tiles of entries give the length of each in 16 bits."""

SLACK = timedelta(minutes=5)
"""By how much the clocks of one publisher's machines may differ."""

Claims = dict[str, Any]
"""The members of a statement without those of its place in chain, log and time."""

_RECEIVED = ("guid", "agency", "agency_id", "agency_version", "rule", "received", "received_at")
_PLACE = names("version issued_at previous receipt logged_at")
_MEMBERS = _PLACE.union(_RECEIVED, names("type story scope disclosure published changed_at"))
_SHAPES = {STATEMENT: _MEMBERS, EARLIER: _MEMBERS - {"logged_at"}}
_STORY = re.compile(r"[a-z2-7]{13}")
_ANY_TIME = datetime(2000, 1, 1, tzinfo=UTC)  # all are written with the same number of bytes


class Credit(NamedTuple):
    """Whose copy a version is, and the agency's id and version of it."""

    agency: str
    agency_id: str
    agency_version: str


class Custody(NamedTuple):
    """The agency's own statement of the copy received: the id of its key, and its digest."""

    key: str
    digest: str


class Logged(NamedTuple):
    """The proof that a receipt is in the log (tlog-proof), and when it got its place there."""

    proof: str
    at: datetime


# Issuing


def claims(
    guid: str,
    story: str,
    credit: Credit,
    measured: Measurement,
    *,
    raw: str | None,
    disclosure: str,
    received_at: datetime,
    changed_at: datetime,
) -> Claims:
    """The claims about a *story* as *measured*, with *disclosure* as its last paragraph.

    *raw* is the digest of the received item's own bytes.
    """
    received = measured.received
    return {
        "type": STATEMENT,
        "guid": xml_chars(guid),
        "story": story,
        **credit._asdict(),
        "rule": measured.rule,
        "scope": measured.scope,
        "disclosure": disclosure,
        "received": None if received is None else {**_parts(received), "raw": raw},
        "published": _parts(measured.published),
        "received_at": to_instant(received_at),
        "changed_at": to_instant(changed_at),
    }


def compose(
    claimed: Claims, version: int, previous: str | None, receipt: Logged | None, at: datetime
) -> dict[str, Any]:
    """The statement of what is *claimed*: number *version* of its story, issued *at*.

    *previous* is the digest of the one before, *receipt* the proof that the receipt is in the log.
    """
    place = {
        "version": version,
        "previous": previous,
        "receipt": receipt.proof if receipt else None,
        "logged_at": to_instant(receipt.at) if receipt else None,
    }
    return {**claimed, **place, "issued_at": to_instant(at)}


def claims_of(statement: Mapping[str, Any]) -> Claims:
    """The claims of *statement*, without its place; equal claims need no new statement."""
    return {name: value for name, value in statement.items() if name not in _PLACE}


def receipt(
    guid: str, credit: Credit, received: Digests, raw: str | None, received_at: datetime
) -> bytes:
    """The receipt of a version of the story *guid*, without its time in the log.

    *received* are the digests made on receipt, *raw* is that of the item's own bytes.

    :raises ValueError: when it is too long for a leaf, or cannot be written.
    """
    return _written(
        {
            "guid": xml_chars(guid),
            **credit._asdict(),
            "rule": received.rule,
            "received": {**_parts(received), "raw": raw},
            "received_at": to_instant(received_at),
        }
    )


def receipt_of(statement: Mapping[str, Any]) -> bytes | None:
    """The receipt that a statement refers to, as :func:`receipt` writes it; None when it has none.

    :raises ValueError: as :func:`receipt` does.
    """
    if statement["received"] is None:
        return None
    return _written({name: statement[name] for name in _RECEIVED})


def logged(receipt: bytes, at: datetime) -> bytes:
    """The leaf that a *receipt* becomes when it gets its place in the log."""
    when = to_instant(at)
    # Where it belongs in the order of members: no string of JSON can hold these marks.
    before, received, after = receipt.partition(b',"received":')
    if not received:
        return canonical({**json.loads(receipt), "logged_at": when})
    return b"".join((before, b',"logged_at":"', when.encode(), b'"', received, after))


def _written(members: dict[str, Any]) -> bytes:
    found = canonical({"type": RECEIPT, **members})
    size = len(logged(found, _ANY_TIME))
    if size > LONGEST_RECEIPT:
        raise ValueError(
            f"the log takes receipts of {LONGEST_RECEIPT:,} bytes, and this one has {size:,}:"
            " the agency's id or name is out of all proportion"
        )
    return found


def _parts(digests: Digests) -> dict[str, str]:
    return {part: getattr(digests, part) for part in PARTS}


# Verifying


@dataclass(frozen=True, slots=True)
class Statement:
    """What a publisher states of one published version."""

    guid: str
    story: str
    version: int
    earlier: bool
    """Whether it is of the :data:`EARLIER` type."""
    agency: str
    agency_id: str
    agency_version: str
    scope: str
    disclosure: str
    received: Digests | None
    published: Digests
    received_at: datetime
    logged_at: datetime | None
    """When the receipt got its place in the log; None without a ``leaf``."""
    changed_at: datetime
    issued_at: datetime
    previous: str | None
    receipt: str | None
    leaf: bytes | None
    """The leaf that its receipt has to be; None when nothing was received, and for the
    :data:`EARLIER` type."""


def read_statement(token: Token, *, earlier: bool = False) -> Statement:
    """The statement in *token*, every member checked.

    :param earlier: it may be of the :data:`EARLIER` type.
    :raises Refused: naming the first member that is missing, extra or wrong.
    """
    payload = token.payload
    kind = payload.get("type")
    if kind != STATEMENT and not (earlier and kind == EARLIER):
        raise Refused(f"type: is {str(kind)[:40]!r} and not {STATEMENT!r}")
    if payload.keys() != _SHAPES[kind]:
        odd = ", ".join(sorted(payload.keys() ^ _SHAPES[kind]))
        raise Refused(f"members missing or unknown: {odd[:80]}")
    if payload["rule"] not in RULES:
        known = " and ".join(RULES)
        raise Refused(f"rule: {str(payload['rule'])[:40]!r} is not known here; {known} are")
    version, previous = payload["version"], payload["previous"]
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise Refused("version: is no whole number from 1")
    if (previous is None) != (version == 1) or not (previous is None or is_digest(previous)):
        raise Refused("previous: has to be a digest, and null exactly for version 1")
    received = payload["received"]
    if received is not None:
        _check_digests("received", received, (*PARTS, "raw"))
    _check_digests("published", payload["published"], PARTS)
    proof = None if received is None else _string(payload, "receipt")
    for name in ("receipt", "logged_at"):
        if received is None and payload.get(name) is not None:
            raise Refused(f"{name}: stands there although nothing was received")
    if payload["scope"] not in SCOPES:
        raise Refused(f"scope: {str(payload['scope'])[:40]!r} is no edit scope")
    if not _STORY.fullmatch(_string(payload, "story")):
        raise Refused("story: is no story id")
    if not _string(payload, "guid"):
        raise Refused("guid: is empty")
    has_leaf = received is not None and kind == STATEMENT
    return Statement(
        guid=payload["guid"],
        story=payload["story"],
        version=version,
        earlier=kind == EARLIER,
        agency=_string(payload, "agency"),
        agency_id=_string(payload, "agency_id"),
        agency_version=_string(payload, "agency_version"),
        scope=payload["scope"],
        disclosure=_string(payload, "disclosure"),
        received=None if received is None else _digests(payload["rule"], received),
        published=_digests(payload["rule"], payload["published"]),
        received_at=_instant(payload, "received_at"),
        logged_at=_instant(payload, "logged_at") if has_leaf else None,
        changed_at=_instant(payload, "changed_at"),
        issued_at=_instant(payload, "issued_at"),
        previous=previous,
        receipt=proof,
        leaf=_leaf(payload) if has_leaf else None,
    )


def _leaf(payload: Mapping[str, Any]) -> bytes:
    return canonical({"type": RECEIPT, **{n: payload[n] for n in (*_RECEIVED, "logged_at")}})


def _string(payload: Mapping[str, Any], name: str) -> str:
    if not isinstance(payload[name], str):
        raise Refused(f"{name}: is no string")
    return str(payload[name])


def _instant(payload: Mapping[str, Any], name: str) -> datetime:
    text = _string(payload, name)
    try:
        return from_instant(text)
    except Refused as error:
        raise Refused(f"{name}: {error}") from None


def _digests(rule: str, found: Mapping[str, str]) -> Digests:
    return Digests(rule, *(found[part] for part in PARTS))


def _check_digests(name: str, value: object, members: tuple[str, ...]) -> None:
    if not isinstance(value, dict) or value.keys() != set(members):
        raise Refused(f"{name}: has to hold digests of {', '.join(members)}")
    for part, found in value.items():
        if not (is_digest(found) or (part == "raw" and found is None)):
            raise Refused(f"{name}.{part}: is no digest")
