"""Notices: what processes tell each other through the broker besides tasks. News, never work.

They go by Redis' publish and subscribe: whoever listens knows within a millisecond, and whoever
does not has missed them. So nothing depends on them: beat ticks once a second in any case, and the
web looks once a second whether a feed has changed.
"""

import json
import threading
from collections.abc import Callable, Collection
from typing import Any

import redis
import structlog

from stories.config import Config
from stories.db import Store
from workers.address import Broker, broker_address, client, key_prefix

DUE = "due"
"""To beat: in how many seconds the next wire is due, a number; or :data:`WORK`."""

WORK = "work"
"""What is in the outbox is new, and nobody who works has put it there."""

FEEDS = "feeds"
"""To the webs: the names of feeds whose bytes have changed; a list."""

QUIET = 60.0
"""Seconds without a notice after which a listener connects anew: a broker that vanished without
closing the connection (power, firewall) is silent too."""

PAUSE = 1.0
"""Seconds between two tries to reach a broker that is away."""

log = structlog.get_logger(__name__)


def tell(broker: Broker, channel: str, news: object) -> None:
    """Tell *news* (JSON) to all who listen to *channel*; silent when the broker is away."""
    try:
        broker.publish(broker.prefix + channel, json.dumps(news))
    except (redis.RedisError, OSError) as error:
        log.debug("not told", channel=channel, error=str(error))


def tell_feeds(broker: Broker, names: Collection[str]) -> None:
    """Tell the webs that the feeds *names* changed."""
    tell(broker, FEEDS, sorted(names))


def tell_feeds_of(config: Config, store: Store, names: Collection[str]) -> None:
    """:func:`tell_feeds` for a command, which has no client of the broker open."""
    with client(broker_address(config), 1, key_prefix(store)) as broker:
        tell_feeds(broker, names)


class Listener:
    """Hears what is told on one channel. For one thread.

    Its methods raise ``redis.RedisError`` or ``OSError`` while the broker is away.
    """

    def __init__(self, broker: Broker, channel: str) -> None:
        self._broker = broker
        self._channel = broker.prefix + channel
        self._subscription: Any = None

    def begin(self) -> bool:
        """Listen; True if it did not until now, and so may have missed something."""
        if self._subscription is not None:
            return False
        # Kept before it is used: whatever happens, `end` gives its connection back.
        broker: Any = self._broker
        self._subscription = broker.pubsub(ignore_subscribe_messages=True)
        self._subscription.subscribe(self._channel)
        self._subscription.get_message(timeout=PAUSE)  # the broker's word that it is so
        return True

    def hear(self, seconds: float) -> object:
        """What is told next; None when nothing is within *seconds*."""
        message = self._subscription.get_message(timeout=seconds)
        try:
            return None if message is None else json.loads(message["data"])
        except ValueError:  # of another version
            return None

    def end(self) -> None:
        """Listen no more."""
        subscription, self._subscription = self._subscription, None
        if subscription is not None:
            subscription.close()


def follow_feeds(
    broker: Broker, changed: Callable[[Collection[str] | None], None], ended: threading.Event
) -> None:
    """Call *changed* with the names of feeds as they are told, until *ended*; with None whenever
    any may have changed while nobody listened."""
    listener = Listener(broker, FEEDS)
    while not ended.is_set():
        try:
            if listener.begin():
                changed(None)
            names = listener.hear(QUIET)
        except (redis.RedisError, OSError) as error:
            log.debug("feeds are not followed", error=str(error))
            listener.end()
            ended.wait(PAUSE)
            continue
        if isinstance(names, list):
            changed([name for name in names if isinstance(name, str)])
        else:
            listener.end()  # silent for long: see QUIET
    listener.end()
