"""Who is alive: worker, poller and beat leave a mark in the broker that lapses unless renewed.

The mark is left from the member's own loop, so it says more than that a process exists: the loop
turns and reaches the broker. ``python -m workers.pulse worker`` asks for this machine's, for a
container's health check, and exits 0 or 1.
"""

import socket
import sys
from typing import Any

import redis
from celery import bootsteps

from stories.config import load
from stories.errors import WirecopyError
from workers.address import broker_url, client

MEMBERS = ("worker", "poller", "beat")
"""Who leaves marks. The web answers for itself."""

EVERY = 5
"""Seconds between two marks."""

LAPSE = 30
"""Seconds after which a mark is gone: six missed beats, more than any pause of a live loop."""

_PREFIX = "wirecopy:alive:"


def mark(broker: redis.Redis, member: str) -> None:
    """Say that *member* of this machine is alive; silent when the broker cannot be reached."""
    try:
        broker.set(f"{_PREFIX}{member}@{socket.gethostname()}", "1", ex=LAPSE)
    except (redis.RedisError, OSError):
        return  # the mark lapses: that is how it is told


def alive(broker: redis.Redis) -> list[str]:
    """Who left a mark that has not lapsed, as ``member@machine``, sorted.

    :raises redis.RedisError: if the broker cannot be reached.
    """
    marks = broker.scan_iter(match=f"{_PREFIX}*", count=1000)
    return sorted(key.decode().removeprefix(_PREFIX) for key in marks)


def member_of(worker: Any) -> str:
    """Which member a Celery *worker* is: a worker or a poller, as it was named when started."""
    return str(worker.hostname).partition("@")[0]


class Pulse(bootsteps.StartStopStep):
    """The worker's and the poller's part: a timer of their event loop."""

    requires = ("celery.worker.components:Timer",)

    def __init__(self, worker: Any, **options: Any) -> None:
        super().__init__(worker, **options)
        self._timer: Any = None

    def start(self, worker: Any) -> None:
        """Begin to leave marks, now and every :data:`EVERY` seconds."""
        broker = client(worker.app.conf.broker_url, timeout=1)
        member = member_of(worker)
        mark(broker, member)
        self._timer = worker.timer.call_repeatedly(EVERY, mark, (broker, member))

    def stop(self, worker: Any) -> None:
        """Leave no more marks."""
        if self._timer is not None:
            self._timer.cancel()


def main(member: str) -> int:
    """0 if *member* of this machine left a mark lately, else 1, with the reason on stderr."""
    try:
        with client(broker_url(load()), timeout=5) as broker:
            there = f"{member}@{socket.gethostname()}" in alive(broker)
    except (WirecopyError, redis.RedisError, OSError) as error:
        sys.stderr.write(f"{member}: cannot tell: {error}\n")
        return 1
    if not there:
        sys.stderr.write(f"{member}: no sign of life for {LAPSE} seconds\n")
    return 0 if there else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
