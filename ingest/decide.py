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

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from stories.models import Identity, KnownKey, KnownStory, Version, story_id
from wirecopy.scope import Digests

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
    received: Digests | None
    raw_digest: str | None
    content_digest: str


@dataclass(frozen=True, slots=True)
class Known:
    """What stood on record before this capture."""

    keys: Mapping[str, KnownKey] = field(default_factory=dict)
    stories: Mapping[str, KnownStory] = field(default_factory=dict)

    def joined(self, other: "Known") -> "Known":
        """What stands in either."""
        return Known({**self.keys, **other.keys}, {**self.stories, **other.stories})


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


def links_of_several(
    pairs: Sequence[tuple[str | None, str | None]], known: Known
) -> frozenset[str]:
    """Link keys that stand on different guids, here or on record: they identify no story.

    *pairs* are each item's guid key and link key. A wire whose stories all link to its front page
    is told apart by guid alone.
    """
    guids_of: dict[str, set[str]] = {}
    for guid, link in pairs:
        if guid is not None and link is not None:
            guids_of.setdefault(link, set()).add(guid)
    for link, guids in guids_of.items():
        if (alias := known.keys.get(link)) is not None:
            story = known.stories.get(alias.story_id)
            if story is not None and story.key.startswith("guid:"):
                guids.add(story.key)
    return frozenset(link for link, guids in guids_of.items() if len(guids) > 1)


def decide(
    wire: str, founds: Sequence[Found], known: Known, shared: Collection[str] = frozenset()
) -> Decision:
    """Judge the items *founds* of one capture of *wire* against what is *known*.

    *shared* are the keys found, in this capture or before, to name several stories; no item of
    *founds* is identified by one of them.
    """
    intents: list[Intent] = []
    recorded: dict[str, str] = {}
    taken: set[str] = set()
    for found in founds:
        story = _recognise(wire, found, known, recorded, shared)
        for key in (found.identity.key, found.link_key, found.guid_key):
            if key is None or key in known.keys:
                continue
            # A guid that does not identify its item is kept in mind only when it is shared.
            if key != found.guid_key or key == found.identity.key or key in shared:
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
    fresh = (k for k in (*known.keys, *recorded) if k in shared)
    return Decision(
        intents=tuple(intents),
        keys=tuple(recorded.items()),
        shared=tuple(k for k in fresh if not (k in known.keys and known.keys[k].shared)),
    )


def _recognise(
    wire: str,
    found: Found,
    known: Known,
    recorded: Mapping[str, str],
    shared: Collection[str],
) -> str:
    key = found.identity.key
    if key in known.keys and key not in shared:
        return known.keys[key].story_id
    if key in recorded:
        return recorded[key]
    link = found.link_key
    if link is not None and link in known.keys and link not in shared:
        story = known.stories.get(known.keys[link].story_id)
        if story is not None:
            guidless = not story.key.startswith("guid:")
            if guidless or story.key == found.guid_key:
                return story.id
    return story_id(wire, key)
