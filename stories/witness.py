"""What a database has lost of the log, by what a machine that signs has seen of it.

A standby that is promoted may lack what the primary had committed last, and so may a database that
was put back to an earlier time. Others have seen checkpoints of what is gone: to go on as if it had
never been would be a fork. So each machine that signs keeps the last checkpoints beside the log's
key (:mod:`stories.transparency`), where no database can lose them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from stories.db import Connection, proofs
from stories.db.proofs import LogHead
from wirecopy import tlog
from wirecopy.encoding import from_base64url
from wirecopy.errors import Refused

SAID = 20
"""Names of lost versions, and of acts of the desk, that are said."""

RECENT = 1000
"""Headlines, and acts, among which one is looked for that may be lost."""


class Seen(NamedTuple):
    """A ``checkpoint`` that was committed to the database ``of`` that number, or at that address
    while it has none, ``names`` of versions whose receipts were logged by it, and what the desk had
    done last (``acts``)."""

    of: str
    checkpoint: str
    names: Sequence[str]
    acts: Sequence[str] = ()  # a file of an older release has none


@dataclass(frozen=True, slots=True)
class Loss:
    """What the database has lost of a log that had ``size`` leaves: all after the first ``kept``,
    which were logged by ``known_until``. ``names`` are those of the lost versions that are known,
    ``acts`` what is known to have been done by the desk and is lost: what it did after the last
    checkpoint nobody has seen.
    """

    kept: int
    size: int
    known_until: datetime | None
    names: Sequence[str]
    acts: Sequence[str] = ()

    @property
    def of_desk(self) -> str:
        """In a sentence, what of the desk's is lost, or may be."""
        more = f" and {len(self.acts) - SAID} more" if len(self.acts) > SAID else ""
        said = "; ".join(self.acts[:SAID]) + more
        known = f"of what the desk did this is lost: {said}. " if said else ""
        since = f"after {self.known_until:%Y-%m-%d %H:%M:%SZ}" if self.known_until else "last"
        return f"{known}All that people did {since} has to be done again where the desk lacks it"

    def __str__(self) -> str:
        since = f", logged after {self.known_until:%Y-%m-%d %H:%M:%SZ}" if self.known_until else ""
        return (
            f"{self.size - self.kept} receipts, from place {self.kept} on{since}: "
            f"{', '.join(self.names[:SAID]) or 'nobody knows of what'}"
        )


def loss(conn: Connection, head: LogHead, known: Sequence[Seen]) -> Loss | None:
    """What the log of *head* lacks of what is *known* to have been there, the oldest first; None
    when it has all."""
    key = tlog.log_key(tlog.verifier_key(head.origin, from_base64url(head.x)))
    names: list[str] = []
    did: dict[str, None] = {}
    size = kept = 0
    for each in reversed(known):
        if each.checkpoint == head.checkpoint:
            kept = head.size
            break
        try:
            seen = tlog.read_checkpoint(each.checkpoint, key)
        except Refused:  # of the log before this one, or of one that followed and is lost
            continue
        if seen.size <= head.size and _root(conn, head, seen.size) == seen.root:
            kept = seen.size
            break
        names = [*each.names, *names]
        did = {**dict.fromkeys(each.acts), **did}
        size = max(size, seen.size)
    if not size:
        return None
    kept = kept or min(size, head.size)
    known_until = proofs.last_logged_at(conn, replace(head, size=kept))
    there = {str(each) for each in proofs.last_acts(conn, RECENT)} if did else set()
    return Loss(kept, size, known_until, names, [each for each in did if each not in there])


def _root(conn: Connection, head: LogHead, size: int) -> bytes:
    """The root of the log when it had *size* leaves."""
    return tlog.Tree(size, lambda level, number: proofs.tile(conn, head.id, level, number)).root()
