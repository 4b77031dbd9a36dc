"""Why a wire is polled when it is, in sentences: for a prompt, and for the desk in the browser."""

from datetime import datetime

from desk import show
from ingest.schedule import JITTER, MEASURED_NEWS, SEEN_FOR, SIGHTINGS, usual_gap
from net.client import WITHHELD
from net.ssrf import same_origin, shown
from stories.config import Politeness, Wire
from stories.db.hubs import Subscription
from stories.models import Capture, Traffic, WireState
from workers.politeness import agency_room, host_room


def explained(
    state: WireState,
    rules: Wire | None,
    politeness: Politeness,
    traffic: Traffic,
    latest: list[Capture],
    now: datetime,
) -> list[str]:
    """What decides the next poll of the wire *state*, the most important first.

    *rules* is the wire as configured, None when it no longer is; *latest* its last captures,
    newest first.
    """
    lines = [due(state, now)]
    if state.configured and not state.paused_at:
        lines += [_room(state, politeness, traffic, now)]
    if rules is None or rules.way == "pull":
        lines += [*_wishes(state, rules), _news(state), *_address(state, rules)]
    if rules is not None and rules.way == "pull":
        lines.append(_validators(state, rules))
    lines += [_last(state), *(_capture(c) for c in latest)]
    return lines


def due(state: WireState, now: datetime) -> str:
    """When the next poll of the wire *state* is, and why then."""
    if not state.configured:
        return "It is not polled: it is no longer in the configuration."
    if state.paused_at is not None:
        return (
            f"It is paused since {show.when(state.paused_at)} ({state.state}:"
            f" {state.message or 'the feed is gone'}). `wirecopy resume {state.name}` or another"
            " url in the configuration resumes it."
        )
    if state.lease_until is not None and state.lease_until >= now:
        return (
            f"It is being polled, since {show.ago(state.leased_at)}; if nothing is heard of that,"
            f" it is handed out again after {show.when(state.lease_until)}."
        )
    lane = " It goes before the regular crawl." if state.lane else ""
    return (
        f"The next poll is due {show.ago(state.due_at)} ({show.when(state.due_at)}),"
        f" because: {state.due_because or 'it is new'}.{lane}"
    )


def _room(state: WireState, politeness: Politeness, traffic: Traffic, now: datetime) -> str:
    gap = f"{politeness.gap.total_seconds():g}s" if politeness.gap else "no gap"
    between = f"{gap} between starts" if politeness.gap else gap
    full = [
        name
        for name, room in (
            ("host", host_room(traffic, state.host, politeness, now)),
            ("agency", agency_room(traffic, state.agency, politeness, now)),
        )
        if room < 1
    ]
    verdict = (
        f"the {' and the '.join(full)} would put it off at this moment" if full else "there is room"
    )
    return (
        f"Politeness: host {state.host} has {traffic.hosts.get(state.host, 0)} of"
        f" {politeness.per_host} under way, agency {state.agency}"
        f" {traffic.agencies.get(state.agency, 0)} of {politeness.per_agency}, {between}:"
        f" {verdict}."
    )


def _wishes(state: WireState, rules: Wire | None) -> list[str]:
    said = [
        f"{name} {', '.join(value) if isinstance(value, (list, tuple)) else value}"
        for name, key in (
            ("ttl", "ttl"),
            ("sy:updatePeriod", "update_period"),
            ("sy:updateFrequency", "update_frequency"),
            ("skipHours", "skip_hours"),
            ("skipDays", "skip_days"),
        )
        if (value := state.channel.get(key))
    ]
    wish = f"The feed asks for {', '.join(said)}." if said else "The feed itself asks for nothing."
    if rules is None:
        return [wish]
    every = f"{rules.every.total_seconds():g}s"
    if not rules.trust_ttl:
        return [f"{wish} It is polled every {every} all the same: trust_ttl is off."]
    return [
        f"{wish} The configuration asks for every {every}, which is the shortest; up to"
        f" {JITTER:.0%} is added so that wires do not come all at once."
    ]


def _news(state: WireState) -> str:
    known = state.news
    usual = usual_gap(known)
    if usual is None:
        return (
            f"News came at {len(known)} remembered moments; {MEASURED_NEWS} are needed to say what"
            " is usual, so silence does not slow it down yet."
        )
    return (
        f"News last came {show.ago(known[-1])}, usually every {usual.total_seconds():.0f}s;"
        " a longer silence slows it down, the first news ends that."
    )


def _address(state: WireState, rules: Wire | None) -> list[str]:
    lines = []
    if state.url != state.configured_url:
        lines.append(
            f"It is polled at {shown(state.url)}, where it moved for good;"
            f" the configuration says {shown(state.configured_url)}: set the wire's url to the new."
        )
    if rules is not None and rules.headers and not same_origin(state.url, rules.url):
        lines.append(f"The wire's headers ({', '.join(rules.headers)}) {WITHHELD}.")
    if state.moved_to and state.moved_since:
        lines.append(
            f"It redirects for good to {shown(state.moved_to)}, seen {state.moved_count} times"
            f" since {show.when(state.moved_since)}; that is believed after {SIGHTINGS} times over"
            f" {SEEN_FOR.days} days."
        )
    return lines


def _validators(state: WireState, rules: Wire) -> str:
    held = [n for n, v in (("ETag", state.etag), ("Last-Modified", state.last_modified)) if v]
    if not rules.trust_validators:
        return "Validators are not sent: trust_validators is off, so every poll is a full download."
    if held and not state.whole:
        return (
            "What it gave is not sent back: its newest capture was not read whole, so every poll is"
            " a full download until one is."
        )
    if not held:
        return "It gave no validators, so every poll is a full download; bytes tell what changed."
    return f"What it gave is sent back as received ({' and '.join(held)}); a 304 costs no download."


def _last(state: WireState) -> str:
    if state.polled_at is None:
        return "It was never polled yet."
    failing = (
        f"; failing since {show.when(state.failing_since)}, failures weigh {state.failures:g}"
        if state.failing_since
        else ""
    )
    message = f": {state.message}" if state.message else ""
    return (
        f"The last of {state.polls} polls, {show.ago(state.polled_at)},"
        f" ended {state.state}{message}{failing}."
    )


def _capture(capture: Capture) -> str:
    return (
        f"Capture {capture.id}, {show.ago(capture.received_at)}: {capture.state},"
        f" {capture.items} items, {capture.new} new, {capture.updated} updated."
    )


def pusher(of: Subscription, state: WireState, now: datetime) -> str:
    """What its hub has promised, what it does, and what is amiss with it."""
    hub = shown(of.hub)
    if of.leaving:
        return f"The hub {hub} is told to push no more."
    said = (
        f"The hub {hub} pushes it until {show.when(of.expires_at)}"
        if of.expires_at is not None and of.holds(now)
        else f"The hub {hub} does not push it yet, and is asked {show.ago(of.due_at)}"
    )
    said += f"; it has pushed {of.deliveries} times"
    said += f", last {show.ago(state.pushed_at)}." if of.deliveries else "."
    if of.deliveries and (state.pushed_until is None or state.pushed_until <= now):
        said += " A poll found what it had not pushed: it is polled as usual until the next push."
    if of.refused:
        said += f" {of.refused} that came were not signed by the secret it was given, and ignored."
    return f"{said} What is wrong: {of.error}" if of.error else said
