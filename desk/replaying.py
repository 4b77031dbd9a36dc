"""The work of ``wirecopy replay``: live, as a dry run, or into another database."""

import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress

from desk import show
from desk.compare import Difference, compare
from ingest import intake
from ingest import replay as replays
from ingest.intake import Taken
from ingest.replay import Selection
from publish import renderer
from publish.rerender import rerender_if_changed
from stories import folders
from stories.config import Config
from stories.db import Store, captures, connect
from stories.db import stories as records

LONGEST_SHOWN = 120
"""Characters of a field's old or new value that are printed."""


def live(store: Store, config: Config, chosen: Selection) -> dict[str, Any]:
    """Replay into the live store; what changed, as :func:`print_outcome` takes it."""
    if replays.resumed(store, chosen):  # printed in a pipe too: another release may have begun it
        show.complain(
            "going on where the last replay of this selection was interrupted;"
            " --restart begins anew"
        )
    planned = replays.left(store, chosen, replays.plan(store, chosen))
    changes: list[Difference] = []
    failed: list[str] = []
    count = 0
    with _progress("replaying", sum(map(len, planned.values()))) as advance:
        for taken in replays.replay(store, config, chosen, planned, patience=time.sleep):
            count += 1
            advance()
            changes += _of(taken)
            failed += _failures(taken)
    changes += _rendered_anew(store, config, chosen, planned)
    renderer.render_waiting(store, config)
    return {
        "captures": count,
        "expired": replays.expired(store, chosen),
        "changes": changes,
        "failed": failed,
        "dry_run": False,
    }


def _rendered_anew(
    store: Store, config: Config, chosen: Selection, planned: dict[str, list[int]]
) -> list[Difference]:
    """Entries that are rendered differently now although their story did not change."""
    found: list[Difference] = []
    with store.read() as conn:
        ids = (
            [chosen.story]
            if chosen.story
            else [i for w in planned for i in records.ids_after(conn, "", sys.maxsize >> 1, w)]
        )
    with _progress("rendering", len(ids)) as advance:
        for at in range(0, len(ids), renderer.STORIES_A_TURN):
            for changed in renderer.compare(store, config, ids[at : at + renderer.STORIES_A_TURN]):
                found.append(Difference(changed.story_id, None, "rendered", changed.fields))
            advance(renderer.STORIES_A_TURN)
    return found


def rehearse(store: Store, config: Config, chosen: Selection) -> dict[str, Any]:
    """A dry run: replay the whole wires into a scratch store and compare. Exact, with everything
    that follows from a change; the live store is only read."""
    planned = replays.plan(store, chosen)
    # Beside the store, where there is room for another: /tmp may be memory, or small.
    folders.make_private(config.data)
    with tempfile.TemporaryDirectory(prefix="rehearsal-", dir=config.data) as folder:
        scratch = connect(Path(folder) / "scratch.sqlite3")
        try:
            scratch.migrate()
            failed, count = _rebuild(store, scratch, config, list(planned))
            changes = list(compare(store, scratch, list(planned), planned, chosen.story))
        finally:
            scratch.close()
    return {
        "captures": count,
        "expired": replays.expired(store, chosen),
        "changes": changes,
        "failed": failed,
        "dry_run": True,
    }


def into(store: Store, config: Config, chosen: Selection, url: str) -> dict[str, Any]:
    """Rebuild whole wires in the empty database at *url*."""
    target = connect(url)
    try:
        target.migrate()
        wires = list(chosen.wires) if chosen.wires else None
        failed, count = _rebuild(store, target, config, wires)
        rerender_if_changed(target, config)
        renderer.render_waiting(target, config)
    finally:
        target.close()
    return {
        "captures": count,
        "expired": replays.expired(store, chosen),
        "changes": [],
        "failed": failed,
        "dry_run": False,
    }


def _rebuild(
    store: Store, target: Store, config: Config, wires: list[str] | None
) -> tuple[list[str], int]:
    total = replays.rebuild(store, target, wires)
    with target.read() as conn:
        names = captures.wires_pending(conn)
    failed: list[str] = []
    with _progress("replaying", total) as advance:
        for taken in replays.take_in_pending(target, config, names):
            failed += _failures(taken)
            advance()
    intake.run(target, config, names, limit=len(names))  # clears the outbox; nothing is left
    renderer.render_waiting(target, config)
    return failed, total


def _of(taken: Taken) -> list[Difference]:
    return [Difference(c.story_id, c.capture_id, c.kind, c.fields) for c in taken.changes]


def _failures(taken: Taken) -> list[str]:
    return [
        f"capture {p.capture_id} of wire {p.wire}"
        + (f", item {p.position}" if p.position >= 0 else "")
        + f": {p.message.removeprefix(f'item {p.position}: ')}"
        for p in taken.problems
    ]


@contextmanager
def _progress(what: str, total: int) -> Iterator[Any]:
    """A progress bar on a terminal, silence in a pipe."""
    if not sys.stderr.isatty():
        yield lambda step=1: None
        return
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda step=1: bar.advance(task, step)


def print_outcome(outcome: dict[str, Any]) -> None:
    """Print the outcome of a replay, story by story and field by field."""
    changes: list[Difference] = outcome["changes"]
    for change in changes:
        where = f" (capture {change.capture_id})" if change.capture_id is not None else ""
        show.say(f"story {change.story_id}{where}: {change.kind}")
        for name, (old, new) in change.fields.items():
            show.say(f"  {name}: {_short(old)} -> {_short(new)}")
    if outcome["expired"]:
        show.say(f"{outcome['expired']} captures have expired; their versions stand")
    verb = "would change" if outcome["dry_run"] else "changed"
    show.say(f"{outcome['captures']} captures replayed; {len(changes) or 'nothing'} {verb}")


def _short(value: object) -> str:
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    text = repr(value)
    return text if len(text) <= LONGEST_SHOWN else f"{text[: LONGEST_SHOWN - 1]}…"
