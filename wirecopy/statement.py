"""Statements of published versions, and receipts of received ones: written and read.

Both are JSON objects (``docs/statement.md`` §2 and §5). A statement says all that its receipt
holds, so whoever has it can write the receipt again and look for it in the log. A receipt is
written with its version. When it gets its place in the log it becomes a leaf, which has one member
more: when that was.

A withdrawal is a statement, too: that a story is published no more, and since when.
"""

import json
import re
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from .encoding import (
    are_short,
    canonical,
    from_instant,
    is_digest,
    is_short,
    long,
    longs,
    names,
    short,
    shorts,
    to_instant,
    xml_chars,
)
from .errors import Refused
from .jose import Token
from .scope import PARTS, RULES, SCOPES, Digests, Measurement, Parts, digest_of
from .text import RULE, plain
from .tlog import LONGEST_LEAF

STATEMENT = "wirecopy-statement-3"
"""The type that is issued. What says nothing is left out of it."""
EARLIER = "wirecopy-statement-2"
"""A type with all members, and with a proof of its own in ``receipt``."""
EARLIEST = "wirecopy-statement-1"
"""The same without ``logged_at``, in its receipt too. Only the beginning of a chain may have it."""

RECEIPT = "wirecopy-receipt-2"

Claims = dict[str, Any]
"""The members of a statement without those of its place in chain, log and time."""

_RECEIVED = ("guid", "agency", "agency_id", "agency_version", "rule", "received", "received_at")
_PLACE = names("version issued_at previous receipt logged_at index")
_NEEDED = names("guid story version agency agency_id scope details received_at issued_at")
_LOGGED = names("received logged_at index")
_OPTIONAL = names("agency_version rule disclosure published changed_at previous")
_WHOLE = _NEEDED.union(_LOGGED, _OPTIONAL, ("type", "receipt")) - {"details", "index"}
_SHAPES = {EARLIER: _WHOLE, EARLIEST: _WHOLE - {"logged_at"}}
_WITHDRAWN = names("guid story version withdrawn_at issued_at")
_ORDER = (EARLIEST, EARLIER, STATEMENT)
_STORY = re.compile(r"[a-z2-7]{13}")
_ANY_TIME = datetime(2000, 1, 1, tzinfo=UTC)  # all are written with the same number of bytes
_NOTHING: dict[str, dict[str, str]] = {
    rule: {part: getattr(digests, part) for part in PARTS}
    for rule in RULES
    for digests in [Parts("", (), (), (), ("", ()), rule).digests()]
}
"""The digests of nothing, by rule and part."""
_SILENT = {rule: shorts(digests) for rule, digests in _NOTHING.items()}
"""Their short forms."""
_STOPS = tuple(".!?।۔。")


class Credit(NamedTuple):
    """Whose copy a version is, and the agency's id and version of it."""

    agency: str
    agency_id: str
    agency_version: str


class Details(NamedTuple):
    """What a statement covers of an entry besides the copy that is measured.

    ``byline`` is who wrote it, ``published`` when it was first published, to the second in UTC;
    each is empty where it is not said. ``captions`` are caption and credit, :func:`captioned`, of
    each medium beside the body; None where an entry says them in two ways. ``correction`` are the
    agency's words on one, which are left out where there are none.
    """

    byline: str
    published: str
    captions: tuple[str | None, ...]
    correction: str = ""

    def digest(self, rule: str) -> str:
        """The digest of all of it."""
        correction = self.correction and plain(self.correction)
        more = (correction,) if correction else ()
        told = (plain(self.byline), self.published, self.captions, *more)
        return digest_of(rule, "details", told)


def captioned(caption: str, credit: str) -> str:
    """Caption and credit of a medium in one line."""
    caption, credit = plain(caption), plain(credit)
    if credit in caption:
        return caption
    stop = "" if not caption or caption.endswith(_STOPS) else "."
    return f"{caption}{stop} {credit}".strip()


class Custody(NamedTuple):
    """The agency's own statement of the copy received: the id of its key, and its digest."""

    key: str
    digest: str


@dataclass(frozen=True, slots=True)
class Logged:
    """A receipt's place in the log and when it got it, and a checkpoint of the log with it."""

    index: int
    at: datetime
    checkpoint: str


# Issuing


def claims(
    guid: str,
    story: str,
    credit: Credit,
    measured: Measurement,
    *,
    raw: str | None,
    details: Details,
    disclosure: str,
    received_at: datetime,
    changed_at: datetime,
    custody: Custody | None = None,
) -> Claims:
    """The claims about a *story* as *measured*, with *disclosure* as its last paragraph.

    *raw* is the digest of the received item's own bytes.
    """
    nothing, before = _NOTHING[measured.rule], measured.received
    kept = nothing if before is None else _parts(before)
    after = _parts(measured.published)
    received = {part: kept[part] for part in PARTS if kept[part] != nothing[part]}
    changed = [part for part in PARTS if after[part] != kept[part]]
    published = dict.fromkeys(changed, "") | shorts(
        {part: after[part] for part in changed if after[part] != nothing[part]}
    )
    found: dict[str, Any] = {
        "guid": xml_chars(guid),
        "story": story,
        "agency": credit.agency,
        "agency_id": credit.agency_id,
        "scope": measured.scope,
        "details": short(details.digest(measured.rule)),
        "received_at": to_instant(received_at),
    }
    if before is not None:
        found["received"] = shorts(received | ({"raw": raw} if raw is not None else {}))
        if custody is not None:
            found["custody"] = {"key": custody.key, "digest": short(custody.digest)}
    said = {
        "agency_version": credit.agency_version,
        "rule": measured.rule,
        "disclosure": disclosure,
        "published": published,
        "changed_at": to_instant(changed_at),
    }
    unsaid = _unsaid(found["received_at"])
    return found | {name: value for name, value in said.items() if value != unsaid[name]}


def withdrawal(guid: str, story: str, withdrawn_at: datetime) -> Claims:
    """The claim that a *story* was withdrawn: nothing of its copy, and no digest of any."""
    return {"guid": xml_chars(guid), "story": story, "withdrawn_at": to_instant(withdrawn_at)}


def _unsaid(received_at: object) -> dict[str, Any]:
    """What the members say that are left out."""
    return {
        "agency_version": "",
        "rule": RULE,
        "disclosure": "",
        "published": {},
        "changed_at": received_at,
    }


def compose(
    claimed: Claims, version: int, previous: str | None, logged: Logged | None, at: datetime
) -> dict[str, Any]:
    """The statement of what is *claimed*: number *version* of its story, issued *at*.

    *previous* is the digest of the one before, *logged* the place of its receipt in the log.
    """
    place: dict[str, Any] = {"version": version, "issued_at": to_instant(at)}
    if previous is not None:
        place["previous"] = short(previous)
    if logged is not None:
        place |= {"index": logged.index, "logged_at": to_instant(logged.at)}
    return {**claimed, **place}


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


def receipt_of(claimed: Claims) -> bytes | None:
    """The receipt that *claimed* refers to, as :func:`receipt` writes it; None when it has none.

    :raises ValueError: as :func:`receipt` does.
    """
    return _written(_receipt(claimed)) if "received" in claimed else None


def _receipt(payload: Mapping[str, Any]) -> dict[str, Any]:
    """The members of the receipt that *payload* refers to, nothing left out."""
    rule, received = payload.get("rule", RULE), payload["received"]
    nothing = _NOTHING[rule] | {"raw": None}
    return {
        **{name: payload[name] for name in ("guid", "agency", "agency_id", "received_at")},
        "agency_version": payload.get("agency_version", ""),
        "rule": rule,
        "received": nothing | longs(received),
    }


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
    if size > LONGEST_LEAF:
        raise ValueError(
            f"the log takes receipts of {LONGEST_LEAF:,} bytes, and this one has {size:,}:"
            " the agency's id or name is out of all proportion"
        )
    return found


def _parts(digests: Digests) -> dict[str, str]:
    return {part: getattr(digests, part) for part in PARTS}


# Verifying


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """What every statement says: of which story it is, and its place in the chain of that."""

    kind: str
    """Its type: :data:`STATEMENT`, or one of before."""
    guid: str
    story: str
    version: int
    issued_at: datetime
    previous: str | None

    def precedes(self, after: "Link") -> bool:
        """Whether one of its type may stand before one of the type of *after*."""
        return _ORDER.index(self.kind) <= _ORDER.index(after.kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawal(Link):
    """That a publisher withdrew the story, and when."""

    withdrawn_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement(Link):
    """What a publisher states of one published version."""

    agency: str
    agency_id: str
    agency_version: str
    scope: str
    disclosure: str
    received: Digests | None
    published: Digests
    details: str | None
    """The digest of :class:`Details`; None in one of an earlier type."""
    received_at: datetime
    logged_at: datetime | None
    """When the receipt got its place in the log; None without a ``leaf``."""
    changed_at: datetime
    custody: Custody | None
    index: int | None
    """The place of the ``leaf`` in the log; None in one of an earlier type."""
    receipt: str | None
    """The proof that the ``leaf`` is in the log, in one of an earlier type."""
    leaf: bytes | None
    """The leaf that its receipt has to be; None when nothing was received, and for the
    :data:`EARLIEST` type."""


def read_statement(token: Token, *, earliest: bool = False) -> Statement:
    """The statement in *token*, every member checked.

    :param earliest: it may be of the :data:`EARLIEST` type.
    :raises Refused: naming the first member that is missing, extra or wrong.
    """
    payload = token.payload
    if not token.compact:
        if "withdrawn_at" in payload:
            raise Refused("says that the story is withdrawn, and nothing of a version")
        return _statement(STATEMENT, _filled_in(payload))
    kind = payload.get("type")
    if kind != EARLIER and not (earliest and kind == EARLIEST):
        raise Refused(f"type: is {str(kind)[:40]!r} and not {EARLIER!r}")
    _check_members(payload, _SHAPES[kind])
    if payload["received"] is not None:
        _string(payload, "receipt")
        _check_digests("received", payload["received"], (*PARTS, "raw"))
    elif payload["receipt"] is not None:
        raise Refused("receipt: stands there although nothing was received")
    _check_digests("published", payload["published"], PARTS)
    return _statement(kind, payload)


def is_withdrawal(token: Token) -> bool:
    """Whether *token* is to be read by :func:`read_withdrawal`, not :func:`read_statement`."""
    return not token.compact and "withdrawn_at" in token.payload


def read_withdrawal(token: Token) -> Withdrawal:
    """The withdrawal in *token*, every member checked.

    :raises Refused: naming the first member that is missing, extra or wrong.
    """
    payload = token.payload
    if not is_withdrawal(token):
        raise Refused("does not say that the story is withdrawn")
    _check_members(payload, _WITHDRAWN, names("previous"))
    return Withdrawal(**_link(STATEMENT, payload), withdrawn_at=_instant(payload, "withdrawn_at"))


def read_link(token: Token, *, earliest: bool = False) -> Statement | Withdrawal:
    """The statement in *token*, whichever of the two it is.

    Raises as these do.
    """
    if is_withdrawal(token):
        return read_withdrawal(token)
    return read_statement(token, earliest=earliest)


def _check_members(
    payload: Mapping[str, Any], needed: Set[str], optional: Set[str] = frozenset()
) -> None:
    odd = (needed - payload.keys()) | (payload.keys() - needed - optional)
    if odd:
        raise Refused(f"members missing or unknown: {', '.join(sorted(odd))[:80]}")


def _filled_in(payload: Mapping[str, Any]) -> dict[str, Any]:
    """A *payload* of the type :data:`STATEMENT` with all members, as the :data:`EARLIER` type has
    them.

    :raises Refused: where one says what has to be left out, and where that cannot be filled in.
    """
    logged = _LOGGED if "received" in payload else frozenset[str]()
    _check_members(payload, _NEEDED | logged, _OPTIONAL | ({"custody"} if logged else set()))
    unsaid = _unsaid(payload["received_at"])
    for name, silent in unsaid.items():
        if payload.get(name) == silent:
            raise Refused(f"{name}: says nothing, and has to be left out")
    rule = payload.get("rule", RULE)
    _check_rule(rule)
    received = _shorts(payload, "received", (*PARTS, "raw"))
    published = _shorts(payload, "published", PARTS, empty=True)
    for part, nothing in _SILENT[rule].items():
        if received.get(part, "") == published.get(part):
            raise Refused(f"published.{part}: does not differ, and has to be left out")
        if nothing in (received.get(part), published.get(part)):
            raise Refused(f"{part}: is empty, and has to be left out")
    before: dict[str, str | None] = {**_NOTHING[rule], "raw": None, **longs(received)}
    after = longs({part: said or _SILENT[rule][part] for part, said in published.items()})
    if logged and not (_is_whole(payload["index"]) and payload["index"] >= 0):
        raise Refused("index: is no whole number from 0")
    if not is_short(payload["details"]):
        raise Refused("details: is no short digest")
    return {
        **unsaid,
        "logged_at": None,
        **payload,
        "rule": rule,
        "received": before if logged else None,
        "published": {part: before[part] for part in PARTS} | after,
        "details": long(payload["details"]),
    }


def _statement(kind: str, payload: Mapping[str, Any]) -> Statement:
    """The statement of a *payload* with all members."""
    rule, received = payload["rule"], payload["received"]
    _check_rule(rule)
    if received is None and payload.get("logged_at") is not None:
        raise Refused("logged_at: stands there although nothing was received")
    if payload["scope"] not in SCOPES:
        raise Refused(f"scope: {str(payload['scope'])[:40]!r} is no edit scope")
    has_leaf = received is not None and kind != EARLIEST
    return Statement(
        **_link(kind, payload),
        agency=_string(payload, "agency"),
        agency_id=_string(payload, "agency_id"),
        agency_version=_string(payload, "agency_version"),
        scope=payload["scope"],
        disclosure=_string(payload, "disclosure"),
        received=None if received is None else _digests(rule, received),
        published=_digests(rule, payload["published"]),
        details=payload.get("details"),
        received_at=_instant(payload, "received_at"),
        logged_at=_instant(payload, "logged_at") if has_leaf else None,
        changed_at=_instant(payload, "changed_at"),
        custody=_custody(payload["custody"]) if "custody" in payload else None,
        index=payload.get("index"),
        receipt=payload.get("receipt"),
        leaf=_leaf(payload) if has_leaf else None,
    )


def _link(kind: str, payload: Mapping[str, Any]) -> dict[str, Any]:
    """The members of :class:`Link`."""
    version, previous = payload["version"], payload.get("previous")
    if kind == STATEMENT and "previous" in payload:
        previous = long(str(previous)) if is_short(previous) else ""
    if not _is_whole(version) or version < 1:
        raise Refused("version: is no whole number from 1")
    if (previous is None) != (version == 1) or not (previous is None or is_digest(previous)):
        raise Refused("previous: has to be a digest, and to be missing exactly for version 1")
    if not _STORY.fullmatch(_string(payload, "story")):
        raise Refused("story: is no story id")
    if not _string(payload, "guid"):
        raise Refused("guid: is empty")
    return {
        "kind": kind,
        "guid": payload["guid"],
        "story": payload["story"],
        "version": version,
        "issued_at": _instant(payload, "issued_at"),
        "previous": previous,
    }


def _leaf(payload: Mapping[str, Any]) -> bytes:
    return canonical({"type": RECEIPT, **{n: payload[n] for n in (*_RECEIVED, "logged_at")}})


def _custody(found: object) -> Custody:
    if not isinstance(found, dict) or found.keys() != {"key", "digest"}:
        raise Refused("custody: has to hold key and digest")
    if not are_short(found.values()):
        raise Refused("custody: is no key thumbprint and no short digest")
    return Custody(found["key"], long(found["digest"]))


def _check_rule(rule: object) -> None:
    if rule not in RULES:
        known = " and ".join(RULES)
        raise Refused(f"rule: {str(rule)[:40]!r} is not known here; {known} are")


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _shorts(
    payload: Mapping[str, Any], name: str, members: Sequence[str], *, empty: bool = False
) -> dict[str, str]:
    found = payload.get(name, {})
    if not isinstance(found, dict) or not found.keys() <= set(members):
        raise Refused(f"{name}: may hold short digests of {', '.join(members)}")
    if not are_short(said for said in found.values() if not (empty and said == "")):
        raise Refused(f"{name}: holds what is no short digest")
    return found


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
