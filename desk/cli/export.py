"""``wirecopy export``: the site as a folder of files, once."""

from pathlib import Path
from typing import Annotated

import typer

from desk import show
from desk.cli.context import opened
from publish import folder
from publish.web.export import Exporter
from stories.db import stories as records


def export(ctx: typer.Context, directory: Annotated[Path, typer.Argument(metavar="DIR")]) -> None:
    """Write the site as files into DIR, as it is now: feeds, pages, keys, chains, log.

    Files that have not changed are left alone, and those that are no longer on the site deleted.
    """
    with opened(ctx) as (config, store):
        with store.read() as conn:
            total, _ = records.counts(conn)
        exporter = Exporter(config, store)
        try:
            with (
                show.progress("writing stories", total) as told,
                folder.opened(directory, wait=True) as root,
            ):
                failed = exporter.whole(root, told)
        finally:
            exporter.close()
    for line in failed:
        show.complain(line)
    if failed:
        raise typer.Exit(1)
