"""Asking agencies' hubs to push to us, again half-way through each lease, and to end it.

What is to be asked, and when, stands in the database (:mod:`stories.db.hubs`); a hub that was asked
by a process which was killed is asked again. The wire is polled in any case.
"""

import structlog

from ingest import hubs
from net.client import Client, Response
from net.ssrf import shown
from stories import clock
from stories.config import Config
from stories.db import Connection, Store
from stories.db import hubs as rows
from stories.db.hubs import Subscription

AT_ONCE = 50
"""Hubs of one batch, which are all asked at once."""

REDIRECTS = 3

log = structlog.get_logger()


def ask_hubs(store: Store, config: Config, http: Client) -> int:
    """Ask the hubs that are due for what is wanted of them; how many."""
    with store.read() as conn:
        if not rows.due(conn, clock.now()):  # mostly so: nobody waits to write
            return 0
    with store.write() as conn:
        now = clock.now()
        asked: dict[str, Subscription] = {}
        for of in rows.claim(conn, now, AT_ONCE):
            if hubs.is_over(of, now):
                rows.drop(conn, of.token)
            elif of.awaited:
                _note(conn, of, hubs.unanswered(of, now))
            else:
                asked[of.token] = of
    for response in _answers(config, http, asked):
        of = asked[response.wire]
        failure = hubs.answered(of, response, clock.now())
        if failure is None:
            log.info("hub asked", wire=of.wire, hub=shown(of.hub), leaving=of.leaving)
            continue
        with store.write() as conn:
            _note(conn, of, failure)
    return len(asked)


def _answers(config: Config, http: Client, asked: dict[str, Subscription]) -> list[Response]:
    """The last answers of the hubs *asked*, wherever they have moved to."""
    found: list[Response] = []
    coming = [hubs.request(of, config) for of in asked.values()]
    for left in range(REDIRECTS, -1, -1):
        responses = list(http.fetch(coming, user_agent=config.agent)) if coming else []
        elsewhere = {r.wire: to for r in responses if left and (to := hubs.moved(r))}
        found += [each for each in responses if each.wire not in elsewhere]
        coming = [hubs.request(asked[name], config, to) for name, to in elsewhere.items()]
    return found


def _note(conn: Connection, of: Subscription, failure: hubs.Failure) -> None:
    log.warning("hub does not push", wire=of.wire, leaving=of.leaving, why=failure.error)
    if failure.due is None:
        rows.drop(conn, of.token)
    else:
        rows.failed(conn, of, failure.due, failure.failures, failure.hub, failure.error)
