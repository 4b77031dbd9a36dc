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
* A new version is made when content changed, whatever dates and version numbers say; not when only
  dates, counters or tracking pixels did.
* Of the same story twice in one capture the first in document order counts, as feeds are newest
  first; the others are duplicates.
"""

import hashlib
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from ingest.item import Candidate, Contents, Item, ItemKeys
from stories.errors import ParseError
from stories.models import Identity, IdentityRule, KnownKey, KnownStory, story_id
from wirecopy.encoding import well_formed
from wirecopy.text import plain, projection

_TRACKING = re.compile(
    r"(?:utm_\w*|fbclid|gclid|dclid|gbraid|wbraid|msclkid|yclid|twclid|igshid|mc_cid|mc_eid|ocid"
    r"|_ga|_gl|cmpid|ns_mchannel|ns_source|ns_campaign|at_medium|at_campaign|publisher|pfrom)",
    re.IGNORECASE,
)
_PORTS = {"http": 80, "https": 443}
_LONGEST = 2_000

Action = Literal["new", "updated", "same", "duplicate"]


@dataclass(frozen=True, slots=True)
class Known:
    """What was on record before this capture, for the keys that its items could have."""

    keys: Mapping[str, KnownKey] = field(default_factory=dict)
    stories: Mapping[str, KnownStory] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Intent:
    """What to do with one item. ``number`` is the version's, for ``new`` and ``updated``."""

    action: Action
    story_id: str
    number: int
    identity: Identity
    item: Candidate


@dataclass(frozen=True, slots=True)
class Decision:
    """Intents in document order; keys to put on record, each with its story; keys found to name
    several stories."""

    intents: tuple[Intent, ...] = ()
    keys: tuple[tuple[str, str], ...] = ()
    shared: tuple[str, ...] = ()


def decide(wire: str, rule: IdentityRule, contents: Contents, known: Known) -> Decision:
    """Judge the *contents* of one capture of *wire* against what is *known*.

    *rule* is the identity rule that the wire is configured with.
    """
    keys = contents.keys
    shared = {key for key, on_record in known.keys.items() if on_record.shared}
    shared |= _links_of_several(keys, known)
    identities = identify(keys, rule, shared)
    shared |= common(keys, rule)
    intents: list[Intent] = []
    recorded: dict[str, str] = {}
    seen: set[str] = set()
    # The keys of refused items come last; no intents are made for them.
    for item, identity in zip(contents.found, identities, strict=False):
        story = _recognise(wire, identity.key, item.keys, known, recorded, shared)
        for key in (identity.key, item.keys.link, item.keys.guid):
            if key is None or key in known.keys:
                continue
            # A guid that does not identify its item is recorded only when it is shared.
            if key != item.keys.guid or key == identity.key or key in shared:
                recorded.setdefault(key, story)
        before = known.stories.get(story)
        number = before.number if before else 0
        action: Action
        if story in seen:
            action = "duplicate"
        elif before is None:
            action, number = "new", 1
        elif before.content_digest != item.content_digest:
            action, number = "updated", number + 1
        else:
            action = "same"
        seen.add(story)
        if not item.version.agency_id:
            named = item.version.model_copy(update={"agency_id": identity.key})
            item = item.model_copy(update={"version": named})  # noqa: PLW2901
        intents.append(Intent(action, story, number, identity, item))
    newly_shared = (
        key
        for key in (*known.keys, *recorded)
        if key in shared and not (key in known.keys and known.keys[key].shared)
    )
    return Decision(tuple(intents), tuple(recorded.items()), tuple(newly_shared))


def _recognise(
    wire: str,
    key: str,
    keys: ItemKeys,
    known: Known,
    recorded: Mapping[str, str],
    shared: Collection[str],
) -> str:
    """The id of the story to which an item with the identity *key* belongs."""
    if key in known.keys and key not in shared:
        return known.keys[key].story_id
    if key in recorded:
        return recorded[key]
    link = keys.link
    if link is not None and link in known.keys and link not in shared:
        story = known.stories.get(known.keys[link].story_id)
        if story is not None:
            guidless = not story.key.startswith("guid:")
            if guidless or story.key == keys.guid:
                return story.id
    return story_id(wire, key)


def _links_of_several(keys: Sequence[ItemKeys], known: Known) -> set[str]:
    """Link keys with different guids, here or on record: they identify no story.

    The stories of a wire that all link to its front page differ by guid alone.
    """
    guids_of: dict[str, set[str]] = {}
    for one in keys:
        if one.guid is not None and one.link is not None:
            guids_of.setdefault(one.link, set()).add(one.guid)
    for link, guids in guids_of.items():
        if (alias := known.keys.get(link)) is not None:
            story = known.stories.get(alias.story_id)
            if story is not None and story.key.startswith("guid:"):
                guids.add(story.key)
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


def common(keys: Sequence[ItemKeys], rule: IdentityRule) -> set[str]:
    """Those of *keys*, of the items of one capture, that name several stories within it.

    A guid does when it stands on different links, or, where there is no link, on different
    headlines; a link when it stands on different headlines of items that have no guid to serve.
    """
    of_guid: dict[str, set[str]] = {}
    for one in keys:
        if one.guid:
            of_guid.setdefault(one.guid, set()).add(one.link or f"headline:{one.headline}")
    several = {key for key, others in of_guid.items() if len(others) > 1}
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


def keys_of(item: Item) -> ItemKeys:
    """The keys of *item*."""
    line = headline(item)
    return ItemKeys(
        guid=guid_key(item),
        link=link_key(item),
        digest=digest_key(item, line),
        headline=line,
        titled_guid=bool(line) and plain(item.guid).casefold() == line.casefold(),
    )


def headline(item: Item) -> str:
    """The item's headline as plain text: one line, entities and markup resolved."""
    return plain(_projected(item.headline)) if item.headline_html else plain(item.headline)


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


def link_key(item: Item) -> str | None:
    """The key of the item's link, None if it has none that is a web address."""
    url = normal_url(item.link)
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


def digest_key(item: Item, headline: str) -> str:
    """The last key: a digest of the headline and the first date stated, else of the body."""
    dates = [d.strip() for d in (*item.published, *item.updated) if d.strip()]
    body = item.body or item.summary
    words = dates[0] if dates else _projected(body) if item.body_html else plain(body)
    data = f"{headline}\0{words}".encode("utf-8", "replace")
    return f"digest:{hashlib.sha256(data).hexdigest()[:40]}"


def is_tracking(query: str) -> bool:
    """Whether every parameter of *query* only tracks where a reader came from."""
    pairs = parse_qsl(query[:_LONGEST], keep_blank_values=True) if "=" in query else []
    return bool(pairs) and all(_TRACKING.fullmatch(name) for name, _ in pairs)


def _short(text: str) -> str:
    """*text* itself, or its digest where it is longer than any real one."""
    if len(text) <= _LONGEST:
        return text
    return f"sha256-{hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()}"
