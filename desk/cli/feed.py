"""``wirecopy feed``: the bytes of an outgoing feed as served."""

from typing import Annotated, Literal

import typer

from desk import show
from desk.cli.context import feed_named, opened
from publish import renderer, served


def feed(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME")],
    format: Annotated[Literal["rss", "atom", "json"], typer.Option("--format")] = "rss",
) -> None:
    """Write a feed's bytes exactly as they are served."""
    with opened(ctx) as (config, store):
        feed_named(config, name)
        with store.read() as conn:
            found = served.served(conn, config, name, format)
        if found is None:
            renderer.render_waiting(store, config)
            renderer.render_feed(store, config, name)
            with store.read() as conn:
                found = served.served(conn, config, name, format)
    assert found is not None
    show.raw(found.body)
