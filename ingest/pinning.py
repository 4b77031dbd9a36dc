"""Agencies' key sets: asked for, pinned at first sight, and not believed when they lose a key.

A wire with ``keys`` is verified by the set that was had from there first. A later set that keeps
all of it and adds to it takes its place; one that lost a key, a revocation or the log, or has
others in their place, is kept beside it until a person believes it (``wirecopy wires NAME
--believe-keys``): whoever took over the agency's site must not be able to sign in its name. A file
is believed as it stands, since a person wrote it.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import structlog

from net.client import Response
from stories.config import Wire, is_address
from stories.db import Connection, custody
from stories.db.custody import Pin
from wirecopy.encoding import bounded
from wirecopy.errors import Refused
from wirecopy.jose import LARGEST_SET, Keys, read_keys, thumbprint
from wirecopy.tlog import LogKey

ASKED_EVERY = timedelta(hours=1)
"""How often a set is asked for: a new key is published a day before it signs (signing.overlap)."""

ASKED_AGAIN = timedelta(minutes=5)
"""After it could not be had."""

log = structlog.get_logger()


def is_due(wire: Wire, pin: Pin | None, now: datetime) -> bool:
    """Whether the agency's site is to be asked for the keys of *wire*."""
    if not is_address(wire.keys):
        return False
    if pin is None or pin.address != wire.keys or pin.asked_at is None:
        return True
    if pin.key_set is None and wire.must_sign:  # nothing of it can be taken in before
        return True
    gap = ASKED_AGAIN if pin.fault else ASKED_EVERY
    return not pin.asked_at <= now < pin.asked_at + gap


def from_file(conn: Connection, wire: Wire, pin: Pin | None, now: datetime) -> Pin:
    """What is pinned for *wire*, whose keys are in a file, after a look at it."""
    try:
        return learn(conn, wire, pin, bounded(Path(str(wire.keys)), LARGEST_SET), now)
    except (OSError, Refused) as error:
        return learn(conn, wire, pin, f"{wire.keys}: {error}", now)


def answered(response: Response) -> bytes | str:
    """The document in *response*, or why there is none."""
    if response.error is not None:
        return str(response.error)
    return response.body if response.status == 200 else f"its server answers {response.status}"


def learn(conn: Connection, wire: Wire, pin: Pin | None, answer: bytes | str, now: datetime) -> Pin:
    """Keep what an *answer*, a key set or why there was none, means for *wire*: its pin then.

    What changed is logged; what is not believed is told by ``status`` and an alert, too.
    """
    if pin is None or pin.address != wire.keys:  # another address is a person's word
        pin = Pin(wire.name, str(wire.keys))
    after = _after(conn, wire, pin, answer, now)
    # A file is looked at before each poll.
    if after != replace(pin, asked_at=now) or is_address(wire.keys):
        custody.pin(conn, after)
    if after.fault and not pin.fault:
        log.warning("the agency's keys cannot be had", wire=wire.name, error=after.fault)
    if after.offered and after.offered != pin.offered:
        log.warning("the agency's keys are not believed", wire=wire.name, told=after.notice)
    elif after.key_set != pin.key_set:
        event = "the agency's keys changed" if pin.key_set else "the agency's keys pinned"
        log.warning(event, wire=wire.name, told=after.notice)
    return after


def _after(conn: Connection, wire: Wire, pin: Pin, answer: bytes | str, now: datetime) -> Pin:
    asked = replace(pin, asked_at=now)
    if isinstance(answer, str):
        return replace(asked, fault=answer)
    try:
        found = read_keys(answer)
    except Refused as error:
        return replace(asked, fault=f"{wire.keys}: {error}")
    if not found.statement:
        return replace(asked, fault=f"{wire.keys}: key set: holds no key that can be used")
    whole = replace(asked, fault=None)
    address = str(wire.keys) if is_address(wire.keys) else ""
    digest = custody.add_key_set(conn, address, answer)
    if digest == pin.key_set:
        return replace(whole, offered=None, offered_at=None)
    before = pinned_keys(conn, pin)
    gone = lost(before, found) if before is not None and address else []
    told = _said(before, found)
    if gone:
        told = f"it lost {', '.join(gone)}; {told}"
        first = pin.offered_at if pin.offered else now
        return replace(whole, offered=digest, offered_at=first, notice=told)
    return replace(whole, key_set=digest, since=now, notice=told, offered=None, offered_at=None)


def pinned_keys(conn: Connection, pin: Pin, *, offered: bool = False) -> Keys | None:
    """The keys pinned, or those offered beside them; None where there are none."""
    digest = pin.offered if offered else pin.key_set
    document = custody.documents(conn, [digest]).get(digest) if digest else None
    return None if document is None else read_keys(document)


def lost(before: Keys, after: Keys) -> list[str]:
    """What of the pinned set *before* is not in *after*, in words: keys, revocations, the log.

    Key ids are thumbprints, so that no key can take another's place under its id.
    """
    found = []
    for kid, key in before.statement.items():
        now = after.statement.get(kid)
        if now is None:
            found.append(f"the key {kid}")
        elif key.revoked is not None and now.revoked is None:
            found.append(f"the revocation of {kid}")
    if before.log is not None and not _goes_on(before, before.log, after):
        found.append(f"the log {before.log.name}")
    return found


def _goes_on(before: Keys, log: LogKey, after: Keys) -> bool:
    """Whether the *log* of the pinned set *before* is that of *after*, or is followed by it after
    restores, each of which a key vouches for that was pinned, or that one of them vouches for."""
    if after.logs.get(log.name) != log:
        return False
    known = {kid: key.public for kid, key in before.statement.items() if key.revoked is None}
    known[thumbprint(log.public)] = log.public
    try:
        for restore in after.since(log.name):
            if True not in [restore.signed_by(kid, public) for kid, public in known.items()]:
                return False
            known[thumbprint(restore.log.public)] = restore.log.public
    except Refused:  # a signature in the name of such a key that is not its own
        return False
    return True


def _said(before: Keys | None, after: Keys) -> str:
    """How *after* differs from *before*, in words."""
    if before is None:
        return f"pinned at first sight: {_listed(list(after.statement))}"
    fresh = [kid for kid in after.statement if kid not in before.statement]
    revoked = [
        kid
        for kid, key in after.statement.items()
        if key.revoked is not None and kid in before.statement and not before.statement[kid].revoked
    ]
    said = [f"it has new: {_listed(fresh)}"] if fresh else []
    said += [f"it revoked: {_listed(revoked)}"] if revoked else []
    if after.log is not None and after.log != before.log:
        said.append(f"its log is {after.log.name}")
    return "; ".join(said) or "other dates or notes of the same keys"


def _listed(kids: Sequence[str]) -> str:
    more = f" and {len(kids) - 3} more" if len(kids) > 3 else ""
    return f"{', '.join(kids[:3])}{more}"
