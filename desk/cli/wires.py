"""``wirecopy wires``: the incoming feeds, how their polls go, and why each is polled when it is."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

import typer

from desk import show
from desk.cli.context import check_wires, opened, who
from ingest.schedule import JITTER, MEASURED_NEWS, SEEN_FOR, SIGHTINGS, usual_gap
from net.client import WITHHELD
from net.ssrf import same_origin, shown
from stories import clock
from stories.config import Politeness, Wire
from stories.db import captures, custody, hubs, wire_acts
from stories.db import wires as rows
from stories.db.custody import Pin
from stories.db.hubs import Subscription
from stories.db.wire_acts import WireAct
from stories.errors import UnknownNameError
from stories.logs import masked
from stories.models import Capture, Traffic, WireState
from workers.politeness import agency_room, host_room


def wires(
    ctx: typer.Context,
    names: Annotated[list[str] | None, typer.Argument(metavar="[WIRE]…")] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Say why the next poll is when it is.")
    ] = False,
    believe_keys: Annotated[
        bool,
        typer.Option(
            "--believe-keys", help="Verify this wire by the keys that its agency offers now."
        ),
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the list as JSON.")] = False,
) -> None:
    """List the wires: state, last and next poll, what is wrong."""
    if believe_keys:
        if not names or len(names) != 1:
            raise typer.BadParameter("goes with one WIRE", param_hint="--believe-keys")
        _believe_keys(ctx, names[0])
        return
    now = clock.now()
    lines: list[str] = []
    with opened(ctx) as (config, store), store.read() as conn:
        found = rows.every(conn)
        known = {w.name for w in found}
        ahead = [w.name for w in config.wires if w.name not in known]
        if names:
            check_wires(config, names, sorted(known))
            found = [w for w in found if w.name in names]
            ahead = [name for name in ahead if name in names]
        pins = {pin.wire: pin for pin in custody.every(conn)}
        pushers = {of.wire: of for of in hubs.every(conn)[::-1]}  # the last are those that stay
        if explain and not json:
            traffic = rows.traffic(conn, now, config.politeness.gap)
            for wire in found:
                latest = captures.listing(conn, wires=[wire.name], limit=3)
                rules = config.wire(wire.name)
                lines += [f"{wire.name}, of {wire.agency}:"]
                lines += [
                    f"  {line}"
                    for line in explained(wire, rules, config.politeness, traffic, latest, now)
                ]
                told = _told(wire, None, pushers.get(wire.name), now)[1:]
                lines += [f"  {line}" for line in told]
    for name in ahead:
        show.complain(
            f"wire {name}: configured, but not taken up yet; restart `wirecopy up`,"
            f" or `wirecopy poll {name}`"
        )
    if json:
        show.as_json([_record(w, pushers.get(w.name), now) for w in found])
        return
    if explain:
        for line in lines:
            show.say(masked(line))
        return
    show.table(
        [
            {
                "wire": w.name if w.configured else f"{w.name} (removed)",
                "agency": w.agency,
                "state": w.state,
                "last poll": show.ago(w.polled_at),
                "next poll": _next(w),
                "last news": show.ago(w.changed_at),
                "message": masked(w.message or w.fault or ""),
            }
            for w in found
        ],
        ("wire", "agency", "state", "last poll", "next poll", "last news", "message"),
        "no wires are configured; add [[wires]] to wirecopy.toml",
    )
    for state in found if names else ():
        for line in _told(state, pins.get(state.name), pushers.get(state.name), now):
            show.say(masked(f"{state.name}: {line}"))


def _told(state: WireState, pin: Pin | None, of: Subscription | None, now: datetime) -> list[str]:
    """What is said of a wire that was asked for by its name."""
    lines = [_when(state, now)]
    lines += [_keys(pin)] if pin is not None else []
    return lines + ([pusher(of, state, now)] if of is not None else [])


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


def _believe_keys(ctx: typer.Context, name: str) -> None:
    with opened(ctx) as (config, store):
        check_wires(config, [name])
        with store.write() as conn:
            pin = custody.pinned(conn, name)
            if pin is None or pin.offered is None:
                raise UnknownNameError(
                    f"wire {name}: no other keys are offered than those that are pinned"
                )
            pin = custody.believe(conn, pin, clock.now())
            wire_acts.add(conn, WireAct(name, "believe", who(None), clock.now()))
    show.say(masked(f"{name}: {_keys(pin)}"))
    show.say(f"{name}: what is in quarantine for its keys: wirecopy replay --quarantined")


def _keys(pin: Pin) -> str:
    """By which keys a wire's items are verified, and what is amiss with them."""
    told = f" ({pin.notice})" if pin.notice and not pin.offered else ""
    said = (
        f"Its items are verified by the keys of {pin.address}, pinned {show.when(pin.since)}{told}."
        if pin.key_set
        else f"Its items are to be verified by the keys of {pin.address}; none are pinned yet."
    )
    if pin.fault:
        said += f" Asked last {show.ago(pin.asked_at)}, in vain: {pin.fault}"
    if pin.offered:
        said += (
            f" Since {show.when(pin.offered_at)} others are there, which are not believed:"
            f" {pin.notice}. Ask the agency; if it is so, `wirecopy wires {pin.wire}"
            " --believe-keys`."
        )
    return said


def _record(state: WireState, of: Subscription | None, now: datetime) -> dict[str, Any]:
    kept = asdict(state)
    for internal in ("lease", "channel", "body_digest"):
        del kept[internal]
    for name in ("url", "configured_url", "moved_to", "message", "fault"):
        if kept[name]:
            kept[name] = masked(kept[name])
    kept["hub"] = of and {
        "url": shown(of.hub),
        "topic": shown(of.topic),
        "pushes": of.holds(now) and not of.leaving,
        "expires_at": of.expires_at,
        "deliveries": of.deliveries,
        "refused": of.refused,
        "error": of.error and masked(of.error),
    }
    return kept


def _next(state: WireState) -> str:
    if not state.configured:
        return "never"
    return "paused" if state.paused_at else show.ago(state.due_at)


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
    lines = [_when(state, now)]
    if state.configured and not state.paused_at:
        lines += [_room(state, politeness, traffic, now)]
    if rules is None or rules.way == "pull":
        lines += [*_wishes(state, rules), _news(state), *_address(state, rules)]
    if rules is not None and rules.way == "pull":
        lines.append(_validators(state, rules))
    lines += [_last(state), *(_capture(c) for c in latest)]
    return lines


def _when(state: WireState, now: datetime) -> str:
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
