"""``wirecopy up``: everything that runs, supervised; or one member of it, for a container."""

import os
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Annotated

import structlog
import typer

from desk import show
from desk import up as processes
from desk.cli.context import config_file
from desk.fork import apart
from desk.listen import listen_as_desk, listen_on
from desk.supervisor import alone, supervise
from stories import logs
from stories.config import Config, load
from stories.db import SQLAlchemyError, why
from stories.errors import ConfigError, WirecopyError
from workers.start import start

log = structlog.get_logger(__name__)


def up(
    ctx: typer.Context,
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[MEMBER]…", help="worker, poller, beat, web or desk; all when none is named."
        ),
    ] = None,
) -> None:
    """Run everything until told to stop: worker, poller, beat, web and, if configured, desk.

    Without WIRECOPY_REDIS_URL a private broker runs too. What dies is started again. With one
    MEMBER named, this process becomes that one (as PID 1, it runs it).
    """
    for name in names or ():
        if name not in processes.NAMES:
            raise typer.BadParameter(
                f"{name!r} is no member; they are {', '.join(processes.NAMES)}",
                param_hint="MEMBER",
            )
    supervises = len(names or processes.NAMES) > 1 or os.getpid() == 1
    if supervises:
        # Whether there is a desk, only the configuration says.
        processes.preload(names or sorted({*processes.NAMES} - {"desk"}))
        if "worker" in (names or processes.NAMES):
            processes.fork_sandboxes()
    os.environ.update(processes.environment(config_file(ctx)))
    config = apart(load) if supervises else load()
    logs.configure(config.log)
    try:
        code = _run(config, names or processes.named(config))
    except (WirecopyError, SQLAlchemyError) as error:
        if sys.stderr.isatty():
            raise
        said = str(error) if isinstance(error, WirecopyError) else f"database: {why(error)}"
        log.error("cannot run", error=said)  # as a line among those of the members
        code = 2 if isinstance(error, ConfigError) else 1
    raise typer.Exit(code)


def _run(config: Config, names: Sequence[str]) -> int:
    """Run the members *names*; the exit code. What is wrong with address or store is an error
    before anything runs."""
    single = len(names) == 1
    with nullcontext() if single else alone(config.data) as lock:
        if "web" in names:
            listen_on(*config.site.address)
            if config.site.metrics_address is not None:
                listen_on(*config.site.metrics_address, "[site] metrics_listen")
        if "desk" in names:
            listen_as_desk(config)
        if single and os.getpid() != 1:
            start(config).close()
            command = processes.command(names[0], config)
            os.execvp(command[0], command)  # noqa: S606 - our own command line, no shell
        if "web" in names and sys.stdout.isatty():
            show.say(f"feeds and pages: {config.site.url}/")
        if "desk" in names and sys.stdout.isatty():
            show.say(f"desk: {config.desk.origin}/")
        started = processes.start_store(config)
        config = started.config
        members = processes.members(config, names, prefix=started.prefix, forked=True)
        if single:  # as PID 1 of a container, which has to reap what the member leaves behind
            members = [member for member in members if member.name in names]
        return supervise(members, lock, lambda: processes.prepare(names, started))
