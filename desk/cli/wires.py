"""``wirecopy wires``: the incoming feeds and how they fare."""

from dataclasses import asdict
from typing import Annotated, Any

import typer

from desk import show
from desk.cli.context import check_wires, opened
from desk.explain import explain as why
from stories import clock
from stories.db import captures
from stories.db import wires as rows
from stories.db.wires import WireState


def _record(state: WireState) -> dict[str, Any]:
    record = asdict(state)
    for secret in ("lease", "channel", "body_digest"):
        record.pop(secret)
    return record


def _next(state: WireState) -> str:
    if not state.configured:
        return "never"
    return "paused" if state.paused_at else show.ago(state.due_at)


def wires(
    ctx: typer.Context,
    names: Annotated[list[str] | None, typer.Argument(metavar="[WIRE]…")] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Say why the next poll is when it is.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the list as JSON.")] = False,
) -> None:
    """List the wires: state, last and next poll, what is wrong."""
    now = clock.now()
    told: list[str] = []
    with opened(ctx) as (config, store), store.read() as conn:
        found = rows.every(conn)
        known = {w.name for w in found}
        ahead = [w.name for w in config.wires if w.name not in known]
        if names:
            check_wires(config, names, sorted(known))
            found = [w for w in found if w.name in names]
            ahead = [name for name in ahead if name in names]
        if explain and not json:
            traffic = rows.traffic(conn, now, config.politeness.gap)
            for wire in found:
                latest = captures.listing(conn, wires=[wire.name], limit=3)
                rules = config.wire(wire.name)
                told += [f"{wire.name}, of {wire.agency}:"]
                told += [
                    f"  {line}"
                    for line in why(wire, rules, config.politeness, traffic, latest, now)
                ]
    for name in ahead:
        show.complain(
            f"wire {name}: configured, but not taken up yet; restart `wirecopy up`,"
            f" or `wirecopy poll {name}`"
        )
    if json:
        show.as_json([_record(w) for w in found])
        return
    if explain:
        for line in told:
            show.say(line)
        return
    show.table(
        [
            {
                "wire": w.name if w.configured else f"{w.name} (removed)",
                "agency": w.agency,
                "state": w.state,
                "last poll": show.ago(w.polled_at),
                "next poll": _next(w),
                "last news": show.ago(w.changed_at),
                "message": w.message or w.fault,
            }
            for w in found
        ],
        ("wire", "agency", "state", "last poll", "next poll", "last news", "message"),
        "no wires are configured; add [[wires]] to wirecopy.toml",
    )
