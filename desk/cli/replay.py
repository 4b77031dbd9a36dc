"""``wirecopy replay``: captures are taken in again with today's code."""

from dataclasses import replace
from typing import Annotated

import typer

from desk import replaying, show
from desk.cli.context import Since, Until, check_wires, moment, opened, story_named
from desk.replaying import Outcome
from ingest.replay import Selection, resumed
from ingest.replay import restart as start_over
from stories.db import captures
from stories.errors import UnknownNameError

LONGEST_SHOWN = 120
"""Characters of a field's old or new value that are printed."""


def replay(
    ctx: typer.Context,
    wire: Annotated[list[str] | None, typer.Option("--wire", help="Only of this wire.")] = None,
    story: Annotated[
        str | None, typer.Option("--story", metavar="ID", help="Only captures that changed it.")
    ] = None,
    since: Since = None,
    until: Until = None,
    quarantined: Annotated[
        bool, typer.Option("--quarantined", help="Only captures in quarantine.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would change; change nothing.")
    ] = False,
    into: Annotated[
        str | None, typer.Option("--into", metavar="URL", help="Rebuild into this empty database.")
    ] = None,
    restart: Annotated[
        bool, typer.Option("--restart", help="Do not go on where the last replay was interrupted.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the outcome as JSON.")] = False,
) -> None:
    """Replay captures. Into the live store nothing changes unless the code did."""
    after, before = moment(since, "--since"), moment(until, "--until")
    with opened(ctx) as (config, store):
        with store.read() as conn:
            check_wires(config, wire or [], captures.wires_captured(conn))
        chosen = Selection(
            wires=tuple(wire) if wire else None,
            since=after,
            until=before,
            story=story,
            quarantined=quarantined,
        )
        if story:
            try:
                chosen = replace(chosen, story=story_named(store, story).id)
            except UnknownNameError:
                # An interrupted replay may have taken it off the record: its id names the rest.
                if dry_run or into or restart or not resumed(store, chosen):
                    raise
        if into is not None:
            if dry_run or chosen.story or chosen.since or chosen.until or quarantined:
                raise typer.BadParameter(
                    "takes whole wires; only --wire goes with it", param_hint="--into"
                )
            outcome = replaying.into(store, config, chosen, into)
        elif dry_run:
            outcome = replaying.rehearse(store, config, chosen)
        else:
            if restart:
                start_over(store, chosen)
            outcome = replaying.live(store, config, chosen)
    if json:
        show.as_json(outcome)
    else:
        print_outcome(outcome)
    for line in outcome.failed:
        show.complain(line)
    if outcome.failed:
        raise typer.Exit(1)


def print_outcome(outcome: Outcome) -> None:
    """Print *outcome*, story by story and field by field."""
    for change in outcome.changes:
        where = f" (capture {change.capture_id})" if change.capture_id is not None else ""
        show.say(f"story {change.story_id}{where}: {change.kind}")
        for name, (old, new) in change.fields.items():
            show.say(f"  {name}: {_short(old)} -> {_short(new)}")
    if outcome.expired:
        show.say(f"{outcome.expired} captures have expired; their versions stand")
    verb = "would change" if outcome.dry_run else "changed"
    count = len(outcome.changes) or "nothing"
    show.say(f"{outcome.captures} captures replayed; {count} {verb}")


def _short(value: object) -> str:
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    text = repr(value)
    return text if len(text) <= LONGEST_SHOWN else f"{text[: LONGEST_SHOWN - 1]}…"
