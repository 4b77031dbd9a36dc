"""``wirecopy kill``, ``hold`` and ``release``: the desk hides a story, or brings it back."""

from typing import Annotated

import typer

from desk import show
from desk.cli.context import opened, story_named, telling
from desk.headline import unseen
from desk.hiding import act
from stories.db import feeds
from stories.models import ActKind

Named = Annotated[str, typer.Argument(metavar="ID", help="A story's id, or how it begins.")]
By = Annotated[str, typer.Option("--by", metavar="NAME", help="Who does this.")]
Reason = Annotated[
    str, typer.Option("--reason", metavar="TEXT", help="Why; for the record, never published.")
]


def kill(ctx: typer.Context, name: Named, by: By, reason: Reason) -> None:
    """Take a story out of every feed for good; its page answers 410, and feeds say that it went."""
    _act(ctx, name, "kill", by, reason)


def hold(ctx: typer.Context, name: Named, by: By, reason: Reason) -> None:
    """Take a story out of every feed for now, without a word."""
    _act(ctx, name, "hold", by, reason)


def release(ctx: typer.Context, name: Named, by: By, reason: Reason) -> None:
    """Bring a story back that was killed or held."""
    _act(ctx, name, "release", by, reason)


def _act(ctx: typer.Context, name: str, kind: ActKind, by: str, reason: str) -> None:
    with opened(ctx) as (config, store):
        found = story_named(store, name)
        after = act(store, config, found.id, kind, by, reason, changed=telling(config, store))
        with store.read() as conn:
            hidden = unseen(conn, config, after)
            placed = feeds.feeds_of(conn, after.id)
    show.facts(
        {
            "story": after.id,
            "headline": after.headline,
            "status": after.status,
            "feeds": ", ".join(placed) if after.status == "usable" else None,
            "notice in": ", ".join(placed) if after.status == "killed" else None,
        }
    )
    if hidden and after.status == "usable":
        show.complain(f"released, but nobody sees it: {hidden}")
        raise typer.Exit(1)
