"""Liveness: worker, poller and beat set a key in the broker that expires unless it is renewed.

The key is set by the member's own event loop, so it shows more than that a process exists: the
loop runs and reaches the broker. ``python -m workers.pulse worker`` looks for this machine's key
and exits 0 or 1; it is the health check of a container.
"""

import socket
import sys
from typing import Any

import redis
from celery import bootsteps

from stories.config import load
from stories.errors import WirecopyError
from workers.address import KEY_PREFIX, Broker, broker_address, client

MEMBERS = ("worker", "poller", "beat")
"""Who sets a key. The web has ``/healthz``."""

EVERY = 5
"""Seconds between two renewals."""

EXPIRES = 30
"""Seconds after which a key expires: six renewals, more than any pause of a live loop."""

_MARK = "alive:"


def mark(broker: Broker, member: str) -> None:
    """Renew the key of *member* on this machine; silent when the broker cannot be reached."""
    try:
        broker.set(f"{broker.prefix}{_MARK}{member}@{socket.gethostname()}", "1", ex=EXPIRES)
    except (redis.RedisError, OSError):
        return  # the key expires, which is how it shows


def alive(broker: Broker) -> list[str]:
    """The members with a key, as ``member@machine``, sorted.

    :raises redis.RedisError: if the broker cannot be reached.
    """
    start = broker.prefix + _MARK
    marks = broker.scan_iter(match=f"{start}*", count=1000)
    return sorted(key.decode().removeprefix(start) for key in marks)


def member_of(worker: Any) -> str:
    """Which member a Celery *worker* is, ``worker`` or ``poller``: its name before the ``@``."""
    return str(worker.hostname).partition("@")[0]


class Pulse(bootsteps.StartStopStep):
    """Renews the key of a worker or poller by a timer of its event loop."""

    requires = ("celery.worker.components:Timer",)

    def __init__(self, worker: Any, **options: Any) -> None:
        super().__init__(worker, **options)
        self._timer: Any = None

    def start(self, worker: Any) -> None:
        """Renew the key now and every :data:`EVERY` seconds."""
        broker = worker.app.broker(timeout=1)
        member = member_of(worker)
        mark(broker, member)
        self._timer = worker.timer.call_repeatedly(EVERY, mark, (broker, member))

    def stop(self, worker: Any) -> None:
        """Stop renewing."""
        if self._timer is not None:
            self._timer.cancel()


def main(member: str) -> int:
    """0 if *member* of this machine is alive, else 1, with the reason on stderr."""
    try:
        with client(broker_address(load()), timeout=5) as broker:
            # Whosever it is: a container runs one, and its health must not depend on the database.
            mine = f"{KEY_PREFIX}*{_MARK}{member}@{socket.gethostname()}"
            there = any(broker.scan_iter(match=mine, count=1000))
    except (WirecopyError, redis.RedisError, OSError) as error:
        sys.stderr.write(f"{member}: cannot tell: {error}\n")
        return 1
    if not there:
        sys.stderr.write(f"{member}: no sign of life for {EXPIRES} seconds\n")
    return 0 if there else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
