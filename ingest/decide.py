"""What the items of one capture mean for the stories on record: a pure decision.

``decide`` takes what was found and what is known and returns intents; the shell carries them out.
Being a function of the two alone, it comes out the same whenever a capture is replayed.

The rules, each for a fault seen on real wires:

* A story is recognised by its identity key. A key known to name several stories identifies none.
* An item whose own key is new may still be a story on record under its link: when that story had
  no guid of its own then, or has this very guid. A wire that begins, stops or shares guids
  therefore does not make old stories new, and two guids on one link stay two stories.
* A new version is made when content changed, whatever dates and version numbers say; not when
  only dates, counters or tracking pixels did.
* The same story twice in one capture: the first in document order counts, as feeds run newest
  first; the others are reported as duplicates.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from stories.store.stories import KnownKey, KnownStory
from stories.story import Digests, Identity, Version, story_id

Action = Literal["new", "updated", "same", "duplicate"]


@dataclass(frozen=True, slots=True)
class Found:
    """One item of a capture, normalised. ``link_key`` is its identity by link, if it has one."""

    position: int
    start: int
    end: int
    identity: Identity
    link_key: str | None
    guid_key: str | None
    version: Version
    received: Digests
    raw_digest: str | None
    content_digest: str


@dataclass(frozen=True, slots=True)
class Known:
    """What stood on record before this capture."""

    keys: Mapping[str, KnownKey] = field(default_factory=dict)
    stories: Mapping[str, KnownStory] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Intent:
    """What to do with one item. ``number`` is the version's, for ``new`` and ``updated``."""

    action: Action
    story_id: str
    number: int
    found: Found


@dataclass(frozen=True, slots=True)
class Decision:
    """Intents in document order; keys to put on record; keys found to name several stories."""

    intents: tuple[Intent, ...]
    keys: tuple[tuple[str, str], ...]
    shared: tuple[str, ...]


def wanted_keys(founds: Sequence[Found]) -> set[str]:
    """Every key that :func:`decide` will look up for *founds*."""
    return {k for f in founds for k in _keys_of(f)}


def _keys_of(found: Found) -> Iterator[str]:
    yield found.identity.key
    if found.link_key is not None:
        yield found.link_key
    if found.guid_key is not None:
        yield found.guid_key


def decide(wire: str, founds: Sequence[Found], known: Known) -> Decision:
    """Judge the items *founds* of one capture of *wire* against what is *known*."""
    intents: list[Intent] = []
    recorded: dict[str, str] = {}
    shared = {key: None for key in _shared_here(founds) if not _is_shared(known, key)}
    taken: set[str] = set()
    for found in founds:
        story = _recognise(wire, found, known, recorded, shared)
        for key in (found.identity.key, found.link_key):
            if key is not None and key not in known.keys:
                recorded.setdefault(key, story)
        before = known.stories.get(story)
        number = before.number if before else 0
        action: Action
        if story in taken:
            action = "duplicate"
        elif before is None:
            action, number = "new", 1
        elif before.content_digest != found.content_digest:
            action, number = "updated", number + 1
        else:
            action = "same"
        taken.add(story)
        intents.append(Intent(action, story, number, found))
    return Decision(
        intents=tuple(intents),
        keys=tuple(recorded.items()),
        shared=tuple(k for k in shared if k in known.keys or k in recorded),
    )


def _recognise(
    wire: str,
    found: Found,
    known: Known,
    recorded: Mapping[str, str],
    shared: Mapping[str, None],
) -> str:
    key = found.identity.key
    if key in known.keys and not _is_shared(known, key):
        return known.keys[key].story_id
    if key in recorded:
        return recorded[key]
    link = found.link_key
    if link is not None and link in known.keys and link not in shared:
        alias = known.keys[link]
        story = known.stories.get(alias.story_id)
        if story is not None and not alias.shared:
            guidless = not story.key.startswith("guid:")
            if guidless or story.key == found.guid_key:
                return story.id
    return story_id(wire, key)


def _is_shared(known: Known, key: str) -> bool:
    return key in known.keys and known.keys[key].shared


def _shared_here(founds: Sequence[Found]) -> Iterator[str]:
    """Guids that stand on items with different links; links that stand on different guids."""
    links_of: dict[str, set[str | None]] = {}
    guids_of: dict[str, set[str | None]] = {}
    for found in founds:
        if found.guid_key is not None:
            links_of.setdefault(found.guid_key, set()).add(found.link_key)
        if found.link_key is not None:
            guids_of.setdefault(found.link_key, set()).add(found.guid_key)
    for table in (links_of, guids_of):
        for key, others in table.items():
            if len(others) > 1:
                yield key
