"""The processes of a running Wirecopy: the private broker, worker, poller, beat and web.

Embedded and in production they are the very same; embedded, one supervisor keeps them all, and the
broker is our own.
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from desk import broker
from desk.supervisor import Member
from stories.config import Config
from workers import pulse
from workers.address import broker_url, client
from workers.app import beat_command, poller_command, worker_command

NAMES = ("worker", "poller", "beat", "web")
"""The members that may be run one by one; the private broker comes with the whole."""


GRACE = 50.0
"""Seconds a member has to end: less than a container's 60, so that our own kill comes first."""


def command(name: str, config: Config) -> list[str]:
    """The command line of the member *name*."""
    return {
        "worker": worker_command(config.worker_processes),
        "poller": poller_command(),
        "beat": beat_command(),
        "web": [sys.executable, "-m", "desk.web"],
    }[name]


def environment(config_file: Path | None) -> dict[str, str]:
    """What members need to find the same configuration from wherever they run."""
    named = config_file or (Path(p) if (p := os.environ.get("WIRECOPY_CONFIG")) else None)
    file = named or Path("wirecopy.toml")
    return {"WIRECOPY_CONFIG": str(file.resolve())} if named or file.is_file() else {}


def members(config: Config, config_file: Path | None, names: Sequence[str] = NAMES) -> list[Member]:
    """The members to supervise, in the order in which they start."""
    settings = environment(config_file)
    url = broker_url(config)
    found: list[Member] = []
    if config.redis_url is None:
        private = broker.private(config.data)
        found.append(
            Member("broker", private.command, ready=private.ready, grace=10, log=private.log)
        )
    for name in names:
        found.append(
            Member(
                name,
                command(name, config),
                ready=(lambda: _marked(url, "worker")) if name == "worker" else None,
                environment=settings,
                grace=GRACE,
            )
        )
    return found


def _marked(url: str, member: str) -> bool:
    import redis

    with client(url, timeout=1) as connection:
        try:
            return any(mark.startswith(f"{member}@") for mark in pulse.alive(connection))
        except (redis.RedisError, OSError):
            return False
