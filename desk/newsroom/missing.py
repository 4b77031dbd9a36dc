"""What the wire's headline says and a draft does not: its numbers, its names, that it denies.

Only facts that a reader would miss are looked for, and of each whether it is there, not where. What
is found is a warning to a person; nothing is refused for it. The rules are in ``docs/desk.md``.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import zip_longest
from typing import Literal, NamedTuple

from desk.newsroom.numbers import numbers
from desk.newsroom.words import Token, Words, fold, tokens, words_of
from publish.selection import UNSPACED

READ = 20_000
"""Characters of a text in which names are looked for, and of a headline that are read."""


Kind = Literal["number", "name", "negation"]


class Missing(NamedTuple):
    """What a draft lacks: a number, a name or a negation, as the wire's headline spells it."""

    kind: Kind
    said: str


def missing(
    wire: str,
    draft: str,
    *,
    language: str | None = None,
    paragraphs: Sequence[str] = (),
    subjects: Iterable[str] = (),
) -> tuple[Missing, ...]:
    """What the headline of the *wire* says and the *draft* does not, in the wire's order by kind.

    *language* is the story's; *paragraphs* are its text, which shows what is a name; *subjects* are
    what the agency names besides: keywords, the dateline.
    """
    wire, draft = wire[:READ], draft[:READ]
    words = words_of(language)
    return (
        *_each("number", _numbers_gone(wire, draft, words)),
        *_each("name", _names_gone(wire, draft, language, paragraphs, subjects)),
        *_each("negation", _negations_gone(wire, draft, words)),
    )


def _each(kind: Kind, said: Iterable[str]) -> Iterator[Missing]:
    return (Missing(kind, each) for each in dict.fromkeys(said))


def _numbers_gone(wire: str, draft: str, words: Words) -> Iterator[str]:
    has = numbers(draft, words)
    for one in numbers(wire, words):
        kept = any(one.values & n.values and (n.percent or not one.percent) for n in has)
        if not (one.loose or kept):
            yield one.said


_NOUNS = ("de", "lb")
"""Languages that write every noun with a capital: there it tells nothing of names."""

_STARTS = frozenset(".:;?!…|•¿¡“‘„‚«‹\"'([–—-")
"""Marks behind which a sentence may begin."""


def _names_gone(
    wire: str,
    draft: str,
    language: str | None,
    paragraphs: Sequence[str],
    subjects: Iterable[str],
) -> Iterator[str]:
    drafted = tokens(draft)
    if re.split("[-_]", (language or "").lower())[0] not in _NOUNS:
        known = names_of(tuple(paragraphs))
        own = {piece.folded for piece in tokens(wire)}
        new = {p.folded for run in name_runs(draft, known) for p in run} - own
        for run in name_runs(wire, known):
            if not _named(run, drafted, new):
                yield wire[run[0].start : run[-1].end]
    for subject in subjects:
        words = [piece.folded for piece in tokens(subject)]
        if not _cased(subject) and _holds(wire, words) and not _holds(draft, words):
            yield subject


@lru_cache(maxsize=64)  # a story's is asked for with each letter that is typed
def names_of(paragraphs: tuple[str, ...]) -> frozenset[str]:
    """The names in a text: words that within a sentence have a capital, and nowhere have none."""
    capital: set[str] = set()
    small: set[str] = set()
    left = READ
    for text in paragraphs:
        for piece, starts in _words(text[:left]):
            if not piece.text[0].isupper():
                small.add(piece.folded)
            elif not starts:
                capital.add(piece.folded)
        left -= len(text)
        if left <= 0:
            break
    return frozenset(capital - small)


def name_runs(headline: str, known: Collection[str]) -> list[list[Token]]:
    """The names in *headline*, each a run of words.

    A word is one when its text is (*known*), when it is all capitals, or has one within a sentence:
    but not where the others have one, too, as in a headline Set Like This, or ALL.
    """
    pieces = list(_words(headline))
    longer = [p.text[0].isupper() for p, starts in pieces if not starts and len(p.text) > 3]
    tells = len(longer) < 2 or 5 * sum(longer) < 4 * len(longer)
    shouts = not any(c.islower() for p, _ in pieces for c in p.text)
    runs: list[list[Token]] = []
    for piece, starts in pieces:
        acronym = piece.text.isupper() and not shouts
        capital = piece.text[0].isupper() and not starts and tells and not shouts
        if len(piece.text) < 2 or not (acronym or capital or piece.folded in known):
            continue
        if runs and headline[runs[-1][-1].end : piece.start] in (" ", "-", ". "):
            runs[-1].append(piece)
        else:
            runs.append([piece])
    return runs


def _words(text: str) -> Iterator[tuple[Token, bool]]:
    """The words of *text* whose script has capitals, and whether each starts a sentence."""
    end = 0
    for at, piece in enumerate(tokens(text)):
        if not piece.figures and _cased(piece.text[0]):
            bare = re.sub("['’]s$", "", piece.text)
            gap = text[end : piece.start]
            starts = at == 0 or (gap != "-" and gap.rstrip()[-1:] in _STARTS)
            yield piece._replace(text=bare, end=piece.start + len(bare), folded=fold(bare)), starts
        end = piece.end


def _cased(text: str) -> bool:
    return any(c.lower() != c.upper() for c in text)


def _named(run: Sequence[Token], drafted: Sequence[Token], new: Collection[str]) -> bool:
    """Whether a draft names who or what *run* does: by its last word or another of four letters
    that no other name stands before, as in North Korea for South Korea, or by initials."""
    for piece in (p for p in run if p is run[-1] or len(p.text) > 3):
        for at, word in enumerate(drafted):
            bare = word.folded.removesuffix("'s")
            if bare == piece.folded and (at == 0 or drafted[at - 1].folded not in new):
                return True
    firsts = "".join(piece.folded[0] for piece in run)
    short = {word.folded for word in drafted if word.text.isupper()}
    if any(firsts[at:] in short for at in range(len(run) - 1)):
        return True
    spelt = "".join(word.folded[0] if word.text[0].isupper() else " " for word in drafted)
    return len(run) == 1 and len(run[0].text) > 1 and run[0].folded in spelt


def _holds(text: str, words: Sequence[str]) -> bool:
    """Whether *words* stand in *text* beside each other."""
    if words and UNSPACED.match(words[0]):
        return "".join(words) in fold(text)
    found = [piece.folded for piece in tokens(text)]
    size = len(words)
    return bool(words) and any(found[at : at + size] == words for at in range(len(found)))


def negations(text: str, words: Words) -> list[str]:
    """What *text* denies by."""
    found = []
    pieces = tokens(text)
    for piece, then in zip_longest(pieces, pieces[1:]):
        if piece.folded == "no" and then and then.figures:  # No. 1
            continue
        if UNSPACED.match(piece.text):
            found += [word for word in sorted(words.negations) if word in piece.folded]
        elif piece.folded.endswith("n't") or words.negations & {*piece.folded.split("'")}:
            found.append(piece.text)
    return found


def _negations_gone(wire: str, draft: str, words: Words) -> list[str]:
    """The first by which the *wire* denies, where the *draft* does not by any."""
    return [] if negations(draft, words) else negations(wire, words)[:1]
