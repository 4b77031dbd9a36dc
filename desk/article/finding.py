"""Finds a story in a page by the words of the copy received.

Blocks of the page that say what the copy says are its anchors; the smallest part of the page that
holds them holds the story. Within it, what is not the agency's is either furniture, set aside with
the reason, or an editor's addition. Nothing of the agency's is ever set aside unless it stands in
the story a second time: so a changed word always shows, as changed or as missing. What may be set
aside is bounded (:data:`MOST_PROSE`), and what is told apart by a doubtful sign stays in the story.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from desk.article import furniture, wordings
from desk.article.page import Block, Page, cut, to_html
from stories.errors import WirecopyError
from stories.scope import RUN, folded

MOST_WORDS = 60_000
"""Words of a received copy that is looked for; the longest agency stories have some 5,000."""
MOST_PROSE = 60
"""Words of prose in a box that may be set aside: outside links, in paragraphs of some length."""
_PROSE = 15
_LINK = 30
"""Words of a link that stands alone and is no paragraph of a story."""
_PRICE = 0.2
"""What a foreign word within a part of the page costs, in words of the copy it would bring in."""
_PATIENCE = 2_000_000
"""Blocks looked at while narrowing down; a page that takes more keeps a larger part of it."""
_BEFORE, _AFTER = 15, 60
"""Blocks before and after the story in which a printed claim is looked for."""
_ENOUGH, _SHARE = 12, 0.08
"""Words of the received copy, and which part of it, that a story must hold to be one."""

_REPEATS = 4
"""Places in the copy that are remembered for words that occur in it again and again."""

_NEVER_ALONE = frozenset(("p", "h1", "h2", "h3", "h4", "h5", "h6", "li", "blockquote", "dd", "dt"))
_WRAPPERS = frozenset({"div", "section", "td"})
_HEADS = frozenset({"h1", "h2"})


@dataclass(frozen=True, slots=True)
class Aside:
    """Text in the story's part of the page that was not counted, and why.

    ``prose`` tells that it is a sentence or more, outside links, that the story does not have.
    """

    why: str
    text: str
    prose: bool


@dataclass(frozen=True, slots=True)
class Found:
    """A story as it stands in a page.

    ``body`` is HTML of its paragraphs and links, claims left out; ``first`` is the number of its
    first block; ``place`` names the part of the page; ``held`` is the share of the words of the
    received copy that stand in it.
    """

    body: str
    paragraphs: int
    first: int
    place: str
    held: float
    claims: tuple[wordings.Printed, ...]
    aside: tuple[Aside, ...]


def find(received: Sequence[str], page: Page) -> tuple[Found, ...]:
    """The copies of the story in *page*, the fullest first; none when it is not there.

    *received* are the paragraphs of the copy received.

    :raises WirecopyError: for a received copy of more than :data:`MOST_WORDS` words.
    """
    if sum(len(text.split()) for text in received) > MOST_WORDS:
        raise WirecopyError(
            f"the received copy has more than {MOST_WORDS} words, more than any story;"
            " give the item or the file that holds the story alone"
        )
    search = _Search(received, page)
    return tuple(search.cut_out(place) for place in search.places())


class Fit:
    """How well one copy or another fits a page, which is looked through once."""

    def __init__(self, page: Page) -> None:
        self._runs: set[tuple[str, ...]] = set()
        self._whole: set[str] = set()
        for block in page.blocks:
            said = folded([block.text])
            self._whole.add(" ".join(said))
            self._runs.update(tuple(said[i : i + RUN]) for i in range(len(said) - RUN + 1))

    def of(self, received: Sequence[str]) -> tuple[int, float]:
        """Words of the paragraphs *received* that are in the page, and which share that is."""
        known = length = 0
        for text in received:
            said = folded([text])
            length += len(said)
            if " ".join(said) in self._whole:
                known += len(said)
                continue
            reach = 0
            for i in range(len(said) - RUN + 1):
                if tuple(said[i : i + RUN]) in self._runs:
                    known += i + RUN - max(reach, i)
                    reach = i + RUN
        return known, known / max(1, length)


_Spans = tuple[tuple[int, int], ...]


class _Anchors:
    """Where in the received copy, counted in words, the words of a block stand."""

    def __init__(self, received: Sequence[str]) -> None:
        self._runs: dict[tuple[str, ...], list[int]] = {}
        self._whole: dict[str, list[tuple[int, int]]] = {}
        self.length = 0
        for text in received:
            said = folded([text])
            start, end = self.length, self.length + len(said)
            whole = self._whole.setdefault(" ".join(said), [])
            if len(whole) < _REPEATS:
                whole.append((start, end))
            for i in range(len(said) - RUN + 1):
                places = self._runs.setdefault(tuple(said[i : i + RUN]), [])
                if len(places) < _REPEATS:
                    places.append(start + i)
            self.length = end
        self.known: dict[str, int] = {}

    def spans(self, text: str) -> _Spans:
        """The stretches of the received copy that *text* says; ``known`` then has how much it is.

        A paragraph that is there whole counts for each time that it is.
        """
        said = folded([text])
        if whole := self._whole.get(" ".join(said)):
            self.known[text] = len(said)
            return tuple(whole)
        found: list[tuple[int, int]] = []
        known = reach = 0
        for i in range(len(said) - RUN + 1):
            for place in self._runs.get(tuple(said[i : i + RUN]), ()):
                if found and found[-1][1] == place + RUN - 1:
                    found[-1] = (found[-1][0], place + RUN)
                else:
                    found.append((place, place + RUN))
                known += max(0, i + RUN - max(reach, i))
                reach = i + RUN
        self.known[text] = known
        return tuple(found)


def _mask(spans: _Spans) -> int:
    mask = 0
    for start, end in spans:
        mask |= ((1 << (end - start)) - 1) << start
    return mask


class _Search:
    """One page against one received copy."""

    def __init__(self, received: Sequence[str], page: Page) -> None:
        self._page = page
        anchors = _Anchors(received)
        self._length = anchors.length
        self._said = " ".join(folded(received))
        self._spans: list[_Spans] = []
        self._anchor: list[bool] = []
        for block in page.blocks:
            spans = anchors.spans(block.text)
            known = anchors.known[block.text]
            whole = known == len(folded([block.text]))
            # A headline is not in the story, though it often says words of its first paragraph.
            partly = known >= max(RUN, 0.3 * block.words) and (
                page.elements[block.home].tag != "h1"
            )
            anchor = bool(spans) and (whole or partly)
            self._anchor.append(anchor)
            self._spans.append(spans if anchor else ())
        # Up to each block: anchors, foreign words that are no furniture, words of prose.
        self._anchors = _sums(self._anchor)
        self._inside: list[list[int]] = [[] for _ in page.elements]
        for number, element in enumerate(page.elements):
            if element.parent >= 0:
                self._inside[element.parent].append(number)
        suspect = [False] * len(page.elements)
        for number, element in enumerate(page.elements):
            suspect[number] = bool(element.why) or (element.parent >= 0 and suspect[element.parent])
        unlinked = [block.unlinked for block in page.blocks]
        self._foreign = _sums(
            0 if anchor or suspect[block.home] else words
            for block, anchor, words in zip(page.blocks, self._anchor, unlinked, strict=True)
        )
        self._prose = _sums(
            0 if anchor or words < _PROSE else words
            for anchor, words in zip(self._anchor, unlinked, strict=True)
        )
        self._said_words = _sums(
            block.words if anchor else 0
            for block, anchor in zip(page.blocks, self._anchor, strict=True)
        )
        self._looked = 0

    # Where the story is

    def places(self) -> list[int]:
        """The numbers of the elements that hold the story, the fullest first."""
        if not self._count(0):
            return []
        found: list[tuple[int, int]] = []
        waiting = [0]
        while waiting:
            place = waiting.pop()
            place, others = self._narrow(place)
            waiting += others
            found.append((self._covered(place).bit_count(), self._widened(place)))
        enough = max(1, min(_ENOUGH, self._length // 2), _SHARE * self._length)
        best = max(size for size, _ in found)
        good = {place: size for size, place in found if size >= max(enough, 0.8 * best)}
        return sorted(good, key=lambda place: (-good[place], place))

    def _narrow(self, place: int) -> tuple[int, list[int]]:
        """The smallest element in *place* that holds the story, and those that hold it again."""
        others: list[int] = []
        while self._looked < _PATIENCE:
            inside = [n for n in self._inside[place] if self._count(n)]
            self._looked += len(self._inside[place])
            inside = [n for n in inside if self._may_hold(n)]
            if not inside:
                break
            if len(inside) == 1 and self._count(inside[0]) == self._count(place):
                place = inside[0]
                continue
            here = self._covered(place)
            covered = {n: self._covered(n) for n in inside}
            best = max(inside, key=lambda n: (self._worth(n, covered[n]), -n))
            if self._worth(best, covered[best]) < self._worth(place, here):
                break
            most = covered[best].bit_count()
            others += [
                n
                for n in inside
                if n != best and (covered[n] & covered[best]).bit_count() >= 0.8 * most
            ]
            place = best
        return place, others

    def _may_hold(self, place: int) -> bool:
        element = self._page.elements[place]
        return element.tag not in _NEVER_ALONE and element.last - element.first > 1

    def _widened(self, place: int) -> int:
        """The parent of *place* when its story goes on in other boxes that are just like it."""
        elements = self._page.elements
        box = elements[place]
        if box.tag not in _WRAPPERS or not box.label or box.parent < 0:
            return place
        for other in self._inside[box.parent]:
            like = elements[other]
            if other != place and (like.tag, like.label) == (box.tag, box.label):
                tags = {elements[b.home].tag for b in self._page.blocks[like.first : like.last]}
                prose = self._prose[like.last] - self._prose[like.first]
                if not tags & _HEADS and (prose or self._count(other)):
                    return box.parent
        return place

    def _count(self, place: int) -> int:
        """How many anchors are in the element *place*."""
        element = self._page.elements[place]
        return self._anchors[element.last] - self._anchors[element.first]

    def _covered(self, place: int) -> int:
        element = self._page.elements[place]
        self._looked += element.last - element.first
        mask = 0
        for spans in self._spans[element.first : element.last]:
            if spans:
                mask |= _mask(spans)
        return mask

    def _worth(self, place: int, covered: int) -> float:
        """What is gained by the words of the copy in *place* over the price of all others."""
        first, last = self._ends(place)
        gained = covered.bit_count()
        foreign = self._foreign[last] - self._foreign[first]
        again = max(0, self._said_words[last] - self._said_words[first] - gained)
        return gained - _PRICE * (foreign + again)

    def _ends(self, place: int) -> tuple[int, int]:
        """The first anchor in *place*, and what follows the last."""
        element = self._page.elements[place]
        at = [n for n in range(element.first, element.last) if self._anchor[n]]
        return (at[0], at[-1] + 1) if at else (element.first, element.first)

    # What of it is the story

    def cut_out(self, place: int) -> Found:
        """The story that the element *place* holds."""
        page = self._page
        box = page.elements[place]
        repeated = self._repeated(box.first, box.last)
        at = [n for n in range(box.first, box.last) if self._anchor[n] and n not in repeated]
        first, last = at[0], at[-1]
        shapes = {self._shape(n, place) for n in at}
        claims: list[wordings.Printed] = []
        aside: list[Aside] = []
        kept: list[Block] = []
        for n in self._near(box.first, box.last, first, last):
            block: Block | None = page.blocks[n]
            assert block is not None
            claim = self._claim(block)
            if claim is not None:
                if claim.text not in [known.text for known in claims]:
                    claims.append(claim)
                block = block if claim.within else cut(block, claim.start, claim.end)
            if block is None or not box.first <= n < box.last:
                continue
            why = repeated.get(n) or self._why_aside(n, block, place)
            if not why and not first <= n <= last and self._shape(n, place) not in shapes:
                why = "before the story" if n < first else "after the story"
            if not why and not first <= n <= last and furniture.puts_up(block.text):
                why = "byline"
            if why and not (self._anchor[n] and n not in repeated):
                prose = n not in repeated and block.unlinked >= _PROSE
                aside.append(Aside(why, block.text, prose))
            else:
                kept.append(block)
        return Found(
            body=to_html(kept),
            paragraphs=len(kept),
            first=first,
            place=f"<{box.tag}{f' class={box.label!r}' if box.label else ''}>",
            held=self._covered(place).bit_count() / max(1, self._length),
            claims=tuple(claims),
            aside=tuple(aside),
        )

    def _near(self, start: int, end: int, first: int, last: int) -> Iterator[int]:
        """The blocks from a little before the story to a little after it."""
        blocks, elements = self._page.blocks, self._page.elements
        yield from range(min(start, max(0, first - _BEFORE)), end)
        for n in range(end, min(len(blocks), max(end, last + _AFTER))):
            if elements[blocks[n].home].tag == "h1":
                return  # another story begins
            yield n

    def _claim(self, block: Block) -> wordings.Printed | None:
        """What *block* claims; nothing when the agency itself says so."""
        claim = wordings.printed(block.text)
        if claim is None or " ".join(folded([claim.text])) in self._said:
            return None
        return claim

    def _repeated(self, start: int, end: int) -> dict[int, str]:
        """Blocks that say again, in a heading or a box, what the story says in its own place."""
        page = self._page
        doubtful: dict[int, str] = {}
        sure = 0
        for n in range(start, end):
            if not self._anchor[n]:
                continue
            home = page.elements[page.blocks[n].home]
            why = home.why or ("headline" if home.tag in ("h1", "h2", "h3") else "")
            parent = home.parent
            for _ in range(3):
                if why or parent <= 0:
                    break
                if self._count(parent) == 1:
                    why = page.elements[parent].why
                parent = page.elements[parent].parent
            if why:
                doubtful[n] = why
            else:
                sure |= _mask(self._spans[n])
        again: dict[int, str] = {}
        for n, why in doubtful.items():
            mask = _mask(self._spans[n])
            if mask & ~sure:
                sure |= mask
            else:
                again[n] = f"{why}, says again what the story says"
        return again

    def _why_aside(self, n: int, block: Block, place: int) -> str:
        """Why block *n* is furniture of the element *place*; "" if nothing says so."""
        page = self._page
        if self._anchor[n]:
            return ""
        elements = page.elements
        at, why = block.home, ""
        while at not in (place, -1):
            one = elements[at]
            prose = self._prose[one.last] - self._prose[one.first]
            if one.tag == "h1":
                return "headline"
            if one.why and not self._count(at) and prose <= MOST_PROSE:
                why = one.why
            at = one.parent
        return why or _by_its_words(block)

    def _shape(self, n: int, place: int) -> tuple[tuple[str, str], ...]:
        """How block *n* stands in the element *place*: the elements on the way to it."""
        elements = self._page.elements
        at = self._page.blocks[n].home
        path: list[tuple[str, str]] = []
        while at not in (place, -1):
            path.append((elements[at].tag, elements[at].label if path else ""))
            at = elements[at].parent
        return tuple(path)


def _by_its_words(block: Block) -> str:
    """Why *block* is furniture wherever it stands; "" if nothing says so."""
    words, unlinked = block.words, block.unlinked
    if furniture.alone(block.text):
        return "label"
    if words <= _LINK and unlinked < words:
        if unlinked == 0 or (unlinked <= 6 and furniture.points_elsewhere(block.text)):
            return "related"
        if unlinked <= 2 and unlinked < words // 3:
            return "links"
    return ""


def _sums(values: "Iterator[int] | Sequence[int]") -> list[int]:
    """How much comes before each place, and at last how much there is."""
    found = [0]
    for value in values:
        found.append(found[-1] + value)
    return found
