"""``wirecopy headline``: the desk writes a headline, or puts the wire's back."""

from typing import Annotated

import typer

from desk import show
from desk.cli.context import opened, story_named
from desk.headline import rewrite
from publish import renderer
from stories.db import feeds, outbox


def headline(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="ID", help="A story's id, or how it begins.")],
    by: Annotated[str, typer.Option("--by", metavar="NAME", help="Who does this.")],
    text: Annotated[str | None, typer.Argument(metavar="[TEXT]", help="The new headline.")] = None,
    revert: Annotated[bool, typer.Option("--revert", help="Put the wire's headline back.")] = False,
) -> None:
    """Write the headline of a story. The body cannot be edited, here or anywhere."""
    if (text is None) != revert:
        raise typer.BadParameter("give either TEXT or --revert", param_hint="TEXT")
    with opened(ctx) as (config, store):
        found = story_named(store, name)
        after = rewrite(store, found.id, None if revert else text, by)
        renderer.render_waiting(store, config, ids=[after.id])
        with store.read() as conn:
            entry = feeds.entry(conn, after.id)
            faults = [
                error
                for kind, key, error in outbox.failures(conn)
                if (kind, key) == ("story", after.id)
            ]
    show.facts(
        {
            "story": after.id,
            "headline": after.headline,
            "wire headline": after.version.headline,
            "edit scope": entry.scope if entry else "waits to be rendered",
            "edited headline only": entry.edited_headline_only if entry else None,
            "disclosure": entry.disclosure if entry else None,
        }
    )
    for fault in faults:  # the headline is on record; what is published is as it was
        show.complain(f"kept, but not published: {fault}")
        raise typer.Exit(1)
