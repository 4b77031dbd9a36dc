"""The work of ``wirecopy replay``: live, as a dry run, or into another database."""

import sys
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
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
from stories.db import Connection, Store, captures, connect
from stories.db import stories as records
from stories.db.excerpt import Excerpt


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
    found = _replayed(store, config, chosen, planned)
    renderer.render_waiting(store, config)
    return replace(found, expired=replays.expired(store, chosen))


def rehearse(store: Store, config: Config, chosen: Selection) -> Outcome:
    """A dry run: replay in a scratch store that has of the live one what that takes. Exact, with
    everything that follows from a change, and the live store is only read."""
    planned = replays.plan(store, chosen)
    # Beside the store, where there is room for another: /tmp may be memory, or small.
    folders.make_private(config.data)
    with (
        tempfile.TemporaryDirectory(prefix="rehearsal-", dir=config.data) as folder,
        closing(connect(Path(folder) / "scratch.sqlite3")) as scratch,
    ):
        scratch.migrate()
        # What is rendered anew anyway is no finding of a replay; what is measured would be.
        bytes_too = not is_due(store, config)
        with store.read() as conn:
            names = {name for each in planned for name in config.family(each)}
            excerpt = Excerpt(conn, scratch, sorted(names))
            found = _replayed(scratch, config, chosen, planned, excerpt, bytes_too=bytes_too)
    return replace(found, expired=replays.expired(store, chosen), dry_run=True)


def _replayed(
    store: Store,
    config: Config,
    chosen: Selection,
    planned: Mapping[str, Sequence[int]],
    excerpt: Excerpt | None = None,
    *,
    bytes_too: bool = True,
) -> Outcome:
    """Take the *planned* captures in again, then render their stories again and compare."""
    changes: list[RecordChange] = []
    failed: list[str] = []
    numbers: list[int] = []
    with show.progress("replaying", sum(map(len, planned.values()))) as advance:
        going = replays.replay(store, config, chosen, planned, sleep=time.sleep, excerpt=excerpt)
        for taken in going:
            numbers.append(taken.capture.id)
            advance()
            changes += [
                RecordChange(c.story_id, c.capture_id, c.kind, c.fields) for c in taken.changes
            ]
            failed += _failures(taken)
    if excerpt is not None:
        excerpt.stories(_stories(excerpt.source, chosen, planned, numbers))
    with store.read() as conn:
        ids = _stories(conn, chosen, planned, numbers)
    with show.progress("rendering", len(ids)) as advance:
        for at in range(0, len(ids), renderer.STORIES_A_TURN):
            some = ids[at : at + renderer.STORIES_A_TURN]
            for one in renderer.compare(store, config, some, bytes_too=bytes_too):
                changes.append(RecordChange(one.story_id, None, "rendered", one.fields))
            advance(len(some))
    return Outcome(len(numbers), 0, changes, failed)


def _stories(
    conn: Connection,
    chosen: Selection,
    wires: Iterable[str],
    numbers: Sequence[int],
) -> list[str]:
    """The stories that a replay of the captures *numbers* is about: that which was chosen; where
    whole *wires* were, all of them; else those of which the captures brought a version."""
    if chosen.story:
        return [chosen.story]
    if chosen.whole:
        return [i for wire in wires for i in records.ids_after(conn, "", sys.maxsize >> 1, wire)]
    return records.stories_of_captures(conn, numbers)


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


def _failures(taken: Taken) -> list[str]:
    return [
        f"capture {p.capture_id} of wire {p.wire}{', ' if p.item else ': '}{p.told}"
        for p in taken.problems
    ]
