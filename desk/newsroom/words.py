"""The words and figures of a headline, and by which words a language counts and denies."""

import json
import re
import tomllib
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from importlib.resources import files
from typing import NamedTuple

from publish.selection import same


class Token(NamedTuple):
    """A word or a number in figures, where it stands in its text, and ``folded`` to be compared."""

    text: str
    start: int
    end: int
    figures: bool
    folded: str


_PIECES = re.compile(  # in what each character is: n of a figure, w of a word, or itself
    r"(?P<figures>n+(?:[.,']n+|_nnn(?!n))*)|(?<!w)(?:w\.){2,}w?(?!w)|w+(?:'w+)*"
)
_SAME = str.maketrans("’٬\u00a0\u2009\u202f٫", "''___.")


class _Kinds(dict[int, str]):
    """What each character is, found when it is first met."""

    def __missing__(self, at: int) -> str:
        c = chr(at).translate(_SAME)
        if c.isdecimal():
            c = "n"
        # \w of `re` does not know the vowel signs of Indian scripts.
        elif c.isalpha() or unicodedata.category(c)[0] == "M" or c in "\u200c\u200d":
            c = "w"
        elif c not in ".,'_" or at == ord("_"):
            c = " "
        self[at] = c
        return c


_KINDS = _Kinds()
_MOST = 4
"""Words of a number below a hundred, as quatre-vingt-dix-neuf."""

_APART = re.compile("[’'٬\u00a0\u2009\u202f]")


def tokens(text: str) -> list[Token]:
    """The words and figures of *text*. A word has its marks and an apostrophe; figures have what
    parts their groups, a comma if it is no full stop, and are ASCII when folded."""
    found = []
    for piece in _PIECES.finditer(text.translate(_KINDS)):
        said = text[piece.start() : piece.end()]
        if figures := piece["figures"] is not None:
            ascii_only = "".join(str(unicodedata.decimal(c, c)) for c in said)
            folded = _APART.sub(",", ascii_only).replace("٫", ".")
        else:
            said = said.replace(".", "")  # U.S.
            folded = fold(said)
        found.append(Token(said, piece.start(), piece.end(), figures, folded))
    return found


_SPELLINGS = str.maketrans({"\u093c": None, "ँ": "ं", "ی": "ي", "ى": "ي", "ک": "ك", "ہ": "ه"})
"""Dots and letters that one writer sets and another does not."""


@lru_cache(maxsize=4096)
def fold(word: str) -> str:
    """*word* without what differs between two ways to spell it."""
    decomposed = unicodedata.normalize("NFD", same(word))
    return unicodedata.normalize("NFC", decomposed.translate(_SPELLINGS))


@dataclass(frozen=True, slots=True)
class Words:
    """The words by which one counts and denies. ``loose`` are numbers that may mean something else,
    which a draft need not have; ``lifts`` what a word adds to the number behind it, as the half of
    साढ़े; ``begins`` with which words any of them begins."""

    negations: frozenset[str]
    numbers: Mapping[tuple[str, ...], Decimal]
    loose: Mapping[tuple[str, ...], Decimal]
    scales: Mapping[str, Decimal]
    lifts: Mapping[str, Decimal]
    percent: frozenset[tuple[str, ...]]
    begins: frozenset[str]


@lru_cache(maxsize=64)
def words_of(language: str | None) -> Words:
    """The words of *language*, of English where that is unknown, and of all other scripts, which
    nobody takes for words of this one."""
    base = re.split("[-_]", (language or "en").lower())[0]
    own = [t for tag, t in _tables().items() if tag == base]
    chosen = [*(t for t in _tables().values() if not _latin(t)), *own]  # its own, if they differ
    numbers = {word: n for t in chosen for word, n in t.numbers.items()}
    loose = {word: n for t in chosen for word, n in t.loose.items()}
    if own:
        numbers = {word: n for word, n in numbers.items() if word not in own[0].loose}
    return Words(
        frozenset().union(*(t.negations for t in chosen)),
        numbers,
        {word: n for word, n in loose.items() if word not in numbers},
        {word: n for t in chosen for word, n in t.scales.items()},
        {word: n for t in chosen for word, n in t.lifts.items()},
        frozenset().union(*(t.percent for t in chosen)),
        frozenset(word for t in chosen for word, *_ in (*t.numbers, *t.loose)),
    )


def _latin(table: Words) -> bool:
    return any("a" <= word[0] <= "z" for word in table.negations)


_Raw = Mapping[str, str | list[str] | dict[str, int | Decimal]]
_Spelt = Mapping[str, Mapping[str, list[str]]]


@lru_cache(maxsize=1)
def _tables() -> dict[str, Words]:
    here = files("desk.newsroom")
    raw = tomllib.loads((here / "words.toml").read_text(encoding="utf-8"), parse_float=Decimal)
    spelt = json.loads((here / "number_words.json").read_text(encoding="utf-8"))
    return {tag: _table(of, spelt.get(tag, {})) for tag, of in raw.items()}


def _table(raw: _Raw, spelt: _Spelt) -> Words:
    def listed(key: str, step: int, first: int) -> dict[tuple[str, ...], Decimal]:
        given = raw.get(key, "")
        assert isinstance(given, str)
        return {
            (fold(word),): Decimal(step * at)
            for at, said in enumerate(given.split(), first)
            for word in said.split("|")
            if word != "-"
        }

    def table(key: str) -> dict[str, Decimal]:
        given = raw.get(key, {})
        assert isinstance(given, dict)
        return {fold(word): Decimal(n) for word, n in given.items()}

    def phrases(kind: str) -> dict[tuple[str, ...], Decimal]:
        return {
            tuple(piece.folded for piece in tokens(form)): Decimal(number)
            for number, forms in spelt.get(kind, {}).items()
            for form in forms
        }

    scales = table("scales")
    numbers = phrases("cardinals") | listed("to_twenty", 1, 0) | listed("tens", 10, 1)
    numbers |= {(word,): n for word, n in table("numbers").items()}
    numbers = {said: n for said, n in numbers.items() if said[0] not in scales}
    unsure = {word for (word,) in listed("unsure", 1, 0)}
    loose = listed("ordinals", 1, 1) | phrases("ordinals")
    for said, n in numbers.items():
        # What is spelt for one is an article, too, in all but English.
        if len(said) == 1 and (said[0] in unsure or (n == 1 and spelt)):
            loose[said] = n
    return Words(
        negations=frozenset(word for (word,) in listed("negations", 1, 0)),
        numbers={said: n for said, n in numbers.items() if said not in loose},
        loose=loose,
        scales=scales,
        lifts=table("lifts"),
        percent=frozenset(tuple(fold(w) for w in each.split()) for each in raw.get("percent", ())),
        begins=frozenset(),
    )


def number_at(pieces: Sequence[Token], at: int, words: Words) -> tuple[int, Decimal] | None:
    """How many of *pieces* from *at* on are the words for a number, the most that are, and which;
    None when they are none."""
    if at >= len(pieces) or pieces[at].folded not in words.begins:
        return None
    for size in range(min(_MOST, len(pieces) - at), 0, -1):
        said = tuple(piece.folded for piece in pieces[at : at + size])
        number = words.numbers.get(said, words.loose.get(said))
        if number is not None:
            return size, number
    return None
