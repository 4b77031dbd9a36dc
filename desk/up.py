"""The processes of a running Wirecopy: the private broker, worker, poller, beat and web.

They are the same on one machine and in production; on one machine, one supervisor runs them all,
with a private broker.
"""

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import redis

from desk import broker
from desk.supervisor import Member
from stories.config import Config
from workers import pulse
from workers.address import Broker, broker_address, client, key_prefix_of
from workers.app import beat_command, poller_command, worker_command

NAMES = ("worker", "poller", "beat", "web")
"""The members that may be run one by one; the private broker runs with all of them only."""

GRACE = 50.0
"""Seconds a member has to end: less than a container's 60, so that the supervisor kills first."""


def command(name: str, config: Config) -> list[str]:
    """The command line that starts the member *name*."""
    return {
        "worker": worker_command(config.worker_processes),
        "poller": poller_command(),
        "beat": beat_command(),
        "web": [sys.executable, "-m", "desk.web"],
    }[name]


def environment(config_file: Path | None) -> dict[str, str]:
    """The environment by which members find the same configuration wherever they run."""
    named = config_file or (Path(p) if (p := os.environ.get("WIRECOPY_CONFIG")) else None)
    file = named or Path("wirecopy.toml")
    return {"WIRECOPY_CONFIG": str(file.absolute())} if named or file.is_file() else {}


def members(config: Config, config_file: Path | None, names: Sequence[str] = NAMES) -> list[Member]:
    """The members to supervise, in the order in which they start."""
    settings = environment(config_file)

    def member(name: str, ready: Callable[[], bool | None] | None = None) -> Member:
        return Member(name, command(name, config), ready, environment=settings, grace=GRACE)

    # First and waiting for nobody: feeds that are there are served, broker or not.
    found = [member("web")] if "web" in names else []
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
    asked = client(broker_address(config), 1, key_prefix_of(config))
    for name in names:
        if name != "web":
            found.append(member(name, (lambda: _alive(asked)) if name == "worker" else None))
    return found


def _alive(broker: Broker) -> bool | None:
    """Whether a worker has left its mark; None while that cannot be known."""
    try:
        return any(mark.startswith("worker@") for mark in pulse.alive(broker))
    except (redis.RedisError, OSError):
        return None
