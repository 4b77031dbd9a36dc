"""What differs between the copy received and the copy published, for readers, word by word."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from publish.diff import Difference, Words, differences, word_differences
from publish.render import read_back
from publish.web.wording import PART_NAMES
from stories.errors import ParseError
from stories.models import Version, received_copy
from wirecopy.scope import PARTS, Measurement, Part

MOST = 40
"""Differences shown of one part; a story with more is a different story."""

AROUND = 12
"""Words shown on either side of a change; the rest of its paragraph is left out."""

LEFT_OUT = "…"


@dataclass(frozen=True, slots=True)
class Change:
    """One difference: words removed, added and unchanged, in reading order."""

    kind: Literal["added", "removed", "changed"]
    words: tuple[Words, ...]


@dataclass(frozen=True, slots=True)
class Changed:
    """What differs in one part; ``more`` counts the differences that are not shown."""

    part: Part
    name: str
    changes: tuple[Change, ...]
    more: int


@dataclass(frozen=True, slots=True)
class Headlines:
    """The agency's headline and the one published; in each, words that only it has are marked."""

    received: tuple[Words, ...]
    published: tuple[Words, ...]


def headlines(received: str, published: str) -> Headlines:
    """*received* beside *published*, without marks when they have little in common: marks on nearly
    every word show nothing."""
    words = word_differences(received, published)
    common = sum(len(w.text.split()) for w in words if w.kind == "same")
    if 2 * common < min(len(received.split()), len(published.split())):
        return Headlines(_unmarked(received), _unmarked(published))
    return Headlines(
        tuple(w for w in words if w.kind != "added"),
        tuple(w for w in words if w.kind != "removed"),
    )


def _unmarked(text: str) -> tuple[Words, ...]:
    return (Words(kind="same", text=text),)


def changes(
    version: Version, json: bytes, disclosure: str, measurement: Measurement
) -> tuple[Changed, ...]:
    """What differs between *version* and the entry whose JSON is *json*, but for the headline.

    Empty when no more than the headline was measured to differ, and when the parts that differ now
    are not those that were measured: only what was measured is shown.
    """
    if measurement.scope == "unknown" or not set(measurement.changed) - {"headline"}:
        return ()
    try:
        found = differences(received_copy(version), read_back("json", json), disclosure)
    except ParseError:
        return ()
    if {each.part for each in found} != set(measurement.changed):
        return ()
    return tuple(
        shown(part, [d for d in found if d.part == part])
        for part in PARTS[1:]
        if part in measurement.changed
    )


def shown(part: Part, found: Sequence[Difference]) -> Changed:
    """The differences *found* in a *part*, as far as they are shown."""
    most = tuple(Change(d.kind, _words(d)) for d in found[:MOST])
    return Changed(part, PART_NAMES[part], most, max(len(found) - MOST, 0))


def _words(difference: Difference) -> tuple[Words, ...]:
    runs = word_differences(difference.received, difference.published)
    if difference.kind != "changed":
        return runs
    return tuple(_near(run, at == 0, at == len(runs) - 1) for at, run in enumerate(runs))


def _near(run: Words, first: bool, last: bool) -> Words:
    """*run*, if its words are unchanged, without those far from any change."""
    words = run.text.split(" ")
    before = [] if first else words[:AROUND]
    after = [] if last else words[-AROUND:]
    if run.kind != "same" or len(words) <= len(before) + len(after) + AROUND:
        return run
    return Words(kind="same", text=" ".join([*before, LEFT_OUT, *after]))
