"""Two stores held against each other, story by story and field by field."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from stories.db import Store, feeds
from stories.db import stories as records
from stories.models import changed_fields


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that differs: a story's version (by capture) or, without capture, its entry."""

    story_id: str
    capture_id: int | None
    kind: str
    fields: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)


def compare(
    live: Store,
    other: Store,
    wires: Sequence[str],
    planned: Mapping[str, Sequence[int]] | None = None,
    story: str | None = None,
) -> Iterator[Difference]:
    """What *other* holds of *wires* differently from *live*.

    *planned* (captures by wire) and *story* narrow what is told: versions of captures before the
    first planned one of their wire are passed over.
    """
    for wire in wires:
        first = min(planned[wire]) if planned is not None and planned.get(wire) else 0
        with live.read() as here, other.read() as there:
            ids = sorted(_ids(here, wire) | _ids(there, wire))
            for name in ids:
                if story is not None and name != story:
                    continue
                old = {v.capture_id: v for v in records.history(here, name)}
                new = {v.capture_id: v for v in records.history(there, name)}
                for number in sorted(old.keys() | new.keys()):
                    if number < first:
                        continue
                    if number not in old:
                        yield Difference(name, number, "new" if not old else "updated")
                    elif number not in new:
                        yield Difference(name, number, "removed")
                    elif fields := changed_fields(old[number], new[number]):
                        yield Difference(name, number, "changed", fields)
                before, after = feeds.entry(here, name), feeds.entry(there, name)
                if before is not None and after is not None:
                    fields = changed_fields(before, after, passed_over=("rendered_at",))
                    if fields:
                        yield Difference(name, None, "rendered", fields)


def _ids(conn: Any, wire: str) -> set[str]:
    return set(records.ids_after(conn, "", 2**31, wire))
