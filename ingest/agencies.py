"""Whose copy an item is: the agency, even where a feed hides it.

Looked for in this order: source, author, dc:creator, credit line, the dateline that opens the
text, the tail that closes it, and last the wire's own setting. Names and codes are matched whole;
codes ("AP", "PTI") only as written, names in any case. A picture's credit never counts, and
"With inputs from PTI" says that the copy is *not* PTI's own.
"""

import json
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files

from ingest.item import Item
from stories.models import INTAKE_RULE, AgencySource

_SPLIT = re.compile(r"\s*(?:[,;|/&()–—]|\s-\s|\band\b|\s+via\b)\s*", re.IGNORECASE)
_BY = re.compile(r"^(?:by|from|source|agency|text|copyright|©|via)\b\s*:?\s*", re.IGNORECASE)
_COMPILED = re.compile(
    r"\b(?:with\s+)?(?:agency\s+)?inputs?\b|\bcontribut|\bcompiled\b|\bagencies\b|इनपुट",
    re.IGNORECASE,
)
_OF_COMPILED = ("nput", "contr", "comp", "agenc", "इनपुट")
"""Of each of its words a part whose letters have one lower case and match no others."""
_MONTH = (
    r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|ene|abr|ago|dic|gen|mag|giu|lug|set|ott"
    r"|jän|mär|mai|okt|dez|जन|फ|मार्च|अप्रैल|मई|जून|जुलाई|अगस्त|सित|अक्|नव|दिस)[^\s\d,()]{0,8}\.?"
)
_DATE = rf"(?:{_MONTH}\s+\d{{1,2}}|\d{{1,2}}\.?\s+{_MONTH})(?:,?\s+\d{{4}})?"
# A place, a date, an agency in brackets, of which only the last is never missing. Seen: NEW DELHI,
# Nov 22 (PTI) — and New Delhi [India], November 22 (ANI): and MOSCOW, November 22. /TASS/.
_OPENING = re.compile(
    rf"(?:(?P<place>[^\s\d()/:;.,—–\-][^\d():;—–]{{1,60}}?)[\s,]+)??"
    rf"(?:(?P<date>{_DATE})[.,]?\s+)?"
    r"[(/](?P<who>[^()/\d]{2,40}(?:/[^()/\d]{2,40}){0,3})[)/]",
    re.IGNORECASE,
)
# Or no agency, but a date that ends in a mark: "MUMBAI, Nov 22:" and "NEW DELHI, Nov 22 —".
_DATED = re.compile(
    rf"(?P<line>[^\s\d()/:;.,—–\-][^\d()/:;—–]{{1,60}}?,\s+{_DATE})\s*(?::|—|–|--|-\s)",
    re.IGNORECASE,
)
# After a sentence, not within one: "the party (PTI)." signs nothing.
_SIGNED = re.compile(r"(?:^|[.!?।۔\"”'’])\s*\(([^()]{2,40})\)\s*$")
_DASHED = re.compile(r"(?:^|\s|[.!?])(?:--+|[—–])\s*([^\s—–-][^—–]{1,40})$")
_DASHES = ("--", "—", "–")
_INITIALLED = re.compile(r"(?:^|[.!?\"”'’)]\s*)([A-Z]{2,5})((?:\s+[A-Z]{2,4}){1,6})$")
_DASH = re.compile(r"^[\s\-–—:.]+|[\s\-–—:]+$")
_MARK = re.compile(r"\.?\s*[:–—-]")
_OFFICE = re.compile(
    r"\b(?:desk|bureau|staff|team|correspondents?|reporters?|editors?|services?|agency|agencies"
    r"|newsroom|web|online|news|press|admin|special)\b",
    re.IGNORECASE,
)
_ADDRESS = re.compile(r"\S+@\S+|https?://\S+")
_TAIL_PARAGRAPHS = 3
_PARTING = re.compile(r"(\s*[,;|]\s*|\s+[-–—]\s+|\s*[()]\s*)")
_LONGEST = 1_000
"""Characters of a byline that are read."""


@dataclass(frozen=True, slots=True)
class Agency:
    """A known agency: its name, its own code."""

    name: str
    code: str


@dataclass(frozen=True, slots=True)
class _Known:
    codes: dict[str, Agency]
    names: dict[str, Agency]


@cache
def _known() -> _Known:
    codes: dict[str, Agency] = {}
    names: dict[str, Agency] = {}
    for row in json.loads(files("ingest").joinpath("agencies.json").read_text(encoding="utf-8")):
        agency = Agency(row["name"], row["code"])
        codes |= dict.fromkeys([row["code"], *row.get("codes", ())], agency)
        names |= dict.fromkeys(map(_fold, [row["name"], *row["names"]]), agency)
    return _Known(codes, names)


@lru_cache(maxsize=256)  # the same few names stand on all items of a wire
def _fold(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).casefold().split()).strip(" .:-–—")


def _is_compiled(text: str) -> bool:
    """Whether *text* says that it is compiled of others' copy."""
    lower = text.lower()  # to look for the words first takes a tenth of the time
    return any(word in lower for word in _OF_COMPILED) and _COMPILED.search(text) is not None


def find(text: str) -> Agency | None:
    """The agency that *text*, as a whole, names; None if it names none or something else."""
    text = " ".join(text.split()).strip(" .:-–—")
    return _known().codes.get(text) or _known().names.get(_fold(text))


def credited(text: str, own: Agency | None = None) -> Agency | None:
    """The agency in a line that says whose a text is: "PTI", "Jane Doe, AP", "By Reuters/ANI".

    *own* is the wire's agency, known here even if it is in no table. None for compiled copy
    ("With inputs from PTI, AFP").
    """
    text = text[:200]
    if _is_compiled(text):
        return None
    for part in (text, *_SPLIT.split(text)):
        bare = _BY.sub("", part.strip())
        if found := _one(bare, own) or _parted(bare)[1]:
            return found
    return None


def _one(text: str, own: Agency | None) -> Agency | None:
    if own and text and (_fold(text) == _fold(own.name) or text == own.code):
        return own
    return find(text)


def _parted(text: str) -> tuple[str, Agency | None]:
    """Person and agency of "JANE DOE Associated Press": a long agency name ends the line."""
    words = text.split()
    for start in range(1, min(len(words) - 1, 4)):
        if found := _known().names.get(_fold(" ".join(words[start:]))):
            return " ".join(words[:start]), found
    return text, None


def dateline(text: str) -> str:
    """The dateline that opens *text*, without the dash after it; ``""`` if there is none.

    It has to name an agency in brackets, or to end a place and a date with a dash or colon.
    """
    line, _ = _open(text, None)
    return line


def _open(text: str, own: Agency | None) -> tuple[str, Agency | None]:
    start = text[:200].split("\n", 1)[0].lstrip()
    opening, dated = _opening(start)
    if opening and not _is_compiled(opening[0]) and _is_dateline(opening, start):
        for who in opening["who"].split("/"):
            if found := _one(who.strip(), own):
                return opening[0].strip(), found
    return (dated["line"].strip() if dated else ""), None


@lru_cache(maxsize=64)  # it is asked twice of the text of each of some items
def _opening(start: str) -> tuple[re.Match[str] | None, re.Match[str] | None]:
    return _OPENING.match(start), _DATED.match(start)


def _is_dateline(opening: re.Match[str], start: str) -> bool:
    """Whether words before an agency in brackets are a place: PTI is also a party.

    "Pakistan Tehreek (PTI) said" has neither a date nor capitals nor a dash.
    """
    place = opening["place"]
    marked = _MARK.match(start, opening.end())
    return not place or bool(opening["date"]) or place.isupper() or marked is not None


def tail(text: str, own: Agency | None = None) -> Agency | None:
    """The agency that signs at the end of *text*: "--IANS", "(ANI)", "PTI SJK HVA"."""
    for line in [p.strip() for p in text[-2_000:].split("\n") if p.strip()][-_TAIL_PARAGRAPHS:][
        ::-1
    ]:
        end = line[-200:]
        if _is_compiled(end):
            continue
        # To look at the last letter, or for a dash, takes a tenth of the time of a pattern.
        initialled = _INITIALLED.search(end) if "A" <= end[-1] <= "Z" else None
        if initialled and (found := _one(initialled[1], own)):
            return found
        signed = _SIGNED.search(end) if end[-1] == ")" else None
        dashed = _DASHED.search(end) if any(dash in end for dash in _DASHES) else None
        for sign in (signed, dashed):
            if sign and (found := _signed(sign[1], own)):
                return found
        if len(line) <= 40 and (found := _signed(line, own)):
            return found
    return None


def _signed(text: str, own: Agency | None) -> Agency | None:
    bare = _DASH.sub("", text)
    whole = _one(bare, own)
    if whole:
        return whole
    first, *rest = bare.split() or [""]
    # "--IANS rs/vd": the code, then the initials of those who handled the copy.
    handled = all(re.fullmatch(r"[A-Za-z]{1,4}(?:/[A-Za-z]{1,4})*", word) for word in rest)
    return _known().codes.get(first) if rest and len(rest) <= 6 and handled else None


def recognise(
    item: Item, body_text: str, wire_agency: str | None, wire_code: str | None
) -> tuple[str, str | None, AgencySource]:
    """The agency of *item*, its code if it has one, and where that was found.

    *body_text* is the text projection of the body; *wire_agency* and *wire_code* are what the
    wire is configured with. Where nothing is recognised they stand, with source ``wire``.
    """
    if item.provenance is not None:
        stated = item.provenance.agency
        known = find(stated)
        same = wire_code if stated == wire_agency else None
        return stated, known.code if known else same, "source"
    known = find(wire_agency) if wire_agency else None
    own = Agency(wire_agency, wire_code or (known.code if known else "")) if wire_agency else None
    places: tuple[tuple[AgencySource, Iterable[str]], ...] = (
        ("source", item.sources),
        ("author", item.authors),
        ("creator", item.creators),
        ("credit", item.credits),
    )
    for place, lines in places:
        for line in lines:
            if found := credited(line, own):
                return found.name, found.code or None, place
    opened = credited(item.dateline, own) if item.dateline else None
    opened = opened or _open(body_text, own)[1]
    if opened:
        return opened.name, opened.code or None, "dateline"
    if closed := tail(body_text, own):
        return closed.name, closed.code or None, "tail"
    return wire_agency or "", wire_code or (known.code if known else None), "wire"


def byline(item: Item, wire_agency: str | None = None, rule: int = INTAKE_RULE) -> str | None:
    """The persons named as authors, without "By" and without the agency; None if there are none.

    Offices ("Web Desk", "Express News Service"), addresses and agencies are no persons; what is
    none of these stands as it is written. *rule* is the capture's.
    """
    own = Agency(wire_agency, "") if wire_agency else None
    lines = (*item.authors, *item.creators)
    if rule < 2:
        return next((name for line in lines if (name := _first_persons(line, own))), None)
    found = [name for line in lines if (name := _persons(line, own))]
    names = {_fold(name): name for name in reversed(found)}
    kept = [n for n in dict.fromkeys(map(_fold, found)) if not any(_within(n, m) for m in names)]
    return _joined([names[name] for name in kept]) or None


def _joined(names: list[str]) -> str:
    return ("; " if any("," in name for name in names) else ", ").join(names)


def _within(name: str, other: str) -> bool:
    """Whether *other* names more persons than *name*, and this one too."""
    return name != other and re.search(rf"(?<!\w){re.escape(name)}(?!\w)", other) is not None


def _persons(line: str, own: Agency | None) -> str:
    """*line* without what is no person; ``""`` if nothing else is in it."""
    name = _name(line[:_LONGEST], own).strip(" ,;|-–—")
    parts = _PARTING.split(name)
    words, between = parts[::2], ["", *parts[1::2]]
    gone = [bool(w) and bool(_one(w, own) or _OFFICE.search(w)) for w in words]
    if not any(gone):
        return name
    if gone[0]:
        return ""  # what follows an agency is a place as often as a person
    kept: list[str] = []
    bracketed = False
    for mark, word, is_gone in zip(between, words, gone, strict=True):
        bracketed = bracketed or (is_gone and "(" in mark)
        if is_gone:
            continue
        kept += [mark.replace(")", "") if bracketed else mark, word]
        bracketed = bracketed and ")" not in mark
    return "".join(kept).strip(" ,;|-–—")


def _first_persons(line: str, own: Agency | None) -> str:
    """The same as release 0.1 read it, torn apart at brackets."""
    name = _name(line[:200], own)
    kept = [p for p in re.split(r"\s*(?:[,;|()]|\s[-–—]\s)\s*", name) if p]
    persons = [p for p in kept if not _one(p, own) and not _OFFICE.search(p)]
    if not persons or persons[0] != kept[0]:
        return ""
    return ", ".join(persons) if _one(kept[-1], own) is None else persons[0]


def _name(line: str, own: Agency | None) -> str:
    """*line* without "By", address and an agency that ends it; ``""`` if it names an agency."""
    name = _ADDRESS.sub("", " ".join(line.split())).strip()
    name = _BY.sub("", name[1:-1] if name.startswith("(") and name.endswith(")") else name)
    return "" if not name or _is_compiled(name) or _one(name, own) else _parted(name)[0]
