"""``wirecopy wires``: the incoming feeds and how they fare."""

from dataclasses import asdict
from typing import Annotated, Any

import typer

from desk import show
from desk.context import check_wires, opened
from stories.store import wires as rows
from stories.store.wires import WireState


def _record(state: WireState) -> dict[str, Any]:
    record = asdict(state)
    for secret in ("lease", "channel", "body_digest"):
        record.pop(secret)
    return record


def wires(
    ctx: typer.Context,
    names: Annotated[list[str] | None, typer.Argument(metavar="[WIRE]…")] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Say why the next poll is when it is.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the list as JSON.")] = False,
) -> None:
    """List the wires: state, last and next poll, what is wrong."""
    with opened(ctx) as (newsroom, store), store.read() as conn:
        found = rows.every(conn)
        if names:
            check_wires(newsroom, names, [w.name for w in found])
            found = [w for w in found if w.name in names]
    if json:
        show.as_json([_record(w) for w in found])
        return
    if explain:
        for wire in found:
            show.say(
                f"{wire.name}: next poll {show.ago(wire.due_at)} ({show.when(wire.due_at)}),"
                f" because: {wire.due_because}; last poll {show.ago(wire.polled_at)}"
                f" ended {wire.state}; failures so far weigh {wire.failures:g}"
            )
        return
    show.table(
        [
            {
                "wire": w.name if w.configured else f"{w.name} (removed)",
                "agency": w.agency,
                "state": w.state,
                "last poll": show.ago(w.polled_at),
                "next poll": show.ago(w.due_at) if w.configured else "never",
                "last news": show.ago(w.changed_at),
                "message": w.message or w.fault,
            }
            for w in found
        ],
        ("wire", "agency", "state", "last poll", "next poll", "last news", "message"),
        "no wires are configured; add [[wires]] to wirecopy.toml",
    )
