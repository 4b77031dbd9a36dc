"""The tasks: small in number, large in work, safe to run twice. Each is a call into a room below.

A task carries no work, only the news that there is some: what is due, leased or waiting is read
from the database. A message lost costs a second, until the next sweep; a message too many finds
nothing to claim.
"""

from typing import Any

import structlog

from ingest import intake, polling
from publish import press
from stories import clock
from stories.store import outbox, wires
from workers import queues
from workers.app import celery
from workers.dispatch import TALLEST, batches
from workers.mend import mend
from workers.process import current

log = structlog.get_logger(__name__)


@celery.task(name="workers.tasks.dispatch")
def dispatch() -> None:
    """Beat's tick: claim the wires that are due, hand them out in batches after the commit."""
    here = current()
    room = TALLEST - queues.depth(here.broker, queues.POLL)
    for batch in batches(here.store, here.newsroom, clock.now(), max(room, 0)):
        send(poll, queue=batch.queue, lease=batch.lease, names=list(batch.names))


@celery.task(name="workers.tasks.poll")
def poll(lease: str, names: list[str]) -> None:
    """Poll a batch of leased wires; wake the intake when something came."""
    here = current()
    with here.store.read() as conn:
        claimed = wires.leased(conn, lease, names)
    woken = False
    for polled in polling.poll(here.store, here.newsroom, here.http, claimed):
        bound = log.bind(wire=polled.wire, state=polled.state)
        if polled.message and not polled.superseded:
            bound.warning("poll failed", message=polled.message, next=polled.due.at.isoformat())
        elif polled.capture_id is not None:
            bound.info("captured", capture=polled.capture_id)
            if not woken:  # the first capture of a batch must not wait for the slowest wire
                send(ingest)
                woken = True


@celery.task(name="workers.tasks.ingest")
def ingest() -> None:
    """Take in what was captured, a bounded number of wires; wake the press."""
    here = current()
    if intake.run(here.store, here.newsroom, limit=WIRES_A_TASK):
        send(render)


@celery.task(name="workers.tasks.render")
def render() -> None:
    """Render what changed, a bounded number of stories, and the feeds they stand in."""
    here = current()
    press.run(here.store, here.newsroom, limit=STORIES_A_TASK)


@celery.task(name="workers.tasks.sweep")
def sweep() -> None:
    """Beat's tick: wake somebody for all that waits in the outbox, whoever forgot it."""
    here = current()
    with here.store.read() as conn:
        waiting = {w.kind: w.ready for w in outbox.waiting(conn, clock.now())}
    for task, queue, kinds, size in (
        (ingest, queues.INGEST, ("ingest",), WIRES_A_TASK),
        (render, queues.RENDER, ("story", "feed"), STORIES_A_TASK),
    ):
        ready = sum(waiting.get(kind, 0) for kind in kinds)
        wanted = min(-(-ready // size), here.newsroom.worker_processes)
        for _ in range(wanted - queues.depth(here.broker, queue)):
            send(task)


@celery.task(name="workers.tasks.housekeeping")
def housekeeping() -> None:
    """Mend what a crash at the wrong instant may have left undone."""
    here = current()
    for what, count in mend(here.store).items():
        if count:
            log.warning("mended", what=what, count=count)


WIRES_A_TASK = 10
STORIES_A_TASK = 200
"""So much at most in one task, seconds of work; more is waiting for the next."""


def send(task: Any, *, queue: str | None = None, **kwargs: Any) -> None:
    """Publish *task*, always after the commit that made it worth while.

    It lapses if nobody takes it in time: its work stands in the database and the sweep asks again.
    """
    task.apply_async(kwargs=kwargs, queue=queue, expires=MESSAGE_LAPSES, ignore_result=True)


MESSAGE_LAPSES = 30
"""Seconds. A batch whose leases expired while it waited finds nothing of its own, and is handed
out again."""
