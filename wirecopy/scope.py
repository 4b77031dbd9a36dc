"""Edit scopes: what a measured difference between two copies amounts to.

A scope is a predicate over the difference, never a label. The predicates stand in
``docs/text-projection.md`` too, where the words "same" and "word" are defined by the rule.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Literal

Scope = Literal[
    "verbatim",
    "headline-only",
    "headline-media",
    "packaging",
    "house-style",
    "excerpt",
    "with-inputs",
    "edited",
    "unknown",
]
SCOPES: tuple[Scope, ...] = (
    "verbatim",  # nothing differs but the container
    "headline-only",  # the headline, and nothing else
    "headline-media",  # pictures and other media, and perhaps the headline
    "packaging",  # links, summary or tags, and perhaps headline and media; every word stands
    "house-style",  # the same words in the same order, set in other marks or other paragraphs
    "excerpt",  # whole paragraphs left out, nothing added, changed or moved
    "with-inputs",  # a good part of the words is the agency's and a good part is not
    "edited",  # any other difference in the words
    "unknown",  # no received copy to measure against, or not the one that was received
)
"""From the least to the most changed."""

Part = Literal["headline", "text", "links", "media", "packaging"]
PARTS: tuple[Part, ...] = ("headline", "text", "links", "media", "packaging")

RUN = 5
"""So many words in a row must stand in the received copy too before they count as the agency's;
shorter runs ("the Prime Minister said") are anybody's."""
SUBSTANTIAL = 0.25
"""The share of the published words that is a good part, both of the agency's and of others'."""


def scope_of(changed: Iterable[Part]) -> Scope:
    """The scope that follows from the parts that differ, without looking at the words.

    Where the text differs that is ``edited``: only a look at the words (:func:`scope_of_words`)
    can make it less.
    """
    parts = frozenset(changed)
    if not parts:
        return "verbatim"
    if "text" in parts:
        return "edited"
    if parts == {"headline"}:
        return "headline-only"
    if parts <= {"headline", "media"}:
        return "headline-media"
    return "packaging"


def scope_of_words(received: Sequence[str], published: Sequence[str]) -> Scope:
    """The scope of a text whose paragraphs differ. Linear in both."""
    before, after = folded(received), folded(published)
    if before == after:
        return "house-style"
    if published and _left_out(received, published):
        return "excerpt"
    if min(_known(before, after), _foreign(before, after)) >= max(1, SUBSTANTIAL * len(after)):
        return "with-inputs"
    return "edited"


_HIDDEN = re.compile("[\xad\u200b\u2060]")
_MARKS = str.maketrans(
    dict.fromkeys("‘’‚‛′`´‹›", "'") | dict.fromkeys("“”„‟″«»", '"') | dict.fromkeys("‐‑‒–—―−", "-")
)
_DASH = re.compile(" -+ |-{2,}")
_ELLIPSIS = re.compile(r" ?(?:…|\.\.\.|\. \. \.) ?")


def folded(paragraphs: Sequence[str]) -> list[str]:
    """The words, typography folded: kinds of quotes, dashes and ellipses, spaces about the latter
    two, soft hyphens and zero-width spaces. Case, digits, joiners and bidi controls stay."""
    text = _HIDDEN.sub("", " ".join(paragraphs)).translate(_MARKS).replace("''", '"')
    return _ELLIPSIS.sub("... ", _DASH.sub("-", text)).split()


def _left_out(received: Sequence[str], published: Sequence[str]) -> bool:
    rest = iter(received)
    return all(words in rest for words in published)


def _known(before: Sequence[str], after: Sequence[str]) -> int:
    """How many words of *after* stand in a run of at least RUN words that *before* has too."""
    runs = {tuple(before[i : i + RUN]) for i in range(len(before) - RUN + 1)}
    known = reach = 0
    for i in range(len(after) - RUN + 1):
        if tuple(after[i : i + RUN]) in runs:
            known += i + RUN - max(reach, i)
            reach = i + RUN
    return known


def _foreign(before: Sequence[str], after: Sequence[str]) -> int:
    """How many words of *after* are none of those of *before*, each used up once."""
    return (Counter(after) - Counter(before)).total()
