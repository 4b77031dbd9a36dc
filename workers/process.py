"""What one worker process has open: configuration, store, HTTP clients, broker.

Each pool process opens them on its first task, because no socket and no open file may be carried
across a fork. The configuration is: the worker reads it once, before the fork, so that all its
processes use the same one, even when the file is being edited while one of them is replaced.
"""

import gc
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import inf
from typing import Any

import structlog
from billiard import pool
from billiard.compat import mem_rss
from celery import signals

from net.client import Client
from publish.rerender import settings_digest
from stories.config import Config, load
from stories.db import SQLAlchemyError, Store, connect, why
from stories.errors import NewerError, SigningError, StoreError
from stories.keys import ensure_keys
from workers.address import Broker, broker_address, client, key_prefix
from workers.start import start

CLIENTS_KEPT = 4
"""Idle clients to keep, with their connections; more are needed for a short time only."""

PATIENCE = 60.0
"""Seconds that the database has for one statement: the longest of a task takes a few, and a host
that is cut off must end what it does before its lease has long been another's."""

RESULT_TRIES = 50
"""Times, 0.1 s apart, that a pool process which ends looks whether its last result was taken.

Billiard's 300 take most of the grace to end: at a warm shutdown the worker forgets a task of which
it has not yet read that it began, and never takes its result. Nothing is lost: a task that was not
acknowledged is delivered again.
"""

RELEASE_LOOK = 5.0
"""Seconds between two looks of a process whether the store is of a newer release by now."""

log = structlog.get_logger(__name__)

stopping = threading.Event()
"""Set once this process was told to end."""


@signals.worker_shutting_down.connect
def _give_up_polls(**_: Any) -> None:
    stopping.set()


class Clients:
    """A pool of HTTP clients, of which each is used by one thread at a time.

    The client returned last is lent first: while one batch after the other is polled, it is always
    the same client, whose connections are still open.
    """

    def __init__(self) -> None:
        self._idle: list[Client] = []

    @contextmanager
    def one(self) -> Iterator[Client]:
        """A client for this block alone. After an error in the block it is not used again."""
        try:
            lent = self._idle.pop()
        except IndexError:
            lent = Client(stopping.is_set)
        yield lent
        if len(self._idle) < CLIENTS_KEPT:
            self._idle.append(lent)
        else:
            lent.close()


@dataclass(frozen=True)
class Process:
    """Everything a task needs besides its arguments."""

    config: Config
    store: Store
    http: Clients
    broker: Broker

    @cached_property
    def settings(self) -> str:
        """The configuration's :func:`~publish.rerender.settings_digest`: made once, as with 100,000
        wires it takes a sixth of a second."""
        return settings_digest(self.config)


_config: Config | None = None
_started = False
_opening = threading.Lock()
_member = 0
_looked = -inf


def use(config: Config) -> None:
    """Use *config*, with which the store was started, here and in what is forked from here."""
    global _config, _started
    _config, _started = config, True


@signals.celeryd_after_setup.connect
def _before_the_fork(instance: Any, **_: Any) -> None:
    global _config, _started, _member  # noqa: PLW0603 - inherited by the pool processes
    _member = os.getpid()
    pool.GUARANTEE_MESSAGE_CONSUMPTION_RETRY_LIMIT = RESULT_TRIES
    if not _started:
        _config = load()
        try:
            start(_config).close()
            _started = True
        except (StoreError, SQLAlchemyError) as error:
            reason = str(error) if isinstance(error, StoreError) else why(error)
            log.error("not started yet; each process will at its first task", error=reason)
    gc.collect()
    gc.freeze()  # a collection in a pool process would unshare the pages of all that lives now
    # What it is forked with counts as a pool process's own; with 100,000 wires that alone is more
    # than it may take, and each would be replaced after its first task.
    instance.pool.options["max_memory_per_child"] += mem_rss()


def current(*, signs: bool = True) -> Process:
    """What this process has open, opened on the first call; safe to share between threads.

    A poller *signs* nothing, and need not have the keys.

    :raises NewerError: when a newer release has migrated the store; then the member ends in order.
    """
    with _opening:
        here = _opened(os.getpid())
        _end_if_older(here.store)
        if signs:
            _with_keys(os.getpid())
    return here


def _end_if_older(store: Store) -> None:
    global _looked  # noqa: PLW0603 - of this process
    if time.monotonic() - _looked < RELEASE_LOOK:
        return
    try:
        store.refuse_newer()
    except NewerError as error:
        if not stopping.is_set():
            stopping.set()
            log.error("ends, to be started anew as the newer release", error=str(error))
            if _member:
                os.kill(_member, signal.SIGTERM)
        raise
    _looked = time.monotonic()


@lru_cache(maxsize=1)
def _opened(_pid: int) -> Process:
    config = _config or load()
    store = (connect(config.database) if _started else start(config)).hurry(PATIENCE)
    return Process(
        config, store, Clients(), client(broker_address(config), prefix=key_prefix(store))
    )


@lru_cache(maxsize=1)
def _with_keys(pid: int) -> None:
    here = _opened(pid)
    try:
        ensure_keys(here.store, here.config)  # published before the first story
    except SigningError as error:
        log.error("nothing can be signed", error=str(error))
