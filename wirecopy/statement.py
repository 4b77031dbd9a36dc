"""A statement: the payload of a token, every member checked (docs/statement.md §2)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .encoding import canonical, is_digest, names
from .errors import Refused
from .instants import from_instant
from .scope import PARTS, SCOPES, Digests
from .text import RULE
from .token import Token

TYPE = "wirecopy-statement-2"
EARLIER = "wirecopy-statement-1"
"""Without ``logged_at``, and of a receipt without it. Only chains hold such, at their beginning."""

_MEMBERS = names(
    "type guid story version agency agency_id agency_version rule scope disclosure"
    " received published received_at logged_at changed_at issued_at previous receipt"
)
_SHAPES = {TYPE: _MEMBERS, EARLIER: _MEMBERS - {"logged_at"}}
_RECEIPT = names("guid agency agency_id agency_version rule received received_at logged_at")
_STORY = re.compile(r"[a-z2-7]{13}")


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
    raw: str | None
    """The digest of the received item's own bytes."""
    published: Digests
    received_at: datetime
    logged_at: datetime | None
    """When the receipt was given its place in the log; None where there is no ``leaf``."""
    changed_at: datetime
    issued_at: datetime
    previous: str | None
    receipt: str | None
    leaf: bytes | None
    """The receipt as it has to stand in the log; None when nothing was received, and of the
    :data:`EARLIER` type."""


def read(token: Token, *, earlier: bool = False) -> Statement:
    """The statement in *token*.

    :param earlier: it may be of the :data:`EARLIER` type.
    :raises Refused: naming the first member that is missing, extra or wrong.
    """
    payload = token.payload
    kind = payload.get("type")
    if kind != TYPE and not (earlier and kind == EARLIER):
        raise Refused(f"type: is {str(kind)[:40]!r} and not {TYPE!r}")
    if payload.keys() != _SHAPES[kind]:
        odd = ", ".join(sorted(payload.keys() ^ _SHAPES[kind]))
        raise Refused(f"members missing or unknown: {odd[:80]}")
    if payload["rule"] != RULE:
        raise Refused(f"rule: {str(payload['rule'])[:40]!r} is not known here; this is {RULE!r}")
    version, previous = payload["version"], payload["previous"]
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise Refused("version: is no whole number from 1")
    if (previous is None) != (version == 1) or not (previous is None or is_digest(previous)):
        raise Refused("previous: has to be a digest, and null exactly for version 1")
    received = payload["received"]
    if received is not None:
        _check_digests("received", received, (*PARTS, "raw"))
    _check_digests("published", payload["published"], PARTS)
    receipt = None if received is None else _string(payload, "receipt")
    for name in ("receipt", "logged_at"):
        if received is None and payload.get(name) is not None:
            raise Refused(f"{name}: stands there although nothing was received")
    if payload["scope"] not in SCOPES:
        raise Refused(f"scope: {str(payload['scope'])[:40]!r} is no edit scope")
    if not _STORY.fullmatch(_string(payload, "story")):
        raise Refused("story: is no story id")
    if not _string(payload, "guid"):
        raise Refused("guid: is empty")
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
        received=None if received is None else _digests(received),
        raw=None if received is None else received["raw"],
        published=_digests(payload["published"]),
        received_at=_instant(payload, "received_at"),
        logged_at=None if received is None or kind == EARLIER else _instant(payload, "logged_at"),
        changed_at=_instant(payload, "changed_at"),
        issued_at=_instant(payload, "issued_at"),
        previous=previous,
        receipt=receipt,
        leaf=None if received is None or kind == EARLIER else _leaf(payload),
    )


def _leaf(payload: Mapping[str, Any]) -> bytes:
    return canonical({"type": "wirecopy-receipt-2", **{name: payload[name] for name in _RECEIPT}})


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


def _digests(found: Mapping[str, str]) -> Digests:
    return Digests(RULE, *(found[part] for part in PARTS))


def _check_digests(name: str, value: object, parts: tuple[str, ...]) -> None:
    if not isinstance(value, dict) or value.keys() != set(parts):
        raise Refused(f"{name}: has to hold digests of {', '.join(parts)}")
    for part, found in value.items():
        if not (is_digest(found) or (part == "raw" and found is None)):
            raise Refused(f"{name}.{part}: is no digest")
