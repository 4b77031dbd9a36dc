"""English copy of any length, new each time, of natural word statistics.

A Markov chain over pairs of words of the Python language reference, which comes with Python: each
text is another, and compresses as news does (a story of 4.8 kB by a factor of 2.3).
"""

import random
import re
from collections import defaultdict
from functools import cache
from html import escape
from pydoc_data import topics


@cache
def _followers() -> tuple[list[str], dict[str, list[str]]]:
    words = re.findall(r"[A-Za-z][A-Za-z'’-]*[.,;:?!]?", "\n".join(topics.topics.values()))
    after: dict[str, list[str]] = defaultdict(list)
    for word, following in zip(words, [*words[1:], words[0]], strict=True):
        after[word].append(following)
    return words, after


def text(lots: random.Random, length: int) -> str:
    """Running text of *length* characters or a word more, without markup."""
    words, after = _followers()
    word = lots.choice(words)
    found, size = [word.capitalize()], len(word)
    while size < length:
        word = lots.choice(after[word])
        found.append(word)
        size += len(word) + 1
    return " ".join(found)


def body(lots: random.Random, length: int) -> str:
    """HTML of about *length* characters as agencies send it: paragraphs, some with a link or with
    emphasis."""
    found: list[str] = []
    size = 0
    while size < length:
        paragraph = escape(text(lots, lots.randrange(240, 560)), quote=False) + "."
        if not lots.randrange(4):
            first, _, rest = paragraph.partition(" ")
            link = f"https://agency.example/topics/{lots.randrange(10_000)}"
            paragraph = f'<a href="{link}">{first}</a> {rest}'
        elif not lots.randrange(4):
            first, _, rest = paragraph.partition(" ")
            paragraph = f"<strong>{first}</strong> {rest}"
        found.append(f"<p>{paragraph}</p>")
        size += len(found[-1]) + 1
    return "\n".join(found)
