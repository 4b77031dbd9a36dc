"""``wirecopy up``: everything that runs, supervised; or one member of it, for a container."""

import os
from typing import Annotated

import typer

from desk import show
from desk.cli.context import Desk, newsroom_of
from stories import logs
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
    """Run worker, poller, beat and web (and, without WIRECOPY_REDIS_URL, a private broker) until
    told to stop. What dies is started again; with one MEMBER named, this process becomes that
    one."""
    from desk import up as crew
    from desk.supervisor import supervise

    for name in names or ():
        if name not in crew.NAMES:
            told = f"{name!r} is no member; they are {', '.join(crew.NAMES)}"
            raise typer.BadParameter(told, param_hint="MEMBER")
    config = newsroom_of(ctx)
    logs.configure(config.log)
    desk = ctx.find_root().obj
    config_file = desk.config if isinstance(desk, Desk) else None
    start(config).close()  # the tables are ready, or the reason is told, before anything runs
    if names is not None and len(names) == 1:
        command = crew.command(names[0], config)
        os.environ.update(crew.environment(config_file))
        os.execvp(command[0], command)  # noqa: S606 - our own command line, no shell
    if not names or "web" in names:
        show.say(f"feeds and pages: {config.site.url}/")
    code = supervise(crew.members(config, config_file, names or crew.NAMES), config.data)
    raise typer.Exit(code)
