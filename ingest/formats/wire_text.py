"""What IPTC 7901 and ANPA 1312 have in common: messages framed by control characters, of lines.

Such messages were made for seven-bit lines, and still come with parity bits, with code pages that
nobody names, and with lines broken at some seventy characters. A message is from SOH to the next,
or to EOT; its text is between STX and ETX.
"""

import html
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise

from ingest.formats import encoding
from ingest.integrity import Passage, Reread, UncheckedError
from ingest.item import MOST_ITEMS, Channel, Hints, Item, Parsed
from stories.errors import ParseError

SOH, STX, ETX, EOT = b"\x01", b"\x02", b"\x03", b"\x04"

WRAPPED = 50
"""Characters of a line from which it was broken because it was full; shorter ones end where they
were meant to."""

MOST_LINES, MOST_LETTERS = 4, 300
"""Lines and characters of a headline; longer ones are text."""

MOST_BYLINES = 2
"""Lines of a byline: who wrote it, and what they are."""

_LOW = bytes(byte & 0x7F for byte in range(256))
_EVEN = frozenset(byte for byte in range(256) if byte.bit_count() % 2 == 0)
_LEAST = 40
"""Bytes from which parity shows."""

_SLUG_END = re.compile(r",\s*[0-9]{1,5}$|,$")
_SILENT = re.compile("[\x00-\x08\x0b-\x1f\x7f]+")
_COLUMNS = re.compile(r"\S {3,}\S|\S *\t *\S|\S {2,}\S.*\S {2,}\S")
_INDENT = re.compile(r"[ \t]{2,}|\t")


def without_parity(body: bytes) -> bytes:
    """*body* without its parity bits, if it has any: bytes of which all have even parity, or all
    odd, are no text of eight bits. Lengths stay as they are."""
    told = body[:20_000]
    if len(told) < _LEAST or told.isascii():
        return body
    even = sum(byte in _EVEN for byte in told)
    return body.translate(_LOW) if even in (0, len(told)) else body


@dataclass(frozen=True, slots=True)
class Message:
    """A message: where it stands; what is before, between and after STX and ETX, as text."""

    start: int
    end: int
    header: str
    text: str
    trailer: str
    doubt: str
    whole: bool


def parse(
    body: bytes, hints: Hints, format: str, item_of: Callable[[int, Message], Item]
) -> Parsed:
    """The messages of *body*, each made an item by its place and *item_of*.

    :raises ParseError: ``malformed`` where none is whole.
    """
    plain = without_parity(body)
    charset = _charset(plain, hints)
    starts = [match.start() for match in re.finditer(SOH, plain)]
    if not starts:
        raise ParseError(
            "malformed", f"{hints.url}: this looks like {format}, but no message in it begins"
        )
    found = [
        _message(plain[start:stop], start, charset)
        for start, stop in pairwise([*starts, len(plain)])
    ]
    found, unread = found[:MOST_ITEMS], len(found[MOST_ITEMS:])
    items = tuple(item_of(at, message) for at, message in enumerate(found))
    if all(item.unreadable for item in items):
        raise ParseError("malformed", f"{hints.url}: this is {format}, but {items[0].unreadable}")
    note = "parity bits left out" if plain is not body else charset.note
    return Parsed(
        format=format.lower().replace(" ", ""),
        channel=Channel(),
        items=items,
        notes=(f"encoding: {note}",) if note else (),
        unread=unread,
        whole=found[-1].whole,
    )


def _charset(plain: bytes, hints: Hints) -> encoding.Charset:
    """The encoding of *plain*: where nobody names another, that of the formats, Latin 1, unless
    the bytes are UTF-8 or the words of another script."""
    named = hints.headers.get("content-type", "")
    if "charset" in named.lower() or hints.charset:
        return encoding.decide(plain, named, settled=hints.charset)
    found = encoding.decide(plain, "text/plain; charset=iso-8859-1")
    return replace(found, note="" if found.name == "utf-8" else found.note)


def _message(raw: bytes, start: int, charset: encoding.Charset) -> Message:
    whole, eot, _ = raw.partition(EOT)
    header, stx, rest = whole.partition(STX)
    text, etx, trailer = rest.partition(ETX)
    return Message(
        start=start,
        end=start + len(whole) + len(eot),
        header=charset.decode(header[1:]),
        text=charset.decode(text),
        trailer=charset.decode(trailer),
        doubt=charset.doubt(whole),
        whole=bool(stx and etx),
    )


def lines_of(text: str) -> list[str]:
    """The lines of *text*, without characters that steer machines and show nothing."""
    return [_SILENT.sub("", line).rstrip() for line in re.split("\r\n|[\r\n]", text)]


def divided(lines: list[str]) -> tuple[str, str, list[str]]:
    """The headline of *lines*, the byline, and the text: the first lines, as far as an empty one,
    an indented one or a byline, are the headline, if they are not too long for one."""
    while lines and not lines[0].strip():
        lines = lines[1:]
    last = next(
        (n for n, one in enumerate(lines) if not one.strip() or (n and _INDENT.match(one))),
        len(lines),
    )
    by = next((n for n, line in enumerate(lines[:last]) if BYLINE.match(line.strip())), last)
    headline = " ".join(line.strip().rstrip("= ") for line in lines[:by])
    if not 0 < by <= MOST_LINES or len(headline) > MOST_LETTERS or not any(lines[last:]):
        return "", "", lines
    last = min(last, by + MOST_BYLINES)
    return headline, " ".join(line.strip().rstrip("= ") for line in lines[by:last]), lines[last:]


def markup(lines: list[str], *, table: bool = False) -> str:
    """*lines* as HTML: paragraphs end at blank lines and before indented ones, lines that were full
    go on in the next, and columns stay columns; all lines do in a *table*."""
    pieces: list[str] = []
    for kind, block in _blocks(lines, table):
        told = [html.escape(line if kind == "pre" else line.strip(), quote=False) for line in block]
        if kind == "pre":
            pieces.append("<pre>" + "\n".join(told) + "</pre>")
        else:
            pieces.append("<p>" + "".join(_flowing(told)) + "</p>")
    return "\n".join(pieces)


def _flowing(told: list[str]) -> Iterator[str]:
    for number, line in enumerate(told):
        if number:
            yield " " if len(told[number - 1]) >= WRAPPED else "<br>"
        yield line


def _blocks(lines: list[str], table: bool) -> Iterator[tuple[str, list[str]]]:
    block: list[str] = []
    kind = ""
    for line in [*lines, ""]:
        own = "" if not line.strip() else "pre" if table or _COLUMNS.search(line.strip()) else "p"
        if block and (own != kind or (own == "p" and _INDENT.match(line))):
            yield kind, block
            block = []
        kind = own
        if own:
            block.append(line)


def reread_by(body: bytes, hints: Hints, marks: re.Pattern[str], head: re.Pattern[str]) -> Reread:
    """The second reading of the messages of *body*, whose lines begin and end with *marks* that
    are no words: the text with what matches *head* and without, and each line of that."""
    charset = _charset(without_parity(body), hints)
    low = without_parity(body) is not body
    return lambda raw: _passages(charset.decode(raw.translate(_LOW) if low else raw), marks, head)


def _passages(raw: str, marks: re.Pattern[str], head: re.Pattern[str]) -> list[Passage]:
    """The copy of *raw*, a message.

    :raises UncheckedError: when it has no beginning or no end.
    """
    before, stx, rest = raw.partition("\x02")
    text, etx, _ = rest.partition("\x03")
    if not stx or not etx:
        raise UncheckedError("its text has no beginning or no end")
    text = re.sub("\r\n?", "\n", text)
    first = head.match(text)
    cut = first.end() if first is not None else 0
    keywords = [line.strip().rstrip("/") for line in lines_of(before)[1:]]
    leading = [line for one in text[:cut].split("\n") if (line := marks.sub("", one).strip())][:20]
    rest = "\n".join(marks.sub("", line) for line in text[cut:].split("\n"))

    def headlines() -> Iterator[str]:
        yield " ".join(filter(None, keywords))
        yield from (_SLUG_END.sub("", line) for line in leading[:1])
        for begin in range(len(leading)):
            for end in range(begin + 1, min(begin + 5, len(leading) + 1)):
                yield " ".join(leading[begin:end])

    def bodies() -> Iterator[str]:
        # Each line in front is looked for by itself, too.
        for count in range(len(leading), -1, -1):
            yield "\n".join([*leading[count:], rest])

    found = [
        Passage("the text", "body", text, (), bodies),
        Passage("the headline", "headline", text, (), headlines),
    ]
    by = next((at for at, line in enumerate(leading) if BYLINE.match(line)), len(leading))
    # What an author is follows the name, and is no copy either.
    beside = {by, by + 1} if by + 1 < len(leading) and len(leading[by + 1]) < 60 else {by}
    found += (
        Passage(f"line {at + 1}", "summary", line, (), partial(iter, [line]))
        for at, line in enumerate(leading)
        if at not in beside
    )
    return found


BYLINE = re.compile(r"(?:By|Von|Par|Por|Di|Door|Av|Af)\s+[^\W\d_a-z]")
KILL = re.compile(
    r"\b(?:BULLETIN|MANDATORY|ADVISORY)[ -]KILL\b|\bKILL[ -](?:BULLETIN|MANDATORY|ADVISORY)\b"
    r"|[(\[*]KILL(?:ED)?[)\]*]|(?-i:\bSTORY[ -]KILL\b|\bKILL(?=,|\W*\Z))",
    re.IGNORECASE,
)
_TIME = (
    r"(?:(?:[01]\d|2[0-4])[0-5]\d|[0-2]?\d[:.H][0-5]\d"
    r"|[0-2]?\d ?(?:[AP]\.?M|UHR|H|HRS|GMT|UTC))\b"
)
_MONTH = (
    r"(?:JAN(?:UARY)?|FEB(?:RUARY)?|MAR(?:CH)?|APR(?:IL)?|MAY|JUNE?|JULY?|AUG(?:UST)?"
    r"|SEPT?(?:EMBER)?|OCT(?:OBER)?|NOV(?:EMBER)?|DEC(?:EMBER)?)\b"
)
_WHEN = (
    rf"(?:{_TIME}|\d{{1,2}}[./-]\d|\d{{1,2}}(?:ST|ND|RD|TH)?\W? ?{_MONTH}|{_MONTH}\.? \d"
    r"|(?:MON|TUES|WEDNES|THURS|FRI|SATUR|SUN)DAY\b|(?:TODAY|TONIGHT|TOMORROW|NOON|MIDNIGHT)\b)"
)
_TILL = r"(?:UN)?TILL?\b|TO\b|JUSQU|HASTA\b|BIS\b|TOT\b|FINO\b"
HOLD = re.compile(
    rf"\bEMBARGO(?:ED\b|\s*[:-]|\s+(?:{_TILL})|[\s,/(]*(?:FOR\s+|AT\s+|ON\s+)?{_WHEN})"
    r"|\bEMBARGO FOR (?:RELEASE|PUBLICATION|USE)\b|[(\[*]\s?EMBARGO\s?[)\]*]|\bSPERRFRIST"
    rf"|\bHOLD[ -](?:FOR[ -](?:RELEASE\b|{_WHEN})|(?:UN)?TILL?\s+{_WHEN})"
    r"|\bNOT FOR (?:RELEASE|PUBLICATION|USE|BROADCAST) (?:BEFORE|UNTIL|TILL)\b",
    re.IGNORECASE,
)
"""A time, a day or a bracket tells a mark of the desk's from a topic, such as RUSSIA-EMBARGO."""
CORRECTION = re.compile(r"\bcorrect(?:ion|ive|s)\b", re.IGNORECASE)


def status_of(*lines: str) -> str:
    """What sluglines and notes say of a text's use: these formats have no other place for it. A
    headline says nothing: people are killed, and embargoes lifted. A number behind a last comma
    says how many words there are."""
    lines = tuple(_SLUG_END.sub("", line) for line in lines)
    if any(KILL.search(line) for line in lines):
        return "kill"
    return "withheld" if any(HOLD.search(line) for line in lines) else ""
