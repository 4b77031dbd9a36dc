"""``wirecopy wires``: the incoming feeds, how their polls go, and why each is polled when it is."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

import typer

from desk import show
from desk.cli.context import check_wires, opened, who
from desk.next_poll import due, explained, pusher
from net.ssrf import shown
from stories import clock
from stories.db import captures, custody, hubs, wire_acts
from stories.db import wires as rows
from stories.db.custody import Pin
from stories.db.hubs import Subscription
from stories.db.wire_acts import WireAct
from stories.errors import UnknownNameError
from stories.logs import masked
from stories.models import WireState


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
    lines = [due(state, now)]
    lines += [_keys(pin)] if pin is not None else []
    return lines + ([pusher(of, state, now)] if of is not None else [])


def _believe_keys(ctx: typer.Context, name: str) -> None:
    with opened(ctx) as (config, store):
        check_wires(config, [name])
        with store.write() as conn:
            rules = config.wire(name)
            if rules is not None and not rules.keys:
                raise UnknownNameError(
                    f"wire {name}: has no keys to believe; name its agency's: keys ="
                )
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
