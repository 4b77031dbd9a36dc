"""What the items of one capture mean for the stories on record: a pure decision.

:func:`decide` takes the contents of a capture and what is known and returns intents, which
``ingest/intake.py`` carries out. As a function of these alone, it gives the same in every replay.

An item is identified by guid, link or digest, in that order from the one that the wire is
configured with:

* A **guid** is not used when it is missing, when it repeats the headline (every correction of the
  headline would be a new story), or when several stories share it.
* A **link** is not used when it is missing, or when several stories share it (as on a wire whose
  items all link to its front page).
* A **digest** of the headline and the first date stated, else of the headline and the body, can
  always be used; it comes last because it makes a new story of each new headline.

The rules for stories, each for a fault seen on real wires:

* A story is recognised by its identity key. A key known to name several stories identifies none.
* An item whose own key is new may still be a story on record under its link, if that story had no
  guid of its own or has this guid. So a wire that begins, stops or shares guids makes no old story
  new, and two guids on one link stay two stories.
* A guid that is an address, and a link, name the same page with and without ``https``, ``www.``, a
  slash at the end, session and tracking parameters; an ``atom:id`` is compared letter by letter.
  A parameter may be what it is taken for, or the page's number: addresses that differ in one are
  of one page where headline or text agree, too.
* An item whose keys are all new is a story on record that says the same words, if no item of the
  capture has that story's key: the wire changed its keys.
* Items that share guid and link, but neither headline nor text, are different stories.
* A new version is made when content changed, unless its stated ``updated`` is earlier than the one
  on record, or the number of the agency's own statement of it: then it is an old copy. A date in
  the future counts only beside another. Not when only dates, counters, tracking pixels or expiring
  signatures changed.
* Where the format has the agency number its versions, a lower number is an old copy, too, unless it
  is dated later than the one on record: then the agency numbers anew. Of two dates, or numbers
  where those say nothing, the later is newer; another text under the same number is a new version.
* Of the same story twice in one capture the latest by its dates counts, else one never seen, else
  the one on record, else the first, as feeds are newest first; the others are duplicates. So the
  same items in another order bring nothing.
* A link on which items have different headlines, one of them without a guid, identifies none.

Wires of one agency are **siblings**, and share stories:

* An item whose keys are new on its wire is the story of a sibling that has its guid, or its link
  and headline, or the same words, and more than a line of them; of the same agency by the item's
  own word, too. A guid alone, of another page with another headline and text, is a number that
  both wires gave. Stories that each had an id before are not joined.
* Of a story whose version on record came by a sibling, an item makes a new one only if nobody of
  the agency has said its words of it before, and it is a much fuller text, or has a higher number
  of the agency's under the same id, or its wire has carried the story in a sibling's words. Such a
  wire is as good as the other; one that abridges or dresses the copy is not. So nothing goes to and
  fro: each text of a sibling counts once.
* It makes none where it would be an old copy on its own wire, nor where it is unsigned and what is
  on record was signed. A later embargo counts whatever the words.

Rules that came after release 0.1 hold for captures that came under them
(:data:`stories.models.INTAKE_RULE`).

**What can be left out.** Items meet in a decision by their keys, by their stories, and nowhere
else: each set and table here is by a key that items have (``_told_apart``, ``_links_of_headlines``,
``_links_of_several``, ``common``, ``chosen``, whose addresses are aliases too, ``linked``,
``recorded``, ``shared``) or by a story (``present``, ``_latest``, ``seen``). Let items of a capture
have no key in common with each other and with the rest; let each, decided upon alone on the record
as it is, be the same version of a story of its own and put nothing on record; let the rest, decided
upon without them, belong to other stories. Then the decision upon all is ``same`` for these, and
for the rest what it is without them: a table by key holds for either what it would hold without the
other; so does one by story, and of ``present`` only that is asked whether a story is in it whose
words an item says: were it one of theirs, the rest decided upon alone would have come to it.
:mod:`ingest.memory` uses this.
"""

import hashlib
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Literal
from urllib.parse import quote, unquote_plus, unquote_to_bytes, urlsplit, urlunsplit

from ingest.item import Candidate, Contents, Item, ItemKeys
from stories.errors import ParseError
from stories.models import (
    INTAKE_RULE,
    Identity,
    IdentityRule,
    KnownKey,
    KnownStory,
    Version,
    story_id,
)
from wirecopy.encoding import well_formed
from wirecopy.text import Projection, one_line, plain, projection, spoken
from wirecopy.urls import without_signature

_TRACKING = re.compile(
    r"(?:utm_\w*|fbclid|gclid|dclid|gbraid|wbraid|msclkid|yclid|twclid|igshid|mc_cid|mc_eid|ocid"
    r"|_ga|_gl|cmpid|ns_mchannel|ns_source|ns_campaign|at_medium|at_campaign|publisher|pfrom)",
    re.IGNORECASE,
)
_SESSION = re.compile(
    r"(?:s|sid|sess|session|sessionid|session_id|phpsessid|jsessionid|aspsessionid\w*|zenid|oscsid"
    r"|cfid|cftoken)=\w{8,}",
    re.IGNORECASE,
)
# What counts readers on some sites, and is the page's on others.
_COUNTING = re.compile(
    r"(?:xtor|wt_z?mc\w*|cmp|srnd|emc|ito|ftag|taid|tsrc|smid|spm|guccounter|traffic_source)=.*"
    r"|(?:ref|referr?er|source|src|from|via|partner|medium)=rss\w*|rss(?:=\w*)?",
    re.IGNORECASE,
)
_SPELT = re.compile(r"[A-Za-z0-9_.~/:@!$&'()*+,;=?-]*")
_PORTS = {"http": 80, "https": 443}
_LONGEST = 2_000
_MARKUP = re.compile(r"<[^<>]*>")

_NUMERAL = re.compile(r"[0-9]{1,18}", re.ASCII)

FULLER = 1.5
"""How many times the letters of another a text has that is not the same one dressed otherwise."""

TELLING = 50
"""Letters, and other characters but spaces, from which a text is one story's alone."""

AHEAD = timedelta(minutes=10)
"""How far a stated date may lie after the receipt, as clocks differ."""

Action = Literal["new", "updated", "same", "stale", "duplicate"]


@dataclass(frozen=True, slots=True)
class Known:
    """What was on record before this capture, for the keys that its items could have; of
    ``siblings``, where its wire has any, the keys on their record."""

    keys: Mapping[str, KnownKey] = field(default_factory=dict)
    stories: Mapping[str, KnownStory] = field(default_factory=dict)
    siblings: Mapping[str, KnownKey] | None = None


@dataclass(frozen=True, slots=True)
class Intent:
    """What to do with one item. ``number`` is the version's, for ``new`` and ``updated``;
    ``remark`` is what the desk may want to know of the agency's own numbers."""

    action: Action
    story_id: str
    number: int
    identity: Identity
    item: Candidate
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """Intents in document order; keys to put on record, each with its story; keys found to name
    several stories."""

    intents: tuple[Intent, ...] = ()
    keys: tuple[tuple[str, str], ...] = ()
    shared: tuple[str, ...] = ()


def decide(
    wire: str,
    rule: IdentityRule,
    contents: Contents,
    known: Known,
    at: datetime | None = None,
    version: int = INTAKE_RULE,
) -> Decision:
    """Judge the *contents* of one capture of *wire* against what is *known*.

    *rule* is the identity rule that the wire is configured with; the capture came *at* that time,
    under *version* of the rules here.
    """
    keys = _certain(contents, known) if version >= 5 else contents.keys
    on_record = {key for key, each in known.keys.items() if each.shared}
    apart = _told_apart(contents) | _links_of_headlines(keys) if version >= 2 else set()
    shared = on_record | apart | _links_of_several(keys, known)
    in_capture = common(keys, rule, on_record | apart if version >= 2 else ())
    identities = identify(keys, rule, shared | in_capture)
    shared |= in_capture
    theirs = _of_siblings(contents.found, identities, known, version)
    stories = _recognised(wire, keys, identities, known, shared, version, theirs)
    # The keys of refused items come last; no intents are made for them.
    items = list(zip(contents.found, keys, identities, stories, strict=False))
    numbered = version >= 3 and is_numbered(contents.format)
    latest: dict[str, int] = {}
    if version >= 2:
        latest = _latest(contents.found, stories, known, at, version, numbered=numbered)
    intents: list[Intent] = []
    recorded: dict[str, str] = {}
    seen: set[str] = set()
    for item, names, identity, story in items:
        for key in _to_record(names, identity, shared, story == story_id(wire, identity.key)):
            if key not in known.keys:
                recorded.setdefault(key, story)
        before = known.stories.get(story)
        number = before.number if before else 0
        action: Action
        remark = _remark(item, before, at, version) if numbered and before else ""
        if story in seen or latest.get(story, item.position) != item.position:
            action = "duplicate"
        elif before is None:
            action, number = "new", 1
        elif (
            before.content_digest == item.content_digest
            or (version >= 2 and _is_untouched(before, item))
            or (
                before.elsewhere
                and remark != OLD_COPY
                and not _counts(item, identity, before, known, at, version)
            )
        ):
            action = "same"
        elif (
            version >= 2 and (_is_superseded(item, before) or _is_older(item, before, at, version))
        ) or remark == OLD_COPY:
            action = "stale"
        else:
            action, number = "updated", number + 1
        ours = before is None or before.elsewhere is None or action == "updated"
        recorded |= dict.fromkeys(_to_carry(item, identity, known, recorded, ours=ours), story)
        if action != "duplicate":
            seen.add(story)
        if not item.version.agency_id:
            named = item.version.model_copy(update={"agency_id": identity.key})
            item = item.model_copy(update={"version": named})  # noqa: PLW2901
        if action != ("stale" if remark == OLD_COPY else "updated"):
            remark = ""
        intents.append(Intent(action, story, number, identity, item, remark))
    newly_shared = (
        key
        for key in (*known.keys, *recorded)
        if key in shared and not (key in known.keys and known.keys[key].shared)
    )
    return Decision(tuple(intents), tuple(recorded.items()), tuple(newly_shared))


def carrying(key: str) -> str:
    """The key that is on record where a wire carries the story of the identity *key* as its own, or
    in the words of a sibling."""
    return f"carries:{key}"


def _to_carry(
    item: Candidate,
    identity: Identity,
    known: Known,
    recorded: Collection[str],
    *,
    ours: bool,
) -> Iterator[str]:
    """That key, where it is new. An item that is not *ours* has to be new on its wire, and to say
    the words of a sibling."""
    if known.siblings is None:
        return
    words, key = item.keys.words or "", carrying(identity.key)
    agrees = words in known.siblings and words not in known.keys
    # The digest of a wire that stamps its items anew is not on record, and carries nothing.
    there = identity.key in known.keys or identity.key in recorded
    if there and (ours or agrees) and key not in known.keys and key not in recorded:
        yield key


def _of_siblings(
    found: Sequence[Candidate], identities: Sequence[Identity], known: Known, version: int
) -> list[tuple[str | None, str | None]]:
    """The stories of siblings that each item is by its identity, and by its words. Refused ones,
    which come last, have no copy, and are nobody's."""
    items = found if known.siblings else ()
    theirs = [
        (
            None if version >= 5 and _is_numbered_alike(item, by_key, known) else by_key,
            of_sibling(item, item.keys.words or "", known),
        )
        for item, one in zip(items, identities, strict=False)
        for by_key in [of_sibling(item, one.key, known)]
    ]
    return [*theirs, *[(None, None)] * (len(identities) - len(theirs))]


def of_sibling(item: Candidate, key: str, known: Known) -> str | None:
    """The story of a sibling that *item* is by its *key*: its guid, link or words."""
    found = (
        (known.siblings or {}).get(key) if key.startswith(("guid:", "link:", "words:")) else None
    )
    story = known.stories.get(found.story_id) if found is not None and not found.shared else None
    theirs, mine = story.elsewhere if story is not None else None, item.version
    if story is None or theirs is None:
        return None
    if key.startswith("link:") and plain(theirs.headline) != item.keys.headline:
        return None
    codes = mine.agency_code, theirs.agency_code
    same = codes[0] == codes[1] if all(codes) else mine.agency == theirs.agency
    return story.id if same else None


def _is_numbered_alike(item: Candidate, story: str | None, known: Known) -> bool:
    """Whether only a guid is common to *item* and the *story* of a sibling, but neither page nor
    headline nor many words: then each of the wires numbers its own."""
    theirs, mine = known.stories[story].elsewhere if story else None, item.version
    if theirs is None or _agree(mine, theirs):
        return False
    pages = {_same_page(normal_url(one.link or "")) for one in (mine, theirs)}
    return "" not in pages and len(pages) == 2 and _differ(_words(mine), _words(theirs))


def _counts(
    item: Candidate,
    identity: Identity,
    before: KnownStory,
    known: Known,
    at: datetime | None,
    version: int,
) -> bool:
    """Whether *item* makes a version of a story whose version on record came by a sibling."""
    if before.stated is not None and item.custody is None:
        return False
    words, theirs = item.keys.words or "", before.elsewhere
    if theirs is None or _embargo(item.version) > max(_embargo(theirs), at or _NEVER):
        return True
    said = words in known.keys or words in (known.siblings or ())
    if said or _is_superseded(item, before) or _is_older(item, before, at, version):
        return False
    mine, other = _letters(item.version), _letters(theirs)
    if mine >= FULLER * other or _is_ahead(item, before):
        return True
    return carrying(identity.key) in known.keys and other < FULLER * mine


_NEVER = datetime.min.replace(tzinfo=UTC)


def _embargo(version: Version) -> datetime:
    return (version.signals.embargo if version.signals is not None else None) or _NEVER


def _letters(version: Version) -> int:
    """How much text there is, roughly: markup is cut off and not parsed."""
    return len("".join((_MARKUP.sub(" ", version.body) or version.summary or "").split()))


def _is_untouched(before: KnownStory, item: Candidate) -> bool:
    """Whether *item* has the very bytes of the version on record. Then the wire changed nothing,
    whatever a later release of ours reads in them."""
    return item.raw_digest is not None and item.raw_digest == before.raw_digest


def _to_record(
    keys: ItemKeys, identity: Identity, shared: Collection[str], own: bool
) -> Iterator[str]:
    """The keys of an item that name its story from now on; *own*: its identity made its id."""
    # Of a wire that stamps its items anew at every poll, each poll would bring a digest for ever.
    if identity.rule != "digest" or own:
        yield identity.key
    if keys.link:
        yield keys.link
    # A guid that does not identify its item is recorded only when it is shared.
    if keys.guid and keys.guid in shared:
        yield keys.guid
    yield from keys.aliases
    if keys.words:
        yield keys.words


def _recognised(
    wire: str,
    keys: Sequence[ItemKeys],
    identities: Sequence[Identity],
    known: Known,
    shared: Collection[str],
    version: int,
    theirs: Sequence[tuple[str | None, str | None]],
) -> list[str]:
    """The story of each item of one capture, first those found and then those refused; *theirs*
    are the stories of siblings that each is, by its key or its words, if it is none of the wire's.
    """
    by_key = [
        _by_key(identity.key, one, known, shared) or other
        for identity, one, (other, _) in zip(identities, keys, theirs, strict=True)
    ]
    present = {story for story in by_key if story is not None}
    chosen: dict[str, str] = {}
    for identity, one, story in zip(identities, keys, by_key, strict=True):
        if story is not None:
            for name in (identity.key, one.address):
                if name is not None and name not in shared:
                    chosen.setdefault(name, story)
    found: list[str] = []
    for identity, one, story, (_, other) in zip(identities, keys, by_key, theirs, strict=True):
        address = one.address if identity.rule == "guid" else None
        story = story or chosen.get(identity.key) or chosen.get(address or "")  # noqa: PLW2901
        if story is None:
            telling = identity.rule == "digest" or not (one.words or "").startswith("few:")
            words = known.keys.get(one.words or "") if telling else None
            same = words.story_id if words is not None and not words.shared else other
            # A story whose key is on the wire is that item's, and this one another.
            if same is not None and same not in present:
                story = same  # noqa: PLW2901
            else:
                story = story_id(wire, identity.key)  # noqa: PLW2901
            present.add(story)
        chosen.setdefault(identity.key, story)
        if address is not None:
            chosen.setdefault(address, story)
        found.append(story)
    if version < 2:
        return found
    # An item that has a link alone is the story on it that has a guid, as it will be on record.
    linked = {
        place: story
        for identity, one, story in zip(identities, keys, found, strict=True)
        for place in (_places(one) if identity.rule == "guid" else ())
        if place not in shared
    }
    return [
        next((linked[p] for p in _places(one) if p in linked), story)
        if identity.rule == "link" and identity.key not in known.keys
        else story
        for identity, one, story in zip(identities, keys, found, strict=True)
    ]


def _by_key(key: str, keys: ItemKeys, known: Known, shared: Collection[str]) -> str | None:
    """The id of the story on record to which an item with the identity *key* belongs."""
    if key in known.keys and key not in shared:
        return known.keys[key].story_id
    for place in _places(keys):
        if place not in known.keys or place in shared:
            continue
        story = known.stories.get(known.keys[place].story_id)
        if story is not None and (
            not story.key.startswith("guid:") or _guid_of(story.key, keys) == _guid_of(None, keys)
        ):
            return story.id
    return None


def _places(keys: ItemKeys) -> tuple[str, ...]:
    """The forms of the item's link and, where it is an address, of its guid."""
    return (*([keys.link] if keys.link else []), *keys.aliases)


def _guid_of(guid: str | None, keys: ItemKeys) -> str | None:
    """The guid key *guid*, None for the item's own, in the form in which the item's is compared."""
    if keys.address is None:
        return guid or keys.guid
    if not guid or keys.address == _address(guid, whole=True):
        return keys.address
    return _address(guid) or guid


def _latest(
    found: Sequence[Candidate],
    stories: Sequence[str],
    known: Known,
    at: datetime | None,
    version: int,
    *,
    numbered: bool,
) -> dict[str, int]:
    """The position of the item that counts, of each story that stands in the capture.

    That with the latest date; of those that no date tells apart that with the highest number, where
    the agency *numbered* them; else one that was never seen, else the one on record, else the first
    in the document: so the same items in another order say the same.
    """
    copies: dict[str, list[Candidate]] = {}
    for item, story in zip(found, stories, strict=False):
        copies.setdefault(story, []).append(item)
    counts: dict[str, int] = {}
    for story, items in copies.items():
        dates = _credible_all(
            [_dated(i.version) for i in items],
            _by_then(at, known.stories.get(story), version),
            version,
        )
        last = max((date for date in dates if date is not None), default=None)
        newest = [i for i, date in zip(items, dates, strict=True) if (date or last) == last]
        if numbered:
            highest = max(_numeral(i.version) or 0 for i in newest)
            newest = [i for i in newest if (_numeral(i.version) or 0) == highest]
        counts[story] = min(newest, key=lambda i: _rank(i, story, known)).position
    return counts


def _rank(item: Candidate, story: str, known: Known) -> int:
    """How soon *item*, a copy of *story*, counts: unseen copies before the one on record."""
    before = known.stories.get(story)
    if before is None:
        return 0
    if before.content_digest == item.content_digest or _is_untouched(before, item):
        return 1
    return 2 if item.keys.words is None or item.keys.words in known.keys else 0


def _dated(version: Version) -> datetime | None:
    return version.updated or version.published


def _is_superseded(item: Candidate, before: KnownStory) -> bool:
    """Whether the agency signed *item* before what is on record: somebody sends its old copy."""
    stated = item.custody.number if item.custody is not None else None
    return stated is not None and before.stated is not None and stated < before.stated


def _is_older(item: Candidate, before: KnownStory, at: datetime | None, version: int) -> bool:
    """Whether *item* is stated to be older than the version on record (RFC 4287 §4.2.15)."""
    mine, theirs = _dates(item.version.updated, before.updated, before, at, version)
    return mine is not None and theirs is not None and mine < theirs


def is_numbered(format: str) -> bool:
    """Whether agencies number the versions of a story in *format*. RSS and its kin may have an
    element of such a name, but nothing that it means."""
    return format.startswith(("newsml", "nitf", "ninjs", "ap-media"))


OLD_COPY = "an old copy by the agency's number of its version: on record, not published"
_REUSED = "the agency's number of the version on record under another text: a version of its own"
_ANEW = "a lower number than that on record under a later date: the agency numbers anew"


def _remark(item: Candidate, before: KnownStory, at: datetime | None, version: int) -> str:
    """What the numbers that the agency gave to *item* and to the version on record say."""
    numbers = _numbers(item, before)
    if before.version is None or numbers is None or _is_ahead(item, before):
        return ""
    if numbers[0] == numbers[1]:
        return _REUSED
    now, then = _dates(_dated(item.version), _dated(before.version), before, at, version)
    return _ANEW if now is not None and then is not None and now > then else OLD_COPY


def _is_ahead(item: Candidate, before: KnownStory) -> bool:
    """Whether the agency gave *item* a higher number than the version on record."""
    numbers = _numbers(item, before)
    return numbers is not None and numbers[0] > numbers[1]


def _numbers(item: Candidate, before: KnownStory) -> tuple[int, int] | None:
    """The agency's numbers of *item* and of the version on record; None where they cannot be
    compared, as those of a sibling that calls the story otherwise."""
    theirs = before.version
    if theirs is None or (before.elsewhere and theirs.agency_id != item.version.agency_id):
        return None
    one, other = _numeral(item.version), _numeral(theirs)
    return None if one is None or other is None else (one, other)


def _numeral(version: Version) -> int | None:
    told = version.agency_version or ""
    return int(told) if _NUMERAL.fullmatch(told) else None


def _dates(
    mine: datetime | None,
    theirs: datetime | None,
    before: KnownStory,
    at: datetime | None,
    version: int,
) -> Sequence[datetime | None]:
    """The dates stated of an item received *at* and of the version on record, those that tell which
    of them is older."""
    if version < 4:
        return *_credible_all([mine], at, version), *_credible_all(
            [theirs], before.received_at, version
        )
    return _credible_all([mine, theirs], _by_then(at, before, version), version)


def _by_then(at: datetime | None, before: KnownStory | None, version: int) -> datetime | None:
    """The time of receipt of an item that came *at*, or that of what is on record, if later: then
    a clock of ours went back in between, and what was credible is so still."""
    then = before.received_at if before is not None and version >= 4 else None
    return max(at, then) if at is not None and then is not None else at


def _credible_all(
    stated: Sequence[datetime | None], at: datetime | None, version: int
) -> list[datetime | None]:
    """The dates *stated*, received *at*; None for those in the future, which would hold up every
    correction until then. Where all are, it is a clock that is wrong, ours or the agency's, and
    they are as good as each other."""
    if at is None or (version >= 4 and all(date is None or date > at + AHEAD for date in stated)):
        return list(stated)
    return [None if date is None or date > at + AHEAD else date for date in stated]


def _told_apart(contents: Contents) -> set[str]:
    """Guids that name several stories in the capture: of other headlines and other texts.

    An id of Atom or JSON Feed stands for one entry at several times, if it says so (RFC 4287
    §4.1.1); then only words that have little in common tell stories apart.
    """
    by_guid: dict[str, list[Candidate]] = {}
    for item in contents.found:
        if item.keys.guid:
            by_guid.setdefault(item.keys.guid, []).append(item)
    return {
        guid
        for guid, items in by_guid.items()
        if any(_is_another(items[0], item, contents.format) for item in items[1:])
    }


def _certain(contents: Contents, known: Known) -> Sequence[ItemKeys]:
    """The keys of all items, without the loose forms of addresses that stand for several pages: for
    items that have neither headline nor text in common, here or with the story on record."""
    keys = contents.keys
    if not any(one.loose for one in keys):
        return keys
    loose = {name for one in keys for name in one.loose}
    first: dict[str, Candidate] = {}
    several: set[str] = set()
    for item in contents.found:
        for name in loose.intersection(_places(item.keys)):
            if not _agree(item.version, first.setdefault(name, item).version):
                several.add(name)
        for name in item.keys.loose:
            row = known.keys.get(name)
            story = known.stories.get(row.story_id) if row is not None else None
            if story and story.copy and not _agree(item.version, story.copy):
                several.add(name)
    return [one if several.isdisjoint(one.loose) else _whole(one) for one in keys]


def _whole(keys: ItemKeys) -> ItemKeys:
    """*keys* without loose forms of addresses."""
    if not keys.loose:
        return keys
    aliases = tuple(name for name in keys.aliases if name not in keys.loose)
    address = _address(keys.guid, whole=True) if keys.address else None
    return replace(keys, aliases=aliases, address=address, loose=())


def _agree(one: Version, two: Version) -> bool:
    """Whether two copies have their headline or their text in common."""
    if one.headline and plain(one.headline) == plain(two.headline):
        return True
    words = _words(one)
    return bool(words) and words == _words(two)


def _links_of_headlines(keys: Sequence[ItemKeys]) -> set[str]:
    """Links that stand on different headlines, and for some item must serve in a guid's place."""
    headlines: dict[str, set[str]] = {}
    needed: set[str] = set()
    for one in keys:
        for place in _places(one):
            headlines.setdefault(place, set()).add(one.headline)
            if _why_no_guid(one, ()):
                needed.add(place)
    return {place for place in needed if len(headlines[place]) > 1}


def _is_another(one: Candidate, two: Candidate, format: str) -> bool:
    if one.keys.headline == two.keys.headline or not one.keys.headline or not two.keys.headline:
        return False
    ours, theirs = _words(one.version), _words(two.version)
    if ours == theirs:
        return False
    times = {one.version.updated, two.version.updated}
    if not format.startswith(("atom", "json")) or None in times or len(times) == 1:
        return True
    return _differ(ours, theirs)


def _differ(ours: frozenset[str], theirs: frozenset[str]) -> bool:
    """Whether two texts of these words have little in common."""
    return 2 * len(ours & theirs) < min(len(ours), len(theirs))


def _words(version: Version) -> frozenset[str]:
    """The different words of the text, roughly: markup is cut off and not parsed."""
    text = _MARKUP.sub(" ", version.body) or version.summary or ""
    return frozenset(re.findall(r"\w+", text.casefold()))


def _links_of_several(keys: Sequence[ItemKeys], known: Known) -> set[str]:
    """Link keys with different guids, here or on record: they identify no story.

    The stories of a wire that all link to its front page differ by guid alone.
    """
    guids_of: dict[str, set[str | None]] = {}
    first: dict[str, ItemKeys] = {}
    for one in keys:
        for place in _places(one) if one.guid is not None else ():
            guids_of.setdefault(place, set()).add(_guid_of(None, one))
            first.setdefault(place, one)
    for link, guids in guids_of.items():
        if (alias := known.keys.get(link)) is not None:
            story = known.stories.get(alias.story_id)
            if story is not None and story.key.startswith("guid:"):
                guids.add(_guid_of(story.key, first[link]))
    return {link for link, guids in guids_of.items() if len(guids) > 1}


# Which key identifies an item


def identify(
    keys: Sequence[ItemKeys], rule: IdentityRule, shared: Collection[str] = ()
) -> tuple[Identity, ...]:
    """The identities of the items of one capture that have these *keys*, in their order.

    *rule* is the wire's; *shared* are guid and link keys known from earlier captures to name
    several stories. The same guid and link twice is the same story twice. Identities do not depend
    on the order of the items.
    """
    several = common(keys, rule).union(shared)
    return tuple(_identity(one, rule, several) for one in keys)


def common(keys: Sequence[ItemKeys], rule: IdentityRule, shared: Collection[str] = ()) -> set[str]:
    """Those of *keys*, of the items of one capture, that name several stories within it.

    A guid does when it stands on different links, or, where there is no link, on different
    headlines; a link when it stands on different headlines of items that have no guid to serve.
    *shared* are guids known to name several.
    """
    of_guid: dict[str, set[str]] = {}
    for one in keys:
        if one.guid and (one.link or one.words is None):  # words: see _told_apart
            of_guid.setdefault(one.guid, set()).add(one.link or f"headline:{one.headline}")
    several = {key for key, others in of_guid.items() if len(others) > 1}.union(shared)
    of_link: dict[str, set[str]] = {}
    for one in keys:
        if one.link and (rule != "guid" or _why_no_guid(one, several)):
            of_link.setdefault(one.link, set()).add(one.headline)
    return several | {key for key, others in of_link.items() if len(others) > 1}


def _identity(keys: ItemKeys, rule: IdentityRule, several: Collection[str]) -> Identity:
    reasons: list[str] = []
    if rule == "guid":
        why = _why_no_guid(keys, several)
        if not why:
            return Identity(rule="guid", key=keys.guid or "")
        reasons.append(why)
    if rule != "digest":
        if keys.link and keys.link not in several:
            return Identity(rule="link", key=keys.link, degraded="; ".join(reasons) or None)
        reasons.append("several stories share the link" if keys.link else "no link")
    return Identity(rule="digest", key=keys.digest, degraded="; ".join(reasons) or None)


def _why_no_guid(keys: ItemKeys, several: Collection[str]) -> str:
    """Why the item's guid cannot be used; ``""`` if it can."""
    if keys.guid is None:
        return "no guid"
    if keys.titled_guid:
        return "the guid is the headline"
    return "several stories share the guid" if keys.guid in several else ""


# The keys that an item has


def keys_of(item: Item, rule: int = INTAKE_RULE, *, exact: bool = False) -> ItemKeys:
    """The keys of *item*, by the rules of version *rule*.

    *exact* where its format compares ids letter by letter, though they be addresses.
    """
    line = headline(item, rule)
    line = line if line.isascii() else plain(line)
    url = normal_url(item.link)
    keys = ItemKeys(
        guid=guid_key(item),
        link=link_key(url),
        digest=digest_key(item, line, rule),
        headline=line,
        titled_guid=bool(line) and plain(item.guid).casefold() == line.casefold(),
    )
    if rule < 2:
        return keys
    address = None if exact else _address(keys.guid)
    aliases = dict.fromkeys(_named(_same_page(url), address))
    loose: tuple[str, ...] = ()
    if rule >= 5 and ("?" in url or "?" in ((address and keys.guid) or "")):
        whole = _named(_same_page(url, whole=True), address and _address(keys.guid, whole=True))
        loose = tuple(name for name in aliases if name not in whole)
        aliases |= dict.fromkeys(whole)
    aliases.pop(keys.link or "", None)
    return replace(keys, address=address, aliases=tuple(aliases), loose=loose)


def _named(*places: str | None) -> list[str]:
    """The keys of links to *places*."""
    return [f"link:{_short(place)}" for place in places if place]


def with_words(
    keys: ItemKeys, item: Item, projected: Projection, rule: int = INTAKE_RULE
) -> ItemKeys:
    """*keys* with that of the item's headline and text; sound and film are as good as text.

    ``few:`` where they say too little to be one story's alone, as a daily "No warnings are in
    force" does: they count only where the item has no other key to serve.
    """
    text = projected.unspaced or "".join(plain(item.summary).split())
    recorded = sorted(m.url for m in item.media if m.type.lower().startswith(("audio", "video")))
    if rule < 2 or not (keys.headline or text):
        return keys
    data = "\0".join((keys.headline, text, *recorded)).encode("utf-8", "replace")
    kind = "few" if len(text) < TELLING else "words"
    return replace(keys, words=f"{kind}:{hashlib.sha256(data).hexdigest()[:40]}")


def headline(item: Item, rule: int = INTAKE_RULE) -> str:
    """The item's headline as plain text: one line, entities and markup resolved; ``""`` where it
    shows nothing. Rule 1 folded it."""
    if rule < 2:
        return plain(_projected(item.headline)) if item.headline_html else plain(item.headline)
    if not item.headline_html:
        return one_line(item.headline)
    try:
        return spoken(item.headline)
    except ParseError:  # as below
        return one_line(item.headline)


def _projected(html: str) -> str:
    try:
        return projection(html)
    except ParseError:  # markup built to exhaust a parser: its bytes are as distinct
        return html


def guid_key(item: Item) -> str | None:
    """The key of the item's guid, None if it has none.

    The guid is kept exactly, without white space around it and, on a web address, without a
    fragment of tracking parameters alone: wires add and drop ``#publisher=newsstand`` on the same
    story. Any other fragment counts (``/live#post-7``).
    """
    guid = well_formed(item.guid).strip()
    if guid.startswith(("http://", "https://")):
        address, mark, fragment = guid.partition("#")
        if mark and is_tracking(fragment):
            guid = address
    return f"guid:{_short(guid)}" if guid else None


def link_key(url: str) -> str | None:
    """The key of the normal *url* of an item's link, None where that is no web address."""
    return f"link:{_short(url)}" if url else None


def normal_url(url: str) -> str:
    """*url* in the form under which the same page is recognised; ``""`` if it is no web address.

    Scheme and host in lower case, http and https the same, no default port, no fragment, no
    tracking parameters; every other parameter stays, in its order (``?id=1`` is not ``?id=2``).
    """
    try:
        parts = urlsplit(well_formed(url).strip())
        host, port = parts.hostname, parts.port
    except ValueError:  # a broken host or port
        return ""
    scheme = parts.scheme.lower()
    if scheme not in _PORTS or not host:
        return ""
    named = f"[{host}]" if ":" in host else host
    place = named if port in (None, _PORTS[scheme]) else f"{named}:{port}"
    query = "&".join(p for p in parts.query.split("&") if p and not is_tracking(p))
    return urlunsplit(("https", place, parts.path or "/", query, ""))


def _same_page(url: str, *, whole: bool = False) -> str:
    """A normal *url* in the form in which addresses of one page are the same: without ``www.`` and
    a slash at the end, host and characters in one spelling; unless *whole*, also without session,
    signature and what counts readers. Never a key by itself, as it may go too far."""
    if not url:
        return ""
    parts = urlsplit(url)
    query = parts.query
    if query and not whole:
        query = without_signature(query)
        silent = (_SESSION, _COUNTING)
        kept = (p for p in query.split("&") if p and not any(s.fullmatch(p) for s in silent))
        query = "&".join(kept)
    path = parts.path.rstrip("/")
    if ";" in path:
        path = re.sub(r"(?i);jsessionid=[^/;?]*", "", path).rstrip("/")
    place = parts.netloc.removeprefix("www.")
    with suppress(UnicodeError):
        place = place if place.isascii() else place.encode("idna").decode()
    return urlunsplit(("https", place, _spelt(path) or "/", _spelt(query), ""))


def _spelt(text: str) -> str:
    """*text* of an address with only what must be escaped escaped (RFC 3986 §6.2.2)."""
    if _SPELT.fullmatch(text):
        return text
    return quote(unquote_to_bytes(text), safe="/:@!$&'()*+,;=?~")


def _address(guid: str | None, *, whole: bool = False) -> str | None:
    """The guid key *guid* as an address to compare, None when it is none. Its fragment counts."""
    page, mark, fragment = (guid or "").removeprefix("guid:").partition("#")
    if not page[:8].lower().startswith(("http://", "https://")):
        return None
    found = _same_page(normal_url(page), whole=whole)
    return f"{found}{mark}{fragment}" if found and fragment else found or None


def digest_key(item: Item, headline: str, rule: int = INTAKE_RULE) -> str:
    """The last key: a digest of the headline and the first date stated, else of the body; of what
    has none of these, of its pictures."""
    dates = [d.strip() for d in (*item.published, *item.updated) if d.strip()]
    body = item.body or item.summary
    words = dates[0] if dates else _projected(body) if item.body_html else plain(body)
    if rule >= 2 and not headline and not words.strip():
        words = "\0".join([*(_same_page(normal_url(m.url)) or m.url for m in item.media), body])
    data = f"{headline}\0{words}".encode("utf-8", "replace")
    return f"digest:{hashlib.sha256(data).hexdigest()[:40]}"


def is_tracking(query: str) -> bool:
    """Whether every parameter of *query* only tracks where a reader came from."""
    if "=" not in query:
        return False
    parameters = [p for p in query[:_LONGEST].split("&") if p]
    names = (unquote_plus(parameter.partition("=")[0]) for parameter in parameters)
    return bool(parameters) and all(_TRACKING.fullmatch(name) for name in names)


def _short(text: str) -> str:
    """*text* itself, or its digest where it is longer than any real one."""
    if len(text) <= _LONGEST:
        return text
    return f"sha256-{hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()}"
