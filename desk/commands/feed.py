"""``wirecopy feed``: the bytes of an outgoing feed as served."""

from typing import Annotated, Literal

import typer

from desk import show
from desk.context import opened
from stories.errors import UnknownNameError
from stories.store import feeds


def feed(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME")],
    format: Annotated[Literal["rss", "atom", "json"], typer.Option("--format")] = "rss",
) -> None:
    """Write a feed's bytes exactly as they are served."""
    from publish import press

    with opened(ctx) as (newsroom, store):
        if newsroom.feed(name) is None:
            names = ", ".join(f.name for f in newsroom.outgoing)
            raise UnknownNameError(f"feed {name}: there is none; known: {names}")
        with store.read() as conn:
            row = feeds.feed(conn, name, format)
        if row is None:
            press.run(store, newsroom)
            press.render_feed(store, newsroom, name)
            with store.read() as conn:
                row = feeds.feed(conn, name, format)
    assert row is not None
    show.raw(row.body)
