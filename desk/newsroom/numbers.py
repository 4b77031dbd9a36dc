"""The numbers of a headline, whatever it writes them in: figures of any script, words, scales."""

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from desk.newsroom.words import Token, Words, tokens
from publish.selection import UNSPACED


class Number(NamedTuple):
    """A number as it is ``said``, and what it may be; ``percent`` when it is one; ``loose`` when
    it may be none."""

    said: str
    values: frozenset[Decimal]
    percent: bool = False
    loose: bool = False


_LETTERS = {"k": 1000, "m": 1_000_000, "b": 1_000_000_000, "l": 100_000, "t": 1_000_000_000_000}
"""Right behind figures, a scale or a unit: 5m is five millions or metres."""

_GROUPS = re.compile(r"[1-9]\d{0,2}(?:([.,])\d{3})(?:\1\d{3})*|[1-9]\d?,(?:\d\d,)+\d{3}")
_FRACTION = re.compile(r"([\d.,]*\d)([.,])(\d+)")


def figures(text: str) -> list[Decimal]:
    """The numbers that figures say: 1,50,000, 150.000 and 1.5; several for a date or a time.

    Three figures after a mark are thousands, in any language; others are a fraction.
    """
    if _GROUPS.fullmatch(text):
        return [Decimal(re.sub("[.,]", "", text))]
    if fraction := _FRACTION.fullmatch(text):
        whole, mark, rest = fraction.groups()
        if whole.isdigit() or (mark not in whole and _GROUPS.fullmatch(whole)):
            return [Decimal(f"{re.sub('[.,]', '', whole)}.{rest}")]
    return [Decimal(part) for part in re.split("[.,]", text)]


def numbers(text: str, words: Words) -> list[Number]:
    """The numbers in *text*, in figures of any script and in *words*."""
    pieces = tokens(text)
    found = []
    at = 0
    while at < len(pieces):
        end, values = _number_at(text, pieces, at, words)
        if end > at:
            percent = _percent(text, pieces, end, words)
            said = text[pieces[at].start : percent or pieces[end - 1].end]
            loose = end == at + 1 and _is_loose(pieces, at, words)
            found += [Number(said, each, percent > 0, loose) for each in values]
        at = max(end, at + 1)
    return found


def _is_loose(pieces: Sequence[Token], at: int, words: Words) -> bool:
    """Whether the word at *at* may be no number: an ordinal, or the one of "no one"."""
    said = pieces[at].folded
    denied = at > 0 and pieces[at - 1].folded in words.negations
    return said in words.loose or (denied and words.numbers.get(said) == 1)


def _number_at(
    text: str, pieces: Sequence[Token], at: int, words: Words
) -> tuple[int, list[frozenset[Decimal]]]:
    """Where the number that begins at piece *at* ends, there for none, and its values: several for
    several numbers, each of which may be one of some."""
    first = pieces[at]
    if first.figures:
        now, *others = figures(first.folded)
        if others:
            return at + 1, [frozenset({n}) for n in (now, *others)]
        end, value = _counted(text, pieces, at + 1, now, words)
        letter = _LETTERS.get(pieces[end].folded) if end < len(pieces) else None
        behind = letter is not None and pieces[end].start == pieces[end - 1].end
        return end, [frozenset({value, value * letter} if letter and behind else {value})]
    spelt = words.numbers.get(first.folded, words.loose.get(first.folded))
    if spelt is not None:
        end, value = _counted(text, pieces, at + 1, spelt, words)
        return end, [frozenset({value})]
    if first.folded in words.scales and first.text.isascii() and len(first.text) > 3:
        end, value = _counted(text, pieces, at, Decimal(1), words)  # "a million"
        return end, [frozenset({value})]
    return at, []


def _counted(
    text: str, pieces: Sequence[Token], end: int, now: Decimal, words: Words
) -> tuple[int, Decimal]:
    """The number that begins with *now* and goes on at piece *end*: where it ends, its value."""
    spelt = end == 0 or not pieces[end - 1].figures
    first = end
    total = last = Decimal(0)
    while end < len(pieces) and (end == first or _joined(text, pieces[end - 1], pieces[end])):
        scale = _scale(pieces[end], words)
        more = words.numbers.get(pieces[end].folded) if spelt else None
        if scale == 100 and now:
            now *= 100
        elif scale and now:
            now, last = Decimal(0), now * scale
            total += last
        elif scale and last:  # lakh crore
            total, last = total - last + last * scale, last * scale
        elif more and (not now or now % 100 == 0 or (now % 10 == 0 and more < 10)):
            now += more
        elif pieces[end].folded != "and" or not (spelt and _counts(pieces, end + 1, words)):
            break
        end += 1
    return end, total + now


def _counts(pieces: Sequence[Token], at: int, words: Words) -> bool:
    return at < len(pieces) and pieces[at].folded in words.numbers


def _scale(one: Token, words: Words) -> Decimal | None:
    """What a word behind a number multiplies it by: the plural does, too."""
    if UNSPACED.match(one.text):
        return next((n for word, n in words.scales.items() if one.folded.startswith(word)), None)
    return words.scales.get(one.folded) or words.scales.get(one.folded.removesuffix("s"))


def _joined(text: str, one: Token, other: Token) -> bool:
    return text[one.end : other.start] in ("", " ", "-", "\u2011", "\u00a0", "\u202f")


_SIGN = re.compile(r"\s?[%٪％]")


def _percent(text: str, pieces: Sequence[Token], end: int, words: Words) -> int:
    """Where the words or the sign end that make the number before piece *end* a percentage; 0."""
    if sign := _SIGN.match(text, pieces[end - 1].end):
        return sign.end()
    for size in (2, 1):
        if tuple(piece.folded for piece in pieces[end : end + size]) in words.percent:
            return pieces[min(end + size, len(pieces)) - 1].end
    return 0
