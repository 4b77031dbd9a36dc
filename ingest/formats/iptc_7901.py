"""IPTC 7901, the agencies' format for text of seven and eight bits, one message or several.

    SOH source number SP priority SP category SP words SP what-the-agency-likes CR LF
    keywords CR LF
    STX headline, byline, text ETX day-and-time GMT month year

The headline is the first lines of the text, as far as an empty line, an indent or a byline; where
there are none, the keywords. What stands in front becomes a field, what follows is the body, all of
it. The id is source, number and the day in the trailer, as numbers begin anew each day: what is
sent again under a number, with another text or after some hours, is the same story, and what has
the number on the next day is another. Without a trailer there is none.
"""

import re
from functools import partial

from ingest.formats import wire_text
from ingest.formats.sniff import Sniffed
from ingest.formats.wire_text import CORRECTION, Message, divided, lines_of, markup, status_of
from ingest.integrity import Reread
from ingest.item import Hints, Item, ItemSignals, Parsed, Subject

_HEADER = re.compile(r"\s*([A-Za-z]{1,8})[ -]?([0-9]{2,6})\s+([1-9])\s+([A-Za-z]{1,4})\b")
_TRAILER = re.compile(
    r"\s*([0-3][0-9])([0-2][0-9])([0-5][0-9])\s*(GMT|UTC|Z)?"
    r"(?:\s*([A-Za-z]{3})[a-z]*\.?\s*((?:19|20)?[0-9]{2}))?",
    re.IGNORECASE,
)
_HEAD = re.compile(r"\s*(?:\S[^\n]*\n|[ \t]\S[^\n]*\n)+")
_MARKS = re.compile(r"[\x00-\x1f\x7f]+|=\s*$")
_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]


def detect(sniffed: Sniffed) -> bool:
    """Whether *sniffed* is a message of IPTC 7901."""
    return sniffed.other == "IPTC 7901"


def parse(body: bytes, hints: Hints) -> Parsed:
    """The messages of *body*. Linear in its length.

    :raises ParseError: ``malformed`` where none is whole.
    """
    return wire_text.parse(body, hints, "IPTC 7901", partial(_item, daily=hints.rule >= 3))


def _item(position: int, message: Message, *, daily: bool) -> Item:
    head, *words = lines_of(message.header)
    told = _HEADER.match(head)
    if told is None or not message.whole:
        return Item(position, message.start, message.end, unreadable=_fault(told is not None))
    source, number, priority, category = told.groups()
    headline, byline, text = divided(lines_of(message.text))
    slugline = " ".join(filter(None, (line.strip().rstrip("/") for line in words)))
    moment, date = _moment(message.trailer)
    return Item(
        position,
        message.start,
        message.end,
        guid=f"{source}{number}:{date[:10] if daily and date else moment}" if moment else "",
        headline=headline or slugline,
        body=markup(text),
        authors=(byline,) if byline else (),
        published=(date,) if date else (),
        subjects=(Subject("", "iptc7901", category),),
        urgency=priority,
        doubt=message.doubt,
        signals=ItemSignals(
            status=status_of(slugline),
            slugline=slugline,
            correction=bool(CORRECTION.search(slugline)),
        ),
    )


def _fault(has_header: bool) -> str:
    if has_header:
        return "its text has no beginning (STX) or no end (ETX): ask for the whole message"
    return "its first line is no header (source and number, priority, category)"


def _moment(trailer: str) -> tuple[str, str]:
    """The moment in *trailer* as it stands there, and as a date where it is a whole one."""
    told = _TRAILER.match(trailer)
    if told is None:
        return "", ""
    day, hour, minute, zone, month, year = told.groups()
    moment = "".join(filter(None, (day, hour, minute, month, year))).lower()
    if month is None or month.lower() not in _MONTHS:
        return moment, ""
    century = "" if len(year) == 4 else "20"
    number = _MONTHS.index(month.lower()) + 1
    return moment, f"{century}{year}-{number:02}-{day}T{hour}:{minute}:00{'Z' if zone else ''}"


def reread(body: bytes, hints: Hints) -> Reread:
    """The second reading of the messages of *body*, a capture."""
    return wire_text.reread_by(body, hints, _MARKS, _HEAD)
