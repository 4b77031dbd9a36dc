"""What people do about wires and about what is in quarantine, at the desk and at a prompt."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from desk.headline import checked
from ingest import sandbox
from ingest.intake import hints_of, rules_for
from ingest.item import Reading
from stories import clock
from stories.config import Config
from stories.db import Connection, Store, captures, custody, wire_acts, wires
from stories.db.wire_acts import WireAct, WireActKind
from stories.errors import ParseError, WirecopyError
from stories.models import WHOLE, Capture, Problem

_DONE: dict[WireActKind, tuple[Callable[[Connection, str, str, datetime], bool], str]] = {
    "poll": (wires.hasten, "it is paused, being polled, or its server asked to wait"),
    "pause": (wires.pause, "it is paused already"),
    "resume": (wires.resume, "it is not paused"),
}
"""How each is done to a wire, and why it may be that nothing is."""


class WireActError(WirecopyError):
    """An act that is refused, and why."""


def act(store: Store, name: str, kind: WireActKind, by: str) -> None:
    """Have the wire *name* polled before all that is due (``poll``), polled no more (``pause``) or
    again (``resume``).

    :raises WireActError: when that changes nothing.
    :raises HeadlineError: for a name of who does it that is refused.
    """
    who, now = checked(by, "name"), clock.now()
    do, otherwise = _DONE[kind]
    with store.write() as conn:
        state = wires.get(conn, name)
        if state is None or not state.configured:
            raise WireActError(
                f"wire {name}: is not in the configuration, or not taken up yet; restart"
                " `wirecopy up`"
            )
        if not do(conn, name, who, now):
            raise WireActError(f"wire {name}: nothing was changed: {otherwise}")
        wire_acts.add(conn, WireAct(name, kind, who, now))


@dataclass(frozen=True, slots=True)
class Quarantined:
    """Something in quarantine: both readings of the item where it was refused for its text alone,
    and what was done about it last. ``gone`` says that its bytes are no longer kept."""

    problem: Problem
    reading: Reading | None
    act: WireAct | None
    gone: bool


def quarantined(
    store: Store, config: Config, capture_id: int, position: int = WHOLE
) -> Quarantined | None:
    """What of a capture is in quarantine: the item at *position*, or all of it; None if nothing."""
    with store.read() as conn:
        # No database takes a larger number.
        listed = captures.problems_of(conn, capture_id) if capture_id < 2**63 else []
        found = next((each for each in listed if each.position == position), None)
        if found is None:
            return None
        capture = captures.get(conn, capture_id)
        body = captures.body(conn, capture.digest) if capture is not None else None
        last = wire_acts.act_on(conn, found)
        names = (capture.key_set or "").split() if capture is not None else []
        key_sets = custody.documents(conn, names) if names else {}
    if capture is None or body is None:
        return Quarantined(found, None, last, gone=True)
    sets = {name: text.decode("utf-8-sig") for name, text in key_sets.items()}
    reading = _read(config, capture, body, sets, position) if position != WHOLE else None
    return Quarantined(found, reading, last, gone=False)


def _read(
    config: Config, capture: Capture, body: bytes, key_sets: dict[str, str], position: int
) -> Reading | None:
    """Both readings of an item, in the process that reads what is hostile."""
    wire = rules_for(config, capture.wire)
    try:
        contents = sandbox.read(body, hints_of(capture, key_sets), wire)
    except ParseError:
        return None
    found = [each for each in contents.refused if each.position == position]
    return found[0].reading if found else None


def decide(store: Store, found: Quarantined, kind: WireActKind, by: str) -> None:
    """Take in what was *found* in quarantine without a claim (``accept``): workers do, here and
    wherever these bytes come again on the wire. Or ``leave`` it, off the list.

    :raises WireActError: when it cannot be taken in as it is, or was decided already.
    :raises HeadlineError: for a name of who does it that is refused.
    """
    who, problem = checked(by, "name"), found.problem
    if kind == "accept" and found.reading is None:
        raise WireActError("that can only be taken in once its fault is mended")
    with store.write() as conn:
        last = wire_acts.act_on(conn, problem)
        if last is not None and last.kind in (kind, "accept"):
            done = "taken in" if last.kind == "accept" else "left"
            raise WireActError(f"{last.by} has {done} that already")
        wire_acts.add(
            conn,
            WireAct(
                *(problem.wire, kind, who, clock.now()),
                *(problem.capture_id, problem.position, problem.digest),
            ),
        )
