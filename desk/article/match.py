"""Finds a story in a page by the words of the copy received.

Blocks of the page that say what the copy says are anchors; the smallest element that contains them
contains the story. Within it, what is not the agency's is either boilerplate, set aside with the
reason, or an editor's addition. The agency's words are set aside only where the story has them a
second time, so a changed word always shows, as changed or as missing. What may be set aside is
bounded, box by box (:data:`MOST_PROSE`) and in all (:data:`MOST_OWN`, :data:`MOST_LINKED`).

What no reader sees is not printed: hidden paragraphs of the copy are missing. One case is open.
Where the rest of a story waits behind "Read more", the page does not show whether the click works.
It counts as printed, with a note: to call many honest pages shortened would be the worse mistake,
since every reader meets a dead button. So it has to be the end of the story, in one piece, beside
words that offer to open it; anything else that is hidden is not printed.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from desk.article import boilerplate, wordings
from desk.article.page import Block, Page, cut, to_html
from stories.errors import WirecopyError
from wirecopy.scope import RUN, folded

MOST_WORDS = 60_000
"""Words of a received copy that is looked for; the longest agency stories have some 5,000."""
MOST_PROSE = 60
"""Words of prose in a box that may be set aside: outside links, in paragraphs of some length."""
TALKATIVE = frozenset(
    (
        *("aside", "caption", "comments", "dialog", "embed", "footer", "form", "newsletter"),
        *("notice", "summary"),
    )
)
"""The kinds of boxes that may contain prose and be set aside. Those of adverts and pointers contain
labels and links: sentences in them are the page's own."""
MOST_OWN, OWN_SHARE, LEAST_OWN = 120, 0.25, 60
"""Words outside links that may be set aside within a story: at most so many, and at most this part
of the copy's words, but so many always. The rest counts as added."""
MOST_LINKED, LINKED_SHARE, LEAST_LINKED = 300, 1.0, 100
"""The same for words of links."""
MOST_BETWEEN = 120
"""Words of other prose that may stand between a story and a claim about it."""
_AGAIN = 0.3
"""The part of the fullest copy's words that another element must have to be the story again."""
_PROSE = 15
_LINK = 30
"""Words of a link that is a block by itself and no paragraph of a story."""
_PRICE = 0.2
"""What a foreign word in an element costs, in words of the copy that the element would add."""
_PATIENCE = 2_000_000
"""Blocks looked at while narrowing down; where it takes more, a larger element is the story."""
_BEFORE, _AFTER = 15, 60
"""Blocks before and after the story in which a printed claim is looked for."""
_ENOUGH, _SHARE = 12, 0.08
"""Words of the received copy, and the part of it, that an element must have to be the story."""

_MOST_TELLINGS = 50
_ATTEMPTS = 2
"""How often hidden parts that are not the rest of a story are left out, before all of them are."""
_BESIDE = 3
"""Blocks on either side of a hidden part among which one may offer to open it."""
_REPEATS = 4
"""Places in the copy that are remembered of words that occur again and again."""

_NEVER_ALONE = frozenset(("p", "h1", "h2", "h3", "h4", "h5", "h6", "li", "blockquote", "dd", "dt"))
_WRAPPERS = frozenset({"div", "section", "td"})
_HEADS = frozenset({"h1", "h2"})


@dataclass(frozen=True, slots=True)
class Aside:
    """Text in the story's element that was not counted, and why.

    ``prose`` is True for a sentence or more, outside links, that the story does not have.
    """

    why: str
    text: str
    prose: bool


@dataclass(frozen=True, slots=True)
class Found:
    """A story in a page.

    ``body`` is HTML of its paragraphs and links, without claims; ``first`` is the number of its
    first block; ``place`` names its element; ``held`` is the share of the received copy's words
    that it has.

    ``apart`` are claims with other words between them and the story. ``unseen`` are paragraphs of
    the copy that are missing here and hidden elsewhere in the page, each with the reason;
    ``unseen_claims`` is the number of hidden claims. ``behind`` is how many paragraphs wait for a
    click, ``doubts`` why others may read otherwise than they say, and how many; ``in_excess`` is
    how many blocks were too much to be set aside.
    """

    body: str
    paragraphs: int
    first: int
    place: str
    held: float
    claims: tuple[wordings.Printed, ...]
    aside: tuple[Aside, ...]
    apart: tuple[str, ...] = ()
    unseen: tuple[tuple[str, str], ...] = ()
    unseen_claims: int = 0
    behind: int = 0
    doubts: tuple[tuple[str, int], ...] = ()
    in_excess: int = 0


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
    folds = _folds(page)
    for left in range(_ATTEMPTS, -1, -1):
        search = _Search(received, page, folds)
        places = search.places()
        shut = {fold for place in places for fold in search.shut(place)}
        if not shut:
            break
        folds = [fold for fold in folds if fold not in shut] if left > 1 else []
    return tuple(search.cut_out(place) for place in places)


def unseen(received: Sequence[str], page: Page) -> tuple[tuple[str, str], ...]:
    """Paragraphs of the copy that are hidden in *page*, each with the reason."""
    return _Search(received, page, ()).unseen(0)


class Fit:
    """How well copies fit a page, which is read once for all of them."""

    def __init__(self, page: Page) -> None:
        self._runs: set[tuple[str, ...]] = set()
        self._whole: set[str] = set()
        for block in page.blocks:
            said = folded([block.text])
            self._whole.add(" ".join(said))
            self._runs.update(tuple(said[i : i + RUN]) for i in range(len(said) - RUN + 1))

    def of(self, received: Sequence[str]) -> tuple[int, float]:
        """How many words of the paragraphs *received* are in the page, and which share that is."""
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
    """Where in the received copy, counted in words, the words of a block are."""

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


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text))


def _mask(spans: _Spans) -> int:
    mask = 0
    for start, end in spans:
        mask |= ((1 << (end - start)) - 1) << start
    return mask


class _Search:
    """One page against one received copy."""

    def __init__(
        self, received: Sequence[str], page: Page, folds: Sequence[tuple[int, int]]
    ) -> None:
        """*folds* are the stretches of hidden blocks that count as seen."""
        self._page = page
        anchors = _Anchors(received)
        self._length = anchors.length
        self._said = " ".join(folded(received))
        self._spans: list[_Spans] = []
        self._anchor: list[bool] = []
        self._hidden: dict[int, _Spans] = {}
        self._folded = {n for fold in folds for n in range(*fold)}
        self._folds = folds
        for number, block in enumerate(page.blocks):
            spans = anchors.spans(block.text)
            known = anchors.known[block.text]
            whole = known == len(folded([block.text]))
            # A headline is not in the story, though it often says words of its first paragraph.
            partly = known >= max(RUN, 0.3 * block.words) and (
                page.elements[block.home].tag != "h1"
            )
            anchor = bool(spans) and (whole or partly)
            if anchor and block.unseen and number not in self._folded:
                self._hidden[number] = spans
                anchor = False
            self._anchor.append(anchor)
            self._spans.append(spans if anchor else ())
        self._extend(_letters(" ".join(received)))
        # Up to each block: anchors, foreign words that are no boilerplate, words of prose.
        self._anchors = _sums(self._anchor)
        self._inside: list[list[int]] = [[] for _ in page.elements]
        for number, element in enumerate(page.elements):
            if element.parent >= 0:
                self._inside[element.parent].append(number)
        suspect = [False] * len(page.elements)
        for number, element in enumerate(page.elements):
            suspect[number] = bool(element.why) or (element.parent >= 0 and suspect[element.parent])
        unlinked = [
            0 if block.unseen and n not in self._folded else block.unlinked
            for n, block in enumerate(page.blocks)
        ]
        self._foreign = _sums(
            0 if anchor or suspect[block.home] else words
            for block, anchor, words in zip(page.blocks, self._anchor, unlinked, strict=True)
        )
        self._prose = _sums(
            0 if anchor or words < _PROSE else words
            for anchor, words in zip(self._anchor, unlinked, strict=True)
        )
        self._others = _sums(
            0 if anchor or suspect[block.home] or words < _PROSE else words
            for block, anchor, words in zip(page.blocks, self._anchor, unlinked, strict=True)
        )
        self._said_words = _sums(
            block.words if anchor else 0
            for block, anchor in zip(page.blocks, self._anchor, strict=True)
        )
        self._looked = 0

    def _extend(self, said: str) -> None:
        """Make anchors of pieces too short for it that go on letter by letter from one: what a page
        has split off a paragraph, such as the dateline."""
        blocks = self._page.blocks
        for step, first in ((1, 1), (-1, len(blocks) - 2)):
            for n in range(first, len(blocks) if step > 0 else -1, step):
                text = blocks[n].text
                if self._anchor[n] or not self._anchor[n - step] or blocks[n].unseen:
                    continue
                two = (blocks[n - step].text, text)[::step]
                self._anchor[n] = bool(_letters(text)) and _letters(" ".join(two)) in said

    # Where the story is

    def places(self) -> list[int]:
        """The numbers of the elements that are the story, the fullest first."""
        if not self._count(0):
            return []
        found: list[tuple[int, int]] = []
        waiting = [0]
        while waiting and len(found) < _MOST_TELLINGS:
            place = waiting.pop()
            place, others = self._narrow(place)
            waiting += others
            found.append((self._covered(place).bit_count(), self._widened(place)))
        enough = max(1, min(_ENOUGH, self._length // 2), _SHARE * self._length)
        best = max(size for size, _ in found)
        sizes = {place: size for size, place in found if size >= enough}
        order = sorted(sizes, key=lambda place: (-sizes[place], place))
        return [place for place in order if sizes[place] >= 0.8 * best]

    def unseen(self, covered: int) -> tuple[tuple[str, str], ...]:
        """Hidden paragraphs that say what the words of the copy in *covered* do not."""
        blocks = self._page.blocks
        return tuple(
            (blocks[n].text, blocks[n].unseen)
            for n, spans in self._hidden.items()
            if _mask(spans) & ~covered
        )

    def _narrow(self, place: int) -> tuple[int, list[int]]:
        """The smallest element in *place* that is the story, and those that are it again."""
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
                if n != best and (covered[n] & covered[best]).bit_count() >= _AGAIN * most
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
        """The story in the element *place*."""
        page = self._page
        box = page.elements[place]
        repeated = self._repeated(box.first, box.last)
        at = [n for n in range(box.first, box.last) if self._anchor[n] and n not in repeated]
        first, last = at[0], at[-1]
        shapes = {self._shape(n, place) for n in at}
        claims: dict[int, wordings.Printed] = {}
        unseen_claims = 0
        judged: list[_Judged] = []
        for n in self._near(box.first, box.last, first, last):
            block: Block | None = page.blocks[n]
            assert block is not None
            is_dark = bool(block.unseen and n not in self._folded)
            claim = self._claim(block)
            if claim is not None and is_dark:
                unseen_claims += 1
            elif claim is not None:
                if claim.text not in [known.text for known in claims.values()]:
                    claims[n] = claim
                block = block if claim.within else cut(block, claim.start, claim.end)
            if block is None or not box.first <= n < box.last:
                continue
            if is_dark:
                if first < n < last and n not in self._hidden:
                    judged.append(_Judged(n, block, f"not shown ({block.unseen})"))
                continue
            why = repeated.get(n) or self._why_aside(n, block, place)
            if page.is_text and not why and block.words <= _LINK:  # a text has no links
                why = "related" if boilerplate.points_elsewhere(block.text, strictly=True) else ""
            if not why and not first <= n <= last and self._shape(n, place) not in shapes:
                why = "before the story" if n < first else "after the story"
            if not why and not first <= n <= last and boilerplate.puts_up(block.text):
                why = "byline"
            if not why and n < first and page.is_text:
                why = "above the story"
            judged.append(_Judged(n, block, "" if self._anchor[n] and n not in repeated else why))
        claimed = max(claims, default=-1)
        judged = [
            # What is between the story and its claim is part of what the claim is about.
            one._replace(why="")
            if one.why == "after the story"
            and last < one.number < claimed
            and one.block.unlinked >= _PROSE
            else one
            for one in judged
        ]
        excess = self._excess(judged, first, last, claimed, repeated)
        kept = [one for one in judged if not one.why or one.number in excess]
        covered = 0
        for one in kept:
            covered |= _mask(self._spans[one.number])
        doubts = Counter(one.block.doubt for one in kept if one.block.doubt)
        return Found(
            body=to_html([one.block for one in kept]),
            paragraphs=len(kept),
            first=first,
            place=f"<{box.tag}{f' class={box.label!r}' if box.label else ''}>",
            held=covered.bit_count() / max(1, self._length),
            claims=tuple(claims.values()),
            aside=tuple(
                Aside(
                    one.why,
                    one.block.text,
                    one.number not in repeated and one.block.unlinked >= _PROSE,
                )
                for one in judged
                if one.why and one.number not in excess
            ),
            apart=tuple(
                claim.text
                for n, claim in claims.items()
                if self._others[max(n, first)] - self._others[min(n, last) + (n > last)]
                > MOST_BETWEEN
            ),
            unseen=self.unseen(covered),
            unseen_claims=unseen_claims,
            behind=sum(one.number in self._folded for one in kept),
            doubts=tuple(doubts.items()),
            in_excess=len(excess),
        )

    def shut(self, place: int) -> set[tuple[int, int]]:
        """What a click would open in *place* that is not the rest of the story there."""
        box = self._page.elements[place]
        repeated = self._repeated(box.first, box.last)
        at = [n for n in range(box.first, box.last) if self._anchor[n] and n not in repeated]
        seen = [n for n in at if n not in self._folded]
        return {
            (first, last)
            for first, last in self._folds
            if box.first < last
            and first < box.last
            and (not seen or seen[0] > first or seen[-1] >= last)
        }

    def _excess(
        self,
        judged: "Sequence[_Judged]",
        first: int,
        last: int,
        claim: int,
        repeated: dict[int, str],
    ) -> set[int]:
        """The blocks that are too much to be set aside, the longest first.

        Within the story, which goes on to its claim, every word counts but for labels; before it,
        and after it if the claim stands above, prose does.
        """
        page = self._page
        top = max((n for n in range(first) if self._is_top(n)), default=-1)
        within: list[_Judged] = []
        about: list[_Judged] = []
        for one in judged:
            n = one.number
            is_dark = page.blocks[n].unseen and n not in self._folded
            if not one.why or n in repeated or one.why == "label" or is_dark:
                continue
            if first < n < max(last, claim):
                within.append(one)
            elif one.block.unlinked >= _PROSE and (
                top < n < first or (0 <= claim < first and one.why == "after the story")
            ):
                about.append(one)
        own = max(LEAST_OWN, min(MOST_OWN, int(OWN_SHARE * self._length)))
        linked = max(LEAST_LINKED, min(MOST_LINKED, int(LINKED_SHARE * self._length)))
        return {
            *_too_much(within, own, lambda block: block.unlinked),
            *_too_much(within, linked, lambda block: block.words - block.unlinked),
            *_too_much(about, own, lambda block: block.unlinked),
        }

    def _is_top(self, n: int) -> bool:
        return self._page.elements[self._page.blocks[n].home].tag == "h1"

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
        """Why block *n* is boilerplate of the element *place*; "" if nothing says so."""
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
            most = MOST_PROSE if one.why in TALKATIVE else 0
            if one.why and not self._count(at) and prose <= most:
                why = one.why
            at = one.parent
        return why or _by_its_words(block)

    def _shape(self, n: int, place: int) -> tuple[tuple[str, str], ...]:
        """The elements between the element *place* and block *n*."""
        elements = self._page.elements
        at = self._page.blocks[n].home
        path: list[tuple[str, str]] = []
        while at not in (place, -1):
            path.append((elements[at].tag, elements[at].label if path else ""))
            at = elements[at].parent
        return tuple(path)


class _Judged(NamedTuple):
    """A block of the story's element, and why it is not counted, if it is not."""

    number: int
    block: Block
    why: str


def _too_much(some: Sequence[_Judged], room: int, words: Callable[[Block], int]) -> Iterator[int]:
    """The numbers of those of *some* that have to go for the others to fit into *room* words."""
    left = sum(words(one.block) for one in some)
    for one in sorted(some, key=lambda one: (-words(one.block), one.number)):
        if left <= room:
            return
        left -= words(one.block)
        yield one.number


def _folds(page: Page) -> list[tuple[int, int]]:
    """Stretches of hidden blocks that a click would open: beside each is a "Read more"."""
    found: list[tuple[int, int]] = []
    blocks = page.blocks
    n = 0
    while n < len(blocks):
        start, veil = n, blocks[n].veil
        n += 1
        if not blocks[start].opens:
            continue
        while n < len(blocks) and blocks[n].veil == veil:
            n += 1
        beside = (*blocks[max(0, start - _BESIDE) : start], *blocks[n : n + _BESIDE])
        if any(boilerplate.opens(one.text) for one in beside if not one.unseen):
            found.append((start, n))
    return found


def _by_its_words(block: Block) -> str:
    """Why *block* is boilerplate by its words alone; "" if nothing says so."""
    words, unlinked = block.words, block.unlinked
    if boilerplate.alone(block.text) or boilerplate.opens(block.text):
        return "label"
    if boilerplate.house_line(block.text):
        return "notice"
    if words <= _LINK and unlinked < words:
        if unlinked == 0 or (unlinked <= 6 and boilerplate.points_elsewhere(block.text)):
            return "related"
        if unlinked <= 2 and unlinked < words // 3:
            return "links"
    return ""


def _sums(values: "Iterator[int] | Sequence[int]") -> list[int]:
    """The sum of what comes before each place, and at last of all."""
    found = [0]
    for value in values:
        found.append(found[-1] + value)
    return found
