"""Desk marks: what an agency's desk writes into its copy for other desks, as ``(Eds: edits)``.

They are recognised, and shown as what they are; a word is left out on publishing only by a rule
that the wire's ``trim`` names. What looks like a sentence for readers is none: a mark that stays in
harms nobody, a sentence that is lost does. So within a paragraph only what no sentence has is taken
for one: a bracketed note that tells of edits, at its beginning or end, and what stands behind the
full stop of the last sentence.
"""

import re
from collections.abc import Collection, Sequence
from html import escape, unescape
from typing import Literal, NamedTuple

from wirecopy.text import BLOCKS, plain

Rule = Literal["editors_notes", "sluglines", "take_numbers", "sign_offs", "end_marks"]


class Mark(NamedTuple):
    """A paragraph that is a mark, or the beginning or end of one: the place of that among the
    paragraphs, by which rule, and the words of the mark."""

    place: int
    rule: Rule
    text: str


LONGEST_NOTE = 600
"""Characters. What follows "Eds:" for longer is rather a story without paragraphs."""

_NOTE = re.compile(
    r"(?i:eds|note to editors|(?:attention|attn\.?),? editors|editors,? please note) ?[:—–] ?\S.*"
    r"|संपादकों? (?:के लिए(?: नोट)?|कृपया ध्यान दें) ?: ?\S.*"
    r"|ATTENTION - \S.* ///"  # AFP
)
"""No "Editor's note", which speaks to readers, and no "संपादक:", which names an editor."""
_FOR_READERS = re.compile(
    r"\bcorrect(?:s|ed|ion|ions|ing)?\b|\bclarif|\bearlier version\b|\bprevious version\b"
    r"|\bISBN\b|\bUniversity Press\b|\bPublishers\b|\bpp?\. ?\d",
    re.IGNORECASE,
)
"""Notes with these words tell readers of a mistake, or are of a list of books."""
_TOP_NOTE = re.compile(r"(?:Adds|Updates|Recasts|Releads|Rewrites|Writes through)\b[^.]*")
"""As Reuters begins an update, in brackets; with a full stop it is a sentence."""

_TAKE = re.compile(
    r"(?:\d{1,2}(?:st|nd|rd|th)|First|Second|Third|Fourth) (?:Ld|Lead|Add|Take)"
    r"(?:[- ](?:Writethru|Write-thru))?|(?:Lead|Ld|Add|Take) \d{1,2}|Writethru|Write-thru",
    re.IGNORECASE,
)
_MORE = re.compile(
    r"MORE|\((?i:more|more follows|more to come)\)|(?:MORE|More) (?i:follows|to come)"
    r"|\(?(?i:contd|cont'd)[. ]{0,5}\)?|\(?(?:जारी|क्रमशः|क्रमश:)\)?"
)
_SLUGLINE = re.compile(
    r"\^?(?:BC|AM|PM)-{1,2}[A-Z][\w&'.]*-{1,2}[A-Z0-9][\w&'.]*"  # AP
    r"(?:[- ]{1,2}[A-Z0-9][\w&'.]*)*(?:,[\w -]+)*<?"
    r"|[A-Z]{2,}(?:-[A-Z0-9]{2,})+/[A-Z]*(?: \([A-Z0-9 ,/&-]+\))?"  # Reuters
    r"|(?:DEL|BOM|CAL|MDS|LGD|LGM|LGB|LGC|FGN|FES|DCM|BCM|MCM|NRG|ERG|WRG|SRG|SPD|SPF|SPO|ENT)"
    r"[ -]?\d{1,3} [A-Z]{2,}(?:[- ][A-Z0-9]+)*"  # PTI: a desk, and its number of the day
    r"|(?i:slug|slugline) ?: ?\S.*"
)
_INITIALS = r"[A-Z]{2,4}(?:[ /]{1,3}[A-Z]{2,4}){0,4}"
_SIGN_OFF = re.compile(
    rf"(?:PTI|UNI) (?:CORR )?{_INITIALS}(?: ?\d{{4}})?"
    r"|-{1,2} ?IANS [a-z]{2,5}(?:[/-][a-z]{2,5}){0,4}[/.]?"
    r"|(?!(?:and/or|he/she|she/he|his/her|her/his|him/her|on/off)\Z)"
    r"(?:burs?-)?[a-z]{2,4}(?:-[a-z]{2,4})?(?:/[a-z]{2,4}){1,4}"  # AFP
    r"|(?:भाषा|वार्ता)(?: [ऀ-ॣ]{2,12}){1,4}(?: ?[\d०-९]{4})?"  # PTI-Bhasha, Univarta
)
_END = re.compile(
    r"[-–—]? ?(?:30|0) ?[-–—]|#(?: ?#){2,}|[-–—/*]{0,3} ?(?:ENDS?|Ends|ends) ?[-–—/*]{0,3}"
    r"|[-–—]{0,2} ?समाप्त ?[-–—]{0,2}"
)

_BRACKETED = r"\((?:[^()]|\([^()]*\))*\)"
_NOTE_FIRST = re.compile(rf"({_BRACKETED}) (?=[^\Wa-z]|[\"“‘'])")
_NOTE_LAST = re.compile(rf"(?<=[.!?।”\"’]) ({_BRACKETED})\Z")
_TELLS_OF_EDITS = re.compile(
    r"\b(?:add(?:s|ed|ing)|update[sd]?|updating|recasts?|releads?|rewrites?|writes through|edits"
    r"|repeat(?:s|ed|ing)|resen(?:ds|ding|t)|para(?:s|graphs?)?|pix|overnight|this completes)\b"
    r"|जोड़|पैरा",
    re.IGNORECASE,
)
"""As "(Eds: A. Sharma and B. Rao)" behind a title names who edited a book."""
_TAIL: dict[Rule, re.Pattern[str]] = {
    "sign_offs": re.compile(
        rf"(?:PTI|UNI) (?:CORR )?{_INITIALS}(?: ?\d{{4}})?"
        r"|-{1,2} ?IANS [a-z]{2,5}(?:[/-][a-z]{2,5}){0,4}[/.]?"
    ),
    "take_numbers": re.compile(
        r"MORE|\((?i:more|more follows|contd)[. ]{0,5}\)|\((?:जारी|क्रमशः)\)"
    ),
    "end_marks": re.compile(
        r"[-–—]{1,2} ?30 ?[-–—]{1,2}|#(?: ?#){2,}|[-–—]{1,2} ?(?:ENDS?|ends) ?[-–—]{1,2}"
    ),
}
"""What may follow the last sentence; what stands in a paragraph of its own may be shorter."""
_LAST_WORDS = re.compile(r".*[.!?।…][\"”’'»)]* (\S+(?: \S+){0,8})")

_TAKE_OF_HEADLINE = (
    re.compile(
        r"\((?:\d(?:st|nd|rd|th) )?(?:LEAD|LD|Ld)\)(?= \S)|(?:UPDATE|WRAPUP) \d{1,2}(?=-\S)"
        r"|\d(?:st|nd|rd|th) Ld(?:-Writethru)?(?=[ :,-]+\S)"
    ),
    re.compile(
        r"(?<=\S )\((?:\d(?:st|nd|rd|th) )?(?:LEAD|LD|Ld|Lead)\)\Z"
        r"|(?<=[ ,-])\d(?:st|nd|rd|th) Ld(?:-Writethru)?\Z"
    ),
)
"""At the beginning, and at the end. Without brackets "2nd Lead" may be what the story is about."""

_AROUND = re.compile(r"\(([^()]*(?:\([^()]*\)[^()]*)*)\)|\[([^\[\]]*)\]")


def desk_marks(paragraphs: Sequence[str]) -> list[Mark]:
    """The marks among *paragraphs*, each on one line, in their order.

    Notes to editors may stand anywhere; all others above everything else, or below. Where nothing
    but marks would be found, none is. Of a paragraph that says something else, the marks at its
    beginning and end.
    """
    found: dict[int, Rule] = {
        at: "editors_notes" for at, said in enumerate(paragraphs) if _is_note(said)
    }
    for places, above in ((range(len(paragraphs)), True), (range(len(paragraphs))[::-1], False)):
        for at in places:
            rule = found.get(at) or (_above if above else _below)(paragraphs[at])
            if rule is None:
                break
            found[at] = rule
    if len(found) == len(paragraphs):
        return []
    last = max(set(range(len(paragraphs))) - found.keys())
    marks: list[Mark] = []
    for at, said in enumerate(paragraphs):
        if at in found:
            marks.append(Mark(at, found[at], said))
        else:
            marks += _within(at, said, is_last=at == last)
    return marks


def _bare(said: str) -> tuple[str, bool]:
    """*said* without the brackets around all of it, and whether there were any."""
    around = _AROUND.fullmatch(said)
    return ((around[1] or around[2] or "").strip(), True) if around else (said, False)


def _is_note(said: str) -> bool:
    text, _ = _bare(said)
    is_one = len(said) <= LONGEST_NOTE and _NOTE.fullmatch(text) is not None
    return is_one and not _FOR_READERS.search(text)


def _above(said: str) -> Rule | None:
    text, bracketed = _bare(said)
    if len(said) > LONGEST_NOTE or _FOR_READERS.search(text):
        return None
    if bracketed and _TOP_NOTE.fullmatch(text):
        return "editors_notes"
    if len(said) > 100:
        return None
    if _TAKE.fullmatch(text):
        return "take_numbers"
    return "sluglines" if _SLUGLINE.fullmatch(text) else None


def _below(said: str) -> Rule | None:
    text, _ = _bare(said)
    if len(said) > 100:
        return None
    if _MORE.fullmatch(said):
        return "take_numbers"
    if _END.fullmatch(text):
        return "end_marks"
    return "sign_offs" if _SIGN_OFF.fullmatch(text) else None


def _within(at: int, said: str, *, is_last: bool) -> list[Mark]:
    """The marks at the beginning and end of *said*, in their order. More than they is left."""
    first = found[1] if (found := _NOTE_FIRST.match(said)) and _tells(found[1]) else ""
    rest = said.removeprefix(first)
    behind = _behind(rest) if is_last else None
    if behind is None and (found := _NOTE_LAST.search(rest)) and _tells(found[1]):
        behind = "editors_notes", found[1]
    marks = [Mark(at, "editors_notes", first)] if first else []
    return [*marks, Mark(at, *behind)] if behind else marks


def _tells(note: str) -> bool:
    """Whether *note* in brackets is one to editors, and says what other desks are to know."""
    return _is_note(note) and _TELLS_OF_EDITS.search(note) is not None


def _behind(said: str) -> tuple[Rule, str] | None:
    """The mark behind the last sentence of *said*, which is not written in capitals alone."""
    end = _LAST_WORDS.fullmatch(said[-200:])
    if end is None or said.isupper():
        return None
    return next(((rule, end[1]) for rule, mark in _TAIL.items() if mark.fullmatch(end[1])), None)


def headline_mark(headline: str) -> str | None:
    """The take number at the beginning or end of *headline*, as "(2nd Ld)". It is shown only: the
    desk writes headlines, and no rule cuts one."""
    first, last = _TAKE_OF_HEADLINE
    found = first.match(headline) or last.search(headline)
    return found[0] if found else None


_BLOCK = re.compile(rf"(</?(?:{'|'.join(sorted(BLOCKS))})(?=[\s/>])[^>]*>)")
_TAG = re.compile(r"<[^>]*>")
_PHRASE = re.compile(r"</?(?:b|big|em|font|i|small|span|strong|u)(?=[\s/>])[^>]*>")
_EMPTY = re.compile(r"<(\w+)(?: [^>]*)?></\1>")
_PARAGRAPH = re.compile(r"<p[\s>]")
_FLOW = re.compile(r"</?(?:article|br|center|col|div|hr|main|p|section)(?=[\s/>])")


def trimmed(html: str, rules: Collection[Rule]) -> str:
    """*html* without the marks that *rules* are about. It is as :func:`publish.clean.clean` gives
    it: balanced, ``<`` and ``>`` only in tags.

    A mark with a link or picture in it stays, and so does one in a list, a table or a quotation.
    """
    pieces = _BLOCK.split(html)  # what stands in a paragraph, and behind it the tag that ends it
    places: list[int] = []
    said: list[str] = []
    flows: list[bool] = []
    free: list[bool] = []
    within = 0  # open elements in which nothing is a mark
    for at, piece in enumerate(pieces):
        if at % 2:
            within += 0 if _FLOW.match(piece) else -1 if piece.startswith("</") else 1
        elif words := plain(unescape(_TAG.sub("", piece))):
            places.append(at)
            said.append(words)
            flows.append(within == 0)
            free.append(within == 0 and "<" not in _PHRASE.sub("", piece))
    for mark in reversed(desk_marks(said)):
        at = places[mark.place]
        if mark.rule not in rules or not flows[mark.place]:
            continue
        if mark.text != said[mark.place]:
            pieces[at] = _without_empty(_cut(pieces[at], mark.text))
            continue
        if not free[mark.place]:
            continue
        left = _without_empty("".join(_TAG.findall(pieces[at])))
        pieces[at] = left
        before = pieces[at - 1] if at else ""
        after = pieces[at + 1] if at + 1 < len(pieces) else ""
        if left:
            continue
        if _PARAGRAPH.match(before) and after == "</p>":
            pieces[at - 1] = pieces[at + 1] = ""
        elif after.startswith("<br"):
            pieces[at + 1] = ""
        elif before.startswith("<br"):
            pieces[at - 1] = ""
    return "".join(pieces)


def _cut(piece: str, words: str) -> str:
    """*piece*, which holds tags, without *words* at its end or beginning; as it is where they do
    not stand there in one run of text."""
    spelt = r"\s+".join(re.escape(escape(word, quote=False)) for word in words.split())
    tags = r"((?:\s|<[^>]*>)*)"
    if found := re.search(rf"{spelt}{tags}\Z", piece):
        return piece[: found.start()].rstrip() + found[1]
    return re.sub(rf"\A{tags}{spelt}\s*", r"\1", piece)


def _without_empty(piece: str) -> str:
    """*piece* without elements in which nothing is left."""
    while (less := _EMPTY.sub("", piece)) != piece:
        piece = less
    return piece
