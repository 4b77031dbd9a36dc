"""``wirecopy settle``: a story is left as it is."""

from typing import Annotated

import typer

from desk import show
from desk.cli.context import By, opened, story_named, telling, who
from desk.newsroom.acts import Desk


def settle(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="ID", help="A story's id, or how it begins.")],
    by: By = None,
    undo: Annotated[bool, typer.Option("--undo", help="Let it wait again.")] = False,
) -> None:
    """Leave a story as it is: it waits for the desk no more, and nothing that is published changes.

    After a second look, the headline in force is confirmed against the newest version.
    """
    with opened(ctx) as (config, store):
        found = story_named(store, name)
        desk = Desk(store, config, telling(config, store))
        if undo:
            desk.unsettle(found.id, who(by))
        else:
            desk.settle(found.id, who(by), None)
    show.say(f"{found.id}: {'waits again' if undo else 'settled'}")
