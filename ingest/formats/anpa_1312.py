"""ANPA 1312, the format of North American wires, one message or several.

    SYN SYN SOH level number US selector CR LF
    priority SP category DC3/DC4 DC1/DC2 keyword SP version SP month-day SP words CR LF
    STX ^slugline,words< ^headline< ^Eds: note< ^By NAME= TAB text ETX trailer with a date

The first lines that begin with a caret and end with an angle are fields: slugline, headline, notes
to editors, a summary; so is a byline after them. What follows is the body, all of it. The id is
level, number and the day in the trailer, as numbers begin anew each day; without one there is none.
"""

import re
from functools import partial

from ingest.formats import wire_text
from ingest.formats.sniff import Sniffed
from ingest.formats.wire_text import (
    BYLINE,
    CORRECTION,
    Message,
    divided,
    lines_of,
    markup,
    status_of,
)
from ingest.integrity import Reread
from ingest.item import Hints, Item, ItemSignals, Parsed, Subject

SENTENCE = 150
"""Characters from which a line in front of the text is a summary."""

_HEADER = re.compile(r"\s*([A-Za-z])([0-9]{4})[\x1c-\x1f ]?([\w-]*)")
_SECOND = re.compile(r"\s*([A-Za-z])[\x1c-\x1f ]+([A-Za-z])[\x00-\x20]")
_PRIORITIES = {"f": "1", "b": "2", "u": "3", "r": "4", "d": "5"}
_TABULAR = "\x12"
_DATED = re.compile(
    r"\b([0-9]{1,2})-([0-9]{1,2})-([0-9]{2,4}) ([0-2][0-9])([0-5][0-9]) ?(GMT|UTC|[A-Z]{2,4}T)?"
)
_HEAD = re.compile(r"(?:[\x00-\x20]*\^[^\n]*\n)+|\s*(?:\S[^\n]*\n)+")
_MARKS = re.compile(r"^[\x00-\x20\x7f]*\^|[\x00-\x08\x0b-\x1f\x7f]+|[<=>]\s*$")
_NOTE = re.compile(
    r"(?:Eds|Editors?(?:'|\u2019)?s? ?(?:Note)?|AP Photos?|AP (?:Video|Graphic)|ADVISORY)\b", re.I
)
_FIELD = re.compile(r"\s*\^.*<\s*\Z")
_CENTERED = re.compile(r"\s*\^.*=\s*\Z")
_TITLE = re.compile(r"\b(?:Writer|Correspondent|Reporter|Editor|Columnist|Producer|Press)s?\b")
_SLUG_END = re.compile(r",\s*[0-9]{1,5}$|,$")


def detect(sniffed: Sniffed) -> bool:
    """Whether *sniffed* is a message of ANPA 1312."""
    return sniffed.other == "ANPA 1312"


def parse(body: bytes, hints: Hints) -> Parsed:
    """The messages of *body*. Linear in its length.

    :raises ParseError: ``malformed`` where none is whole.
    """
    return wire_text.parse(body, hints, "ANPA 1312", partial(_item, daily=hints.rule >= 3))


def _item(position: int, message: Message, *, daily: bool) -> Item:
    first, _, rest = message.header.partition("\n")
    told, second = _HEADER.match(first), _SECOND.match(rest)
    if told is None or not message.whole:
        why = "its text has no beginning (STX) or no end (ETX): ask for the whole message"
        why = why if told else "its first line is no header (level, number, selector)"
        return Item(position, message.start, message.end, unreadable=why)
    level, number, _ = told.groups()
    priority, category = second.groups() if second is not None else ("", "")
    slugline, headline, byline, notes, summary, text = _fields(lines_of(message.text))
    date = _DATED.search(message.trailer)
    return Item(
        position,
        message.start,
        message.end,
        guid=f"{level}{number}:{_date(date)[:10] if daily else date[0]}" if date else "",
        headline=headline,
        body=markup(text, table=_TABULAR in rest),
        summary=summary,
        summary_html=False,
        authors=(byline,) if byline else (),
        published=(_date(date),) if date else (),
        subjects=(Subject("", "anpa1312", category),) if category else (),
        urgency=_PRIORITIES.get(priority.lower(), ""),
        doubt=message.doubt,
        signals=ItemSignals(
            status=status_of(slugline, notes),
            correction=bool(CORRECTION.search(f"{slugline} {notes}")),
            ed_note=notes,
            slugline=slugline,
        ),
    )


def _fields(lines: list[str]) -> tuple[str, str, str, str, str, list[str]]:
    """Slugline, headline, byline, notes and summary in front of the text, and its lines."""
    count = next((n for n, line in enumerate(lines) if not _FIELD.match(line)), len(lines))
    told = [text for line in lines[:count] if (text := _MARKS.sub("", line).strip())]
    slugline, headline, byline, summary = told[0] if told else "", "", "", ""
    notes: list[str] = []
    for line in told[1:]:
        if _NOTE.match(line):
            notes.append(line)
        elif not headline:
            headline = line
        elif len(line) >= SENTENCE and not summary:
            summary = line
        else:
            notes.append(line)
    # Centered lines are the text's, but for a headline that is still missing, and the byline.
    while count < len(lines) and _CENTERED.match(lines[count]):
        line = _MARKS.sub("", lines[count]).strip()
        if not headline and not BYLINE.match(line):
            headline = line
        elif BYLINE.match(line) and not byline:
            byline = line
        elif byline and "," not in byline and _TITLE.search(line):
            byline = f"{byline}, {line}"
        else:
            break
        count += 1
    if not told and not headline:
        headline, byline, rest = divided(lines)
        return "", headline, byline, "", "", rest
    if not headline:
        headline = _SLUG_END.sub("", slugline)
    rest = [_MARKS.sub("", line) for line in lines[count:]]
    return slugline, headline, byline, " ".join(notes), summary, rest


def _date(told: re.Match[str]) -> str:
    month, day, year, hour, minute, zone = told.groups()
    year = year if len(year) == 4 else f"20{year}"
    zone = "Z" if zone in ("GMT", "UTC") else f" {zone}" if zone else ""
    return f"{year}-{int(month):02}-{int(day):02}T{hour}:{minute}:00{zone}"


def reread(body: bytes, hints: Hints) -> Reread:
    """The second reading of the messages of *body*, a capture."""
    return wire_text.reread_by(body, hints, _MARKS, _HEAD)
