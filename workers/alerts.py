"""Alerts about wires that fail or cannot be read, are paused or are unusually quiet.

``judge`` decides from a wire's row alone; ``update`` writes the alerts that begin and end, in one
transaction with the outbox entry to notify of them; ``notify`` sends that to the web hook. So the
begin and the end of an alert are logged once and sent at least once, however often this runs, on
however many machines, and whatever is killed meanwhile.
"""

import hashlib
import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal

import structlog

from ingest.schedule import GOOD
from net import hooks
from stories.config import Alerts, Config
from stories.db import Store, alerts, custody, hubs, outbox, subscriptions, timeline, wires
from stories.db import stories as records
from stories.db.alerts import Alert, AlertKind, Watched
from stories.logs import masked

LASTING: Final[dict[AlertKind, timedelta]] = {
    "clock": timedelta(days=1),
    "log": timedelta(days=7),
    "failover": timedelta(days=1),
}
"""How long an alert is on that says what has happened, and not how it is."""

QUIET_NEWS = 5
"""Moments of news needed before a wire can be called quiet."""

SAME_STRETCH = (timedelta(days=1), timedelta(days=7), timedelta(days=14))
"""How long ago the hours are with which a silence is compared. The last moments of news of a busy
wire span hours, and so no night and no weekend: yesterday has the night, a week ago the weekend."""

PAGE = 1000
"""Wires judged per transaction."""

COMPARED = 500
"""Silences compared with earlier captures per round, some 10 ms each; others in a later round."""

BATCH = 500
"""Wires per call of the web hook: when an agency is down, all its wires fail."""

WORDS: Final[dict[AlertKind, tuple[str, str]]] = {
    "failing": ("fails", "is polled well again"),
    "paused": ("is paused", "is polled again"),
    "quiet": ("is strangely quiet", "brings news again"),
    "headline": ("changed a fact under a desk headline", "has no such headline any more"),
    "keys": ("is offered keys that are not believed", "is signed by keys that are believed"),
    "clock": ("was ahead and was put right", "has been right since"),
    "log": ("lost some of what was logged", "has lost nothing since"),
    "failover": ("has a standby in place of its primary", "has had it for a day"),
}
"""The words for an alert that begins and for one that is over."""

DEFAULTS: Final = Alerts()

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether there is an alert: ``on``, ``off``, or ``open`` when that cannot be said now, so that
    nothing changes."""

    state: Literal["on", "off", "open"]
    since: datetime = _EPOCH
    message: str = ""


_OFF = Verdict("off")
_OPEN = Verdict("open")


def judge(wire: Watched, now: datetime, limits: Alerts = DEFAULTS) -> dict[AlertKind, Verdict]:
    """For each kind of alert, what follows from *wire*'s row.

    ``failing``: polls failed, or what they brought could not be read, for ``failing_after``.
    ``quiet``: silent for more than ``quiet_times`` times the longest gap between its last news, and
    for ``quiet_after`` at least. Silence is counted up to the last poll, not to the present: news
    that was not polled cannot be missing. It begins only while polls succeed and every capture was
    taken in; it ends when news comes.
    """
    failing = _OFF
    since = min(filter(None, (wire.failing_since, wire.unread_since)), default=None)
    if since is not None and now - since >= limits.failing_after:
        what = wire.message or wire.state if wire.failing_since else wire.fault or "unreadable"
        failing = (
            _OPEN if wire.paused_at else Verdict("on", since, f"since {_minute(since)}: {what}")
        )
    elif since is not None:
        failing = _OPEN  # it recovered and fails again before its alert was ended
    paused = _OFF
    if wire.paused_at is not None:
        because = f"since {_minute(wire.paused_at)}: {wire.message or wire.state}"
        paused = Verdict("on", wire.paused_at, because)
    return {"failing": failing, "paused": paused, "quiet": _quiet(wire, limits)}


def _quiet(wire: Watched, limits: Alerts) -> Verdict:
    silence, usual = silence_of(wire)
    if silence is None or usual is None:
        return _OPEN
    if silence <= max(usual * limits.quiet_times, limits.quiet_after):
        return _OFF
    unwell = wire.failing_since or wire.unread_since or wire.paused_at
    if wire.state not in GOOD or unwell or wire.pending:
        return _OPEN
    last = wire.news[-1]
    because = f"no news since {_minute(last)}; its longest silence before was {_span(usual)}"
    return Verdict("on", last, because)


def silence_of(wire: Watched) -> tuple[timedelta | None, timedelta | None]:
    """How long *wire* had been silent at its last poll, and its longest gap between news before.

    None where too little is known to say.
    """
    moments = sorted(wire.news)
    if wire.polled_at is None or len(moments) < QUIET_NEWS:
        return None, None
    gaps = [after - before for before, after in itertools.pairwise(moments)]
    return wire.polled_at - moments[-1], max(gaps)


def is_usual(silence: timedelta, before: Sequence[timedelta | None]) -> bool:
    """True when the wire was about as silent in the same hours of another day.

    *before* are the longest silences of those hours, None where captures do not reach back. Half
    of *silence* is enough: the last news of the evening comes at another minute every day.
    """
    return any(known is not None and known * 2 >= silence for known in before)


def update(store: Store, now: datetime, limits: Alerts = DEFAULTS) -> tuple[int, int]:
    """Begin and end alerts, for every wire that may have one; how many began, how many ended."""
    after, begun, ended = "", 0, 0
    silent: list[tuple[Alert, datetime]] = []
    while True:
        with store.read() as conn:
            page = alerts.watched(conn, now - limits.quiet_after, after, PAGE)
            there = {(a.kind, a.subject): a for a in alerts.about(conn, [w.name for w in page])}
        if not page:
            break
        starting: list[Alert] = []
        ending: list[tuple[AlertKind, str]] = []
        for wire in (w for w in page if w.configured):
            for kind, verdict in judge(wire, now, limits).items():
                known = there.get((kind, wire.name))
                alert = Alert(kind, wire.name, verdict.since, verdict.message)
                if verdict.state == "off" and known is not None and known.ended_at is None:
                    ending.append((kind, wire.name))
                elif verdict.state == "on" and known is None and kind == "quiet":
                    silent.append((alert, wire.polled_at or now))
                elif verdict.state == "on" and (known is None or known.ended_at is not None):
                    starting.append(alert)
        gone = [w.name for w in page if not w.configured]
        changed = _write(store, starting, ending, gone, now)
        begun, ended = begun + changed[0], ended + changed[1]
        after = page[-1].name
    strange = [
        alert for alert, until in _of_this_round(silent, now) if not _was_usual(store, alert, until)
    ]
    wanted, over = _headlines(store, now)
    offered, believed = _keys(store)
    others = _write(store, [*wanted, *offered], [*over, *believed, *_lasting(store, now)], (), now)
    return begun + _write(store, strange, (), (), now)[0] + others[0], ended + others[1]


def put_clock_right(store: Store, now: datetime) -> int:
    """Void the times that a clock which ran ahead has left in the future, so that polling and work
    go on, and begin an alert; of how many wires and jobs."""
    with store.read() as conn:
        if not any(each.ahead(conn, now) for each in (wires, outbox, subscriptions, hubs)):
            return 0
    with store.write() as conn:
        alerts.put_right(conn, now)
        polls, jobs = wires.put_right(conn, now), outbox.put_right(conn, now)
        jobs += subscriptions.put_right(conn, now) + hubs.put_right(conn, now)
    because = f"times of {polls} wires and {jobs} jobs lay in the future; they are done anew"
    if polls or jobs:
        _write(store, [Alert("clock", "clock", now, because)], (), (), now)
    return polls + jobs


def tell_failover(store: Store, now: datetime) -> int:
    """Begin an alert when a standby has taken the place of its primary since the last call: it may
    lack what was acknowledged, and nothing else says so where that was not logged. 1 or 0."""
    found = timeline.look(store)
    if found is None:
        return 0
    with store.read() as conn:
        before = timeline.noted(conn)
    if before is not None and before[:2] == found[:2]:
        return 0
    begun = 0
    if before is not None and before.of == found.of:  # else it was put back elsewhere
        until = found.had_until
        had = (
            f"what was committed until {until:%Y-%m-%d %H:%M:%SZ}" if until else "nobody knows what"
        )
        said = (
            f"it had {had}. If commits did not wait for it (synchronous_standby_names), what people"
            " did after that may be lost: look at the log of the desk, kills first, and do it again"
        )
        begun, _ = _write(
            store, [Alert("failover", f"timeline {found.number}", now, said)], (), (), now
        )
    with store.write() as conn:
        timeline.note(conn, found)
    return begun


def _lasting(store: Store, now: datetime) -> Sequence[tuple[AlertKind, str]]:
    """The alerts that end by themselves, when they are over."""
    with store.read() as conn:
        return [
            (kind, each.subject)
            for kind, lasts in LASTING.items()
            for each in alerts.standing(conn, kind=kind)
            if now - each.since > lasts
        ]


def _headlines(
    store: Store, now: datetime
) -> tuple[Sequence[Alert], Sequence[tuple[AlertKind, str]]]:
    """Alerts, by wire, of desk headlines over copy of which the wire changed a fact."""
    with store.read() as conn:
        found = {story.wire: (story, fact) for story, fact in records.contradicted(conn)}
        standing = {each.subject for each in alerts.standing(conn, PAGE, "headline")}
    starting = [
        Alert(
            "headline",
            wire,
            story.received_at,
            f"story {story.id}: {fact} is another in the wire's headline “{story.version.headline}”"
            f" than when the desk wrote “{story.desk_headline}”; wirecopy stories --second-look",
        )
        for wire, (story, fact) in found.items()
        if wire not in standing
    ]
    return starting, [("headline", wire) for wire in sorted(standing - found.keys())]


def _keys(store: Store) -> tuple[Sequence[Alert], Sequence[tuple[AlertKind, str]]]:
    """Alerts of wires whose agencies' keys are others than those pinned (:mod:`ingest.pinning`)."""
    with store.read() as conn:
        found = {pin.wire: pin for pin in custody.every(conn, offered=True)}
        standing = {each.subject for each in alerts.standing(conn, PAGE, "keys")}
    starting = [
        Alert(
            "keys",
            wire,
            pin.offered_at or _EPOCH,
            f"{pin.address}: {pin.notice}; ask the agency, then wirecopy wires {wire}"
            " --believe-keys",
        )
        for wire, pin in found.items()
        if wire not in standing
    ]
    return starting, [("keys", wire) for wire in sorted(standing - found.keys())]


def _of_this_round(
    silent: Sequence[tuple[Alert, datetime]], now: datetime
) -> Sequence[tuple[Alert, datetime]]:
    """At most :data:`COMPARED` of *silent*, other ones in every round."""
    if len(silent) <= COMPARED:
        return silent
    drawn = hashlib.sha256(now.isoformat().encode()).digest()
    start = int.from_bytes(drawn[:8]) % len(silent)
    return [*silent[start:], *silent[:start]][:COMPARED]


def _was_usual(store: Store, alert: Alert, until: datetime) -> bool:
    """True when the wire was as silent before as from *alert*'s beginning to *until*."""
    silence = until - alert.since
    with store.read() as conn:
        before = [
            alerts.longest_silence(conn, alert.subject, alert.since - days, until - days)
            for days in SAME_STRETCH
            if silence < days  # a longer one would be compared with itself
        ]
    return is_usual(silence, before)


def _write(
    store: Store,
    starting: Sequence[Alert],
    ending: Sequence[tuple[AlertKind, str]],
    gone: Sequence[str],
    now: datetime,
) -> tuple[int, int]:
    if not (starting or ending or gone):
        return 0, 0
    with store.write() as conn:
        begun = [a for a in starting if alerts.begin(conn, a)]
        ended = [(k, s) for k, s in ending if alerts.end(conn, k, s, now)]
        for name in gone:
            alerts.forget(conn, name)
        outbox.want(conn, "alert", {a.subject for a in begun} | {s for _, s in ended}, now)
    for a in begun:
        message = masked(a.message)
        log.warning(
            f"{_whose(a.kind) or 'clock '}{WORDS[a.kind][0]}",
            alert=a.kind,
            wire=a.subject,
            message=message,
        )
    for kind, name in ended:
        log.warning(f"{_whose(kind) or 'clock '}{WORDS[kind][1]}", alert=kind, wire=name)
    return len(begun), len(ended)


def notify(store: Store, config: Config, now: datetime) -> int:
    """Send the web hook what it was not sent yet; how many alerts. Without a hook only the log has
    them.

    What cannot be sent is tried again, later and later; ``wirecopy status`` shows the error.
    """
    with store.write() as conn:
        jobs = outbox.claim(conn, "alert", now, BATCH)
    if not jobs:
        return 0
    url = config.alerts.url
    with outbox.renewing(store, jobs):
        with store.read() as conn:
            found = alerts.unsent(conn, [j.key for j in jobs])
        fault = ""
        if url and found:
            fault = hooks.post(url, payload(config, found, now), config.agent)
        error = masked(f"alerts.url: {fault}") if fault else ""
        with store.write() as conn:
            if error:
                for job in jobs:
                    outbox.failed(conn, job, error, now)
            else:
                outbox.done(conn, jobs, now)
                more = {a.subject for a in found if alerts.mark_sent(conn, a, now)}
                outbox.want(conn, "alert", more, now)
    if error:
        log.warning("alert not sent", error=error, alerts=len(found))
        return 0
    return len(found)


def payload(config: Config, found: Sequence[Alert], now: datetime) -> bytes:
    """The JSON for the web hook, ``text`` for people and ``alerts`` for programs.

    An alert's ``id`` is the same whenever it is sent, so that a receiver can drop repetitions.
    """
    listed = [_as_json(a) for a in found]
    body = {
        "source": config.publisher.name,
        "site": config.site.url,
        "at": now.isoformat(),
        "text": "\n".join(str(each["message"]) for each in listed),
        "alerts": listed,
    }
    return json.dumps(body).encode()


def _as_json(alert: Alert) -> dict[str, Any]:
    over = alert.ended_at is not None
    words = WORDS[alert.kind][1] if over else f"{WORDS[alert.kind][0]}: {masked(alert.message)}"
    name = f"{alert.kind}\0{alert.subject}\0{alert.since.isoformat()}\0{over}"
    return {
        "id": hashlib.sha256(name.encode()).hexdigest()[:32],
        "alert": alert.kind,
        "wire": alert.subject,
        "state": "over" if over else "begun",
        "since": alert.since.isoformat(),
        "ended": alert.ended_at.isoformat() if alert.ended_at else None,
        "message": f"{_whose(alert.kind)}{alert.subject} {words}",
    }


def _whose(kind: AlertKind) -> str:
    return {"clock": "", "log": "log ", "failover": "PostgreSQL "}.get(kind, "wire ")


def _minute(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%MZ")


def _span(wait: timedelta) -> str:
    minutes = int(wait.total_seconds() // 60)
    days, rest = divmod(minutes, 1440)
    parts = ((days, "d"), (rest // 60, "h"), (rest % 60, "m"))
    return " ".join(f"{n}{unit}" for n, unit in parts if n) or "under a minute"
