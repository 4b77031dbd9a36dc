"""The tasks: small in number, large in work, safe to run twice. Each is a call into a room below.

A task carries no work, only the news that there is some: what is due, leased or waiting is read
from the database. A message lost costs a second, until the next sweep; a message too many finds
nothing to claim.
"""

from datetime import datetime
from typing import Any

import structlog
from celery.exceptions import SoftTimeLimitExceeded

from ingest import intake
from ingest import poll as polling
from publish import renderer
from stories import clock
from stories.db import outbox, wires
from workers import alerts, queues
from workers import housekeeping as rounds
from workers.app import celery
from workers.base import tally
from workers.dispatch import LANES, MESSAGE_LAPSES, TALLEST, batches
from workers.metrics import LEASES_LOST, POLL_LAG, POLLS, WIRE_TO_FEED, outcome
from workers.process import current

log = structlog.get_logger(__name__)


@celery.task(name="workers.tasks.dispatch")
def dispatch() -> None:
    """Beat's tick: claim the wires that are due, hand them out in batches after the commit."""
    here = current()
    room = {q: TALLEST - queues.depth(here.broker, q) for q in LANES.values()}
    handed = batches(here.store, here.config, clock.now(), room)
    for sent, batch in enumerate(handed):
        try:
            send(poll, queue=batch.queue, lease=batch.lease, names=list(batch.names))
        except Exception:  # the broker went away: nobody must wait for what nobody was told
            with here.store.write() as conn:
                for unsent in handed[sent:]:
                    wires.give_back(conn, unsent.lease, unsent.names)
            raise


@celery.task(name="workers.tasks.poll")
def poll(lease: str, names: list[str]) -> None:
    """Poll a batch of leased wires; wake the intake when something came. A thread of a poller runs
    it, so a batch with a slow wire in it keeps no other batch waiting."""
    here = current(signs=False)
    with here.store.write() as conn:
        now = clock.now()
        until = now + polling.lease_for(here.config, names)
        claimed = wires.begin(conn, lease, names, now, until)
    due = {wire.name: wire.due_at for wire in claimed}
    if len(claimed) < len(names):
        tally.count(LEASES_LOST, "begin", amount=len(names) - len(claimed))
    woken = False
    with here.http.one() as http:
        for polled in polling.poll(here.store, here.config, http, claimed):
            bound = log.bind(wire=polled.wire, state=polled.state)
            if polled.superseded:
                tally.count(LEASES_LOST, "end")
            tally.count(POLLS, outcome(polled.state))
            lag = (clock.now() - due[polled.wire]).total_seconds()
            tally.observe(POLL_LAG, seconds=max(lag, 0.0))
            if polled.told:
                bound.warning("address changed", told=polled.told)
            if polled.message and not polled.superseded:
                bound.warning("poll failed", message=polled.message, next=polled.due.at.isoformat())
            elif polled.capture_id is not None:
                bound.info("captured", capture=polled.capture_id)
                if not woken:  # the first capture of a batch must not wait for the slowest wire
                    wake(ingest)
                    woken = True


@celery.task(name="workers.tasks.ingest")
def ingest() -> None:
    """Take in what was captured, a bounded number of wires; wake the press."""
    here = current()
    if intake.run(here.store, here.config, limit=WIRES_A_TASK, seconds=SECONDS_A_TASK):
        wake(render)


@celery.task(name="workers.tasks.render")
def render() -> None:
    """Render what changed, a bounded number of stories, and the feeds they stand in."""
    here = current()
    changed: list[datetime] = []
    renderer.render_waiting(here.store, here.config, limit=STORIES_A_TASK, rendered=changed.append)
    now = clock.now()
    for moment in changed:
        tally.observe(WIRE_TO_FEED, seconds=max((now - moment).total_seconds(), 0.0))


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
        wanted = min(-(-ready // size), here.config.worker_processes)
        for _ in range(wanted - queues.depth(here.broker, queue)):
            send(task)


@celery.task(name="workers.tasks.housekeeping")
def housekeeping() -> None:
    """End licences, mend what was left undone, let go what is no longer kept; a bounded part."""
    here = current()
    rounds.housekeeping(here.store, here.config)


@celery.task(name="workers.tasks.watch")
def watch() -> None:
    """Beat's tick: notice wires in alarm and those that are well again, and tell it, once."""
    here = current()
    alerts.watch(here.store, clock.now())
    alerts.tell(here.store, here.config, clock.now())


WIRES_A_TASK = 10
SECONDS_A_TASK = 40.0
STORIES_A_TASK = 200
"""So much at most in one task, seconds of work; more is waiting for the next. No longer than a
worker that is told to end may take (``desk.up.GRACE``), or it would be killed over its work."""


def wake(task: Any) -> None:
    """Publish *task*, whose work stands in the outbox: without a broker the sweep will ask for it,
    and what is being done here goes on."""
    try:
        send(task)
    except SoftTimeLimitExceeded:
        raise
    except Exception as error:  # away, full, or (kombu 5.7) a channel that lost its connection
        log.debug("nobody woken", wanted=task.name, error=str(error))


def send(task: Any, *, queue: str | None = None, **kwargs: Any) -> None:
    """Publish *task*, always after the commit that made it worth while.

    It lapses if nobody takes it in time: its work stands in the database and the sweep asks again.
    """
    task.apply_async(kwargs=kwargs, queue=queue, expires=MESSAGE_LAPSES, ignore_result=True)
