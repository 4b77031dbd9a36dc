"""``wirecopy up``: everything that runs, supervised; or one member of it, for a container."""

import os
from typing import Annotated

import typer

from desk import show
from desk import up as processes
from desk.cli.context import config_file
from desk.supervisor import supervise
from stories import logs
from stories.config import load
from workers.start import start


def up(
    ctx: typer.Context,
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[MEMBER]…", help="worker, poller, beat or web; all when none is named."
        ),
    ] = None,
) -> None:
    """Run everything until told to stop: worker, poller, beat and web.

    Without WIRECOPY_REDIS_URL a private broker runs too. What dies is started again. With one
    MEMBER named, this process becomes that one.
    """
    for name in names or ():
        if name not in processes.NAMES:
            raise typer.BadParameter(
                f"{name!r} is no member; they are {', '.join(processes.NAMES)}",
                param_hint="MEMBER",
            )
    file = config_file(ctx)
    config = load(file)
    logs.configure(config.log)
    start(config).close()  # what is wrong with the store is an error before anything runs
    if names is not None and len(names) == 1:
        command = processes.command(names[0], config)
        os.environ.update(processes.environment(file))
        os.execvp(command[0], command)  # noqa: S606 - our own command line, no shell
    if not names or "web" in names:
        show.say(f"feeds and pages: {config.site.url}/")
    members = processes.members(config, file, names or processes.NAMES)
    raise typer.Exit(supervise(members, config.data))
