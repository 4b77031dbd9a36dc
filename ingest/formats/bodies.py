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
from typing import NamedTuple

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


class _Telling(NamedTuple):
    """What a text says: all of its letters and digits, and its words; and whether it is markup."""

    letters: str
    words: Counter[str]
    is_html: bool = False


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
    tellings = [_telling(text, one.is_html) for text, one in zip(spoken, told, strict=True)]
    left, _ = _sorted_out(tellings)
    if len(left) == 1:
        return told[left[0]]
    parts = (told[at] for at in left)
    return Text(
        "\n".join(p.text if p.is_html else plain_to_html(p.text, unfolded) for p in parts), True
    )


def _telling(text: str, is_html: bool = False) -> _Telling:
    bare = plain(_TYPED.sub(" ", text))
    words = unicodedata.normalize("NFKC", bare).casefold().translate(_FOLDING).split()
    return _Telling("".join(words), Counter(words), is_html)


def _sorted_out(tellings: Sequence[_Telling]) -> tuple[list[int], set[int]]:
    """Which of *tellings* are the story, in their order, and which of the others have words of
    their own. What is markup is held against the rest as one: plain text is often all of it."""
    rich, missed = _apart({at: one for at, one in enumerate(tellings) if one.is_html})
    rest = {at: one for at, one in enumerate(tellings) if not one.is_html}
    together = _Telling(
        "".join(tellings[at].letters for at in rich),
        sum((tellings[at].words for at in rich), Counter[str]()),
        True,
    )
    markup = {-1: together} if rich else {}
    left, others = _apart(markup | rest)
    if -1 in left:
        left = sorted([*rich, *(at for at in left if at >= 0)])
    if len(rich) < len(left):  # a part of it may be told again in plain text, and the others not
        left, _ = _apart({at: tellings[at] for at in left})
    return left, {at for at in missed | others if at >= 0}


def _apart(tellings: Mapping[int, _Telling]) -> tuple[list[int], set[int]]:
    """Which of *tellings* are told in no other, and which of the rest have words of their own: of
    two that serve as well markup is taken, then the longer, then the first."""

    def yields(at: int, to: int) -> bool:
        return ranks[to] > ranks[at]

    ranks = {at: (one.is_html, len(one.letters), -at) for at, one in tellings.items()}
    among = dict(islice(tellings.items(), MOST_PARTS))
    few = len(tellings) <= MOST_TELLINGS
    left: list[int] = []
    missed: set[int] = set()
    for at, mine in tellings.items():
        others = {n: one for n, one in among.items() if n != at}
        if not mine.letters and any(one.letters for one in others.values()):
            continue
        if any(
            mine.letters in one.letters and (mine.letters != one.letters or yields(at, n))
            for n, one in others.items()
        ):
            continue
        rivals = {n: one for n, one in others.items() if few and _are_alike(mine, one)}
        fuller = {n: one for n, one in rivals.items() if mine.words <= one.words}
        if any(mine.words != one.words or yields(at, n) for n, one in fuller.items()):
            continue
        contested = {n for n, one in rivals.items() if not one.words <= mine.words} - fuller.keys()
        if any(yields(at, n) for n in contested):
            missed.add(at)
        else:
            left.append(at)
    return left or sorted(tellings, key=ranks.__getitem__)[-1:], missed


def _are_alike(one: _Telling, two: _Telling) -> bool:
    """Whether most of the shorter of two texts stands in the other, here and there."""
    short, long = sorted((one.letters, two.letters), key=len)
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
    told: dict[str, None] = {}
    missed: set[int] | None = None
    for readings in islice(product(*(tuple(one.readings()) for one in bodies)), _MOST_READINGS):
        plainly = [_telling(reading) for reading in readings]
        apart: set[int] = set()
        for form in forms:
            of_form = (t._replace(is_html=html) for t, html in zip(plainly, form, strict=True))
            left, own = _sorted_out([*of_form])
            told["\n".join(readings[at] for at in left)] = None
            apart |= own
        missed = apart if missed is None else missed & apart
    return [*told], missed or set()
