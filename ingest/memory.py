"""What need not be read again: items of a wire's newest capture, while their bytes stand there.

A poll brings a feed of which nearly all was read before. Items whose bytes have a digest that is
remembered are passed over, so long as all else on which reading them depends is the same
(:attr:`ingest.item.Parsed.context`, :func:`rules`). Only the others are read and decided upon.
Where the known ones stand is found by comparing bytes, if what is around them is usual
(:mod:`ingest.outline`): then the others alone are handed over to be read, if there are any. Else
the capture is cut into items as every other.

That gives what reading the whole capture gives, for an item is remembered only when

* it reads the same whatever stands beside it, and left no note (``independent``), something is
  claimed of it, and no address in it expires;
* it is **settled** (:func:`_is_settled`): decided upon by itself once more, on the record as it is
  after its capture, it is the same version of the same story, and puts nothing on record;
* it is **apart** (:func:`are_apart`): no other item of its capture has any of its keys, or its
  story.

and is passed over only where it is apart from all items of the new capture too; else that capture
is read whole. See :func:`ingest.decide.decide` for why such items can be left out. Everything that
changes the record of a wire in another way forgets what stands on it
(:func:`stories.db.standing.forget`), and replay and rebuild read whole.
"""

import dataclasses
import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from ingest.decide import Decision, Intent, Known, carrying, decide
from ingest.item import MOST_ITEMS, Channel, Contents, Frame, Hints, ItemKeys, Outline
from ingest.outline import cut
from ingest.parse import Reader
from ingest.sandbox import WIRE_FIELDS
from stories.config import Wire
from stories.errors import ParseError
from stories.models import (
    Capture,
    KnownKey,
    KnownStory,
    Memory,
    Standing,
    printable,
    short_keys,
)

_LIBRARIES = ("feedparser", "lxml", "pydantic", "selectolax", "tzdata")
"""What could read an item otherwise in another version."""


@lru_cache(maxsize=1)
def _code() -> str:
    """A digest of the code that reads captures and decides what they mean."""
    root = Path(__file__).resolve().parents[1]
    digest = hashlib.sha256()
    for folder in ("ingest", "wirecopy"):
        for file in sorted((root / folder).rglob("*")):
            if file.suffix in (".py", ".json"):
                digest.update(file.read_bytes())
    for file in (root / "stories" / "models.py", root / "stories" / "styles.py"):
        digest.update(file.read_bytes())
    for name in _LIBRARIES:
        try:
            digest.update(f"{name} {metadata.version(name)}".encode())
        except metadata.PackageNotFoundError:
            continue
    return digest.hexdigest()


def rules(wire: Wire, key_sets: str, siblings: Sequence[str] = ()) -> str:
    """A digest of the rules by which items of *wire*, under its first name, are read and told
    apart: those of the code, what the configuration says of the wire, the names of the key sets
    by which items are verified, and the *siblings*."""
    said = wire.model_dump_json(include={*WIRE_FIELDS, "identity"})
    told = f"{_code()}{said}{key_sets}{','.join(siblings)}"
    return hashlib.sha256(told.encode()).hexdigest()[:32]


def read(
    reader: Reader,
    body: bytes,
    hints: Hints,
    wire: Wire,
    memory: Memory | None,
    siblings: Sequence[str] = (),
) -> Contents:
    """The contents of *body*, the next capture of *wire*, on which *memory* stands, without what
    is known of it. *siblings* are the other wires of its agency.

    :raises stories.errors.ParseError: as *reader* does.
    """
    under, _, context = memory.context.partition(":") if memory is not None else ("", "", "")
    if memory is None or under != rules(wire, " ".join(hints.key_sets), siblings):
        return reader(body, hints, wire)
    digests = tuple(item.digest for item in memory.items)
    hints = dataclasses.replace(hints, standing=digests, context=context, frame=_frame(memory))
    found = _read_apart(reader, body, hints, wire, memory) if memory.outline else None
    if found is None:
        found = reader(body, hints, wire)
    still = memory.tag if found.context == context else ""
    return found.model_copy(update={"tag": found.tag or still})


def _read_apart(
    reader: Reader, body: bytes, hints: Hints, wire: Wire, memory: Memory
) -> Contents | None:
    """What :func:`read` gives, where known items are found by their bytes; else None."""
    outline = OUTLINE.validate_python(memory.outline)
    lengths = tuple((item.digest, item.length) for item in memory.items)
    found = cut(body, outline, lengths, hints)
    if found is None or not found.known:
        return None
    known = found.known
    if not found.middle:
        about: dict[str, Any] = {"context": hints.context, "outline": outline}
        return Contents(items=len(known), standing=known, **about)
    there = {one.digest for one in known}
    rest = tuple(name for name in hints.standing if name not in there)
    place: dict[str, Any] = {"before": found.first, "offset": found.offset}
    try:
        read = reader(found.middle, dataclasses.replace(hints, standing=rest, **place), wire)
    except ParseError:  # it may be another's fault
        return None
    items = read.items + len(known)
    if (read.context, read.outline) != (hints.context, outline) or items > MOST_ITEMS:
        return None
    return read.model_copy(update={"items": items, "standing": (*known, *read.standing)})


def _frame(memory: Memory) -> Frame | None:
    if not memory.tag:
        return None
    return Frame(memory.format, CHANNEL.validate_python(memory.channel), memory.tag)


CHANNEL = TypeAdapter(Channel)
"""A channel as a wire's row has it; what is no member of it any more is left out."""
OUTLINE = TypeAdapter(Outline)


def still_standing(contents: Contents, memory: Memory | None) -> list[Standing]:
    """The items of *memory* that were passed over in *contents*."""
    if memory is None or not contents.standing:
        return []
    there = {one.digest for one in contents.standing}
    return [item for item in memory.items if item.digest in there]


def are_apart(contents: Contents, decision: Decision, kept: Sequence[Standing]) -> bool:
    """Whether no item that was read in *contents* has a key of one that was passed over, *kept*,
    and none belongs to its story by the *decision* upon those alone."""
    if not kept:
        return True
    names = b"".join(item.keys for item in kept)
    stories = {item.story_id for item in kept}
    # A name that is found across two others costs a reading, as one of another key does.
    return not any(name in names for name in _names(contents)) and stories.isdisjoint(
        intent.story_id for intent in decision.intents
    )


def remembered(
    wire: Wire,
    capture: Capture,
    contents: Contents,
    known: Known,
    decision: Decision,
    kept: Sequence[Standing],
    siblings: Sequence[str] = (),
) -> tuple[str | None, list[Standing]]:
    """The context of *contents*, and its items that the next capture need not be read for: those
    *kept*, and of those that were read all that may be remembered (see above), in the order of the
    capture."""
    if not contents.context:
        return None, []
    starts = {one.digest: one.start for one in contents.standing}
    lengths = {one.digest: one.end - one.start for one in contents.standing}
    keys = Counter(_names(contents))
    stories = Counter(intent.story_id for intent in decision.intents)
    recorded, shared = dict(decision.keys), frozenset(decision.shared)
    items = [
        one if one.length else dataclasses.replace(one, length=lengths[one.digest]) for one in kept
    ]
    for intent in decision.intents:
        item, names = intent.item, short_keys(_keys_of(intent.item.keys))
        if (
            intent.action in ("new", "updated", "same")
            and stories[intent.story_id] == 1
            and item.independent
            and item.received is not None
            and item.raw_digest is not None
            and not item.signed
            and all(keys[name] == 1 for name in names)
            and (
                _is_plain(wire, known, recorded, shared, intent)
                or _is_settled(wire, capture, contents, known, recorded, shared, intent)
            )
        ):
            starts[item.raw_digest] = item.start
            length = item.end - item.start
            joined = b"".join(sorted(names))
            items.append(Standing(intent.story_id, item.raw_digest, joined, length))
    items.sort(key=lambda one: starts[one.digest])
    under = rules(wire, capture.key_set or "", siblings)
    return f"{under}:{contents.context}", items


def _is_plain(
    wire: Wire, known: Known, recorded: Mapping[str, str], shared: AbstractSet[str], intent: Intent
) -> bool:
    """Whether :func:`_is_settled` is sure to be true of the item of *intent*, as of nearly every
    new one: it has a guid to itself, and all its keys are on record for its story alone."""
    keys = intent.item.keys
    names = [key for key in (keys.guid, keys.link, keys.words, *keys.aliases) if key]
    return (
        intent.action == "new"
        and wire.identity == intent.identity.rule == "guid"
        and intent.identity.key == keys.guid == printable(intent.identity.key)
        and known.siblings is None
        and shared.isdisjoint(names)
        and not any(key in known.keys for key in _keys_of(keys) if key)
        and all(recorded.get(name) == intent.story_id for name in names)
    )


def _is_settled(
    wire: Wire,
    capture: Capture,
    contents: Contents,
    known: Known,
    recorded: Mapping[str, str],
    newly_shared: AbstractSet[str],
    intent: Intent,
) -> bool:
    """Whether the item of *intent*, decided upon by itself on the record as it is then, would
    change nothing."""
    keys = {}
    shares = known.siblings is not None
    carries = [carrying(intent.identity.key)] if shares else []
    for key in (*_keys_of(intent.item.keys), *carries):
        before = known.keys.get(key or "")
        story = before.story_id if before is not None else recorded.get(key or "")
        if key and story is not None:
            shared = (before is not None and before.shared) or key in newly_shared
            keys[key] = KnownKey(story, shared)
    theirs = {
        key: row
        for key in _keys_of(intent.item.keys)
        if key and (row := (known.siblings or {}).get(key)) is not None
    }
    named = [one.story_id for one in (*keys.values(), *theirs.values())]
    stories = {name: known.stories[name] for name in named if name in known.stories}
    if intent.action != "same":
        was = known.stories.get(intent.story_id)
        stories[intent.story_id] = KnownStory(
            id=intent.story_id,
            key=was.key if was is not None else printable(intent.identity.key),
            number=intent.number,
            content_digest=intent.item.content_digest,
            updated=intent.item.version.updated,
            received_at=capture.received_at,
            raw_digest=intent.item.raw_digest,
            stated=intent.item.custody.number if intent.item.custody is not None else None,
        )
    again = decide(
        wire.name,
        wire.identity,
        Contents(format=contents.format, found=(intent.item,)),
        Known(keys, stories, theirs if shares else None),
        capture.received_at,
        capture.rule,
    )
    [alone] = again.intents
    same = (alone.action, alone.story_id) == ("same", intent.story_id)
    return same and not again.keys and not again.shared


def _names(contents: Contents) -> Iterator[bytes]:
    """The short names of the keys of all items that were read, each once an item."""
    for keys in contents.keys:
        yield from short_keys(_keys_of(keys))


def _keys_of(keys: ItemKeys) -> tuple[str | None, ...]:
    return (keys.guid, keys.link, keys.digest, keys.words, *keys.aliases, keys.address)
