"""The values of the field: stories and their versions, captures, wires; and how stories are named.

Everything here is immutable and needs no clock, no database and no network. Words follow the
glossary in docs/: a *wire* belongs to an *agency*; a *story* is followed across *versions*.
"""

import base64
import hashlib
import re
import unicodedata
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Annotated, Any, Literal, NamedTuple
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from wirecopy.encoding import xml_chars
from wirecopy.scope import Copy, Digests
from wirecopy.statement import Credit, Custody
from wirecopy.text import paragraphs, plain

NAMESPACE = uuid.UUID("679fde77-ca8f-4c3a-b072-c5b02e8fa5e1")
"""Our XML namespace is ``urn:uuid:`` plus this: a name that needs no domain. It is also the name
space (RFC 9562) of every story's guid."""

IdentityRule = Literal["guid", "link", "digest"]
AgencySource = Literal["author", "creator", "source", "credit", "dateline", "tail", "wire"]


def _aware(instant: datetime) -> datetime:
    if instant.tzinfo is None:
        raise ValueError("an instant needs a zone")
    return instant


Instant = Annotated[datetime, AfterValidator(_aware)]


class Value(BaseModel):
    """Base of the immutable values that are stored as JSON: their fields are schema."""

    model_config = ConfigDict(frozen=True, extra="forbid")


INTAKE_RULE = 5
"""Version of the rules by which a capture is read, its stories recognised and their content
compared. A capture keeps the one under which it came, so that a replay finds what was found then.

1. Release 0.1.
2. Stated ``updated`` counts; addresses are compared as addresses; a story under another key is
   known by its words; items of one guid may be several stories; signatures are no content. A desk
   headline does not stand over another text. Words that encodings and HTML parsers
   swallow are read.
3. Numbers of versions count; a correction, and an expiry that moved, are news. Messages of IPTC
   7901 and ANPA 1312 are told apart by day. A story leaves when its agency has it expire.
   Wires of one agency share stories.
4. Of two dates in the future the earlier is older, too: a clock of ours that went back makes no old
   copy a new version.
5. The order of pictures, of links and of media beside the copy, the words that they stand on, and
   which words are struck, raised, lowered or hidden, are content. ``v=`` counts but on files.
   Addresses that differ in what may be a session are of one page if headline or text agree. A
   guid under which two wires of an agency have other pages, headlines and texts joins none.
"""


class Identity(Value):
    """By which rule, and by which key, an item is recognised as a story of its wire.

    ``key`` begins with its kind (``guid:…``, ``link:…``, ``digest:…``), so that keys of different
    rules never collide. ``degraded`` says why a weaker rule was used, if one was.
    """

    rule: IdentityRule
    key: str
    degraded: str | None = None


class Media(Value):
    """A picture, film or sound that belongs to a story but is not in its body."""

    url: str
    medium: Literal["image", "video", "audio", "document"] = "image"
    type: str | None = None
    width: int | None = None
    height: int | None = None
    length: int | None = None
    caption: str | None = None
    credit: str | None = None


def _is_none(value: Any) -> bool:
    return value is None


class Category(Value):
    """A subject the agency filed the story under; ``scheme`` is its vocabulary, if named, and
    ``code`` what it is called there."""

    label: str
    scheme: str | None = None
    # Left out where there is none, so that what was kept before stays the same, byte for byte.
    code: str | None = Field(default=None, exclude_if=_is_none)


Status = Literal["usable", "withheld", "canceled"]
"""As NewsML-G2 has it (IPTC NewsCodes, ``pubstatus``): canceled is killed."""


class Signals(Value):
    """What an agency says beside its copy: whether it may be published, from when and until when,
    on what terms; what it tells editors. ``why`` are its words for a status that is not usable,
    ``correction`` that it calls this version one, and ``corrected`` its words on that for readers.
    """

    status: Status = "usable"
    why: str | None = None
    embargo: Instant | None = None
    expires: Instant | None = None
    correction: bool = False
    corrected: str | None = Field(default=None, exclude_if=_is_none)
    ed_note: str | None = None
    slugline: str | None = None
    usage_terms: str | None = None


class Version(Value):
    """One wire version of a story, normalised.

    ``body`` is HTML exactly as received: it is cleaned on publishing, so that what cleaning does is
    measured. Instants are aware; ``published`` and ``updated`` are what the agency states, None
    where it states nothing that can be read. ``signals`` are no content: two versions that differ
    in them alone say the same.
    """

    wire: str
    agency: str
    agency_code: str | None = None
    agency_from: AgencySource = "wire"
    agency_id: str
    agency_version: str | None = None
    headline: str
    byline: str | None = None
    dateline: str | None = None
    body: str
    summary: str | None = None
    language: str | None = None
    categories: tuple[Category, ...] = ()
    keywords: tuple[str, ...] = ()
    media: tuple[Media, ...] = ()
    credit: str | None = None
    rights: str | None = None
    urgency: int | None = None
    link: str | None = None
    base: str | None = None
    published: Instant | None = None
    updated: Instant | None = None
    signals: Signals | None = Field(default=None, exclude_if=_is_none)


def credit_of(version: Version) -> Credit:
    """Whose copy *version* is, under which id and version of theirs, as statements say it.

    ``agency_version`` is empty for an agency that does not number its versions.
    """
    return Credit(
        agency=xml_chars(version.agency).strip() or version.wire,
        agency_id=xml_chars(version.agency_id),
        agency_version=xml_chars(version.agency_version or ""),
    )


def received_copy(version: Version) -> Copy:
    """The copy that *version* is, made of an item as it was found: that of the received digests.

    A plain text body is put into paragraphs, a summary that only repeats the body is left out,
    and media that are on no web address are, since nobody could ever see them; nothing else was
    touched.
    """
    return Copy(
        headline=version.headline,
        body=version.body,
        media=tuple(medium.url for medium in version.media),
        summary=version.summary or "",
        tags=(*(category.label for category in version.categories), *version.keywords),
        base=version.base,
    )


def story_id(wire: str, key: str) -> str:
    """The story's id: 13 characters of base32 (65 bits), a function of wire and identity alone.

    So it is the same when every capture is replayed.
    """
    name = f"story\0{wire}\0{key}".encode()
    return base64.b32encode(hashlib.sha256(name).digest()).decode()[:13].lower()


def story_guid(authority: str, wire: str, key: str) -> str:
    """The guid in feeds: ``urn:uuid:`` version 5, opaque, the same for every version of a story.

    *authority* is the publisher's host, so that two publishers of one wire never share a guid.
    """
    return uuid.uuid5(NAMESPACE, f"{authority}\0{wire}\0{key}").urn


def slug(headline: str, longest: int = 60) -> str:
    """*headline* as a piece of a URL: ASCII words joined by hyphens, ``story`` if none remain."""
    folded = unicodedata.normalize("NFKD", headline).encode("ascii", "ignore").decode().lower()
    words = re.findall(r"[a-z0-9]+", folded)
    kept = ""
    for word in words:
        if kept and len(kept) + 1 + len(word) > longest:
            break
        kept = f"{kept}-{word}" if kept else word[:longest]
    return kept or "story"


SHORT = 30
"""Characters below which a paragraph that stayed does not show that the text did."""


class HeadlineEdit(Value):
    """One act of the desk on a story's headline: *text* written, or the wire's restored (None).

    ``against`` is the number of the version that the desk had before it.
    """

    text: str | None
    by: str
    at: Instant
    against: int


StoryStatus = Literal["usable", "withheld", "killed"]
"""Whether a story is published: it is, it is not for now, it never again is (but by a release)."""

ActKind = Literal["kill", "hold", "release"]

STATUS_AFTER: Mapping[ActKind, StoryStatus] = {
    "kill": "killed",
    "hold": "withheld",
    "release": "usable",
}
"""The status in which each act of the desk leaves a story."""


class Act(Value):
    """One act on whether a story is published, with its reason, which is not.

    It hides and brings back; there is none that changes a word. With a ``capture_id`` it is the
    agency's, said in that capture by an item of those bytes; without one the desk's.
    """

    kind: ActKind
    by: str
    reason: str
    at: Instant
    capture_id: int | None = None
    digest: str | None = None


@dataclass(frozen=True, slots=True)
class Hiding:
    """What is so after all acts: the ``status``, since when, and what it is by the ``agency``."""

    status: StoryStatus = "usable"
    at: datetime | None = None
    agency: StoryStatus = "usable"


_WORSE: tuple[StoryStatus, ...] = ("usable", "withheld", "killed")


def hiding(acts: Iterable[Act]) -> Hiding:
    """What *acts*, oldest first, make of a story. Agency and desk each hide it for themselves, and
    it is shown when neither does; the desk's release ends what both have done until then."""
    desk: StoryStatus = "usable"
    agency: StoryStatus = "usable"
    status: StoryStatus = "usable"
    at = None
    for act in acts:
        if act.capture_id is not None:
            agency = STATUS_AFTER[act.kind]
        elif act.kind == "release":
            desk = agency = "usable"
        else:
            desk = max(desk, STATUS_AFTER[act.kind], key=_WORSE.index)
        worst = max(desk, agency, key=_WORSE.index)
        at, status = (act.at if worst != status else at), worst
    return Hiding(status, at, agency)


def is_another_text(before: Version, after: Version) -> bool:
    """Whether *after* is not *before* revised, but about something else, as under a guid that an
    agency uses anew each day: another headline, and no paragraph that stayed."""
    if plain(before.headline) == plain(after.headline):
        return False
    ours, theirs = _paragraphs(before), _paragraphs(after)
    return bool(ours) and bool(theirs) and not ours & theirs


def _paragraphs(version: Version) -> set[str]:
    """The paragraphs, without short ones such as a sign-off if there are others."""
    found = {*paragraphs(version.body)} or {plain(version.summary or "")} - {""}
    return {each for each in found if len(each) >= SHORT} or found


class Story(Value):
    """A story as it is now: its current version, where it came from, what the desk did.

    ``number`` counts the versions whose content differed; ``received`` and ``raw_digest`` are of
    the item's own bytes when it was taken in; ``position`` is its place in its capture.
    ``received`` is None when text was lost or added between those bytes and ``version``, or may
    have been: then nothing can be claimed of it. ``another_text`` when the text for which the desk
    wrote its headline is gone (:func:`is_another_text`): then the wire's headline stands. ``rule``
    is that of the capture which brought the version; ``first_fill`` when that is its wire's first.
    ``addresses`` are the newest of those in it whose signatures expire, by what they are without.
    ``custody`` names the agency's own statement of ``version``, None where none came that is good.
    ``status`` is as the desk's last act left it, at ``status_at``; None when there was no act.
    ``ed_note`` is the newest note to editors, which may be newer than ``version``.
    ``wire`` is that by which the version came, ``also`` are the others of its agency that carry it.
    """

    id: str
    guid: str
    slug: str
    wire: str
    also: tuple[str, ...] = ()
    identity: Identity
    version: Version
    number: int
    received: Digests | None
    raw_digest: str | None
    first_received: Instant
    received_at: Instant
    position: int = 0
    edits: tuple[HeadlineEdit, ...] = ()
    another_text: bool = False
    rule: int = INTAKE_RULE
    first_fill: bool = False
    addresses: dict[str, str] = {}
    custody: Custody | None = None
    status: StoryStatus = "usable"
    status_at: Instant | None = None
    ed_note: str | None = None

    @property
    def corrected(self) -> str | None:
        """What its agency says to readers of the correction that the version is; else None."""
        return self.version.signals.corrected if self.version.signals is not None else None

    @property
    def expires(self) -> datetime | None:
        """When its agency wants it published no longer; None where that has no end."""
        signals = self.version.signals
        return signals.expires if signals is not None and self.rule >= 3 else None

    @property
    def embargo(self) -> datetime | None:
        """Until when its agency has nothing of it published; None where it says nothing of that."""
        return self.version.signals.embargo if self.version.signals is not None else None

    def hidden(self, at: datetime) -> bool:
        """Whether nothing of its copy is published *at* that time, whatever else holds."""
        return self.status != "usable" or (self.embargo is not None and self.embargo > at)

    @property
    def desk_headline(self) -> str | None:
        """The desk's headline in force, None when the wire's stands."""
        return self.edits[-1].text if self.edits and not self.another_text else None

    @property
    def headline(self) -> str:
        """The headline to publish."""
        desk = self.desk_headline
        return self.version.headline if desk is None else desk

    @property
    def second_look(self) -> bool:
        """True when the wire moved on after the desk last wrote a headline."""
        last = self.edits[-1] if self.edits else None
        return last is not None and last.text is not None and last.against < self.number

    @property
    def acted_at(self) -> datetime:
        """When wire or desk last did something about it."""
        acts = (self.edits[-1].at if self.edits else None, self.status_at)
        return max([self.received_at, *(at for at in acts if at is not None)])

    def next_act_at(self, now: datetime) -> datetime:
        """The time of what the desk does about it *now*: later than all before, also where the
        clock was set back. By that time subscribers are told that something changed."""
        return max(now, self.acted_at + timedelta(microseconds=1))

    @property
    def changed_at(self) -> datetime:
        """When what is published last changed: by wire or desk, or by the end of an embargo, which
        may be still to come."""
        return max(self.acted_at, self.embargo or self.acted_at)

    @property
    def placed_at(self) -> datetime:
        """The time by which feeds order the story: when it changed.

        The stories of a wire's first capture take the places of their own dates, so that the past
        of a new wire does not fill a feed. Those of any other keep theirs, and stand within it by
        their dates: a second earlier is a microsecond here, and a day the most.
        """
        dates = [d for d in (self.version.published, self.version.updated) if d is not None]
        if self.changed_at > self.received_at or not dates or self.rule < 2:
            return self.changed_at
        age = max(self.received_at - max(dates), timedelta(0))
        if self.first_fill:
            return self.received_at - age
        return self.received_at - min(age, timedelta(days=1)) / 1_000_000


# What is known of a story when a capture is taken in


LICENCE_GRACE = timedelta(days=7)
"""How long after a licence's end the copy itself is still kept, out of every feed: a term that was
configured wrongly can be put right in that time. Then the bytes received and the words of every
version are deleted. Digests, measurements, headlines and times stay: they are the proof of what
was published, and by them a story that comes back is known."""

Terms = Mapping[str, timedelta]
"""By wire, how long after first receipt its stories are licensed; those not there, without end."""


def licence_over(terms: Terms, story: Story, now: datetime) -> bool:
    """Whether *story* may no longer be published at *now*: from the end of its term, or its expiry.

    The one rule that renderer, housekeeping and pages share. An update by the agency does not begin
    the term anew, and a wire that leaves the configuration takes its term along: copy does not
    become free by a contract's end.
    """
    ends = licence_end(terms, story)
    return ends is not None and ends <= now


def licence_end(terms: Terms, story: Story) -> datetime | None:
    """When the term of *story* is over, a wire's ``expires_after``, or when its agency has it
    expire before that; None for never."""
    term = terms.get(story.wire)
    ends = None if term is None else story.first_received + term
    return min((each for each in (ends, story.expires) if each is not None), default=None)


def copy_deleted_before(term: timedelta, now: datetime) -> datetime:
    """Copy received at or before this instant under *term* is to be deleted at *now*.

    Judged by capture: every story in one was received with it or before, so when the capture's
    own time is over, so is that of all that it brought.
    """
    return now - term - LICENCE_GRACE


@dataclass(frozen=True, slots=True)
class KnownKey:
    """An identity key on record: the story it first named, and whether it names several."""

    story_id: str
    shared: bool


@dataclass(frozen=True, slots=True)
class KnownStory:
    """What the decision needs of a story on record: its key; of its latest version the digests,
    what the agency stated as ``updated``, when it was received, and, where the agency signed it,
    the number of its statement, ``stated``; whether it is ``hidden`` now, by agency or desk. The
    ``version`` itself is there where it was asked for, as an agency numbers its versions.
    So is that which another wire of the agency brought, ``elsewhere``, and it is ``copy`` where an
    item may be the story by an address that may be another's."""

    id: str
    key: str
    number: int
    content_digest: str
    updated: datetime | None = None
    received_at: datetime | None = None
    raw_digest: str | None = None
    stated: int | None = None
    hidden: bool = False
    version: Version | None = None
    elsewhere: Version | None = None
    copy: Version | None = None


# Captures


WHOLE = -1
"""The position of a problem with a whole capture, not with one item."""


@dataclass(frozen=True, slots=True)
class StatementRow:
    """One statement (``token``), its digest (``sha-256=:…:``), the key that signed it.

    ``checkpoint`` is one of the log that its receipt is in; None where it holds one itself, as
    those of earlier types do, or has no receipt.
    """

    story_id: str
    version: int
    kid: str
    digest: str
    token: str
    checkpoint: str | None = None


@dataclass(frozen=True, slots=True)
class Capture:
    """One response as received. ``digest`` is SHA-256 (hex) of its decoded body.

    From ``expired_at`` on its bytes are gone: it is not taken in again, what it brought stays.
    ``key_set`` names the agency's key sets that were pinned when it came, one after the other.
    ``siblings`` are the other wires of its agency, by their first names, whose stories its items
    could be when it was taken in; None before it was, and by the rules before there were any.
    ``partial``: a hub pushed it, and what is not in it may stand on its wire all the same.
    """

    id: int
    wire: str
    received_at: datetime
    url: str
    headers: list[list[str]]
    digest: str
    size: int
    state: str
    format: str
    items: int
    new: int
    updated: int
    notes: list[str]
    expired_at: datetime | None = None
    rule: int = INTAKE_RULE
    key_set: str | None = None
    siblings: list[str] | None = None
    partial: bool = False


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a capture (position -1) or one item of it could not be taken in."""

    wire: str
    capture_id: int
    position: int
    state: str
    message: str
    at: datetime
    digest: str | None = None  # of the item's bytes, where they are known

    @property
    def item(self) -> int | None:
        """The item's number as people count, from 1; None of a whole capture."""
        return self.position + 1 if self.position != WHOLE else None

    @property
    def told(self) -> str:
        """The message after the item that it is of, which it does not name itself."""
        return f"item {self.item}: {self.message}" if self.item else self.message


def body_digest(body: bytes) -> str:
    """SHA-256 of *body* in hex: the name under which it is kept."""
    return hashlib.sha256(body).hexdigest()


# Wires


@dataclass(frozen=True, slots=True)
class WireState:
    """One row of ``wires``; see the table for the meaning of each."""

    name: str
    url: str
    agency: str
    host: str
    configured: bool
    added_at: datetime
    due_at: datetime
    due_because: str
    lease: str | None
    lease_until: datetime | None
    polled_at: datetime | None
    state: str
    message: str
    failures: float
    failing_since: datetime | None
    polls: int
    etag: str | None
    last_modified: str | None
    body_digest: str | None
    captured_at: datetime | None
    changed_at: datetime | None
    channel: dict[str, Any]
    fault: str | None
    configured_url: str = ""
    moved_to: str | None = None
    moved_count: int = 0
    moved_since: datetime | None = None
    leased_at: datetime | None = None
    lane: int = 0
    paused_at: datetime | None = None
    news: list[datetime] = field(default_factory=list)
    expires_after: timedelta | None = None
    whole: bool = True
    retry_at: datetime | None = None
    standing_of: int | None = None
    context: str | None = None
    sent_digest: str | None = None
    pushed_at: datetime | None = None
    pushed_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Sighting:
    """A file of a wire as it was last seen at its place. ``mark`` changes when its bytes do, and
    has stood so ``since``; ``taken``: what stands under it is captured. ``digest`` is that of the
    bytes last captured of a file of this name, None if there are none. ``unsettled`` is since when
    it was found changing at every look, None if it was not."""

    mark: str
    since: datetime
    taken: bool = False
    digest: str | None = None
    unsettled: datetime | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """An item that stood in a wire's newest capture, and need not be read again while it does.

    ``digest`` is that of its bytes, as a version has it, ``keys`` the short names of the keys by
    which it could be recognised (:func:`short_keys`), sorted and joined; ``length`` is how many
    bytes it has, 0 where nobody need know.
    """

    story_id: str
    digest: str
    keys: bytes
    length: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Memory:
    """The items that stand on a wire, of the capture *capture_id* and of its format; ``context`` is
    on what reading them depended besides their bytes. With an ``outline``, what is around them as
    JSON holds it, they are in the order of the capture (:mod:`ingest.outline`). ``channel`` is what
    the feed said of itself, ``tag`` as in :class:`ingest.item.Frame`."""

    capture_id: int
    received_at: datetime
    format: str
    context: str
    items: tuple[Standing, ...] = ()
    outline: dict[str, Any] | None = None
    channel: dict[str, Any] = field(default_factory=dict)
    tag: str = ""


@lru_cache(maxsize=4096)  # of each key of a new item it is wanted some three times
def key_digest(key: str) -> str:
    """The fixed-size name of an identity key: keys may be longer than an index takes."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def members(one: Any) -> dict[str, Any]:
    """The fields of a dataclass, which are not copied (:func:`dataclasses.asdict` does, and that
    takes many times as long)."""
    return {name: getattr(one, name) for name in one.__dataclass_fields__}


KEY_BYTES = 8
"""Bytes of a key's digest by which items are told apart. Two keys that share them cost a reading;
nothing else."""


def short_key(digest: str) -> bytes:
    """The short name of the key that has this *digest*."""
    return bytes.fromhex(digest[: 2 * KEY_BYTES])


def short_keys(keys: Iterable[str | None]) -> frozenset[bytes]:
    """The short names of those of *keys* that are there."""
    return frozenset(short_key(key_digest(key)) for key in keys if key)


def printable(key: str) -> str:
    """*key* as it is kept, and shown to people; :func:`key_digest` is what identifies."""
    # PostgreSQL's text holds neither NUL nor lone surrogates.
    return key.replace("\0", "\\0").encode("utf-8", "backslashreplace").decode()


@dataclass(frozen=True, slots=True)
class DueWire:
    """What the dispatcher needs of a wire that is due and free. Lane 1 goes first."""

    name: str
    host: str
    agency: str
    lane: int
    due_at: datetime


@dataclass(frozen=True, slots=True)
class Traffic:
    """How many polls are under way, and when the last one started, by host and by agency."""

    hosts: dict[str, int] = field(default_factory=dict)
    agencies: dict[str, int] = field(default_factory=dict)
    host_starts: dict[str, datetime] = field(default_factory=dict)
    agency_starts: dict[str, datetime] = field(default_factory=dict)


def host_of(url: str, wire: str) -> str:
    """The host under which the polls of the *wire* at *url* are counted: without a port, as it is
    one machine. Of a folder on this machine its address; one that is sent to us asks nobody."""
    host = (urlsplit(url).hostname or "").rstrip(".")
    return host or (f"{url}{wire}" if url == "push:" else url)


def changed_fields(
    before: Any, after: Any, passed_over: Sequence[str] = ()
) -> dict[str, tuple[Any, Any]]:
    """The fields of two dataclass instances that differ, as (before, after).

    JSON objects are compared member by member: ``data.headline`` says more than ``data``.
    """
    found: dict[str, tuple[Any, Any]] = {}
    for name in (f.name for f in fields(before)):
        old, new = getattr(before, name), getattr(after, name)
        if old == new or name in passed_over:
            continue
        if isinstance(old, dict) and isinstance(new, dict):
            for part in sorted(old.keys() | new.keys()):
                if old.get(part) != new.get(part):
                    found[f"{name}.{part}"] = (old.get(part), new.get(part))
        else:
            found[name] = (old, new)
    return found


class Term(NamedTuple):
    """A part of what is searched for: words that must follow each other; the last one only has to
    begin so where it ``begins``."""

    words: tuple[str, ...]
    begins: bool = False
