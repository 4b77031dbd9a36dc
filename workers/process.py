"""What one worker process holds: the newsroom, the open store, the HTTP client, the broker.

Opened by the process that uses it, on its first task: nothing with a socket or a file in it may
be carried across the fork from which a pool process comes.
"""

import os
from dataclasses import dataclass
from functools import lru_cache

import redis
import structlog

from ingest.fetch import Client
from stories import keyring
from stories.errors import SigningError
from stories.newsroom import Newsroom, load
from stories.store import Store
from workers.address import broker_url, client
from workers.start import start

log = structlog.get_logger(__name__)


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
    store = start(newsroom)
    try:
        keyring.ensure(store, newsroom)  # published before the first story is
    except SigningError as error:
        log.error("nothing can be signed", error=str(error))
    return Process(newsroom, store, Client(), client(broker_url(newsroom)))
