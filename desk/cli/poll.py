"""``wirecopy poll``: one pass now, due or not, in this process, without a broker."""

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from desk import show
from desk.cli.context import check_wires, opened
from stories.db import captures, wires
from stories.db.captures import Problem


def poll(
    ctx: typer.Context,
    names: Annotated[list[str] | None, typer.Argument(metavar="[WIRE]…")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the outcome as JSON.")] = False,
) -> None:
    """Poll the wires (all, or those named) once now, take in what came, render the feeds."""
    from desk.manual_poll import in_turn
    from ingest import intake
    from ingest import poll as polling
    from net.client import Client
    from publish import renderer

    with opened(ctx, follow=True) as (config, store):
        chosen = names or [w.name for w in config.wires]
        check_wires(config, chosen)
        asked = in_turn(store, config, chosen, resume=bool(names))
        with Client() as http:
            polled = list(polling.poll(store, config, http, asked))
        intake.run(store, config, chosen, limit=len(chosen))
        renderer.run(store, config)
        rows: list[dict[str, Any]] = []
        failed = []
        with store.read() as conn:
            for result in sorted(polled, key=lambda p: p.wire):
                capture = captures.get(conn, result.capture_id) if result.capture_id else None
                state = wires.get(conn, result.wire)
                fault = state.fault if state is not None else None
                problems = captures.problems_of(conn, capture.id) if capture else []
                message = result.message or fault or _quarantined(problems)
                if message:
                    failed.append(f"wire {result.wire}: {message}")
                rows.append(
                    {
                        "wire": result.wire,
                        "state": result.state,
                        "capture": result.capture_id,
                        "items": capture.items if capture else None,
                        "new": capture.new if capture else None,
                        "updated": capture.updated if capture else None,
                        "message": message,
                    }
                )
    if json:
        show.as_json(rows)
    else:
        columns = ("wire", "state", "capture", "items", "new", "updated")
        show.table(rows, columns, "no wires are configured; add [[wires]] to wirecopy.toml")
    for line in failed:
        show.complain(line)
    if failed:
        raise typer.Exit(1)


def _quarantined(problems: Sequence[Problem]) -> str:
    """That those of one capture could not be taken in, in a sentence; nothing for none."""
    if not problems:
        return ""
    number, count = problems[0].capture_id, len(problems)
    return (
        f"capture {number}: {count} item{'s' * (count > 1)} in quarantine, the first:"
        f" {problems[0].message}; `wirecopy captures {number}` shows all"
    )
