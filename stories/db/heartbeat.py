"""Holding what was claimed for as long as the work takes, and no longer than the worker lives."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import structlog

from stories import clock
from stories.db import outbox
from stories.db.engine import Store
from stories.db.outbox import Job

EVERY = outbox.LEASE.total_seconds() / 3
"""Seconds between two renewals: two may fail before a lease is lost."""

log = structlog.get_logger()


@contextmanager
def held(store: Store, jobs: Sequence[Job]) -> Iterator[None]:
    """Renew the leases of *jobs* in the background while the block runs.

    So leases can be short, and work that a killed worker held is free again within one, however
    long such work may take when nobody is killed. A lease lost all the same shows when the work
    is written: who writes must ask for it in the same transaction (:func:`outbox.renew`).
    """
    done = threading.Event()

    def renew() -> None:
        while not done.wait(EVERY):
            try:
                with store.write() as conn:
                    for job in sorted(jobs, key=lambda j: j.key):  # as all who lock several do
                        outbox.renew(conn, job, clock.now())
            except Exception as error:  # the database is away: the work itself will find out
                log.debug("leases not renewed", error=str(error))

    thread = threading.Thread(target=renew, name="holding-leases", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
