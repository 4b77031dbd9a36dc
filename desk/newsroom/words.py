"""The words and figures of a headline, and by which words a language counts and denies."""

import re
import tomllib
import unicodedata
from collections.abc import Mapping
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
    """The words by which one counts and denies; ``loose`` are numbers that may mean something else,
    which a draft need not have."""

    negations: frozenset[str]
    numbers: Mapping[str, Decimal]
    loose: Mapping[str, Decimal]
    scales: Mapping[str, Decimal]
    percent: frozenset[tuple[str, ...]]


@lru_cache(maxsize=64)
def words_of(language: str | None) -> Words:
    """The words of *language*, of English where that is unknown, and of all other scripts, which
    nobody takes for words of this one."""
    base = re.split("[-_]", (language or "en").lower())[0]
    chosen = [t for tag, t in _tables().items() if tag == base or not _latin(t)]
    return Words(
        frozenset().union(*(t.negations for t in chosen)),
        {word: n for t in chosen for word, n in t.numbers.items()},
        {word: n for t in chosen for word, n in t.loose.items()},
        {word: n for t in chosen for word, n in t.scales.items()},
        frozenset().union(*(t.percent for t in chosen)),
    )


def _latin(table: Words) -> bool:
    return any("a" <= word[0] <= "z" for word in table.negations)


@lru_cache(maxsize=1)
def _tables() -> dict[str, Words]:
    text = (files("desk.newsroom") / "words.toml").read_text(encoding="utf-8")
    return {tag: _table(raw) for tag, raw in tomllib.loads(text, parse_float=Decimal).items()}


def _table(raw: Mapping[str, str | list[str] | dict[str, int | Decimal]]) -> Words:
    def listed(key: str, step: int, first: int) -> dict[str, Decimal]:
        given = raw.get(key, "")
        assert isinstance(given, str)
        return {
            fold(word): Decimal(step * at)
            for at, spelt in enumerate(given.split(), first)
            for word in spelt.split("|")
            if word != "-"
        }

    def table(key: str) -> dict[str, Decimal]:
        given = raw.get(key, {})
        assert isinstance(given, dict)
        return {fold(word): Decimal(n) for word, n in given.items()}

    return Words(
        negations=frozenset(listed("negations", 1, 0)),
        numbers=listed("to_twenty", 1, 0) | listed("tens", 10, 1) | table("numbers"),
        loose=listed("ordinals", 1, 1),
        scales=table("scales"),
        percent=frozenset(tuple(fold(w) for w in each.split()) for each in raw.get("percent", ())),
    )
