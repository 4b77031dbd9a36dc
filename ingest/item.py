"""The values between the steps of intake: items as a format found them, then as normalised.

A format is one pure function ``parse(body, hints) -> Parsed`` listed in ``ingest/formats``;
``ingest/parse.py`` makes :class:`Contents` of what it hands out, and ``ingest/decide.py`` decides
over these.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from stories.models import INTAKE_RULE, Value, Version
from wirecopy.scope import Digests
from wirecopy.statement import Credit

MOST_ITEMS = 2_000
"""Items of one capture that are read. A capture of a feed holds some hundred; at about 1 ms each
this bounds the time. The rest stays in the capture, and is named as a fault of the wire."""

TOGETHER = 50
"""Items that are read stage by stage together: the code of a stage is then at hand in the
processor, and many take an eighth less time than as many single ones. What stands between two
stages takes several times the bytes of these, so it is not all of them."""


@dataclass(frozen=True, slots=True)
class Hints:
    """What is known of the bytes besides the bytes.

    ``headers`` are the response's, names in lower case; ``url`` is where they came from at last;
    ``rule`` is the capture's (:data:`stories.models.INTAKE_RULE`). Items whose bytes have a digest
    among ``standing`` need not be read if the context is ``context``
    (:attr:`Parsed.context`). Of a capture without what is known of it (:mod:`ingest.outline`),
    ``offset`` bytes and ``before`` items were left out before those that are there.

    ``frame`` is what was found around the items in that context, if that is known.

    ``key_sets`` are the agency's key sets (JWK Sets) by their names, by any of which items are
    verified; ``at`` is when the bytes came, as an instant of statements. ``charset`` is the
    encoding that the wire's configuration names, which counts where the bytes do not tell.

    ``accepted`` are digests of items that somebody took out of quarantine.
    """

    url: str
    headers: dict[str, str] = field(default_factory=dict)
    rule: int = INTAKE_RULE
    standing: tuple[str, ...] = ()
    context: str = ""
    before: int = 0
    offset: int = 0
    frame: "Frame | None" = None
    key_sets: dict[str, str] = field(default_factory=dict)
    at: str = ""
    charset: str = ""
    accepted: tuple[str, ...] = ()

    @property
    def mends(self) -> bool:
        """Whether words that encodings and HTML parsers swallow are read as they were meant."""
        return self.rule >= 2


@dataclass(frozen=True, slots=True)
class ItemMedia:
    """A picture, film or sound as the feed states it; numbers still as text."""

    url: str
    medium: str = ""
    type: str = ""
    width: str = ""
    height: str = ""
    length: str = ""
    caption: str = ""
    credit: str = ""


def rank(name: str, width: str) -> tuple[bool, int]:
    """What to prefer of a medium's renditions: none made to be looked at in passing, the widest."""
    wide = int(width) if width.isdecimal() and len(width) < 10 else 0
    return not name.lower().startswith(_PREVIEWS), wide


_PREVIEWS = ("thumb", "preview", "icon", "small", "quicklook")

MEDIA_TOPICS = "http://cv.iptc.org/newscodes/mediatopic/"
"""The vocabulary of IPTC's Media Topics, by which agencies file stories."""


SUBJECT_CODES = "http://cv.iptc.org/newscodes/subjectcode/"
"""The vocabulary before it, of which the top level is the same."""


class Subject(NamedTuple):
    """A subject by its ``name``, by its ``code`` in the vocabulary ``scheme``, or by both."""

    name: str = ""
    scheme: str = ""
    code: str = ""

    @classmethod
    def of(cls, name: str, scheme: str, code: str) -> "Subject":
        """A subject whose *code* may name its vocabulary, too: ``medtop:01000000``, an address."""
        head, mark, last = code.rpartition("/") if "/" in code else code.rpartition(":")
        vocabulary = (scheme or head).rstrip("/")
        if vocabulary == "medtop" or vocabulary.endswith("/newscodes/mediatopic"):
            return cls(name, MEDIA_TOPICS, last)
        if vocabulary in ("subj", "subjectcode", SUBJECT_CODES.rstrip("/")):
            return cls(name, SUBJECT_CODES, last)
        if scheme or not mark:
            return cls(name, scheme, code)
        return cls(name, f"{head}/" if mark == "/" else head, last)


@dataclass(frozen=True, slots=True)
class ItemSignals:
    """What the feed states beside the copy (:class:`stories.models.Signals`), still as text."""

    status: str = ""
    why: str = ""
    embargo: str = ""
    expires: str = ""
    correction: bool = False
    corrected: str = ""
    ed_note: str = ""
    slugline: str = ""
    usage_terms: str = ""


@dataclass(frozen=True, slots=True)
class Item:
    """One story as a format parser found it. Texts are as received, entities of XML resolved.

    ``start`` and ``end`` are byte offsets of the item's own bytes in the capture, ``-1`` where
    they could not be found. ``headline_html`` and ``body_html`` tell whether the text is markup
    (True) or plain. Dates are the strings as sent, in the order to be tried. ``doubt`` says why
    nothing can be claimed of its words, ``""`` where nothing stands against it. ``provenance`` and
    ``page`` are whose copy it is and its page there, where the feed is another Wirecopy's; ``own``
    is its entry there, where it came in another format (:mod:`ingest.formats.own`).
    ``elsewhere`` is the address of its text, where the feed only leads there. ``unreadable`` says
    why some or all of it could not be read. ``independent`` tells that it reads so, and leaves no
    trace but itself in the result, whatever stands beside it in the feed.
    """

    position: int
    start: int = -1
    end: int = -1
    guid: str = ""
    link: str = ""
    headline: str = ""
    headline_html: bool = False
    body: str = ""
    body_html: bool = True
    summary: str = ""
    summary_html: bool = True
    base: str = ""
    language: str = ""
    authors: tuple[str, ...] = ()
    creators: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    credits: tuple[str, ...] = ()
    published: tuple[str, ...] = ()
    updated: tuple[str, ...] = ()
    version: str = ""
    categories: tuple[tuple[str, str], ...] = ()
    subjects: tuple[Subject, ...] = ()
    keywords: tuple[str, ...] = ()
    media: tuple[ItemMedia, ...] = ()
    rights: str = ""
    urgency: str = ""
    dateline: str = ""
    signals: ItemSignals | None = None
    doubt: str = ""
    provenance: Credit | None = None
    page: str = ""
    own: str = ""
    elsewhere: str = ""
    unreadable: str = ""
    independent: bool = True


def by_itself(place: Item, read: Callable[[Item], Item]) -> Item:
    """What *read* makes of the item at *place*; *place* with the reason where it fails: what nobody
    foresaw in one item must not take its neighbours with it."""
    try:
        return read(place)
    except MemoryError:
        raise
    except Exception as error:
        return replace(
            place, unreadable=f"{type(error).__name__}: {error}; report this capture", doubt=""
        )


@dataclass(frozen=True, slots=True)
class Channel:
    """What the feed says of itself; the schedule and the normaliser read it. ``topic`` is its own
    address (``rel=self``), by which its ``hubs`` know it."""

    title: str = ""
    link: str = ""
    language: str = ""
    rights: str = ""
    ttl: str = ""
    update_period: str = ""
    update_frequency: str = ""
    skip_hours: tuple[str, ...] = ()
    skip_days: tuple[str, ...] = ()
    hubs: tuple[str, ...] = ()
    topic: str = ""


@dataclass(frozen=True, slots=True)
class Frame:
    """What a feed says around its items, where the parser of the whole was found to say of usual
    items, elements of the name ``tag``, nothing but what stands in their own trees."""

    format: str
    channel: Channel
    tag: str


class Stood(NamedTuple):
    """An item that was passed over, being known: where its bytes stand, and their digest."""

    start: int
    end: int
    digest: str


Pieces = tuple[tuple[int, str], ...]
"""Lengths of fixed pieces, each with what follows it: ``date``, ``comment``, or nothing."""


@dataclass(frozen=True, slots=True)
class Outline:
    """What stands before and behind the items of a capture (:mod:`ingest.outline`). ``end`` is the
    end tag of the last, ``digest`` of the fixed bytes, and of what else reading depends on."""

    head: Pieces
    tail: Pieces
    end: str
    digest: str


@dataclass(frozen=True, slots=True)
class Parsed:
    """The items of one capture. ``notes`` are faults that were survived, for the operator;
    ``unread`` is how many items more it holds; ``whole`` whether the document ends where it should:
    HTTP cannot always tell that an answer broke off (RFC 9112 §8).

    ``context`` is a digest of all but its own bytes on which reading an item depends, and with it
    ``format`` and ``channel``; ``""`` where items depend on each other. ``standing`` are the
    items that were not read, being known (:class:`Hints`); where that is all, ``format``
    and ``channel`` may be left empty. ``outline`` is there where the next capture can be compared
    with it as bytes. ``tag`` is that of :class:`Frame`, ``""`` where there is none."""

    format: str
    channel: Channel
    items: tuple[Item, ...]
    notes: tuple[str, ...] = ()
    unread: int = 0
    whole: bool = True
    context: str = ""
    standing: tuple[Stood, ...] = ()
    outline: Outline | None = None
    tag: str = ""


def summed_up(problems: Iterable[tuple[int, str]]) -> list[str]:
    """One note for each kind of *problems*, positions of items, counted from 0, and what is amiss
    with each; it names the first as people count, from 1."""
    positions: dict[str, list[int]] = {}
    for position, problem in problems:
        positions.setdefault(problem, []).append(position)
    return [
        f"{len(at)} item{'s' * (len(at) > 1)}, the first is item {at[0] + 1}: {problem}"
        for problem, at in positions.items()
    ]


@dataclass(frozen=True, slots=True)
class ItemKeys:
    """By what one item could be recognised, worked out from the item alone (``ingest/decide.py``).

    ``headline`` is its plain text, ``titled_guid`` whether the guid only repeats it. ``address`` is
    the guid in the form in which addresses are compared, where it is one and may be; ``aliases``
    are further forms of the link and the guid, as links; of these ``loose`` lack parameters that
    may be what tells pages apart. ``words`` is of headline and text.
    """

    guid: str | None
    link: str | None
    digest: str
    headline: str
    titled_guid: bool = False
    address: str | None = None
    aliases: tuple[str, ...] = ()
    words: str | None = None
    loose: tuple[str, ...] = ()


class AgencyStatement(Value):
    """The agency's own statement of an item, found to be good: its text, the id of the key that
    signed it, its digest (``sha-256=:…:``), its number among those of its story, and
    the name of the key set (:class:`Hints`)."""

    text: str
    key: str
    digest: str
    number: int
    key_set: str


class Candidate(Value):
    """One item, normalised and digested, not yet recognised.

    ``version.agency_id`` is empty where the item states none: then its identity serves.
    ``received`` is None when its text is not known to be that of its bytes
    (:mod:`ingest.integrity`): then nothing can be claimed of it. ``signed`` are the addresses in
    it that carry a signature which expires. ``independent`` as in :class:`Item`, and it left no
    note. ``custody`` is None where the agency did not sign it, or nobody looked.
    """

    position: int
    start: int
    end: int
    keys: ItemKeys
    version: Version
    received: Digests | None
    signed: tuple[str, ...] = ()
    raw_digest: str | None
    content_digest: str
    independent: bool = True
    custody: AgencyStatement | None = None


class Reading(Value):
    """An item that lost or gained text on the way, as two readings have it: what came out, and the
    passages of copy in its bytes, each with its name there. Within bounds, for people."""

    headline: str
    summary: str
    paragraphs: tuple[str, ...]
    language: str | None
    passages: tuple[tuple[str, str], ...]
    raw: str


class Refusal(Value):
    """One item that could not be taken, and why. Its ``keys`` count all the same: it is there.

    ``digest`` is that of its bytes. With a ``reading`` it is refused for its text alone, and can be
    accepted: published without a claim.
    """

    position: int
    state: str
    message: str
    keys: ItemKeys | None = None
    digest: str | None = None
    reading: Reading | None = None


class Contents(Value):
    """What one capture holds. ``items`` is how many items it has that are read, good, refused and
    standing, ``unread`` how many more there are, and ``whole`` whether its end was there;
    ``context``, ``standing``, ``outline`` and ``tag`` as in :class:`Parsed`."""

    format: str = ""
    channel: Channel = Channel()
    notes: tuple[str, ...] = ()
    items: int = 0
    unread: int = 0
    whole: bool = True
    found: tuple[Candidate, ...] = ()
    refused: tuple[Refusal, ...] = ()
    context: str = ""
    standing: tuple[Stood, ...] = ()
    outline: Outline | None = None
    tag: str = ""

    @property
    def keys(self) -> list[ItemKeys]:
        """The keys of all items, first those found; identities do not depend on the order."""
        refused = [one.keys for one in self.refused if one.keys is not None]
        return [*(one.keys for one in self.found), *refused]
