"""``wirecopy status``: is anything wrong, is anything waiting, is anything lost?"""

from typing import Annotated

import typer

from desk import show
from desk.cli.context import opened
from desk.status import as_data, board, gather, needs
from publish.web.views import StatusPage
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
    """Show how everything stands.

    Wires, queues, quarantine, outbox, feeds and storage.

    Lists show the worst 20; counts are of all.
    """
    with opened(ctx) as (config, store):
        found = gather(config, store, clock.now())
    if json:
        show.as_json(as_data(found))
    else:
        _show(board(found))
    if check and (wanting := needs(found)):
        for need in wanting:
            show.complain(need)
        raise typer.Exit(1)


def _show(shown: StatusPage) -> None:
    show.facts({fact.name: fact.value for fact in shown.facts})
    for need in shown.needs:
        show.say(f"! {need}")
    for listing in shown.listings:
        more = f" ({listing.more} more)" if listing.more else ""
        show.say(f"{listing.title}{more}:")
        rows = [dict(zip(listing.columns, row, strict=True)) for row in listing.rows]
        show.table(rows, listing.columns, "")
