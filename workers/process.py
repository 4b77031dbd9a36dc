"""What one worker process holds: the newsroom, the open store, the HTTP clients, the broker.

Opened by the process that uses it, on its first task: nothing with a socket or a file in it may
be carried across the fork from which a pool process comes. The newsroom is: the worker reads it
once, before the fork, so that all its processes work by the same, whatever is being written into
the file when one of them is replaced.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import redis
import structlog
from celery import signals
from sqlalchemy.exc import SQLAlchemyError

from net.client import Client
from stories import keyring
from stories.config import Config, load
from stories.db import Store, connect, why
from stories.errors import SigningError, StoreError
from workers.address import broker_url, client
from workers.start import start

CLIENTS_KEPT = 4
"""Idle clients that are kept, with their connections; more were only needed for a while."""

log = structlog.get_logger(__name__)


class Clients:
    """Lends a client to whoever polls a batch; the one given back last goes out first.

    So while one batch after the other is polled, it is always the same client, whose connections
    are still open; and there are as many as batches under way, whatever thread has which.
    """

    def __init__(self) -> None:
        self._idle: list[Client] = []

    @contextmanager
    def one(self) -> Iterator[Client]:
        """A client for this block alone. One that an error found at work is not used again."""
        try:
            lent = self._idle.pop()
        except IndexError:
            lent = Client()
        yield lent
        if len(self._idle) < CLIENTS_KEPT:
            self._idle.append(lent)
        else:
            lent.close()


@dataclass(frozen=True, slots=True)
class Process:
    """Everything a task needs besides its arguments."""

    config: Config
    store: Store
    http: Clients
    broker: redis.Redis


_newsroom: Config | None = None
_started = False
_opening = threading.Lock()


@signals.celeryd_after_setup.connect
def _before_the_fork(**_: Any) -> None:
    global _newsroom, _started  # noqa: PLW0603 - inherited by the pool processes
    _newsroom = load()
    try:
        start(_newsroom).close()
        _started = True
    except (StoreError, SQLAlchemyError) as error:
        told = str(error) if isinstance(error, StoreError) else why(error)
        log.error("not started yet; each process will at its first task", error=told)


def current(*, signs: bool = True) -> Process:
    """This process's things, opened when first asked for; safe to share between threads.

    Who only polls *signs* nothing, and need not have the keys.
    """
    with _opening:
        here = _opened(os.getpid())
        if signs:
            _with_keys(os.getpid())
    return here


@lru_cache(maxsize=1)
def _opened(_pid: int) -> Process:
    config = _newsroom or load()
    store = connect(config.database) if _started else start(config)
    return Process(config, store, Clients(), client(broker_url(config)))


@lru_cache(maxsize=1)
def _with_keys(pid: int) -> None:
    here = _opened(pid)
    try:
        keyring.ensure(here.store, here.config)  # published before the first story is
    except SigningError as error:
        log.error("nothing can be signed", error=str(error))
