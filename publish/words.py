"""The words by which stories are found, and what somebody asks for in them.

Both are cut by the same rules, here and not by a database: those cut at the vowel signs of Indian
scripts, and each in its own way.
"""

import re
import unicodedata
from functools import cache

from publish.selection import UNSPACED, same, text_of
from stories.models import Story, Term

LONGEST = 64
"""Characters that count of a word: an address is a long one."""

MOST = 16_000
"""Words that count of a story. PostgreSQL numbers them up to 16,383."""

ASKED = 200
"""Characters that are read of what is asked for."""

PREFIX = 3
"""Letters that the beginning of a word must have, or half of all words would be meant."""

_TERM = re.compile(r'"([^"]*)"?|([^\s"]+)')
_QUOTES = str.maketrans(dict.fromkeys("“”„«»", '"'))


@cache
def _marks() -> str:
    """Marks, of which a letter may have several: ``\\w`` of ``re`` does not know them."""
    every = (chr(code) for code in range(0x300, 0x1F000))
    return "".join(c for c in every if unicodedata.category(c)[0] == "M")


@cache
def _word() -> re.Pattern[str]:
    near = re.sub("[^\0-\uffff]", "", _marks())
    # A class with letters beyond U+FFFF takes 30 times as long: it is asked for such alone.
    far = f"(?:(?=[^\0-\uffff])[{_marks()}])"
    return re.compile(f"(?:[\\w{near}]+|{far})+")


@cache
def _unspaced() -> re.Pattern[str]:
    letters = UNSPACED.pattern[1:-1]
    return re.compile(f"[{letters}][{_marks()}]*|[^{letters}]+")


def words(text: str) -> list[str]:
    """The words of *text* in their order, without what differs between two ways to write them.

    Letters, marks and digits alone; of scripts that put no space between words, each letter.
    """
    text = same(text[: MOST * LONGEST]).replace("_", " ")
    found = _word().findall(text)
    if UNSPACED.search(text):
        found = [part for word in found for part in _unspaced().findall(word)]
    return [word[:LONGEST] for word in found[:MOST]]


def words_of(story: Story) -> list[str]:
    """The words by which *story* is found: those that are published of it."""
    version = story.version
    return words(
        "\n".join(
            (
                story.headline,
                version.agency,
                version.byline or "",
                version.dateline or "",
                *(category.label for category in version.categories),
                *version.keywords,
                *text_of(version),
            )
        )
    )


def words_of_desk(story: Story, published: Story) -> list[str]:
    """The words of headlines by which the desk finds a story that is *published* under another: the
    wire's, and the desk's where that waits for a second look."""
    heads = dict.fromkeys((story.version.headline, story.desk_headline or ""))
    return words("\n".join(head for head in heads if head != published.headline))


def terms(asked: str) -> tuple[Term, ...]:
    """What is *asked* for, all of which must be there: words, phrases in quotation marks, and
    beginnings of words with an asterisk. Nothing else means anything, and nothing is an error."""
    found = []
    for phrase, word in _TERM.findall(asked[:ASKED].translate(_QUOTES)):
        if said := words(phrase or word):
            begins = word.endswith("*") and len(said[-1]) >= PREFIX
            found.append(Term(tuple(said), begins=begins))
    return tuple(found)
