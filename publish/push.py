"""Push: what changed in feeds, brought to who subscribed (WebSub), or told to another one's hub.

All that is to be done stands in the database: a subscription has the number of the last change that
came to it, so that it misses none, and gets them in their order. What was sent to a worker that was
killed, or whose answer was lost, is sent again.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import urlencode

import structlog

from net import hooks
from net.client import Client, Response
from net.ssrf import shown
from publish import archive, hub
from publish.hub import Outcome, Verdict
from stories import clock
from stories.config import Config
from stories.db import Connection, Store, feeds, outbox, subscriptions
from stories.db.feeds import FORMATS, Format
from stories.db.subscriptions import Subscription

AT_ONCE = 250
"""Subscriptions of one batch. All its callbacks are asked at once, so that none waits for a slow
one longer than for its batch."""

COMPANY = 0.02
"""Seconds for which answers are gathered that are written in one transaction."""

SENT_WITHIN = subscriptions.LEASE.total_seconds() - 2 * hub.SECONDS
"""Seconds after a claim in which anything is sent: well before others may claim the same."""

PINGS = 20
"""Feeds of which another one's hub is told in one batch."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class News:
    """What a feed has in one format for who has seen an earlier change: a document, and the number
    of the last change in it. ``body`` is empty where nothing is to be told; ``updated`` is when its
    last story changed."""

    body: bytes
    seq: int
    updated: datetime | None


@dataclass(frozen=True, slots=True)
class Pushed:
    """What became of one subscription; ``updated`` is that of the news delivered."""

    outcome: Outcome
    updated: datetime | None = None


def push(
    store: Store, config: Config, http: Client, limit: int = AT_ONCE
) -> tuple[int, Iterator[Pushed]]:
    """Verify what was asked for, and deliver what is new, to up to *limit* callbacks that are due:
    how many are, and what becomes of each as it answers."""
    with store.read() as conn:
        if not subscriptions.waiting(conn, clock.now()):  # mostly so: nobody waits to write
            return 0, iter(())
    ends = time.monotonic() + SENT_WITHIN  # from before the claim: it is over before the lease is
    with store.write() as conn:
        claimed = subscriptions.claim(conn, clock.now(), limit)
    return len(claimed), _carry_out(store, config, http, claimed, ends)


def _carry_out(
    store: Store, config: Config, http: Client, claimed: Sequence[Subscription], ends: float
) -> Iterator[Pushed]:
    if not claimed:
        return
    try:
        with store.read() as conn:
            news = _news(conn, config, claimed)
        by_name, requests = {}, []
        passed: dict[_Key, list[Subscription]] = {}
        for each in claimed:
            if each.asked:
                requests.append(hub.question(each, config))
            elif (found := news[_key(each)]) is not None and found.body:
                requests.append(hub.delivery(each, config, found.body))
            else:
                passed.setdefault(_key(each), []).append(each)
                continue
            by_name[str(each.id)] = each
        if passed:
            with store.write() as conn:
                for key, those in passed.items():
                    _pass_over(conn, those, news[key])
        groups = http.fetch_together(
            [replace(request, sent_by=ends) for request in requests],
            user_agent=config.agent,
            concurrency=len(requests),
            company=COMPANY,
        )
        for answers in groups:
            found_of = [(by_name[answer.wire], answer) for answer in answers]
            with store.write() as conn:
                verdicts = _keep(conn, found_of, news)
            for (each, _), verdict in zip(found_of, verdicts, strict=True):
                _say(each, verdict)
                told = news.get(_key(each)) if verdict.outcome == "delivered" else None
                yield Pushed(verdict.outcome, told.updated if told else None)
    finally:
        with store.write() as conn:
            subscriptions.release(conn, claimed[0].lease)


_Key = tuple[str, Format, int]


def _key(of: Subscription) -> _Key:
    """Those of one key get the same bytes."""
    return of.feed, of.format, of.seq


def _news(
    conn: Connection, config: Config, claimed: Sequence[Subscription]
) -> dict[_Key, News | None]:
    """What is new, by key; None for a feed that this process does not know, or
    knows as private."""
    found: dict[_Key, News | None] = {}
    for key in {_key(each) for each in claimed if not each.asked}:
        name, format, seq = key
        feed = config.public_feed(name)
        changes = feeds.changes_since(conn, name, seq, feeds.ARCHIVED)
        if feed is None or not changes:
            found[key] = None
            continue
        body, updated = archive.news(conn, config, feed, changes[::-1], format)
        found[key] = News(body, changes[-1].seq, updated)
    return found


def _pass_over(conn: Connection, passed: Sequence[Subscription], news: News | None) -> None:
    """Nothing is delivered: what changed leaves nothing to tell, or another process has to."""
    if news is not None:
        subscriptions.delivered(conn, passed, news.seq)
        return
    now = clock.now()
    for each in passed:
        since = each.failing_since or now
        due = now + hub.FIRST_WAIT
        subscriptions.failed(conn, each, due, each.failures, since, "the feed is not known here")


def _keep(
    conn: Connection,
    answers: Sequence[tuple[Subscription, Response]],
    news: dict[_Key, News | None],
) -> list[Verdict]:
    """Write what the *answers* mean; that, in their order."""
    now = clock.now()
    verdicts = []
    took: dict[_Key, list[Subscription]] = {}
    for of, answer in answers:
        verdict = (hub.confirmed if of.asked else hub.taken)(of, answer, now)
        verdicts.append(verdict)
        if verdict.outcome == "delivered":
            took.setdefault(_key(of), []).append(of)
        elif verdict.outcome == "confirmed":
            subscriptions.grant(conn, of, now)
        elif verdict.outcome == "unconfirmed":
            subscriptions.refuse(conn, of, verdict.error, now)
        elif verdict.due is None:
            subscriptions.end(conn, of)
        elif of.asked:
            subscriptions.ask_again(conn, of, verdict.due, verdict.error)
        else:
            since = of.failing_since or now
            subscriptions.failed(conn, of, verdict.due, verdict.failures, since, verdict.error)
    for key, those in took.items():
        if (found := news[key]) is not None:
            subscriptions.delivered(conn, those, found.seq)
    return verdicts


def _say(of: Subscription, verdict: Verdict) -> None:
    if verdict.outcome == "delivered":
        return
    where = {"callback": shown(of.callback), "feed": f"{of.feed}.{of.format}"}
    if verdict.outcome in ("gone", "retired"):
        log.warning("subscription ended", why=verdict.error, **where)
    elif verdict.outcome == "failed":
        log.info("not delivered", why=verdict.error, **where)
    elif of.asked:
        log.info(
            "subscription", asked=of.asked, outcome=verdict.outcome, why=verdict.error, **where
        )


def ping(store: Store, config: Config) -> int:
    """Tell the hub of ``hub.url`` which feeds have changed; of how many it took that."""
    url = config.hub.url
    with store.write() as conn:
        jobs = outbox.claim(conn, "ping", clock.now(), PINGS)
    done = 0
    with outbox.renewing(store, jobs):
        for job in jobs:
            fault = ""
            if url is not None and config.hub.enabled and config.public_feed(job.key) is not None:
                for format in FORMATS:
                    parts = {"hub.mode": "publish", "hub.url": hub.topic(config, job.key, format)}
                    form = urlencode(parts).encode()
                    fault = fault or hooks.post(url, form, config.agent, hooks.FORM)
            with store.write() as conn:
                if fault:
                    outbox.failed(conn, job, f"hub.url: {fault}", clock.now())
                else:
                    outbox.done(conn, [job], clock.now())
                    done += 1
    return done
