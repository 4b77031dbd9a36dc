"""``wirecopy backup``: the store and the keys, as they are at one moment, into a folder."""

from pathlib import Path
from typing import Annotated

import typer

from desk import backup as backups
from desk import show
from desk.cli.context import opened


def backup(
    ctx: typer.Context,
    destination: Annotated[
        Path, typer.Argument(metavar="DEST", help="A folder that is not there.")
    ],
    without_keys: Annotated[
        bool, typer.Option("--without-keys", help="Leave the private keys out.")
    ] = False,
) -> None:
    """Back the store up into a new folder DEST, with the private keys, while everything runs.

    It is of one moment. DEST appears whole or not at all, and its owner alone may read it.
    """
    with opened(ctx) as (config, store):
        made = backups.write(store, config, destination, with_keys=not without_keys)
    size = sum(file.size for file in made.files.values())
    show.say(f"{destination}: {made.rows} rows, as of {show.when(made.at)}, {size} bytes")
    show.say(
        f"private keys: {len(made.key_files)} are in it; keep it where nobody else can read it"
        if made.keys
        else f"private keys: left out; keep those in {config.keys_folder} elsewhere, or nobody can"
        " vouch for what is restored"
    )
