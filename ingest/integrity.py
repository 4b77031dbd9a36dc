"""Whether the words that came out of a parser are those of the item's own bytes.

A parser that loses a paragraph, or takes a picture's caption for the story, does so silently, and
everything measured afterwards agrees with it. So every item is read twice: by its format's
``parse``, and by its format's ``reread``, which shares no code with it and hands over the item's
:class:`Passage` s of copy. Here the two are compared, by the same rules for every format. White
space is left out, letters are compared in NFC; nothing else is folded.

**Lost** is a passage whose words, all of them in their order, stand in none of headline, body and
summary, nor beside them (captions, credits, byline, dateline, tags, slugline, note to editors). No
loss is

* a passage without words: tags, scripts, styles and comments are silent, as in
  ``docs/text-projection.md``, and so is what has no letter, digit or picture sign, as "* * *";
* a passage that repeats another, or a part of one: a description that is the headline, a summary
  that is the body's beginning;
* a second summary under another name, where one came out besides a body that is at least as long:
  the story is whole; likewise a second headline;
* of prose under an unknown name, as much as is less than prose: a menu, a heading.

Where a body came out that is at least as long as each passage lost, the story is published, and
nothing is claimed of it; quarantine is for a story that lost its words.

**Added** are words of headline, summary or body that are not those of one passage: the headline of
a headline, the others of any other kind. So a word twice, a word changed, a caption in the place of
the story, a paragraph of another item are all found.

Where the wire does not say whether a text is HTML, either reading is accepted: what is then taken
for markup or for words is no word lost. Where the format says, that counts.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

from stories.errors import ParseError
from stories.models import Version
from wirecopy.text import paragraphs, plain, shows

PROSE = 120
"""Letters from which a text under an unknown name is prose: some two sentences."""

MOST_PASSAGES = 300
"""Passages of one item that are compared; real items have three."""

MOST_MARKUP = 30
"""Passages of one item that may hold HTML: each is parsed by itself."""

MOST_COMPARED = 200_000_000
"""Characters of all passages of one item, times their number: each is compared with each."""

_BARE = " \u202c\u2069"
_LETTERS = re.compile(r"[^\W\d_]+")
_ASCII = bytes(range(128))
_NO_ASCII_LETTERS = bytes(byte for byte in range(256) if not (byte < 128 and chr(byte).isalpha()))
_ADVICE = (
    "compare the item's bytes (`wirecopy captures NUMBER --raw`) and report the capture; when the"
    " parser is mended, `wirecopy replay --quarantined` takes it in"
)


Kind = Literal["headline", "summary", "body", "prose", "spare"]


@dataclass(frozen=True, slots=True)
class Passage:
    """One text of an item that is copy, as ``reread`` found it in the item's own bytes.

    ``name`` is what it stands under there, for people; ``space`` tells apart what two namespaces
    call by one name. ``kind`` is what the name promises, ``prose`` for :data:`PROSE` characters or
    more under a name that promises nothing, ``spare`` what may come out and need not. ``raw`` is
    the text as it stands in the bytes, ``spellings`` the strings that a parser may make of it, and
    ``readings`` gives the words it may mean, as people read them: several where nobody says whether
    it is HTML.
    """

    name: str
    kind: Kind
    raw: str
    spellings: tuple[str, ...]
    readings: Callable[[], Iterator[str]]
    space: str = ""


def without_last(passage: Passage, sentence: str) -> Passage:
    """*passage*, of which a last line that says *sentence* may be no copy, if it is a body."""
    if passage.kind != "body":
        return passage

    def readings() -> Iterator[str]:
        for words in passage.readings():
            yield words
            rest, _, last = words.rstrip().rpartition("\n")
            if plain(last) == plain(sentence):
                yield rest

    return replace(passage, readings=readings)


Reread = Callable[[bytes], Sequence[Passage]]
"""The passages of an item, from its own bytes.

Linear in their length. Raises UncheckedError for what is no item, or cannot be read so."""


class UncheckedError(Exception):
    """The item cannot be compared; the message says why."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is amiss with one item's text: its state and a sentence of bounded length.

    ``whole`` tells that a body came out that is at least as long as what was lost.
    """

    state: Literal["text-lost", "text-added", "text-unchecked"]
    message: str
    whole: bool = False

    @property
    def withholds(self) -> bool:
        """Whether the story lost its words, and not only what stood beside them."""
        return self.state != "text-unchecked" and not self.whole


def check(reread: Reread, raw: bytes, version: Version) -> Fault | None:
    """What *version*, parsed from the item *raw*, lost or added; None when nothing.

    ``text-unchecked`` when the two cannot be compared. Never raises.
    """
    try:
        return compare(reread(raw), version)
    except (UncheckedError, ParseError) as error:
        return Fault("text-unchecked", f"{error}"[:500])
    except Exception as error:  # a fault of the second reading must not hold up the first
        return Fault("text-unchecked", f"{type(error).__name__}: {error}"[:500])


def compare(passages: Sequence[Passage], version: Version) -> Fault | None:
    """What *version* lost or added of *passages*, all that its item holds; None when nothing.

    :raises UncheckedError: when comparing would take too long.
    :raises stories.errors.ParseError: for HTML built to burst a parser.
    """
    _bound(passages)
    copies = [_Copy(passage) for passage in passages]
    parsed = _Parsed(version)
    lost = [copy for copy in copies if _is_lost(copy, copies, parsed)]
    added = [part for part in ("headline", "body", "summary") if _is_added(part, copies, parsed)]
    return _fault(lost, added, copies, parsed) if lost or added else None


def _bound(passages: Sequence[Passage]) -> None:
    many = len(passages)
    if many > MOST_PASSAGES:
        raise UncheckedError(f"holds more than {MOST_PASSAGES} elements of copy")
    if many > MOST_MARKUP and sum("<" in one.raw for one in passages) > MOST_MARKUP:
        raise UncheckedError(f"holds more than {MOST_MARKUP} elements of HTML")
    if sum(len(one.raw) for one in passages) * many > MOST_COMPARED:
        raise UncheckedError("holds too many and too long elements of copy")


def _squash(text: str) -> str:
    """*text* as the projection compares it (:mod:`wirecopy.text`), without any white space and
    without ends of bidirectional embeddings and isolates; ``""`` where it shows nothing."""
    found = plain(text)
    for silent in _BARE:
        found = found.replace(silent, "")
    return found if found[:1].isascii() or shows(found) else ""


class _Parsed:
    """What came out of the parser, squashed; the body, which takes a parse, when first needed."""

    def __init__(self, version: Version) -> None:
        self.version = version
        self.headline = _squash(version.headline)
        self.summary = _squash(version.summary or "")

    @cached_property
    def body(self) -> str:
        return "".join(map(_squash, paragraphs(self.version.body)))

    @cached_property
    def everything(self) -> tuple[str, ...]:
        one = self.version
        beside = [m.caption for m in one.media] + [m.credit for m in one.media]
        beside += [one.byline, one.dateline, one.credit, one.rights, *one.keywords]
        beside += [category.label for category in one.categories]
        if one.signals is not None:
            beside += [one.signals.slugline, one.signals.ed_note, one.signals.corrected]
        texts = [self.body, self.summary, self.headline, *(_squash(b) for b in beside if b)]
        return tuple(dict.fromkeys(t for t in texts if t))

    def shown(self, part: str) -> str:
        one = self.version
        if part == "body":
            return "\n".join(paragraphs(one.body))
        return one.headline if part == "headline" else one.summary or ""


class _Copy:
    """A passage and its readings, squashed, each worked out when first wanted."""

    def __init__(self, passage: Passage) -> None:
        self.passage = passage
        self.is_headline = passage.kind == "headline"
        self._texts: list[str] = []
        self._rest = passage.readings()

    def texts(self) -> Iterator[str]:
        yield from self._texts
        for reading in self._rest:
            self._texts.append(_squash(reading))
            yield self._texts[-1]

    def is_one_of(self, *texts: str) -> bool:
        return any(text in texts for text in self.texts())


def _is_lost(copy: _Copy, copies: list[_Copy], parsed: _Parsed) -> bool:
    passage = copy.passage
    if passage.kind == "spare" or parsed.version.body in passage.spellings:
        return False
    # The body's own text takes a parse, seldom needed once its markup was found to be a passage's.
    if copy.is_one_of("", parsed.headline, parsed.summary) or copy.is_one_of(parsed.body):
        return False
    if not all(map(_says_something, copy.texts())):
        return False
    if any(text in one for text in copy.texts() for one in parsed.everything):
        return False
    if passage.kind == "prose":
        return all(_is_left(text, parsed) for text in copy.texts()) and all(
            letters(reading) >= PROSE for reading in passage.readings()
        )
    return not _is_another(copy, copies, parsed)


def _says_something(text: str) -> bool:
    """Whether *text* has a letter, a digit, or a sign that is a picture, as emoji are."""
    return any(one.isalnum() or unicodedata.category(one) == "So" for one in text)


def _is_left(text: str, parsed: _Parsed) -> bool:
    """Whether what *text* says besides what came out is prose."""
    for one in parsed.everything:
        if len(one) >= 20:
            text = text.replace(one, " ", 1)
    return letters(text, addresses=True) >= PROSE


def letters(text: str, *, addresses: bool = False) -> int:
    """How many letters *text* has, those of addresses not counted unless *addresses* says so."""
    if not addresses:
        text = " ".join(word for word in text.split() if "://" not in word)
    data = text.encode("utf-8", "ignore")
    count = len(data.translate(None, _NO_ASCII_LETTERS))
    if text.isascii():
        return count
    return count + sum(map(len, _LETTERS.findall(data.translate(None, _ASCII).decode())))


def _is_another(copy: _Copy, copies: list[_Copy], parsed: _Parsed) -> bool:
    """Whether *copy* is but a second headline or summary, beside one that came out."""
    passage = copy.passage
    length = min((len(text) for text in copy.texts()), default=0)
    if passage.kind == "body" or (not copy.is_headline and length > len(parsed.body)):
        return False
    came_out = {parsed.headline} if copy.is_headline else {parsed.body, parsed.summary}
    others = [
        other.passage
        for other in copies
        if other.is_headline == copy.is_headline
        and other is not copy
        and any(text and text in came_out for text in other.texts())
    ]
    # One of two alone may be the body; then what is missing was the summary.
    return len(others) > (not copy.is_headline) and any(
        other.kind == passage.kind and (other.name, other.space) != (passage.name, passage.space)
        for other in others
    )


def _is_added(part: str, copies: list[_Copy], parsed: _Parsed) -> bool:
    sources = [copy for copy in copies if copy.is_headline == (part == "headline")]
    if part == "body" and any(parsed.version.body in c.passage.spellings for c in sources):
        return False
    text: str = getattr(parsed, part)
    return bool(text) and not any(copy.is_one_of(text) for copy in sources)


def _fault(lost: list[_Copy], added: list[str], copies: list[_Copy], parsed: _Parsed) -> Fault:
    """The fault, described by the passage and the part that are most alike."""
    pairs = [
        (_alike(copy, parsed.shown(part)), copy, part)
        for part in added or ("body", "summary", "headline")
        for copy in lost or copies
        if copy.is_headline == (part == "headline")
    ]
    copy: _Copy | None = next(iter(lost or copies), None)
    part = next(iter(added), "body")
    if pairs:
        _, copy, part = max(pairs, key=lambda pair: pair[0])
    shown = parsed.shown(part)
    end = _squash(shown)
    readings = list(copy.passage.readings()) if copy is not None else []
    reading = max(readings, key=lambda reading: _common(_squash(reading), end), default="")
    is_loss = bool(lost) and (not added or len(_squash(reading)) >= len(end))
    where = copy.passage.name if copy is not None else "the item"
    there, here = _differing(reading, shown)
    longest = max((min(map(len, one.texts()), default=0) for one in lost), default=0)
    return Fault(
        "text-lost" if is_loss else "text-added",
        f"text was {'lost' if is_loss else 'added'} on the way from its bytes: {where} says"
        f" {there}, the {part} that came out says {here}; {_ADVICE}",
        whole=not added and len(parsed.body) >= longest,
    )


def _alike(copy: _Copy, shown: str) -> int:
    end = _squash(shown)
    return max((_common(text, end) for text in copy.texts()), default=0)


def _common(one: str, two: str) -> int:
    """How many characters *one* and *two* begin with in common."""
    low, high = 0, min(len(one), len(two))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if one[:middle] == two[:middle] else (low, middle - 1)
    return low


def _differing(reading: str, shown: str) -> tuple[str, str]:
    """Where *reading* and *shown* first differ, some words of each."""
    one, two = reading.split(), shown.split()
    at = next((n for n, (a, b) in enumerate(zip(one, two, strict=False)) if a != b), None)
    if at is None:
        at = min(len(one), len(two))
    return _words(one, at), _words(two, at)


def _words(words: list[str], at: int) -> str:
    begin = max(0, at - 3)
    excerpt = " ".join(words[begin : at + 8])
    if not excerpt:
        return "nothing"
    excerpt = excerpt if len(excerpt) <= 160 else f"{excerpt[:160]} …"
    return f"“{'… ' if begin else ''}{excerpt}{' …' if at + 8 < len(words) else ''}”"
