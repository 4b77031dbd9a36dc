"""The work of ``wirecopy replay``: live, as a dry run, or into another database."""

import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from desk import show
from ingest import intake
from ingest import replay as replays
from ingest.intake import Taken
from ingest.replay import Selection
from publish import renderer
from publish.rerender import go_on, is_due, rerender_if_changed
from stories import folders
from stories.config import Config
from stories.db import Store, captures, connect, feeds
from stories.db import stories as records
from stories.models import changed_fields


@dataclass(frozen=True, slots=True)
class RecordChange:
    """One thing that differs: a story's version (by capture) or, without capture, its entry."""

    story_id: str
    capture_id: int | None
    kind: str
    fields: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a replay. ``expired`` counts captures whose bytes are gone, ``failed`` has a
    line for each capture or item that could not be taken in."""

    captures: int
    expired: int
    changes: list[RecordChange]
    failed: list[str]
    dry_run: bool = False


def live(store: Store, config: Config, chosen: Selection) -> Outcome:
    """Replay into the live store, going on where an interrupted replay of *chosen* ended."""
    if replays.resumed(store, chosen):  # printed in a pipe too: another release may have begun it
        show.complain(
            "going on where the last replay of this selection was interrupted;"
            " --restart begins anew"
        )
    planned = replays.left(store, chosen, replays.plan(store, chosen))
    changes: list[RecordChange] = []
    failed: list[str] = []
    count = 0
    with show.progress("replaying", sum(map(len, planned.values()))) as advance:
        for taken in replays.replay(store, config, chosen, planned, sleep=time.sleep):
            count += 1
            advance()
            changes += [
                RecordChange(c.story_id, c.capture_id, c.kind, c.fields) for c in taken.changes
            ]
            failed += _failures(taken)
    changes += _rendered_anew(store, config, chosen, planned)
    renderer.render_waiting(store, config)
    return Outcome(count, replays.expired(store, chosen), changes, failed)


def _rendered_anew(
    store: Store, config: Config, chosen: Selection, planned: dict[str, list[int]]
) -> list[RecordChange]:
    """Entries that are rendered differently now although their story did not change."""
    found: list[RecordChange] = []
    with store.read() as conn:
        ids = (
            [chosen.story]
            if chosen.story
            else [i for w in planned for i in records.ids_after(conn, "", sys.maxsize >> 1, w)]
        )
    with show.progress("rendering", len(ids)) as advance:
        for at in range(0, len(ids), renderer.STORIES_A_TURN):
            for changed in renderer.compare(store, config, ids[at : at + renderer.STORIES_A_TURN]):
                found.append(RecordChange(changed.story_id, None, "rendered", changed.fields))
            advance(renderer.STORIES_A_TURN)
    return found


def rehearse(store: Store, config: Config, chosen: Selection) -> Outcome:
    """A dry run: replay the whole wires into a scratch store and compare. Exact, with everything
    that follows from a change, and the live store is only read."""
    planned = replays.plan(store, chosen)
    # Beside the store, where there is room for another: /tmp may be memory, or small.
    folders.make_private(config.data)
    with tempfile.TemporaryDirectory(prefix="rehearsal-", dir=config.data) as folder:
        scratch = connect(Path(folder) / "scratch.sqlite3")
        try:
            scratch.migrate()
            failed, count = _rebuild(store, scratch, config, list(planned))
            # What is rendered anew anyway is no finding of a replay; what is measured would be.
            bytes_too = not is_due(store, config)
            wires = list(planned)
            changes = list(
                compare(store, scratch, wires, planned, chosen.story, bytes_too=bytes_too)
            )
        finally:
            scratch.close()
    return Outcome(count, replays.expired(store, chosen), changes, failed, dry_run=True)


def into(store: Store, config: Config, chosen: Selection, url: str) -> Outcome:
    """Rebuild whole wires in the empty database at *url*."""
    target = connect(url)
    try:
        target.migrate()
        wires = list(chosen.wires) if chosen.wires else None
        failed, count = _rebuild(store, target, config, wires)
        rerender_if_changed(target, config)
        renderer.render_waiting(target, config)
        while go_on(target):
            renderer.render_waiting(target, config)
    finally:
        target.close()
    return Outcome(count, replays.expired(store, chosen), [], failed)


def _rebuild(
    store: Store, target: Store, config: Config, wires: list[str] | None
) -> tuple[list[str], int]:
    total = replays.rebuild(store, target, wires)
    with target.read() as conn:
        names = captures.wires_pending(conn)
    failed: list[str] = []
    with show.progress("replaying", total) as advance:
        for taken in replays.take_in_all(target, config, names):
            failed += _failures(taken)
            advance()
    intake.take_in_waiting(
        target, config, names, limit=len(names)
    )  # clears the outbox; nothing is left
    renderer.render_waiting(target, config)
    return failed, total


WRITTEN = ("digests", "disclosure")
"""The fields of an entry that other rendering code alone makes different."""


def compare(
    live: Store,
    other: Store,
    wires: Sequence[str],
    planned: Mapping[str, Sequence[int]] | None = None,
    story: str | None = None,
    *,
    bytes_too: bool = True,
) -> Iterator[RecordChange]:
    """How *other* differs from *live* in stories of *wires*, field by field.

    Versions of captures before the first *planned* one of their wire are left out, as are all
    stories but *story* when it is given. Without *bytes_too*, what was written of an entry is not
    compared, only what was measured.
    """
    passed_over = ("rendered_at", "packed", *(() if bytes_too else WRITTEN))
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
                        yield RecordChange(name, number, "new" if not old else "updated")
                    elif number not in new:
                        yield RecordChange(name, number, "removed")
                    elif fields := changed_fields(old[number], new[number]):
                        yield RecordChange(name, number, "changed", fields)
                before, after = feeds.entry(here, name), feeds.entry(there, name)
                if before is not None and after is not None:
                    fields = changed_fields(before, after, passed_over=passed_over)
                    if fields:
                        yield RecordChange(name, None, "rendered", fields)


def _ids(conn: Any, wire: str) -> set[str]:
    return set(records.ids_after(conn, "", 2**31, wire))


def _failures(taken: Taken) -> list[str]:
    return [
        f"capture {p.capture_id} of wire {p.wire}"
        + (f", item {p.position}" if p.position >= 0 else "")
        + f": {p.message.removeprefix(f'item {p.position}: ')}"
        for p in taken.problems
    ]
