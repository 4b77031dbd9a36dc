"""The Celery tasks: few, each with much work, each safe to run twice.

A message carries no work, it only says that there is some: what is due, leased or waiting is read
from the database. A lost message costs a second, until the next ``sweep``; one too many finds
nothing to claim.
"""

import os
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import lru_cache
from math import inf
from typing import TYPE_CHECKING, Any

import structlog
from celery.exceptions import SoftTimeLimitExceeded

from ingest import intake, replay
from ingest import poll as polling
from ingest.subscribe import ask_hubs
from publish import indexer, renderer, rerender
from publish.pictures import keep_waiting
from publish.push import AT_ONCE, ping
from publish.push import push as deliver
from stories import clock
from stories.db import hubs, key_value, outbox, subscriptions, wire_acts, wires
from stories.db import stories as records
from workers import alerts, notices, queues
from workers import housekeeping as rounds
from workers.app import TICK, celery
from workers.base import LAPSES, tally
from workers.dispatch import LANES, MESSAGE_EXPIRES, QUEUE_LIMIT, batches, until_due
from workers.metrics import (
    LEASES_LOST,
    PICTURES,
    POLL_LAG,
    POLLS,
    PUSHES,
    WIRE_TO_FEED,
    WIRE_TO_SUBSCRIBER,
    outcome,
)
from workers.process import current, stopping

if TYPE_CHECKING:
    from publish.web.export import Exporter

log = structlog.get_logger(__name__)


@celery.task(name="workers.tasks.dispatch")
def dispatch() -> None:
    """Beat's tick: claim the wires that are due and, after the commit, send them in batches. Then
    tell beat when the next one is due."""
    here = current(signs=False)
    room = {q: QUEUE_LIMIT - queues.depth(here.broker, q) for q in LANES.values()}
    at = clock.now()
    claimed = batches(here.store, here.config, at, room)
    for sent, batch in enumerate(claimed):
        try:
            send(poll, queue=batch.queue, lease=batch.lease, names=list(batch.names))
        except Exception:  # the broker is down: these wires must not wait for their lease to end
            with here.store.write() as conn:
                for unsent in claimed[sent:]:
                    wires.give_back(conn, unsent.lease, unsent.names)
            raise
    seconds = until_due(here.store, at, clock.now())
    if seconds is not None and seconds < TICK:
        notices.tell(here.broker, notices.DUE, seconds)


@celery.task(name="workers.tasks.poll")
def poll(lease: str, names: list[str]) -> None:
    """Poll a batch of leased wires; send ``ingest`` when something new came. It runs in a thread of
    a poller, so a slow wire delays no other batch."""
    here = current(signs=False)
    with here.store.write() as conn:
        now = clock.now()
        until = now + polling.lease_for(here.config, names)
        claimed = wires.begin(conn, lease, names, now, until)
    due = {wire.name: wire.due_at for wire in claimed}
    if len(claimed) < len(names):
        tally.count(LEASES_LOST, "begin", amount=len(names) - len(claimed))
    left = set(due)
    # The first capture of a batch must not wait for the slowest wire.
    with here.http.one() as http, waking(ingest) as captured:
        for polled in polling.poll(here.store, here.config, http, claimed):
            bound = log.bind(wire=polled.wire, state=polled.state)
            left.discard(polled.wire)
            if polled.superseded:
                tally.count(LEASES_LOST, "end")
            tally.count(POLLS, outcome(polled.state))
            lag = (clock.now() - due[polled.wire]).total_seconds()
            tally.observe(POLL_LAG, seconds=max(lag, 0.0))
            if polled.notice:
                bound.warning("address changed", told=polled.notice)
            if polled.message and not polled.superseded:
                bound.warning("poll failed", message=polled.message, next=polled.due.at.isoformat())
            elif polled.capture_id is not None:
                bound.info("captured", capture=polled.capture_id)
                captured()
    if left and stopping.is_set():  # given up: another poller may have them at once
        with here.store.write() as conn:
            wires.give_back(conn, lease, sorted(left))


@celery.task(name="workers.tasks.ingest")
def ingest() -> None:
    """Take in captures, of a bounded number of wires; send ``render`` as stories come."""
    here, began = current(), time.monotonic()
    with waking(render) as taken_in:
        carried = intake.take_in_waiting(
            here.store,
            here.config,
            limit=WIRES_A_TASK,
            seconds=SECONDS_A_TASK,
            settings=here.settings,
            committed=taken_in,
        )
    if carried >= WIRES_A_TASK or time.monotonic() - began > SECONDS_A_TASK:
        wake(ingest)


@celery.task(name="workers.tasks.render")
def render() -> None:
    """Render what changed, a bounded number of stories, and their feeds."""
    here = current()
    changed: list[datetime] = []
    with waking(push) as subscribers:

        def tell(names: Collection[str]) -> None:
            notices.tell_feeds(here.broker, names)
            if here.config.hub.enabled:
                subscribers()

        done = renderer.render_waiting(
            here.store,
            here.config,
            limit=STORIES_A_TASK,
            rendered=changed.append,
            changed=tell,
            settings=here.settings,
        )
    if here.config.site.export is not None:
        wake(export)
    if here.config.media.keep and done:
        wake(pictures)
    now = clock.now()
    for moment in changed:
        tally.observe(WIRE_TO_FEED, seconds=max((now - moment).total_seconds(), 0.0))
    if done >= STORIES_A_TASK:
        wake(render)


@celery.task(name="workers.tasks.index")
def index() -> None:
    """Bring the full-text index up to date, for a bounded time."""
    here = current(signs=False)
    if indexer.index_waiting(here.store, here.config, SECONDS_A_TASK):
        wake(index)


@celery.task(name="workers.tasks.export")
def export() -> None:
    """Write what was rendered into the folder of ``site.export``, for a bounded time."""
    if current(signs=False).config.site.export is not None and _exporter(os.getpid()).keep():
        wake(export)


@lru_cache(maxsize=1)
def _exporter(_pid: int) -> "Exporter":
    from publish.web.export import Exporter  # the whole site, which no other task needs

    here = current(signs=False)
    return Exporter(here.config, here.store)


@celery.task(name="workers.tasks.push")
def push() -> None:
    """Bring what changed to a bounded number of subscribers, or tell another one's hub. It runs in
    a thread of a poller, so a slow callback delays nobody but who is in its batch."""
    here = current(signs=False)
    if not here.config.is_hub:
        ping(here.store, here.config)
        return
    with here.http.one() as http:
        claimed, pushed = deliver(here.store, here.config, http)
        if claimed == AT_ONCE:
            wake(push)  # the next batch at once, beside this one
        for each in pushed:
            tally.count(PUSHES, each.outcome)
            if each.updated is not None:
                lag = (clock.now() - each.updated).total_seconds()
                tally.observe(WIRE_TO_SUBSCRIBER, seconds=max(lag, 0.0))
    if claimed:
        wake(push)  # who was behind by more than a document, or has missed what came meanwhile


@celery.task(name="workers.tasks.subscribe")
def subscribe() -> None:
    """Ask agencies' hubs to push to us, a bounded number. In a thread of a poller, as a poll."""
    here = current(signs=False)
    with here.http.one() as http:
        ask_hubs(here.store, here.config, http)


@celery.task(name="workers.tasks.pictures")
def pictures() -> None:
    """Keep the pictures of a bounded number of stories. It runs in a thread of a poller, so slow
    servers delay nobody but pictures."""
    here, kept = current(signs=False), 0
    with here.http.one() as http:
        for became in keep_waiting(here.store, here.config, http):
            tally.count(PICTURES, became)
            kept += became == "kept"
    if not kept:
        return
    wake(pictures)
    if here.config.site.export is not None:
        wake(export)


@celery.task(name="workers.tasks.accept")
def accept() -> None:
    """Take in what people accepted out of quarantine, for a bounded time."""
    here = current()
    with here.store.read() as conn:
        if key_value.is_superseded(conn, here.settings):
            return  # an older configuration may not know a wire's name or agency
    with waking(render) as taken_in:
        more = replay.take_in_accepted(here.store, here.config, SECONDS_A_TASK, committed=taken_in)
    if more:
        wake(accept)


@celery.task(name="workers.tasks.sweep")
def sweep() -> None:
    """Beat's tick: send as many tasks as the work that waits in the outbox needs."""
    here = current()
    with here.store.read() as conn:
        waiting = {w.kind: w.ready for w in outbox.waiting(conn, clock.now())}
        anew = rerender.upto(conn) is not None
        unindexed = indexer.behind(conn, here.config)
        accepted = wire_acts.waiting(conn)
        if records.embargo_over(conn, clock.now()):
            waiting["story"] = waiting.get("story", 0) + 1
        pushes = (
            subscriptions.waiting(conn, clock.now())
            if here.config.is_hub
            else bool(waiting.get("ping"))
        )
        asks = hubs.due(conn, clock.now())
    if anew and not waiting.get("story") and rerender.go_on(here.store):
        waiting["story"] = rerender.STEP
    for task, queue, kinds, size in (
        (ingest, queues.INGEST, ("ingest",), WIRES_A_TASK),
        (render, queues.RENDER, ("story", "feed"), STORIES_A_TASK),
    ):
        ready = sum(waiting.get(kind, 0) for kind in kinds)
        wanted = min(-(-ready // size), here.config.worker_processes)
        for _ in range(wanted - queues.depth(here.broker, queue)):
            send(task)
    if accepted and not queues.depth(here.broker, queues.HOUSEKEEPING):
        send(accept)
    if unindexed and not queues.depth(here.broker, queues.HOUSEKEEPING):
        send(index)
    if (
        here.config.site.export is not None
        and waiting.get("export", 1)
        and any(count for kind, count in waiting.items() if kind.startswith("export"))
        and not queues.depth(here.broker, queues.EXPORT)
    ):
        send(export)
    tasks = [task for task, due in ((push, pushes), (subscribe, asks)) if due]
    if tasks and not queues.depth(here.broker, queues.PUSH):
        for task in tasks:
            send(task)
    if waiting.get("picture") and not queues.depth(here.broker, queues.PICTURES):
        send(pictures)


@celery.task(name="workers.tasks.housekeeping")
def housekeeping() -> None:
    """End licences, reconcile the outbox, apply retention; for a bounded time."""
    here = current()
    rounds.housekeeping(here.store, here.config)
    if here.config.site.export is not None:
        wake(export)  # for keys and log, which change without a story, too


@celery.task(name="workers.tasks.watch")
def watch() -> None:
    """Beat's tick: begin and end alerts, and send what is new to the web hook."""
    here = current()
    alerts.update(here.store, clock.now(), here.config.alerts)
    alerts.notify(here.store, here.config, clock.now())


WIRES_A_TASK = 50
SECONDS_A_TASK = 0.5
STORIES_A_TASK = 60
"""What one task does at most, but for a capture it has begun; then it is sent again, behind what
waits by then, so that intake and rendering take turns. It takes less time than a worker has to end
(``desk.up.GRACE``), or it would be killed at work."""


PAUSE = 0.05
"""Seconds between two messages about the same work."""


@contextmanager
def waking(task: Any) -> Iterator[Callable[[], None]]:
    """Yields a function that says that there is work for *task*. It is sent at once, while the
    block goes on making work; then again after :data:`PAUSE`, and at the end, if there is more."""
    last, more = -inf, False

    def there_is_work() -> None:
        nonlocal last, more
        more = time.monotonic() - last < PAUSE
        if not more:
            wake(task)
            last = time.monotonic()

    try:
        yield there_is_work
    finally:
        if more:
            wake(task)


def wake(task: Any) -> None:
    """Send *task*, whose work is in the outbox. When the broker is down nothing is lost: ``sweep``
    sends it later, so the caller goes on."""
    try:
        send(task)
    except SoftTimeLimitExceeded:
        raise
    except Exception as error:  # down, full, or (kombu 5.7) a channel that lost its connection
        log.debug("task not sent", wanted=task.name, error=str(error))


def send(task: Any, *, queue: str | None = None, **kwargs: Any) -> None:
    """Send *task*, always after the commit that made it necessary.

    The message lapses if no worker takes it in time (:mod:`workers.base`): its work is in the
    database, and ``sweep`` sends it again.
    """
    lapses: dict[str, Any] = {LAPSES: clock.now().timestamp() + MESSAGE_EXPIRES}
    task.apply_async(kwargs=kwargs, queue=queue, headers=lapses, ignore_result=True)
