"""What one worker process holds: the newsroom, the open store, the HTTP client, the broker.

Opened by the process that uses it, on its first task: nothing with a socket or a file in it may
be carried across the fork from which a pool process comes.
"""

import os
from dataclasses import dataclass
from functools import lru_cache

import redis

from ingest.fetch import Client
from stories.newsroom import Newsroom, load
from stories.store import Store
from workers.address import broker_url, client
from workers.start import start


@dataclass(frozen=True, slots=True)
class Process:
    """Everything a task needs besides its arguments."""

    newsroom: Newsroom
    store: Store
    http: Client
    broker: redis.Redis


def current() -> Process:
    """This process's things, opened when first asked for."""
    return _opened(os.getpid())


@lru_cache(maxsize=1)
def _opened(_pid: int) -> Process:
    newsroom = load()
    return Process(newsroom, start(newsroom), Client(), client(broker_url(newsroom)))
