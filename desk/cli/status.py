"""``wirecopy status``: is anything wrong, is anything waiting, is anything lost."""

from typing import Annotated

import typer

from desk import show
from desk.cli.context import opened
from desk.status import board, gather
from stories import clock


def status(
    ctx: typer.Context,
    json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
    check: Annotated[
        bool,
        typer.Option(
            "--check",
            help="For monitoring: name what needs a person on stderr, and exit with 1 if"
            " anything does. Without it the exit code is 0 however things stand.",
        ),
    ] = False,
) -> None:
    """Tell how wires, queues, quarantine, outbox, feeds and storage stand.

    Lists show the worst 20; counts are of all.
    """
    with opened(ctx) as (config, store):
        told = gather(config, store, clock.now())
    if json:
        show.as_json(told)
    else:
        _show(told)
    if check:
        for need in told["needs"]:
            show.complain(need)
        if told["needs"]:
            raise typer.Exit(1)


def _show(told: dict[str, object]) -> None:
    shown = board(told)
    show.facts({fact.name: fact.value for fact in shown.facts})
    for need in shown.needs:
        show.say(f"! {need}")
    for listing in shown.listings:
        more = f" ({listing.more} more)" if listing.more else ""
        show.say(f"{listing.title}{more}:")
        rows = [dict(zip(listing.columns, row, strict=True)) for row in listing.rows]
        show.table(rows, listing.columns, "")
