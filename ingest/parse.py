"""The items of a capture, from its bytes alone: ``sniff | parse | normalize | compare | digest``.

All that touches hostile text is behind :func:`parse`, so that it can run in another process
(:mod:`ingest.sandbox`); its result is plain values that JSON holds. What depends on earlier
captures, such as which key identifies an item, is decided afterwards (:mod:`ingest.decide`).
"""

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from ingest import formats, integrity
from ingest.custody import BROKEN, UNSIGNED, Signatures, signatures
from ingest.decide import keys_of, with_words
from ingest.formats import Format
from ingest.formats.html import letters_by_hand
from ingest.integrity import Fault, Reread, letters
from ingest.item import (
    TOGETHER,
    AgencyStatement,
    Candidate,
    Channel,
    Contents,
    Hints,
    Item,
    ItemKeys,
    Parsed,
    Reading,
    Refusal,
    summed_up,
)
from ingest.normalize import content_digest, normalize, project_body, unread_dates
from ingest.packed import ITEM, PACKED, TEXT, Document, unpacked
from net.places import legible
from stories.config import Wire
from stories.errors import ParseError
from stories.models import Version, received_copy
from wirecopy.encoding import digest, well_formed
from wirecopy.scope import Digests, parts
from wirecopy.text import RULE, Projection, plain

LONGEST_MESSAGE = 2_000
"""Characters of an error that are kept; it may quote what the wire sent."""

MOST_SWALLOWED = 30
"""Letters, some five words, that may be missing: of a title, of what a frame falls back to."""


_SIGN = (
    "look at its bytes in the capture, and ask the agency; once its new keys are believed,"
    " `wirecopy replay --quarantined` takes it in"
)

Read = TypeVar("Read")

Reader = Callable[[bytes, Hints, Wire], Contents]
""":func:`parse` in this process, or :func:`ingest.sandbox.read`.

Raises ParseError when the bytes are no feed, or cannot be read within bounds."""


def parse(body: bytes, hints: Hints, wire: Wire) -> Contents:
    """The contents of *body*, a capture of *wire*, read in this process and without bounds; of what
    is packed in it, where it is (:mod:`ingest.packed`).

    An item that fails is refused by itself; so is one that lost or gained text on the way, unless
    *wire* says ``conserve = "unknown"``. Of *wire* its name, agency, code, timezone, language and
    ``conserve`` matter.

    :raises ParseError: when *body* is no feed that a format takes; ``unreadable`` when a parser
        failed in a way nobody foresaw.
    """
    if wire.charset:
        hints = replace(hints, charset=wire.charset)
    if not body.startswith(PACKED):
        return _document(body, hints, wire)
    try:
        documents = unpacked(body, wire.max_bytes)
    except ParseError as error:
        raise ParseError(error.state, f"{hints.url}: {error}") from error
    # Where items are in what is packed says nothing of where they are in the capture.
    hints = replace(hints, standing=(), context="", before=0, offset=0, frame=None)
    text = None
    if [each.name for each in documents] == [ITEM, TEXT]:
        text = documents.pop().body
    return _joined(documents, hints, wire, text)


def _joined(
    documents: Sequence[Document], hints: Hints, wire: Wire, text: bytes | None
) -> Contents:
    """The contents of several *documents* of one capture, or of one that leads to its *text*. Those
    that no format takes are passed over, if they are not all; one that is broken does not hold up
    the others."""
    found: list[Candidate] = []
    refused: list[Refusal] = []
    read: list[Contents] = []
    notes: list[str] = []
    passed_over: list[tuple[Document, ParseError]] = []
    count = 0
    for document in documents:
        try:
            contents = _document(document.body, hints, wire, text)
        except ParseError as error:
            if len(documents) == 1:
                raise
            if error.state in ("not-a-feed", "empty"):
                passed_over.append((document, error))
                continue
            told = storable(f"{legible(document.name)}: {error}")[:LONGEST_MESSAGE]
            refused.append(Refusal(position=count, state=error.state, message=told))
            count += 1
            continue
        read.append(contents)
        nowhere = {"start": -1, "end": -1}
        found += (
            each.model_copy(update={"position": each.position + count, **nowhere})
            for each in contents.found
        )
        refused += (
            each.model_copy(update={"position": each.position + count}) for each in contents.refused
        )
        name = f"{legible(document.name)}: " if document.name else ""
        notes += (storable(f"{name}{note}")[:LONGEST_MESSAGE] for note in contents.notes)
        count += contents.items
    if not count and not read:
        if not passed_over:
            raise ParseError("empty", f"{hints.url}: this archive is empty; ask the agency")
        raise passed_over[0][1]
    if passed_over:
        names = ", ".join(legible(document.name) for document, _ in passed_over[:3])
        notes.append(storable(f"{len(passed_over)} files passed over, as no format: {names}"))
    return Contents(
        format=read[0].format if read else "",
        channel=read[0].channel if read else Channel(),
        notes=tuple(notes),
        items=count,
        unread=sum(each.unread for each in read),
        whole=all(each.whole for each in read),
        found=tuple(found),
        refused=tuple(refused),
    )


def _document(body: bytes, hints: Hints, wire: Wire, text: bytes | None = None) -> Contents:
    """The contents of *body*, which is one document, or an item that leads to its *text*."""
    try:
        format = formats.choose(body, hints)
        if text is not None:
            format = formats.with_text(format, text, hints)
        parsed = format.parse(body, hints)
    except (ParseError, MemoryError):
        raise
    except Exception as error:  # no parser foresees everything; the capture is kept
        message = f"{hints.url}: {type(error).__name__}: {error}; report this capture"
        raise ParseError("unreadable", storable(message)) from error
    reader = _Reader(
        body,
        hints,
        wire,
        parsed,
        _reread(format, body, hints) if parsed.items else None,
        signatures(body, parsed, hints) if hints.key_sets else None,
    )
    read: list[Candidate | Refusal] = []
    for at in range(0, len(parsed.items), TOGETHER):
        read += _together([reader.read(item) for item in parsed.items[at : at + TOGETHER]])
    channel = _stored(parsed.channel)
    return Contents(
        format=storable(parsed.format),
        channel=channel,
        notes=tuple(
            storable(n)[:LONGEST_MESSAGE]
            for n in (
                *parsed.notes,
                *_unread(reader.undated),
                *_doubted(reader.doubts),
                *summed_up((at, f"taken in unsigned: {why}") for at, why in reader.broken.items()),
            )
        ),
        items=len(parsed.items) + len(parsed.standing),
        unread=parsed.unread,
        whole=parsed.whole,
        found=tuple(each for each in read if isinstance(each, Candidate)),
        refused=tuple(each for each in read if isinstance(each, Refusal)),
        context=parsed.context,
        standing=parsed.standing,
        outline=parsed.outline,
        tag=parsed.tag if channel == parsed.channel else "",
    )


def _together(works: Sequence[Generator[None, None, Read]]) -> list[Read]:
    """What each of *works* returns, all of them carried on by one stage before any by the next: so
    the code of a stage is at hand in the processor."""
    found: dict[int, Read] = {}
    going = dict(enumerate(works))
    while going:
        for at, work in [*going.items()]:
            try:
                next(work)
            except StopIteration as done:
                found[at] = done.value
                del going[at]
    return [found[at] for at in range(len(works))]


class _Reader:
    """Reads the items of one document, and keeps what is to be noted of them: by position their
    ``doubts``, dates nobody can read, ``undated``, and statements that are ``broken``."""

    def __init__(
        self,
        body: bytes,
        hints: Hints,
        wire: Wire,
        parsed: Parsed,
        reread: Reread | None,
        verify: Signatures | None,
    ) -> None:
        self.doubts: dict[int, Fault] = {}
        self.undated: dict[str, dict[int, str]] = {}
        self.broken: dict[int, str] = {}
        self._body = body
        self._hints = hints
        self._wire = wire
        self._channel = parsed.channel
        self._exact = _ids_are_exact(parsed.format)
        self._reread = reread
        self._verify = verify

    def read(self, item: Item) -> Generator[None, None, Candidate | Refusal]:
        """*item*, normalised, compared and digested; it yields between these stages."""
        hints, wire, reread = self._hints, self._wire, self._reread
        keys: ItemKeys | None = None
        raw = self._body[item.start : item.end] if 0 <= item.start < item.end else None
        reading: Reading | None = None
        try:
            keys = keys_of(item, hints.rule, exact=self._exact)
            yield
            projected = project_body(item)
            keys = with_words(keys, item, projected, hints.rule)
            yield
            version = normalize(item, self._channel, wire, projected, hints.rule)
            without = unread_dates(item, version, wire) if hints.rule >= 2 else {}
            for name, said in without.items():
                self.undated.setdefault(name, {})[item.position] = said
            yield
            fault = _fault(reread, raw, version) or _doubt(item, version, projected, hints)
            if fault is not None:
                if fault.withholds and not _is_accepted(raw, hints, wire):
                    reading = _reading(reread, raw, version, projected)
                    raise ParseError(fault.state, fault.message)
                self.doubts[item.position] = fault
            yield
            made = parts(
                received_copy(version),
                body=projected,
                rule=None if hints.rule >= 2 else RULE,
            )
            received = made.digests() if fault is None else None
            custody, received, why = _signed(
                self._verify, item, raw, (version, projected), received, wire
            )
            if why:
                self.broken[item.position] = why
            independent = item.independent and not without and not why
            return Candidate(
                position=item.position,
                start=item.start + hints.offset if item.start >= 0 else item.start,
                end=item.end + hints.offset if item.end >= 0 else item.end,
                keys=keys,
                version=version,
                received=received,
                signed=made.signed,
                raw_digest=digest(raw) if raw is not None else None,
                content_digest=content_digest(version, projected, hints.rule),
                independent=independent,
                custody=custody,
            )
        except ParseError as error:
            return _refusal(item, keys, error.state, str(error), raw, reading)
        except Exception as error:  # an item nobody foresaw must not hold up its neighbours
            message = f"{type(error).__name__}: {error}; report this capture"
            return _refusal(item, keys, "item-unreadable", message, raw)


def _signed(
    verify: Signatures | None,
    item: Item,
    raw: bytes | None,
    read: tuple[Version, Projection],
    received: Digests | None,
    wire: Wire,
) -> tuple[AgencyStatement | None, Digests | None, str]:
    """The agency's statement of *item*, None where there is none that is good, the digests of the
    copy received, and why a statement is not good.

    :raises ParseError: where there has to be one.
    """
    if verify is None:
        return None, received, ""
    try:
        if raw is None or received is None:
            raise ParseError(UNSIGNED, "nothing can be claimed of its words")
        return *verify(item, raw, *read), ""
    except ParseError as error:
        if wire.must_sign:
            message = f"must be signed, but {error}; {_SIGN}"
            raise ParseError(error.state, message) from None
        return None, received, str(error) if error.state == BROKEN else ""


_EXACT = ("atom", "feed", "entry", "json", "ninjs", "ap-media", "news", "nitf", "iptc", "anpa")


def _ids_are_exact(format: str) -> bool:
    """Whether ids are compared letter by letter (RFC 4287 §4.2.6.1), also those that are addresses;
    an RSS guid that is one is its page's."""
    return format.startswith(_EXACT)


def _reread(format: Format, body: bytes, hints: Hints) -> Reread | None:
    try:
        return format.reread(body, hints)
    except Exception:  # a fault of the second reading must not hold up the first
        return None


def _fault(reread: Reread | None, raw: bytes | None, version: Version) -> Fault | None:
    # With nothing to compare, no text was seen to be lost, so the item needs no quarantine; but
    # nothing can be claimed of it either.
    if reread is None or raw is None:
        return Fault("text-unchecked", "where its own bytes stand is not known")
    return integrity.check(reread, raw, version)


def _doubt(item: Item, version: Version, projected: Projection, hints: Hints) -> Fault | None:
    """Why nothing can be claimed of *item*, although both readings of it agree."""
    if item.doubt:
        return Fault("text-unchecked", item.doubt)
    counted = _swallowed(item, version, "\n".join(projected.paragraphs))
    missing = next((count for count, most in counted if count > most), 0)
    if not missing:
        return None
    message = f"its HTML swallows words: {missing} letters more stand in its bytes than come out"
    return Fault("text-unchecked", message)


def _swallowed(item: Item, version: Version, text: str) -> Iterator[tuple[int, int]]:
    """Of body, headline and summary: how many letters more stand in the bytes than come out, and
    how many may. *text* is the body's."""
    yield _missing(version.body, text), MOST_SWALLOWED
    if item.headline_html:
        yield _missing(item.headline, version.headline), 0
    if item.summary_html and version.summary:
        yield _missing(item.summary, version.summary), MOST_SWALLOWED


def _missing(html: str, text: str) -> int:
    if "<" not in html:  # only tags swallow words
        return 0
    return letters_by_hand(html) - letters(text, addresses=True)


def _unread(undated: dict[str, dict[int, str]]) -> Iterator[str]:
    """One note for the dates of each kind that items state and nobody can read."""
    for name, texts in undated.items():
        text = next(iter(texts.values()))[:60]
        kind = (
            f"states as “{name}” what cannot be read as a date, or in two ways: “{text}”; it counts"
            " as not stated: ask the agency for dates as RFC 3339 or RFC 5322 write them"
        )
        yield from summed_up((position, kind) for position in texts)


def _doubted(doubts: dict[int, Fault]) -> Iterator[str]:
    """One note for each kind of fault of items that are published without a claim."""
    for state in dict.fromkeys(fault.state for fault in doubts.values()):
        at = [position for position, fault in doubts.items() if fault.state == state]
        kind = f"published without a claim, {state}: {doubts[at[0]].message}"
        yield from summed_up((position, kind) for position in at)


def _is_accepted(raw: bytes | None, hints: Hints, wire: Wire) -> bool:
    """Whether an item that lost text is published all the same, without a claim."""
    return wire.conserve == "unknown" or (raw is not None and digest(raw) in hints.accepted)


MOST_SHOWN = 20_000
"""Characters of a text of an item in quarantine that are shown to people."""


def _reading(
    reread: Reread | None, raw: bytes | None, version: Version, projected: Projection
) -> Reading | None:
    """Both readings of an item, of which the second found a fault; None where there are none."""
    if reread is None or raw is None:
        return None
    left, shown = MOST_SHOWN, list[tuple[str, str]]()
    try:
        for passage in reread(raw):
            text = storable(next(iter(passage.readings()), ""))[:left]
            left -= len(text)
            if text.strip():
                shown.append((storable(passage.name)[:100], text))
    except Exception:  # what is built to burst a parser; the item is refused in any case
        return None
    body = storable("\n".join(projected.paragraphs))[:MOST_SHOWN]
    return Reading(
        headline=storable(version.headline)[:MOST_SHOWN],
        summary=storable(plain(version.summary or ""))[:MOST_SHOWN],
        paragraphs=tuple(body.split("\n")) if body else (),
        language=version.language,
        passages=tuple(shown),
        raw=storable(raw[:MOST_SHOWN].decode("utf-8", "replace")),
    )


def _refusal(
    item: Item,
    keys: ItemKeys | None,
    state: str,
    message: str,
    raw: bytes | None,
    reading: Reading | None = None,
) -> Refusal:
    stored = storable(message)[:LONGEST_MESSAGE]
    return Refusal(
        position=item.position,
        state=state,
        message=stored,
        keys=keys,
        digest=digest(raw) if raw is not None else None,
        reading=reading,
    )


def _stored(channel: Channel) -> Channel:
    texts: dict[str, Any] = {
        name: storable(value) if isinstance(value, str) else tuple(map(storable, value))
        for name in Channel.__slots__
        for value in [getattr(channel, name)]
    }
    return Channel(**texts)


def storable(text: str) -> str:
    """*text* as both databases can hold it: no lone surrogate, no U+0000."""
    return well_formed(text).replace("\0", "\ufffd")
