"""What an agency's word beside its copy does to a story: one table, printed by ``docs/life.md``.

It adds to :mod:`ingest.decide`, which says whose item a capture holds, and whether it is news.
Pure: what was done with the story before are its acts, as they stood when the capture came.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from ingest.decide import Decision, Known, of_sibling
from ingest.item import Candidate, Contents, Refusal
from stories.models import Act, ActKind, Capture, Status, StoryStatus, hiding

Before = Literal["unknown"] | StoryStatus
"""What the story was by its agency's word. It is unknown, too, when the item has no id, or one that
names several stories: then nobody can say which story is meant."""

Acts = Mapping[str, Sequence[Act]]
"""By story, what was done about whether it is published, oldest first."""


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


def judged(
    contents: Contents, known: Known, acts: Acts, capture: Capture
) -> tuple[Contents, dict[str, Act]]:
    """*contents* of *capture* without the items that are not to be taken in, and what these do to
    the stories that they are of."""
    found, refused, made = [], [*contents.refused], dict[str, Act]()
    for item in contents.found:
        story, status = _story(item, known), _status(item)
        if status == "usable":
            found.append(item)
            continue
        before = acts.get(story, ()) if story else ()
        ruling = TABLE[status, hiding(before).agency if story else "unknown"]
        if item.raw_digest in {act.digest for act in before if act.digest}:
            ruling = _AGAIN
        elif story and _is_superseded(item, story, known):
            ruling = _SUPERSEDED
        if ruling.waits:
            refused.append(_refusal(item, status, ruling))
        if ruling.act and story and (story not in made or ruling.act == "kill"):
            made[story] = _act(ruling.act, item, capture)
    return contents.model_copy(update={"found": tuple(found), "refused": tuple(refused)}), made


def lifted(decision: Decision, acts: Acts, capture: Capture) -> dict[str, Act]:
    """What the usable items of *capture*, by its *decision*, do to stories that are hidden."""
    return {
        intent.story_id: _act(ruling.act, intent.item, capture)
        for intent in decision.intents
        if intent.story_id in acts
        and (ruling := TABLE["usable", hiding(acts[intent.story_id]).agency]).act
    }


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
    return Act(
        kind=kind,
        by=item.version.agency,
        reason=(signals.why if signals is not None else None) or "",
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
        message=f"item {item.position}: the agency {word} a story that is not known here by its id"
        f"{said}; it is {ruling.told}",
        keys=item.keys,
    )


_SUPERSEDED = Ruling("nothing: its agency signed what is on record of the story after it")


def _is_superseded(item: Candidate, story: str, known: Known) -> bool:
    """Whether the agency signed its word in *item* before what is on record of the *story*."""
    row = known.stories.get(story)
    if item.custody is None or row is None or row.stated is None:
        return False
    return item.custody.number < row.stated
