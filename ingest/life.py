"""What an agency's word beside its copy does to a story: one table, printed by ``docs/life.md``.

It adds to :mod:`ingest.decide`, which says whose item a capture holds, and whether it is news.
Pure: what was done with the story before are its acts, as they stood when the capture came.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Literal

from ingest.decide import Decision, Intent, Known, of_sibling
from ingest.item import Candidate, Contents, Refusal
from stories.models import Act, ActKind, Capture, Status, StoryStatus, hiding

Before = Literal["unknown"] | StoryStatus
"""What the story was by its agency's word. It is unknown, too, when the item has no id, or one that
names several stories: then nobody can say which story is meant. A story that comes in the same
capture is usable, whatever their order in it."""

Acts = Mapping[str, Sequence[Act]]
"""By story, what was done about whether it is published, oldest first."""


@dataclass(frozen=True, slots=True)
class Judgment:
    """What *contents* come to: those that are left of them, what their items do to the stories on
    record that they are of, by story, and to those that came with them, by their guids. ``hit`` are
    the stories on record of which the agency says that they may not be published."""

    contents: Contents
    acts: dict[str, Act]
    newborn: dict[str, Act]
    hit: frozenset[str]


@dataclass(frozen=True, slots=True)
class Ruling:
    """What becomes of an item: whether it is ``taken`` in as a version, the ``act`` that it is for
    its story, whether it ``waits`` in quarantine for a person; ``told`` is that in words."""

    told: str
    taken: bool = False
    act: ActKind | None = None
    waits: bool = False


TABLE: Mapping[tuple[Status, Before], Ruling] = {
    ("usable", "unknown"): Ruling("a new story", taken=True),
    ("usable", "usable"): Ruling("a new version, if it says anything new", taken=True),
    ("usable", "withheld"): Ruling("the same, and the story is back", taken=True, act="release"),
    ("usable", "killed"): Ruling("a version that nobody sees: a kill ends by the desk", taken=True),
    ("withheld", "unknown"): Ruling("kept back, until a usable one comes", waits=True),
    ("withheld", "usable"): Ruling("the story is held", act="hold"),
    ("withheld", "withheld"): Ruling("nothing"),
    ("withheld", "killed"): Ruling("nothing"),
    ("canceled", "unknown"): Ruling("kills nothing, and waits for a person", waits=True),
    ("canceled", "usable"): Ruling("the story is killed", act="kill"),
    ("canceled", "withheld"): Ruling("the story is killed", act="kill"),
    ("canceled", "killed"): Ruling("nothing"),
}

_AGAIN = Ruling("nothing: these very bytes said it before, whatever the desk did since")


def named(contents: Contents, known: Known) -> Iterator[str]:
    """The known stories of which *contents* say that they may not be published."""
    for item in contents.found:
        if _status(item) != "usable" and (story := _story(item, known)):
            yield story


def judged(contents: Contents, known: Known, acts: Acts, capture: Capture) -> Judgment:
    """*contents* of *capture* without the items that are not to be taken in, and what these do to
    the stories that they are of."""
    found = [item for item in contents.found if _status(item) == "usable"]
    guids = Counter(item.keys.guid for item in found if capture.rule >= 3)
    refused, made, newborn = [*contents.refused], dict[str, Act](), dict[str, Act]()
    for item in contents.found:
        story, status, guid = _story(item, known), _status(item), item.keys.guid
        if status == "usable":
            continue
        is_new = story is None and guid is not None and guids[guid] == 1 and guid not in known.keys
        before = acts.get(story, ()) if story else ()
        ruling = TABLE[status, hiding(before).agency if story or is_new else "unknown"]
        if item.raw_digest in {act.digest for act in before if act.digest}:
            ruling = _AGAIN
        elif story and _is_superseded(item, story, known):
            ruling = _SUPERSEDED
        if ruling.waits:
            refused.append(_refusal(item, status, ruling))
        if ruling.act and (name := story or guid):
            of = made if story else newborn
            if name not in of or ruling.act == "kill":
                of[name] = _act(ruling.act, item, capture)
    left = contents.model_copy(update={"found": tuple(found), "refused": tuple(refused)})
    return Judgment(left, made, newborn, frozenset(named(contents, known)))


def done(
    judgment: Judgment,
    decision: Decision,
    known: Known,
    acts: Acts,
    capture: Capture,
    theirs: Set[str] = frozenset(),
) -> dict[str, Act]:
    """All that *capture* does to stories, when its *decision* is made: what was judged, and what
    its usable items do to stories that are hidden, by their *acts* before; of these *theirs* are by
    the word of another wire of the agency.

    An old copy lifts nothing, nor do the bytes of a numbered version that stood before the story
    was hidden: somebody sends again what is over. Nor does anything beside an item that hides it.
    What another wire withheld comes back by a new version alone: here its copy may just still
    stand.
    """
    found = dict[str, Act]()
    for intent in decision.intents:
        name, item = intent.story_id, intent.item
        if act := judgment.newborn.get(item.keys.guid or ""):
            found.setdefault(name, act)
        if capture.rule >= 3 and (name in judgment.hit or _is_over(intent, known)):
            continue
        if name in theirs and intent.action != "updated":
            continue
        if name in acts and (ruling := TABLE["usable", hiding(acts[name]).agency]).act:
            found[name] = _act(ruling.act, item, capture)
    return found | judgment.acts


def _is_over(intent: Intent, known: Known) -> bool:
    before, digest = known.stories.get(intent.story_id), intent.item.raw_digest
    if before is None or before.version is None or before.version.agency_version is None:
        return intent.action == "stale"
    return intent.action == "stale" or (digest is not None and digest == before.raw_digest)


def _status(item: Candidate) -> Status:
    return item.version.signals.status if item.version.signals is not None else "usable"


def _story(item: Candidate, known: Known) -> str | None:
    guid = item.keys.guid or ""
    found = known.keys.get(guid)
    if found is None and known.siblings:
        return of_sibling(item, guid, known)
    return found.story_id if found and not found.shared else None


def _act(kind: ActKind, item: Candidate, capture: Capture) -> Act:
    signals = item.version.signals
    why = (signals.why if signals is not None else None) or ""
    signed = f"by its statement {item.custody.digest}" if item.custody is not None else ""
    return Act(
        kind=kind,
        by=item.version.agency,
        reason="; ".join(filter(None, (why, signed))),
        at=capture.received_at,
        capture_id=capture.id,
        digest=item.raw_digest,
    )


def _refusal(item: Candidate, status: Status, ruling: Ruling) -> Refusal:
    signals = item.version.signals
    said = f" (“{signals.why[:200]}”)" if signals is not None and signals.why else ""
    word = "killed" if status == "canceled" else "withholds"
    return Refusal(
        position=item.position,
        state=f"item-{status}",
        message=f"the agency {word} a story that is not known here by its id"
        f"{said}; it is {ruling.told}",
        keys=item.keys,
        digest=item.raw_digest,
    )


_SUPERSEDED = Ruling("nothing: its agency signed what is on record of the story after it")


def _is_superseded(item: Candidate, story: str, known: Known) -> bool:
    """Whether the agency signed its word in *item* before what is on record of the *story*."""
    row = known.stories.get(story)
    if item.custody is None or row is None or row.stated is None:
        return False
    return item.custody.number < row.stated
