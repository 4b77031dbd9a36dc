"""Conserved text: what came out of a parser is held against the item's own bytes.

A parser that loses a paragraph, or takes a picture's caption for the story, does so silently, and
everything measured afterwards agrees with it. So every item is read twice, by the format's parser
and by :mod:`ingest.formats.rss_atom_reread`, and the two must say the same words. White space is
left out, letters are compared in NFC; nothing else is folded.

**Copy** is what these elements of the item hold (local names in any case; RSS, Atom, Dublin Core,
``content`` and XHTML namespaces, or none):

* headline: ``title``, ``headline``;
* short: ``description``, ``summary``, ``abstract``;
* full: ``content``, ``content:encoded``, ``body``, ``div``, and what wires invented: ``story``,
  ``fullstory``, ``storybody``, ``articlebody``, ``fulltext`` in its spellings, ``fullcontent``;
* any other element, of any namespace, that holds prose (:data:`PROSE` letters and more, addresses
  not counted), unless its name or namespace says that it is something else: an id, address, date,
  subject, person, caption, right, place or note (:data:`OTHER`, and the namespaces that
  :mod:`ingest.formats.rss_atom_reread` puts ``beside``). Text that stands in the item itself counts
  as one such.

**Lost** is copy whose words, all of them in their order, stand in none of headline, body and
summary, nor beside them (captions, credits, byline, dateline, tags). No loss is

* an element without words: tags, scripts, styles and comments are silent, as in
  ``docs/text-projection.md``;
* an element that repeats another, or a part of one: a description that is the headline, a summary
  that is the body's beginning;
* a second short telling under another name, where one came out besides a body that is at least as
  long: the story is whole; likewise a second headline;
* of an element of prose under a name unknown, as much as is less than prose: a menu, a heading;
* Atom content of a type that is no text, or that is elsewhere (``src``).

**Added** are words of headline, summary or body that are not those of one element: the headline of
a headline element, the others of any element of copy. So a word twice, a word changed, a caption in
the place of the story, a paragraph of another item are all found.

Where the wire does not say whether a text is HTML, either reading is accepted: what is then taken
for markup or for words is no word lost. Where Atom says, that counts.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from ingest.formats.rss_atom_reread import (
    MOST_READ,
    MOST_TELLINGS,
    Around,
    Telling,
    UnwitnessedError,
    squash,
    tellings,
)
from stories.errors import ParseError
from stories.models import Version
from wirecopy.text import paragraphs

PROSE = 120
"""Letters of which an element under an unknown name holds prose: some two sentences."""

State = Literal["text-lost", "text-added", "text-unchecked"]

_HEADLINES = frozenset(["title", "headline"])
_SHORT = frozenset(["description", "summary", "abstract"])
_FULL = frozenset(
    [
        *("content", "encoded", "body", "div", "story", "fullstory", "storybody", "story-body"),
        *("articlebody", "article-body", "fulltext", "full-text", "full_text", "fullcontent"),
    ]
)
_KINDS = {
    **dict.fromkeys(_HEADLINES, "headline"),
    **dict.fromkeys(_SHORT, "short"),
    **dict.fromkeys(_FULL, "full"),
}
_COPY = frozenset(["", "atom", "dc", "content", "xhtml"])

OTHER = re.compile(
    r".*(?:date|time|link|ur[il]|guid|image|photo|picture|thumb|media|video|audio|gallery|caption"
    r"|credit|keyword|tags?\b|categor|subject|topic|author|creator|contributor|byline|writer"
    r"|reporter|publisher|source|rights|licen[cs]e|copyright|usage|disclaimer|comment|language"
    r"|location|geo|point|polygon|place|section|slug|note|related|enclosure|analytic|advert|script"
    r"|style|logo|icon|rating|seo|meta|json|bio\b).*"
    r"|tags?|id|.*[_-]?id|lang|cloud|source|email|name",
    re.DOTALL,
)
"""Local names, in lower case, of what is known to be no copy."""

_LETTER = re.compile(r"[^\W\d_]")
_ADVICE = (
    "compare the item's bytes (`wirecopy captures NUMBER --raw`) and report the capture; when the"
    " parser is mended, `wirecopy replay --quarantined` takes it in"
)


@dataclass(frozen=True, slots=True)
class Fault:
    """What is amiss with one item's text: its state and a sentence of bounded length."""

    state: State
    message: str


def check(raw: str, place: Around, version: Version) -> Fault | None:
    """What *version* lost or added of *raw*, the whole text of its item; None when nothing.

    ``text-unchecked`` when the two cannot be compared. Linear in *raw*; never raises.
    """
    try:
        return _check(tellings(raw, place), _Came(version))
    except (UnwitnessedError, ParseError) as error:
        return Fault("text-unchecked", f"{error}"[:500])
    except Exception as error:  # the witness must not hold up what it watches
        return Fault("text-unchecked", f"{type(error).__name__}: {error}"[:500])


class _Came:
    """What came out of the parser, as it is compared."""

    def __init__(self, version: Version) -> None:
        self.markup = version.body
        self.headline = squash(version.headline)
        self.summary = squash(version.summary or "")
        self._version = version

    @cached_property
    def body(self) -> str:
        return "".join(map(squash, paragraphs(self.markup)))

    @cached_property
    def everything(self) -> tuple[str, ...]:
        one = self._version
        beside = [m.caption for m in one.media] + [m.credit for m in one.media]
        beside += [one.byline, one.dateline, one.credit, one.rights, *one.keywords]
        beside += [category.label for category in one.categories]
        texts = [self.body, self.summary, self.headline, *(squash(b) for b in beside if b)]
        return tuple(dict.fromkeys(t for t in texts if t))

    def shown(self, part: str) -> str:
        one = self._version
        if part == "body":
            return "\n".join(paragraphs(one.body))
        return one.headline if part == "headline" else one.summary or ""


class _Copy:
    """One element of copy, and what the comparison has found of it."""

    def __init__(self, telling: Telling, kind: str) -> None:
        self.telling = telling
        self.kind = kind
        self._texts: list[str] = []
        self._rest: Iterator[str] | None = telling.texts

    def texts(self) -> Iterator[str]:
        """The texts it may mean, each worked out when first wanted."""
        yield from self._texts
        while self._rest is not None:
            text = next(self._rest, None)
            if text is None:
                self._rest = None
                return
            self._texts.append(text)
            yield text

    def is_one_of(self, *texts: str) -> bool:
        return any(text in texts for text in self.texts())

    @property
    def length(self) -> int:
        return min((len(text) for text in self.texts()), default=0)


def _check(found: Iterable[Telling], came: _Came) -> Fault | None:
    copies = [_Copy(t, kind) for t in found if (kind := _kind(t))]
    if len(copies) > MOST_TELLINGS:
        raise UnwitnessedError(f"holds more than {MOST_TELLINGS} elements of copy")
    _bounded(copies)
    missing = [copy for copy in copies if _is_lost(copy, copies, came)]
    extra = [part for part in ("headline", "body", "summary") if _is_added(part, copies, came)]
    if not missing and not extra:
        return None
    return _fault(missing, extra, copies, came)


def _kind(telling: Telling) -> str:
    """``headline``, ``short``, ``full``, ``prose``; ``""`` for what is no copy."""
    name, family = telling.name, telling.family
    kind = _KINDS.get(name)
    if kind is not None and family in _COPY and (name != "encoded" or family == "content"):
        return kind if telling.is_text else ""
    if family == "beside" or len(telling.inner) < PROSE or OTHER.fullmatch(name):
        return ""
    return "prose"


def _bounded(copies: list[_Copy]) -> None:
    """See that reading all of *copies* stays linear in what they hold."""
    if len(copies) > MOST_READ and sum("<" in c.telling.inner for c in copies) > MOST_READ:
        raise UnwitnessedError(f"holds more than {MOST_READ} elements of HTML")
    if sum(len(c.telling.inner) for c in copies) * len(copies) > 200_000_000:
        raise UnwitnessedError("holds too many and too long elements of copy")


def _is_lost(copy: _Copy, copies: list[_Copy], came: _Came) -> bool:
    if copy.telling.is_markup(came.markup):
        return False
    # The body's own text is dear, and seldom needed once its markup was found to be an element's.
    if copy.is_one_of("", came.headline, came.summary) or copy.is_one_of(came.body):
        return False
    if any(text in one for text in copy.texts() for one in came.everything):
        return False
    if copy.kind == "prose":
        readings = copy.telling.readings()
        return not any(_is_told(text, came) for text in copy.texts()) and all(map(_prose, readings))
    return not _is_another(copy, copies, came)


def _prose(text: str) -> bool:
    words = (word for word in text.split() if "://" not in word)
    return len(_LETTER.findall(" ".join(words))) >= PROSE


def _is_told(text: str, came: _Came) -> bool:
    """Whether what *text* says besides what came out is less than prose."""
    for one in came.everything:
        if len(one) >= 20:
            text = text.replace(one, " ", 1)
    return len(_LETTER.findall(text)) < PROSE


def _is_another(copy: _Copy, copies: list[_Copy], came: _Came) -> bool:
    """Whether *copy* only tells in other words what another element told, and that came out."""
    headline = copy.kind == "headline"
    if copy.kind == "full" or (not headline and copy.length > len(came.body)):
        return False
    came_out = {came.headline} if headline else {came.body, came.summary}
    told = [
        other
        for other in copies
        if (other.kind == "headline") == headline
        and other is not copy
        and any(text and text in came_out for text in other.texts())
    ]
    # One of two alone may be the body; then what is missing was the summary.
    return len(told) > (not headline) and any(
        other.kind == copy.kind
        and (other.telling.name, other.telling.family) != (copy.telling.name, copy.telling.family)
        for other in told
    )


def _is_added(part: str, copies: list[_Copy], came: _Came) -> bool:
    if part == "headline":
        if not came.headline:
            return False
        sources = [c for c in copies if c.kind == "headline"]
        return not any(c.is_one_of(came.headline) for c in sources)
    sources = [c for c in copies if c.kind != "headline"]
    if part == "body" and any(c.telling.is_markup(came.markup) for c in sources):
        return False
    text = came.body if part == "body" else came.summary
    return bool(text) and not any(c.is_one_of(text) for c in sources)


def _fault(missing: list[_Copy], extra: list[str], copies: list[_Copy], came: _Came) -> Fault:
    """The fault told by the element and the part that are likest to each other."""
    pairs = [
        (_alike(copy, came, part), copy, part)
        for part in extra or ("body", "summary", "headline")
        for copy in missing or copies
        if (copy.kind == "headline") == (part == "headline")
    ]
    copy: _Copy | None = next(iter(missing or copies), None)
    part = next(iter(extra), "body")
    if pairs:
        _, copy, part = max(pairs, key=lambda pair: pair[0])
    shown = came.shown(part)
    end = squash(shown)
    readings = list(copy.telling.readings()) if copy is not None else []
    said = max(readings, key=lambda reading: _common(squash(reading), end), default="")
    lost = bool(missing) and (not extra or len(squash(said)) >= len(end))
    where = f"<{copy.telling.name}>" if copy is not None else "the item"
    there, here = _differing(said, shown)
    return Fault(
        "text-lost" if lost else "text-added",
        f"text was {'lost' if lost else 'added'} on the way from its bytes: {where} says {there},"
        f" the {part} that came out says {here}; {_ADVICE}",
    )


def _alike(copy: _Copy, came: _Came, part: str) -> int:
    text = squash(came.shown(part))
    return max((_common(one, text) for one in copy.texts()), default=0)


def _common(one: str, two: str) -> int:
    """How many characters *one* and *two* begin with in common."""
    low, high = 0, min(len(one), len(two))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if one[:middle] == two[:middle] else (low, middle - 1)
    return low


def _differing(said: str, shown: str) -> tuple[str, str]:
    """Where *said* and *shown* first differ, some words of each."""
    one, two = said.split(), shown.split()
    at = next((n for n, (a, b) in enumerate(zip(one, two, strict=False)) if a != b), None)
    if at is None:
        at = min(len(one), len(two))
    return _words(one, at), _words(two, at)


def _words(words: list[str], at: int) -> str:
    begin = max(0, at - 3)
    told = " ".join(words[begin : at + 8])
    if not told:
        return "nothing"
    told = told if len(told) <= 160 else f"{told[:160]} …"
    return f"“{'… ' if begin else ''}{told}{' …' if at + 8 < len(words) else ''}”"
