"""A story in several texts: parts that follow each other, or the same said in several forms.

Agencies send both under one name. What is said elsewhere among them, word for word, is another form
of it; what is left are the parts, and all of them are the story, in their order.
"""

from collections.abc import Iterator, Sequence
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

_MOST_READINGS = 16


class Text(NamedTuple):
    """A text as a format found it; ``is_html`` tells whether it is markup."""

    text: str
    is_html: bool


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
        words = [_words(one) for one in told]
    except ParseError:  # built to burst a parser: refused later, with all that it holds
        return told[0]
    left = _apart(words, [one.is_html for one in told])
    if len(left) == 1:
        return told[left[0]]
    parts = (told[at] for at in left)
    return Text(
        "\n".join(p.text if p.is_html else plain_to_html(p.text, unfolded) for p in parts), True
    )


def _words(one: Text) -> str:
    return "".join((projection(one.text) if one.is_html else plain(one.text)).split())


def _apart(words: Sequence[str], better: Sequence[bool] = ()) -> list[int]:
    """Which of *words* are said in no other: of the same twice the *better*, else the first."""
    left: list[int] = []
    for at, own in enumerate(words):
        others = enumerate(words[:MOST_PARTS])
        if not own and any(words):
            continue
        if any(
            n != at and own in other and (own != other or _rank(n, better) < _rank(at, better))
            for n, other in others
        ):
            continue
        left.append(at)
    return left or [0]


def _rank(at: int, better: Sequence[bool]) -> tuple[bool, int]:
    return not (better and better[at]), at


def whole(passages: Sequence[Passage]) -> list[Passage]:
    """*passages* with the bodies among them as one: the parts in their order, of what is said in
    several forms each form. For the second reading."""
    bodies = [one for one in passages if one.kind == "body"]
    if len(bodies) < 2 or len(bodies) > MOST_PASSAGES:
        return list(passages)
    found: list[Passage] = []
    for one in passages:
        if one is bodies[0]:
            found.append(replace(one, readings=partial(_together, bodies), spellings=()))
        elif one.kind == "body":
            found.append(replace(one, kind="spare"))
        else:
            found.append(one)
    return found


def _together(bodies: Sequence[Passage]) -> Iterator[str]:
    for readings in islice(product(*(tuple(one.readings()) for one in bodies)), _MOST_READINGS):
        words = ["".join(plain(reading).split()) for reading in readings]
        yield "\n".join(readings[at] for at in _apart(words))
