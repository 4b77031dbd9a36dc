"""Copies beside each other for the desk: received and published, one version and the one before."""

from collections.abc import Sequence
from dataclasses import dataclass

from publish.diff import Words, beside, differences, word_differences
from publish.web.changes import Changed, shown
from stories.errors import ParseError
from stories.models import Version, received_copy
from wirecopy.scope import PARTS
from wirecopy.text import paragraphs

MOST = 300
"""Paragraphs shown beside each other; a story with more is a list of results."""

_COPY = frozenset({"headline", "body", "summary", "categories", "keywords", "media"})
_ANYWAY = frozenset({"wire", "base", "updated", "agency_from", "agency_id"})
"""Fields that :func:`differences` compares, and those that tell an editor nothing."""


@dataclass(frozen=True, slots=True)
class Row:
    """A paragraph received beside the one published, in runs of words; None beside one that was
    left out or added."""

    received: tuple[Words, ...] | None
    published: tuple[Words, ...] | None

    @property
    def differs(self) -> bool:
        """Whether any word does."""
        return self.received != self.published


@dataclass(frozen=True, slots=True)
class Beside:
    """A text received beside the one published; ``more`` counts the paragraphs not shown."""

    rows: tuple[Row, ...]
    more: int = 0

    @property
    def differs(self) -> bool:
        """Whether any word of what is shown does."""
        return any(row.differs for row in self.rows)


@dataclass(frozen=True, slots=True)
class Turned:
    """Something said beside the copy that a version changed: what was said before, and is now."""

    name: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Step:
    """What a version changed of the one before, in the copy and beside it."""

    changes: tuple[Changed, ...]
    turned: tuple[Turned, ...]

    @property
    def anything(self) -> bool:
        """Whether there is anything to show."""
        return bool(self.changes or self.turned)


def side_by_side(received: str, published: str, disclosure: str = "") -> Beside | None:
    """The words of two bodies of HTML, paragraph beside paragraph, but for a last one published
    that says the *disclosure*; None for a body that is built to burst a parser."""
    try:
        return lined_up(paragraphs(received), paragraphs(published, disclosure=disclosure))
    except ParseError:
        return None


def lined_up(received: Sequence[str], published: Sequence[str]) -> Beside:
    """Two texts, paragraph beside paragraph."""
    pairs = list(beside(received, published))
    rows = tuple(_row(old, new) for old, new in pairs[:MOST])
    return Beside(rows, max(0, len(pairs) - MOST))


def _row(received: str | None, published: str | None) -> Row:
    if received is not None and received == published:
        both = (Words(kind="same", text=received),)
        return Row(both, both)
    words = word_differences(received or "", published or "")
    return Row(
        None if received is None else tuple(run for run in words if run.kind != "added"),
        None if published is None else tuple(run for run in words if run.kind != "removed"),
    )


def step(before: Version, after: Version) -> Step:
    """What *after* changed of the version *before* it."""
    try:
        found = differences(received_copy(before), received_copy(after), by_words=True)
    except ParseError:
        found = ()
    return Step(
        tuple(
            shown(part, of)
            for part in PARTS
            if (of := [each for each in found if each.part == part])
        ),
        _turned(before, after),
    )


def _turned(before: Version, after: Version) -> tuple[Turned, ...]:
    old, new = _said(before), _said(after)
    return tuple(
        Turned(name.replace("_", " "), old.get(name, ""), new.get(name, ""))
        for name in sorted(old.keys() | new.keys())
        if old.get(name, "") != new.get(name, "")
    )


def _said(version: Version) -> dict[str, str]:
    """What is said beside the copy, by name."""
    kept = version.model_dump(mode="json", exclude_none=True, exclude={*_COPY, *_ANYWAY})
    kept |= kept.pop("signals", {})
    return {name: str(value) for name, value in kept.items()}
