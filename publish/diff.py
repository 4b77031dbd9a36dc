"""What differs between two copies, for people: paragraph by paragraph, then word by word.

Bounded in time for any input: paragraphs and words are aligned at those that occur once on both
sides (as in the patience diff), and only small gaps between these are compared in full.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Literal

from stories.models import Value
from wirecopy.scope import Copy, Part, folded, parts
from wirecopy.text import Reference

_GAP = 2_500
"""The most pairs of words compared in full within a gap; a larger one is removed and added."""

_GAP_OF_PARAGRAPHS = 400
"""The same for paragraphs, where each comparison looks at all their words."""

_Pair = tuple[int, int]


class Difference(Value):
    """One thing that differs.

    ``received`` is empty for what was added, ``published`` for what was removed. Both are plain
    text: a paragraph, a headline, a tag, or for links and media the address and its words.
    """

    part: Part
    kind: Literal["added", "removed", "changed"]
    received: str = ""
    published: str = ""


class Words(Value):
    """A run of words of a paragraph, on both sides or on one."""

    kind: Literal["same", "added", "removed"]
    text: str


def differences(
    received: Copy, published: Copy, disclosure: str = "", *, by_words: bool = False
) -> tuple[Difference, ...]:
    """Everything that differs, in the order headline, text, links, media, packaging.

    Empty exactly when the digests of the two copies are equal. *by_words* leaves out where
    paragraphs begin, and marks too where words differ; then it may be empty though these differ.

    :raises wirecopy.html.TangleError: as :func:`wirecopy.text.project` does.
    """
    old = parts(received, rule=None)
    new = parts(published, disclosure=disclosure, rule=old.rule)
    text = new.text
    if by_words:
        text = regrouped(old.text, text, spelt=folded(old.text) != folded(text))
    return (
        *_one("headline", old.headline, new.headline),
        *_many("text", old.text, text),
        *_many("links", _spell(old.links), _spell(new.links)),
        *_many("media", _spell(old.media), _spell(new.media)),
        *_one("packaging", old.packaging[0], new.packaging[0]),
        *_many("packaging", old.packaging[1], new.packaging[1]),
    )


def regrouped(
    received: Sequence[str], published: Sequence[str], *, spelt: bool = False
) -> tuple[str, ...]:
    """The paragraphs *published*, parted where those *received* are, as far as the words agree.

    So a paragraph that was only joined or split does not differ. Words agree that are the same with
    typography folded; *spelt* asks for them as they were received.
    """
    old, starts = _words(received)
    new, breaks = _words(published)
    keys = [["".join(folded([word])) for word in words] for words in (old, new)]
    found: list[list[str]] = []
    i = j = 0
    for i1, j1 in [*_line_up(*keys), (len(old), len(new))]:
        # Other words in between keep their breaks; where they have none, that of the received.
        here = breaks & set(range(j, j1))
        if j < j1 and j1 not in breaks and not here and starts & set(range(i, i1)):
            here = {j}
        if j1 < len(new) and (i1 in starts or (j < j1 and j1 in breaks)):
            here.add(j1)
        for at in range(j, min(j1 + 1, len(new))):
            if at in here or not found:
                found.append([])
            found[-1].append(old[i1] if spelt and at == j1 else new[at])
        i, j = i1 + 1, j1 + 1
    return tuple(" ".join(words) for words in found)


def _words(paragraphs: Sequence[str]) -> tuple[list[str], set[int]]:
    """The words of *paragraphs*, and the numbers of those that begin one."""
    words: list[str] = []
    starts: set[int] = set()
    for text in paragraphs:
        starts.add(len(words))
        words += text.split()
    return words, starts


def word_differences(received: str, published: str) -> tuple[Words, ...]:
    """A changed paragraph as runs of words, in reading order."""
    old, new = received.split(), published.split()
    found: list[Words] = []
    for gone, come, pair in _gaps(_line_up(old, new), old, new):
        if gone:
            found.append(Words(kind="removed", text=" ".join(gone)))
        if come:
            found.append(Words(kind="added", text=" ".join(come)))
        if pair is None:
            continue
        word = old[pair[0]]
        if found and found[-1].kind == "same":
            found[-1] = Words(kind="same", text=f"{found[-1].text} {word}")
        else:
            found.append(Words(kind="same", text=word))
    return tuple(found)


def _spell(references: Sequence[Reference]) -> list[str]:
    return [f"{r.url} ({r.words})" if r.words else r.url for r in references]


def _one(part: Part, old: str, new: str) -> Iterator[Difference]:
    if old != new:
        kind: Literal["added", "removed", "changed"] = (
            "changed" if old and new else "removed" if old else "added"
        )
        yield Difference(part=part, kind=kind, received=old, published=new)


def _many(part: Part, old: Sequence[str], new: Sequence[str]) -> Iterator[Difference]:
    for received, published in beside(old, new):
        if received is None or published is None:
            kind: Literal["added", "removed"] = "added" if received is None else "removed"
            yield Difference(
                part=part, kind=kind, received=received or "", published=published or ""
            )
        elif received != published:
            yield Difference(part=part, kind="changed", received=received, published=published)


def beside(old: Sequence[str], new: Sequence[str]) -> Iterator[tuple[str | None, str | None]]:
    """Each paragraph of *old* beside that of *new* which is the same or alike, in reading order;
    None beside one that was removed or added."""
    for gone, come, same in _gaps(_line_up(old, new), old, new):
        yield from _alike(gone, come)
        if same is not None:
            yield old[same[0]], new[same[1]]


def _gaps(
    pairs: Sequence[_Pair], old: Sequence[str], new: Sequence[str]
) -> Iterator[tuple[Sequence[str], Sequence[str], _Pair | None]]:
    """What precedes each of *pairs* on either side, and the pair; at last what follows all."""
    i = j = 0
    for pair in pairs:
        yield old[i : pair[0]], new[j : pair[1]], pair
        i, j = pair[0] + 1, pair[1] + 1
    yield old[i:], new[j:], None


def _alike(old: Sequence[str], new: Sequence[str]) -> Iterator[tuple[str | None, str | None]]:
    """The paragraphs of a gap: those alike beside each other, the others by themselves."""
    bags = [Counter(text.split()) for text in old], [Counter(text.split()) for text in new]

    def alike(i: int, j: int) -> bool:
        a, b = bags[0][i], bags[1][j]
        return 2 * (a & b).total() >= max(a.total(), b.total())

    pairs: list[_Pair] = []
    if len(old) == len(new) == 1:
        pairs = [(0, 0)]
    elif len(old) * len(new) <= _GAP_OF_PARAGRAPHS:
        pairs = _longest(len(old), len(new), alike)
    for gone, come, pair in _gaps(pairs, old, new):
        yield from ((text, None) for text in gone)
        yield from ((None, text) for text in come)
        if pair is not None:
            yield old[pair[0]], new[pair[1]]


def _line_up(old: Sequence[str], new: Sequence[str]) -> list[_Pair]:
    """Pairs of positions, rising on both sides, at which *old* and *new* are the same."""
    start, end = 0, 0
    shorter = min(len(old), len(new))
    while start < shorter and old[start] == new[start]:
        start += 1
    while end < shorter - start and old[-1 - end] == new[-1 - end]:
        end += 1
    pairs = [(i, i) for i in range(start)]
    last = (len(old) - end, len(new) - end)
    at = (start, start)
    for i, j in [*_unique(old, new, start, last), last]:
        a, b = at
        if (i - a) * (j - b) <= _GAP:
            pairs += [
                (a + x, b + y)
                for x, y in _longest(i - a, j - b, lambda x, y: old[a + x] == new[b + y])  # noqa: B023
            ]
        if (i, j) != last:
            pairs.append((i, j))
        at = (i + 1, j + 1)
    pairs += [(last[0] + k, last[1] + k) for k in range(end)]
    return pairs


def _unique(old: Sequence[str], new: Sequence[str], start: int, last: _Pair) -> list[_Pair]:
    """The longest rising chain of what occurs once on each side."""
    once_old = {t for t, n in Counter(old[start : last[0]]).items() if n == 1}
    once_new = {t for t, n in Counter(new[start : last[1]]).items() if n == 1}
    both = once_old & once_new
    places = {new[j]: j for j in range(start, last[1]) if new[j] in both}
    points = [(i, places[old[i]]) for i in range(start, last[0]) if old[i] in places]
    ends: list[int] = []  # the smallest end of a chain of each length, and which point that is
    which: list[int] = []
    before: list[int] = []
    for n, (_, j) in enumerate(points):
        length = bisect_left(ends, j)
        before.append(which[length - 1] if length else -1)
        ends[length : length + 1] = [j]
        which[length : length + 1] = [n]
    chain: list[_Pair] = []
    n = which[-1] if which else -1
    while n >= 0:
        chain.append(points[n])
        n = before[n]
    return chain[::-1]


def _longest(rows: int, columns: int, same: Callable[[int, int], bool]) -> list[_Pair]:
    """A longest common subsequence of two short sequences, as pairs of positions."""
    best = [[0] * (columns + 1) for _ in range(rows + 1)]
    for i in range(rows - 1, -1, -1):
        for j in range(columns - 1, -1, -1):
            best[i][j] = (
                best[i + 1][j + 1] + 1 if same(i, j) else max(best[i + 1][j], best[i][j + 1])
            )
    pairs: list[_Pair] = []
    i = j = 0
    while i < rows and j < columns:
        if same(i, j):
            pairs.append((i, j))
            i, j = i + 1, j + 1
        elif best[i + 1][j] >= best[i][j + 1]:
            i += 1
        else:
            j += 1
    return pairs
