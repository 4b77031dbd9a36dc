"""``wirecopy feed``: the bytes of an outgoing feed as served."""

from typing import Annotated, Literal

import typer

from desk import show
from desk.cli.context import opened
from stories.db import feeds
from stories.errors import UnknownNameError


def feed(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME")],
    format: Annotated[Literal["rss", "atom", "json"], typer.Option("--format")] = "rss",
) -> None:
    """Write a feed's bytes exactly as they are served."""
    from publish import renderer

    with opened(ctx) as (config, store):
        if config.feed(name) is None:
            names = ", ".join(f.name for f in config.outgoing)
            raise UnknownNameError(f"feed {name}: there is none; known: {names}")
        with store.read() as conn:
            row = feeds.feed(conn, name, format)
        if row is None:
            renderer.render_waiting(store, config)
            renderer.render_feed(store, config, name)
            with store.read() as conn:
                row = feeds.feed(conn, name, format)
    assert row is not None
    show.raw(row.body)
