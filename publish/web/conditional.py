"""Conditional requests (RFC 9110 §13): from header values to a status, for GET and HEAD."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

Status = Literal[200, 304, 412]

NAMES = frozenset({b"if-match", b"if-none-match", b"if-modified-since", b"if-unmodified-since"})
"""The header fields that make a request conditional, as ASGI names them."""

# RFC 9110 §8.8.3: no DEL, no quote inside; a comma may stand inside the quotes.
_TAG = re.compile(r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"')

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DAY = "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)"
_LONG_DAY = "(?:Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday)"
_MONTH = f"(?P<month>{'|'.join(_MONTHS)})"
_CLOCK = r"(?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d)"
_FORMS = tuple(
    re.compile(form, re.ASCII)
    for form in (
        rf"{_DAY}, (?P<day>\d\d) {_MONTH} (?P<year>\d{{4}}) {_CLOCK} GMT",
        rf"{_LONG_DAY}, (?P<day>\d\d)-{_MONTH}-(?P<year>\d\d) {_CLOCK} GMT",
        rf"{_DAY} {_MONTH} (?P<day>\d\d| \d) {_CLOCK} (?P<year>\d{{4}})",
    )
)
"""RFC 9110 §5.6.7: IMF-fixdate, and the two obsolete forms a recipient must accept."""


@dataclass(frozen=True, slots=True)
class Conditions:
    """The conditional header fields of a request; None where one is absent."""

    if_match: str | None = None
    if_none_match: str | None = None
    if_modified_since: str | None = None
    if_unmodified_since: str | None = None

    @classmethod
    def of(cls, headers: Iterable[tuple[bytes, bytes]]) -> "Conditions":
        """Those of an ASGI request. A field sent in several lines is one list (RFC 9110 §5.3)."""
        found: dict[str, str] = {}
        for name, value in headers:
            if name in NAMES:
                key = name.decode().replace("-", "_")
                text = value.decode("latin-1").strip()
                found[key] = f"{found[key]}, {text}" if key in found else text
        return cls(**found)


def evaluate(conditions: Conditions, etag: str, modified: datetime | None, now: datetime) -> Status:
    """The status of a GET or HEAD of a representation with these validators (§13.2.2).

    *etag* is strong and quoted; *modified* is whole seconds, None where the representation states
    no Last-Modified; *now* is the server's time, against which dates are judged.
    """
    if conditions.if_match is not None:
        if not _lists(conditions.if_match, etag, weakly=False):
            return 412
    elif conditions.if_unmodified_since is not None and modified is not None:
        unmodified = http_date(conditions.if_unmodified_since, now)
        if unmodified is not None and modified > unmodified:
            return 412
    if conditions.if_none_match is not None:
        # §13.1.3: beside If-None-Match, If-Modified-Since is ignored, whether it matches or not.
        return 304 if _lists(conditions.if_none_match, etag, weakly=True) else 200
    if conditions.if_modified_since is not None and modified is not None:
        since = http_date(conditions.if_modified_since, now)
        # We have sent no date that is still in the future, so this one is not ours.
        if since is not None and modified <= since <= now:
            return 304
    return 200


def matches(if_none_match: str | None, etag: str) -> bool:
    """True when an If-None-Match of this value says that the client has *etag*."""
    return if_none_match is not None and _lists(if_none_match, etag, weakly=True)


def _lists(field: str, etag: str, *, weakly: bool) -> bool:
    if field == "*":
        return True
    listed = _TAG.findall(field)
    if weakly:  # §8.8.3.2: weak comparison looks at the opaque tags alone
        return any(tag.removeprefix("W/") == etag for tag in listed)
    return etag in listed


def http_date(text: str, now: datetime) -> datetime | None:
    """*text* as an HTTP-date in UTC, None when it is not exactly one.

    *now* settles the century of a two-digit year: one that seems more than 50 years ahead lies
    in the past (§5.6.7).
    """
    for form in _FORMS:
        if found := form.fullmatch(text):
            break
    else:
        return None
    year = int(found["year"])
    if len(found["year"]) == 2:
        year += now.year // 100 * 100
        if year > now.year + 50:
            year -= 100
    try:
        return datetime(
            year,
            _MONTHS.index(found["month"]) + 1,
            int(found["day"]),
            int(found["hour"]),
            int(found["minute"]),
            min(int(found["second"]), 59) if found["second"] == "60" else int(found["second"]),
            tzinfo=UTC,
        )
    except ValueError:
        return None
