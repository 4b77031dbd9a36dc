"""The numbers of a headline, whatever it writes them in: figures of any script, words, scales."""

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from desk.newsroom.words import Token, Words, number_at, tokens
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
            loose = _is_loose(pieces, at, end, words)
            found += [Number(said, each, percent > 0, loose) for each in values]
            while end < len(pieces) and pieces[end].start < percent:  # 5 por ciento is no hundred
                end += 1
        at = max(end, at + 1)
    return found


def _is_loose(pieces: Sequence[Token], at: int, end: int, words: Words) -> bool:
    """Whether the words from *at* to *end* may be no number: an ordinal, or the one of "no one"."""
    said = tuple(piece.folded for piece in pieces[at:end])
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
    if (lift := words.lifts.get(first.folded)) is not None:
        return _lifted(text, pieces, at + 1, lift, words)
    if (spelt := _spelt(text, pieces, at, words)) is not None:
        end, value = _counted(text, pieces, *spelt, words)
        return end, [frozenset({value})]
    if first.folded in words.scales and first.text.isascii() and len(first.text) > 3:
        scale = words.scales[first.folded]
        end, value = _counted(text, pieces, at + 1, scale, words)  # "a million"
        return end, [frozenset({value})]
    return at, []


def _spelt(text: str, pieces: Sequence[Token], at: int, words: Words) -> tuple[int, Decimal] | None:
    """Where the words end that stand beside each other from *at* on and are a number, and which."""
    found = number_at(pieces, at, words)
    if found is None:
        return None
    size, number = found
    for before in range(at, at + size - 1):
        if not _joined(text, pieces[before], pieces[before + 1]):
            return _spelt(text, pieces[: before + 1], at, words)
    return at + size, number


def _lifted(
    text: str, pieces: Sequence[Token], at: int, lift: Decimal, words: Words
) -> tuple[int, list[frozenset[Decimal]]]:
    """The number at piece *at* with *lift* added, as three and a half; of a scale, one and that."""
    if at == len(pieces) or not _joined(text, pieces[at - 1], pieces[at]):
        return at - 1, []
    now = figures(pieces[at].folded) if pieces[at].figures else []
    found = (at + 1, now[0]) if now else _spelt(text, pieces, at, words)
    if found is not None:
        behind, number = found[0], found[1] + lift
    elif scale := _scale(pieces[at], words):
        behind, number = at + 1, (1 + lift) * scale
    else:
        return at - 1, []
    end, value = _counted(text, pieces, behind, number, words)
    return end, [frozenset({value})]


def _counted(
    text: str, pieces: Sequence[Token], end: int, now: Decimal, words: Words
) -> tuple[int, Decimal]:
    """The number that begins with *now* and goes on at piece *end*: where it ends, its value."""
    spelt = not pieces[end - 1].figures
    total = last = Decimal(0)
    while end < len(pieces) and _joined(text, pieces[end - 1], pieces[end]):
        scale = _scale(pieces[end], words)
        more = _spelt(text, pieces, end, words) if spelt else None
        if scale == 100 and now:
            now *= 100
        elif scale and now:
            now, last = Decimal(0), now * scale
            total += last
        elif scale and last:  # lakh crore
            total, last = total - last + last * scale, last * scale
        elif more and (not now or now % 100 == 0 or (now % 10 == 0 and more[1] < 10)):
            now += more[1]
            end = more[0] - 1
        elif pieces[end].folded != "and" or not (spelt and _counts(pieces, end + 1, words)):
            break
        end += 1
    return end, total + now


def _counts(pieces: Sequence[Token], at: int, words: Words) -> bool:
    return number_at(pieces, at, words) is not None


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
