"""``wirecopy restore``: a backup into an empty store."""

from pathlib import Path
from typing import Annotated

import typer

from desk import backup as backups
from desk import show
from desk.cli.context import config_file
from stories.config import load


def restore(
    ctx: typer.Context,
    source: Annotated[Path, typer.Argument(metavar="SRC", help="What `wirecopy backup` wrote.")],
    check: Annotated[
        bool, typer.Option("--check", help="Only read it, and hold it against its digests.")
    ] = False,
    moved: Annotated[
        bool,
        typer.Option(
            "--moved",
            help="Nothing was running when the backup was made, and the old store is never used"
            " again: go on in the same log.",
        ),
    ] = False,
    unvouched: Annotated[
        bool, typer.Option("--unvouched", help="Go on when all keys are lost: nobody vouches then.")
    ] = False,
) -> None:
    """Restore a backup into the configured database, which has to be empty, on either database.

    What was logged after the backup is lost, so another log begins, which says so.
    """
    if check and (moved or unvouched):
        option = "--moved" if moved else "--unvouched"
        raise typer.BadParameter("restores, and --check only reads", param_hint=option)
    if check:
        made = backups.read(source)
        show.say(f"{source}: good; of {show.when(made.at)}, by Wirecopy {made.wirecopy}")
        return
    config = load(config_file(ctx))
    made, begun = backups.restore(config, source, moved=moved, unvouched=unvouched)
    show.say(f"restored: {made.rows} rows, as of {show.when(made.at)}")
    show.say(
        f"private keys: {len(made.key_files)} put into {config.keys_folder}"
        if made.key_files
        else f"private keys: none are in the backup; used are those in {config.keys_folder}"
    )
    for line in [] if begun is None else backups.told(begun):
        show.say(line)
    if begun is not None:
        show.say("make a backup soon: this one cannot be restored a second time without harm")
