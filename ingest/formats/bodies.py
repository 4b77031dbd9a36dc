"""A story in several texts: parts that follow each other, or the same told in several forms.

Agencies send both under one name. A text whose letters and digits stand, in their order, within
another is said there. Two texts that are mostly alike are tellings of one: where one has all words
of the other, it is the story, markup before plain text; where each has words of its own, the richer
is, and the other's words are missed by :mod:`ingest.integrity`. So nothing is published twice, and
nothing is dropped that says more. All other texts are parts, and the story is all of them.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice, product
from typing import Literal, NamedTuple

from ingest.formats.html import is_markup
from ingest.integrity import MOST_PASSAGES, Passage
from stories.errors import ParseError
from wirecopy.text import plain, plain_to_html, projection, unfolded

MOST_PARTS = 100
"""Texts of one story that are compared with each other; real ones have three."""

MOST_TELLINGS = 8
"""Texts of one story up to which any two may be tellings of one that differ."""

SHORTEST_TELLING = 40
"""Letters from which a text can be another telling; a shorter one shares its words by chance."""

_WINDOW, _WINDOWS = 12, 40
"""Letters in a row that two tellings have in common, and how often that is tried."""

_MOST_READINGS = 16
_MOST_FORMS = 5
"""Texts up to which the second reading tries every form of each; of more one at most is plain."""

_TYPED = re.compile(r"\S*://\S*|^[^\S\n]*[0-9]{1,3}[.)](?=\s)", re.MULTILINE)
"""What programs write into plain text for links and lists, of which markup has no words."""


class Text(NamedTuple):
    """A text as a format found it; ``is_html`` tells whether it is markup."""

    text: str
    is_html: bool


class _Folding(dict[int, int]):
    """Letters, digits and their marks stay, all else is a space."""

    def __missing__(self, code: int) -> int:
        kept = code if unicodedata.category(chr(code))[0] in "LNM" else 0x20
        self[code] = kept
        return kept


_FOLDING = _Folding()


def of_type(text: str, content_type: str) -> Text:
    """*text* of the media type *content_type*: what is called plain may hold HTML all the same."""
    kind = content_type.lower()
    return Text(text, "html" in kind or "xml" in kind or is_markup(text))


def joined(texts: Sequence[Text]) -> Text:
    """The whole story that *texts* are; an empty text for none. Markup before plain text."""
    told = [one for one in texts if one.text.strip()]
    if len(told) < 2:
        return told[0] if told else Text("", True)
    try:
        spoken = [projection(one.text) if one.is_html else one.text for one in told]
    except ParseError:  # built to burst a parser: refused later, with all that it holds
        return told[0]
    compared = _Compared()
    forms = [one.is_html for one in told]
    left, _ = _sorted_out(compared, [compared.number(text) for text in spoken], forms)
    if len(left) == 1:
        return told[left[0]]
    parts = (told[at] for at in left)
    return Text(
        "\n".join(p.text if p.is_html else plain_to_html(p.text, unfolded) for p in parts), True
    )


_Relation = Literal["same", "within", "equal", "less", "more", "apart", ""]
"""What a text is to another: of the same letters, or with all of its own within that; if they are
mostly alike, of equal words, of less, of more, or of words that each has for itself."""


class _Compared:
    """Texts by number, and what each is to each, worked out once."""

    def __init__(self) -> None:
        self.letters: list[str] = []
        self._words: list[Counter[str]] = []
        self._numbers: dict[str | tuple[int, ...], int] = {}
        self._relations: dict[tuple[int, int, bool], _Relation] = {}

    def number(self, text: str) -> int:
        """The number of *text*."""
        if text not in self._numbers:
            bare = plain(_TYPED.sub(" ", text))
            words = unicodedata.normalize("NFKC", bare).casefold().translate(_FOLDING).split()
            self._numbers[text] = self._added("".join(words), Counter(words))
        return self._numbers[text]

    def together(self, numbers: tuple[int, ...]) -> int:
        """The number of what the texts of these *numbers* are, one after the other."""
        if len(numbers) == 1:
            return numbers[0]
        if numbers not in self._numbers:
            words = sum((self._words[n] for n in numbers), Counter[str]())
            self._numbers[numbers] = self._added("".join(self.letters[n] for n in numbers), words)
        return self._numbers[numbers]

    def _added(self, letters: str, words: Counter[str]) -> int:
        self.letters.append(letters)
        self._words.append(words)
        return len(self.letters) - 1

    def relation(self, one: int, two: int, *, alike: bool) -> _Relation:
        """What *one* is to *two*; whether they are *alike* is not asked of many."""
        found = self._relations.get((one, two, alike))
        if found is None:
            found = self._relations[one, two, alike] = self._relation(one, two, alike=alike)
        return found

    def _relation(self, one: int, two: int, *, alike: bool) -> _Relation:
        mine, other = self.letters[one], self.letters[two]
        if mine == other:
            return "same"
        if mine in other:
            return "within"
        if not alike or not _are_alike(mine, other):
            return ""
        less, more = self._words[one] <= self._words[two], self._words[two] <= self._words[one]
        return "equal" if less and more else "less" if less else "more" if more else "apart"


def _sorted_out(
    compared: _Compared, numbers: Sequence[int], forms: Sequence[bool]
) -> tuple[list[int], set[int]]:
    """Which texts are the story, in their order, and which of the others have words of their own,
    of those with these *numbers*, markup or not by their *forms*. What is markup is held against
    the rest as one: plain text is often all of it."""
    every = {at: _Told(number, forms[at]) for at, number in enumerate(numbers)}
    rich, missed = _apart(compared, {at: one for at, one in every.items() if one.is_html})
    rest = {at: one for at, one in every.items() if not one.is_html}
    together = compared.together(tuple(numbers[at] for at in rich)) if rich else 0
    left, others = _apart(compared, ({-1: _Told(together, True)} if rich else {}) | rest)
    if -1 in left:
        left = sorted([*rich, *(at for at in left if at >= 0)])
    if len(rich) < len(left):  # a part of it may be told again in plain text, and the others not
        left, _ = _apart(compared, {at: every[at] for at in left})
    return left, {at for at in missed | others if at >= 0}


class _Told(NamedTuple):
    number: int
    is_html: bool


def _apart(compared: _Compared, told: Mapping[int, _Told]) -> tuple[list[int], set[int]]:
    """Which of *told* are told in no other, and which of the rest have words of their own: of two
    that serve as well markup is taken, then the longer, then the first."""
    letters = compared.letters
    ranks = {at: (one.is_html, len(letters[one.number]), -at) for at, one in told.items()}
    among = [*islice(told.items(), MOST_PARTS)]
    few = len(told) <= MOST_TELLINGS
    speaks = any(letters[one.number] for _, one in among)
    left: list[int] = []
    missed: set[int] = set()
    for at, mine in told.items():
        if speaks and not letters[mine.number]:
            continue
        to: dict[_Relation, bool] = {}
        """What it is to others, and whether one of those serves better."""
        for n, one in among:
            if n != at and (is_to := compared.relation(mine.number, one.number, alike=few)):
                to[is_to] = to.get(is_to, False) or ranks[n] > ranks[at]
        if "within" in to or "less" in to or to.get("same") or to.get("equal"):
            continue
        if to.get("apart"):
            missed.add(at)
        else:
            left.append(at)
    return left or sorted(told, key=ranks.__getitem__)[-1:], missed


def _are_alike(one: str, two: str) -> bool:
    """Whether most of the shorter of two texts, by their letters, stands in the other, here and
    there."""
    short, long = sorted((one, two), key=len)
    if len(short) < SHORTEST_TELLING:
        return False
    step = max(1, len(short) // _WINDOWS)
    windows = [short[at : at + _WINDOW] for at in range(0, len(short) - _WINDOW + 1, step)]
    return 2 * sum(window in long for window in windows) > len(windows)


def whole(passages: Sequence[Passage]) -> list[Passage]:
    """*passages* with the bodies among them as one: the parts in their order, of what is told in
    several forms each form; and by itself each telling that has words of its own, which have to
    come out as well. For the second reading."""
    bodies = [one for one in passages if one.kind == "body"]
    if len(bodies) < 2 or len(bodies) > MOST_PASSAGES:
        return list(passages)
    told, missed = _together(bodies)
    story = replace(bodies[0], readings=partial(iter, told), spellings=())
    rest = (replace(one, kind="body" if at in missed else "spare") for at, one in enumerate(bodies))
    found: list[Passage] = []
    for one in passages:
        if one is bodies[0]:
            found.append(story)
        found.append(next(rest) if one.kind == "body" else one)
    return found


def _together(bodies: Sequence[Passage]) -> tuple[list[str], set[int]]:
    """What the story may be of which these are *bodies*, and which of them, however they are read,
    have words of their own. Any of them may be markup: that is the first reading's to know."""
    many = len(bodies)
    if many <= _MOST_FORMS:
        forms = [*product((True, False), repeat=many)]
    else:
        alone = range(-1, many if many <= 2 * MOST_TELLINGS else 0)
        forms = [tuple(n != at for n in range(many)) for at in alone]
    compared = _Compared()
    told: dict[str, None] = {}
    missed: set[int] | None = None
    for readings in islice(product(*(tuple(one.readings()) for one in bodies)), _MOST_READINGS):
        numbers = [compared.number(reading) for reading in readings]
        apart: set[int] = set()
        for form in forms:
            left, own = _sorted_out(compared, numbers, form)
            told["\n".join(readings[at] for at in left)] = None
            apart |= own
        missed = apart if missed is None else missed & apart
    return [*told], missed or set()
