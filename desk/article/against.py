"""Does an article carry the agency's words unedited?

    read the copy | read the page | choose the item | find the story | measure | judge the claims

Pictures, summary and tags are not judged: a page shows its own, and states none of the others.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from desk.article import match, page, wordings
from desk.article.headlines import headline
from desk.article.limits import limited
from ingest import sandbox
from ingest.agencies import tail
from ingest.formats import encoding
from ingest.formats.sniff import sniff
from ingest.item import Hints
from publish.diff import Difference, differences
from stories.config import Wire
from stories.errors import ParseError, UnknownNameError, WirecopyError
from wirecopy import Entry, Refused, read_feed
from wirecopy.feed import OWN
from wirecopy.jose import read_token
from wirecopy.scope import SCOPES, Copy, Measurement, Scope, folded, measure, scope_of, widest
from wirecopy.statement import read_statement
from wirecopy.text import plain, plain_to_html, project

LARGEST = 16 * 1024 * 1024
"""Bytes of a file that is read, of either kind."""
UNEDITED = SCOPES[: SCOPES.index("house-style") + 1]
"""Scopes in which every word of the story is as it was received."""
NOT_JUDGED = ("pictures and other media", "summary", "tags")

_HEAD = 4096
_META = re.compile(rb"<meta[^>]{0,300}?charset\s*=\s*[\"']?\s*([\w.:-]{1,40})", re.IGNORECASE)
_MARKUP = re.compile(r"<(?:!doctype|html|head|body|article|div|h1|p|br|span|a)\b[^<>]*>", re.I)
_LIGATURES = {0xFB00 + n: letters for n, letters in enumerate(("ff", "fi", "fl", "ffi", "ffl"))}
"""Letters that typesetting has joined, as in text copied from a PDF."""
_MOST_BODIES = 10
"""Articles read of a page's structured data; an honest page has one or two."""


@dataclass(frozen=True, slots=True)
class Received:
    """One item of the received copy. ``number`` counts from 1, 0 where the file is the copy.

    ``unread`` is why it could not be read; empty for an item that was.
    """

    number: int
    guid: str
    copy: Copy
    unread: str = ""


@dataclass(frozen=True, slots=True)
class Claim:
    """A printed claim, and whether it agrees with what was measured."""

    printed: wordings.Printed
    standing: wordings.Standing


@dataclass(frozen=True, slots=True)
class Answer:
    """What was found. ``story`` and ``measured`` are None when the story is not in the page.

    ``differences`` are those of the copy that was judged, where the page has several. ``shown`` is
    False for a story in the page's data alone: what a page does not show, it does not print.
    """

    received: Received
    items: int
    page_headline: str
    story: match.Found | None
    measured: Measurement | None
    claims: tuple[Claim, ...]
    differences: tuple[Difference, ...]
    notes: tuple[str, ...]
    shown: bool = True

    @property
    def scope(self) -> Scope:
        """The measured scope; ``unknown`` without a story."""
        return self.measured.scope if self.measured else "unknown"

    @property
    def holds(self) -> bool:
        """Whether the printed claims are true; without a claim, whether the words are unedited."""
        if self.claims:
            return all(claim.standing in ("agrees", "claims-less") for claim in self.claims)
        return self.shown and self.scope in UNEDITED


def check(received: Path, article: Path, item: str | None = None) -> Answer:
    """Compare the page saved as *article* with the agency's copy in the file *received*.

    *item* names one item of a feed by its number, from 1, or by its guid; without it, the one
    whose words fit the page best is taken.

    :raises UnknownNameError: when *item* names none.
    :raises WirecopyError: when a file cannot be read, is not what it should be, or is too much.
    """
    found = items(_bytes(received), str(received))
    text = decoded(_bytes(article), str(article)).translate(_LIGATURES)
    with limited(str(article)):
        shown = page.read(text, seen=True) if _MARKUP.search(text) else page.read_text(text)
        answer = compare(chosen(found, item, shown), shown)
    unread = [one for one in found if one.unread]
    if not unread:
        return answer
    first = f"item {unread[0].number}: {unread[0].unread}"
    said = f"{len(unread)} of the {len(found)} items could not be read: {first}"
    if answer.story is None:
        raise WirecopyError(f"{received}: no verdict: {said}")
    return replace(answer, notes=(*answer.notes, said))


def compare(choice: tuple[Received, int], shown: page.Page) -> Answer:
    """Compare *shown* with the received copy *choice*, one item of so many."""
    received, count = choice
    ours, links = _judged(received.copy.body)
    if not ours:
        why = received.unread or "it holds no text"
        raise WirecopyError(f"no verdict: item {received.number} of the copy: {why}")
    notes = list(shown.remarks)
    found = match.find(ours, shown)
    in_data = False
    if not found:
        notes += _hidden(match.unseen(ours, shown))
        if found := _in_data(ours, shown):
            in_data = True
            notes.append(
                "the story stands only in the page's data (JSON-LD), not in what it shows; if a"
                " script shows it, save the page from a browser"
            )
    first = found[0].first if found else 0
    line = headline(shown, first, received.copy.headline) if found else ""
    if found and not (line and received.copy.headline):
        where = "the received copy" if line else "the page"
        notes.append(f"{where} states no headline, so the headline was not judged")
    before = Copy(received.copy.headline if line else "", links, base=received.copy.base)
    marks = before.headline != plain(line) and folded([before.headline]) == folded([line])
    heading = before.headline if marks or not received.copy.headline else line
    after = [Copy(heading, one.body, base=shown.base or None) for one in found]
    if not after:
        return Answer(received, count, line, None, None, (), (), tuple(notes))
    all_measured = [measure(before, one) for one in after]
    measured = widest(all_measured)
    which = next(n for n, one in enumerate(all_measured) if one is measured)
    if len(found) > 1:
        alike = len({one.published.text for one in all_measured}) == 1
        what = "they are the same" if alike else "they differ, and the more changed one counts"
        notes.append(f"the page holds the story {len(found)} times; {what}")
    judged = measured
    if measured.scope == "house-style":
        rest = tuple(part for part in measured.changed if part != "text")
        judged = replace(measured, scope=scope_of(rest), changed=rest)
    if marks and measured.scope in UNEDITED:
        measured = replace(measured, scope="house-style", edited_headline_only=False)
    changes = differences(before, replace(after[which], headline=line), by_words=True)
    notes += _remarks(changes)
    notes += _visibility(found[which])
    claims = {claim.text: claim for one in found for claim in one.claims}
    apart = {text for one in found for text in one.apart}
    if apart:
        notes.append("a claim stands apart from the story, under other words as well")
    return Answer(
        received=received,
        items=count,
        page_headline=line,
        story=found[which],
        measured=measured,
        claims=tuple(
            Claim(
                claim,
                "unchecked"
                if claim.text in apart
                else wordings.standing(claim.wording, judged.scope, judged.changed),
            )
            for claim in claims.values()
        ),
        differences=changes,
        notes=tuple(notes),
        shown=not in_data,
    )


def items(body: bytes, name: str) -> list[Received]:
    """The copies in *body*: the items of a feed, or the one copy that an HTML or text file is.

    :raises ParseError: for anything else.
    """
    if own := _own(body):
        return own
    wire = Wire(name="received", url="https://received.invalid/")
    try:
        contents = sandbox.read(body, Hints(url=name), wire)
    except ParseError as error:
        if error.state != "not-a-feed" or not (copy := _bare(body, name)):
            raise
        return [Received(0, "", copy)]
    finally:
        sandbox.close()
    found = [
        Received(
            one.position + 1,
            one.version.agency_id,
            Copy(
                headline=one.version.headline,
                body=one.version.body,
                base=one.version.base or one.version.link,
            ),
        )
        for one in contents.found
    ]
    if not found:
        refused = contents.refused[0] if contents.refused else None
        why = f"item {refused.position + 1}: {refused.message}" if refused else "it holds no items"
        raise ParseError("empty", f"{name}: no copy to hold the page against: {why}")
    found += [
        Received(one.position + 1, "", Copy("", ""), unread=one.message) for one in contents.refused
    ]
    return found


def _own(body: bytes) -> list[Received]:
    """The entries of a feed of this program's, without the sentence printed under them."""
    try:
        entries = read_feed(body) if OWN.encode() in body or b'"_wirecopy"' in body else []
    except Refused:
        return []
    found = []
    for n, entry in enumerate(entries, 1):
        if entry.withdrawn is not None:
            continue  # a notice has no copy
        blocks = page.passage(entry.body)
        if blocks and blocks[-1].text == _disclosure(entry):
            blocks.pop()
        found.append(Received(n, entry.guid, Copy(entry.headline, page.to_html(blocks))))
    return found


def _disclosure(entry: Entry) -> str:
    try:
        return plain(read_statement(read_token(entry.statement or "")).disclosure)
    except Refused:
        return ""


def chosen(found: Sequence[Received], item: str | None, shown: page.Page) -> tuple[Received, int]:
    """The item that *item* names (see :func:`check`) or that fits *shown* best, and their number.

    :raises UnknownNameError: when *item* names none.
    """
    if item is None:
        fit = match.Fit(shown)
        best = max(found, key=lambda one: fit.of(project(one.copy.body).paragraphs))
        return best, len(found)
    for one in found:
        if item == one.guid or (item.isascii() and item.isdigit() and int(item) == one.number):
            return one, len(found)
    raise UnknownNameError(
        f"item {item}: there is none; they are numbered 1 to {len(found)},"
        f" and the first has the guid {found[0].guid or '(none)'}"
    )


def decoded(body: bytes, name: str) -> str:
    """A saved page as text: by its byte order mark, else as declared if the bytes can be that.

    :raises WirecopyError: when *body* is no text.
    """
    mark = _META.search(body[:_HEAD])
    label = mark[1].decode("ascii", "replace") if mark else ""
    text = encoding.decide(body, f"text/html; charset={label}" if label else "").decode(body)
    if text[:_HEAD].count("\0") > 8:
        raise WirecopyError(f"{name}: this is no web page; save the article's page as HTML")
    return text.removeprefix("\ufeff")


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            body = file.read(LARGEST + 1)
    except OSError as error:
        raise WirecopyError(f"{path}: cannot be read: {error.strerror}; mend the path") from error
    if len(body) > LARGEST:
        raise WirecopyError(f"{path}: has more than {LARGEST} bytes; no article is so large")
    return body


def _bare(body: bytes, name: str) -> Copy | None:
    """The copy that *body* is if it is HTML or plain text; None if it is neither."""
    seen = sniff(body)
    text = decoded(body, name)
    if seen.root == "html" or re.search(r"<(?:p|br|div|h1)\b", text[:_HEAD], re.IGNORECASE):
        shown = page.read(text)
        heads = {n for n, e in enumerate(shown.elements) if e.tag == "h1"}
        tops = [block.text for block in shown.blocks if block.home in heads]
        rest = [block for block in shown.blocks if block.home not in heads]
        line = tops[0] if tops else shown.title
        return Copy(headline=line, body=page.to_html(rest), base=shown.base or None)
    if seen.root or not str(seen).startswith("text "):
        return None
    line, paragraphs = page.paragraphs_of(text)
    return Copy(headline=line, body=plain_to_html("\n\n".join(paragraphs)))


def _judged(body: str) -> tuple[tuple[str, ...], str]:
    """The paragraphs of a received body, and its words and links alone as HTML."""
    blocks = page.passage(body)
    return tuple(block.text for block in blocks), page.to_html(blocks)


def _in_data(received: Sequence[str], shown: page.Page) -> tuple[match.Found, ...]:
    """The story in the page's structured data (schema.org ``articleBody``)."""
    bodies = [b for one in shown.data if isinstance(b := one.get("articleBody"), str)]
    for said in bodies[:_MOST_BODIES]:
        body = said if "<p" in said.lower() or "<br" in said.lower() else plain_to_html(said)
        if found := match.find(received, page.read(f"<div>{body}</div>")):
            return found
    return ()


def _visibility(story: match.Found) -> Iterator[str]:
    """Notes about what is not seen, or seen otherwise than it says."""
    yield from _hidden(story.unseen)
    if story.behind:
        yield (
            f"{_paragraphs(story.behind)} at the end of the story wait behind “Read more” and count"
            " as printed: open the page and try whether a click brings them"
        )
    for doubt, count in story.doubts:
        yield f"{_paragraphs(count)} of the story: {doubt}; open the page and look"
    if story.unseen_claims:
        yield "a claim stands where no reader sees it; it is not printed, and does not count"
    if story.in_excess:
        yield (
            f"more stands between the paragraphs than may be set aside; {story.in_excess} of the"
            " blocks count as added"
        )
    hidden = sum(one.prose and one.why.startswith("not shown") for one in story.aside)
    if prose := sum(one.prose for one in story.aside) - hidden:
        yield f"{prose} of the blocks set aside hold sentences; read them and judge"
    if hidden:
        yield (
            f"{hidden} hidden blocks between the paragraphs hold sentences that the agency did"
            " not send; a script may show them"
        )


def _hidden(found: Sequence[tuple[str, str]]) -> Iterator[str]:
    for why, count in Counter(why for _, why in found).items():
        yield (
            f"not printed: {_paragraphs(count)} of the copy, in the page but where no reader sees"
            f" what is there ({why})"
        )


def _paragraphs(count: int) -> str:
    return f"{count} paragraph{'s' * (count != 1)}"


def _remarks(found: Sequence[Difference]) -> list[str]:
    """Notes about the differences."""
    words = [one for one in found if one.part == "text"]
    if words and all(
        one.kind == "removed" and len(one.received.split()) <= 8 and tail(one.received)
        for one in words
    ):
        return ["of the words, only the agency's signature at the end is missing"]
    return []
