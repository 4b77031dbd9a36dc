"""The processes of a running Wirecopy: the private broker, worker, poller, beat, web and desk.

They are the same on one machine and in production; on one machine, one supervisor runs them all,
with a private broker, and forks them, so that all that they import is imported once.
"""

import gc
import os
import sys
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import redis

from desk import broker
from desk.fork import apart, fork
from desk.supervisor import Member
from stories.config import Config
from stories.db import SQLAlchemyError, import_driver, why
from stories.errors import StoreError
from workers import pulse
from workers.address import broker_address, client, key_prefix, key_prefix_of
from workers.start import start

if TYPE_CHECKING:
    from workers.app import Beat, Consumer

NAMES = ("worker", "poller", "beat", "web", "desk")
"""The members that may be run one by one; the private broker runs with all of them only."""

SERVERS = {"web": "desk.web", "desk": "desk.newsroom.__main__"}
"""The modules of those that answer HTTP. They run without the broker, too."""

GRACE = 50.0
"""Seconds a member has to end: less than a container's 60, so that the supervisor kills first."""


def named(config: Config) -> tuple[str, ...]:
    """The members that run when none is named."""
    return tuple(name for name in NAMES if name != "desk" or config.desk.enabled)


def command(name: str, config: Config) -> list[str]:
    """The command line that starts the member *name*."""
    if name in SERVERS:
        return [sys.executable, "-m", SERVERS[name].removesuffix(".__main__")]
    return _celerys(name, config).command()


def _celerys(name: str, config: Config, *, ticks: bool = False) -> "Consumer | Beat":
    from workers import app  # half a second, meanwhile a private broker starts

    if name == "worker":
        return app.worker(config.worker_processes)
    return app.poller(ticks=ticks) if name == "poller" else app.Beat()


def _become(name: str, config: Config, *, ticks: bool) -> int:
    """Be the member *name*, in this process."""
    if name in SERVERS:
        code: int = import_module(SERVERS[name]).main(config)
        return code
    from workers import app

    return app.become(_celerys(name, config, ticks=ticks))


def fork_sandboxes() -> None:
    """Have captures read by children of a process that is forked here and now; so call it before
    anything is read that they should not know."""
    from ingest import sandbox, sandbox_forks

    with suppress(OSError):  # where it cannot be, each child is started anew
        ours, theirs = sandbox_forks.door()
        fork("wirecopy-sandbox", lambda: sandbox_forks.serve(ours), theirs.close, ())
        ours.close()
        sandbox.fork_from(theirs)


def preload(names: Sequence[str]) -> None:
    """Import all that the members *names* do: what is forked from here shares it. Before anything
    is forked, as each import after that would unshare what it touches."""
    import_driver(os.environ.get("WIRECOPY_DATABASE_URL", ""))  # nearly always that one
    for name in set(names) & set(SERVERS):
        import_module(SERVERS[name])
    if set(names) - set(SERVERS):
        for module in import_module("workers.app").PRELOADED:
            import_module(module)


def prepare(names: Sequence[str], started: "Started") -> None:
    """Have the members *names* use the configuration with which the store was *started*."""
    preload(names)  # which may be more than were known before it was read
    import_driver(started.config.database)
    if set(names) - set(SERVERS):
        import_module("workers.process").use(started.config)
        import_module("workers.app").prepare(started.config, started.prefix)
    gc.collect()


@dataclass(frozen=True, slots=True)
class Started:
    """That the store was started: with which configuration, as the store has completed it, and
    what our keys in the broker begin with."""

    config: Config
    prefix: str


def start_store(config: Config) -> Started:
    """Start the store, in a process that is forked for that: 8 MB that are touched on the way would
    be this process's, the sandboxes' server's and each member's, each having its own.

    :raises WirecopyError: where it cannot be started.
    """

    def body() -> Started:
        try:
            with closing(start(config)) as store:
                return Started(config, key_prefix(store))
        except SQLAlchemyError as error:
            raise StoreError(f"database: {why(error)}") from error

    return apart(body)


def environment(config_file: Path | None) -> dict[str, str]:
    """The environment by which members find the same configuration wherever they run."""
    named = config_file or (Path(p) if (p := os.environ.get("WIRECOPY_CONFIG")) else None)
    file = named or Path("wirecopy.toml")
    return {"WIRECOPY_CONFIG": str(file.absolute())} if named or file.is_file() else {}


def members(
    config: Config, names: Sequence[str] = (), *, prefix: str = "", forked: bool = False
) -> list[Member]:
    """The members to supervise, those of *names* or all, in the order in which they start.

    *prefix* is that of the broker's keys, if it is known. Where they are *forked* from here, the
    poller is beat besides, if both run.
    """
    found = []
    if config.redis_url is None:
        private = broker.private(config.data)
        found.append(
            Member(
                "broker",
                private.command,
                private.ready,
                private.set_aside,
                grace=10,
                log=private.log,
            )
        )
    prefix = prefix or key_prefix_of(config)
    wanted = names or named(config)
    ticks = forked and {"poller", "beat"} <= set(wanted)
    processes = [name for name in wanted if not (ticks and name == "beat")]
    for name in sorted(processes, key=lambda each: each not in SERVERS):
        found.append(
            Member(
                name,
                partial(_become, name, config, ticks=ticks),
                partial(_alive, config, prefix) if name == "worker" else None,
                waits=name not in SERVERS,  # what is there is served, broker or not
                grace=GRACE,
            )
        )
    return found


def _alive(config: Config, prefix: str) -> bool | None:
    """Whether a worker has left its mark; None while that cannot be known."""
    # A client of this moment: no connection may be open when a member is forked.
    with client(broker_address(config), 1, prefix) as asked:
        try:
            return any(mark.startswith("worker@") for mark in pulse.alive(asked))
        except (redis.RedisError, OSError):
            return None
