"""What a verification found: checks of entries, and of the feed as a whole."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from .encoding import SLACK
from .trusted_state import TrustedState

LATE = timedelta(hours=1)
"""A receipt is logged seconds after the copy came; one logged later than this is pointed out."""

State = Literal["ok", "failed", "not checked"]
Verdict = Literal["verified", "failed", "unsigned"]

CHECKS = (
    "entry",
    "statement",
    "key",
    "signature",
    "guid",
    "agency",
    "headline",
    "text",
    "links",
    "media",
    "packaging",
    "details",
    "disclosure",
    "scope",
    "claim",
    "appearance",
    "times",
    "receipt",
    "chain",
    "custody",
    "continuity",
)
"""The names of an entry's checks, in the order of docs/statement.md §7."""


@dataclass(frozen=True, slots=True)
class Check:
    """One check: its name, its outcome, and the reason in words."""

    name: str
    state: State
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Hop:
    """One step of the way that a copy came, found by an agency's statement: its outcome, the id of
    the key, and the reason in words. Where it is ok: the ``site`` that served the key, and whether
    the key set was ``given`` to the verifier instead."""

    state: State
    key: str
    reason: str
    site: str = ""
    given: bool = False


@dataclass(frozen=True, slots=True)
class Result:
    """The outcome for one entry: every check of :data:`CHECKS`, in that order.

    ``scope`` and what follows are those of the statement, None without a good one.
    """

    guid: str
    headline: str
    checks: tuple[Check, ...]
    scope: str | None = None
    version: int | None = None
    disclosure: str | None = None
    received_at: datetime | None = None
    logged_at: datetime | None = None
    issued_at: datetime | None = None
    withdrawn_at: datetime | None = None
    """When the publisher withdrew the story, where this is a notice of that, and signed."""
    custody: tuple[Hop, ...] = ()
    """The way that the copy came, the last step first; only the first decides the check."""

    @property
    def late(self) -> str:
        """A note on a receipt that was logged long after the copy is said to have come, or at a
        time that had not come when the statement was issued; empty when it was neither, or when its
        place in the log is not proved."""
        proved = any(c.name == "receipt" and c.state == "ok" for c in self.checks)
        return late(self.received_at, self.logged_at, self.issued_at) if proved else ""

    @property
    def verdict(self) -> Verdict:
        """``failed`` when any check is, ``unsigned`` without a statement, else ``verified``."""
        states = {check.name: check.state for check in self.checks}
        if "failed" in states.values():
            return "failed"
        return "verified" if states["statement"] == "ok" else "unsigned"

    @property
    def failures(self) -> tuple[Check, ...]:
        """The checks that failed."""
        return tuple(check for check in self.checks if check.state == "failed")


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome for a feed. ``state`` is what to remember of it.

    ``lost`` says, a sentence each, what was seen before and is gone since the publisher restored a
    backup: lost, or taken back.
    """

    entries: tuple[Result, ...]
    log: Check
    state: TrustedState
    lost: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether every entry is verified, the log did not fail, and nothing seen is lost."""
        verified = all(entry.verdict == "verified" for entry in self.entries)
        return self.log.state != "failed" and verified and not self.lost


def late(
    received_at: datetime | None, logged_at: datetime | None, issued_at: datetime | None
) -> str:
    """A note when *logged_at* is long after *received_at*, or after *issued_at*; else empty.

    Neither is a fault. What waited in quarantine was received long before; and where a
    clock that ran ahead was put right, the log says times that have not come: its own never go
    back.
    """
    if received_at is None or logged_at is None:
        return ""
    received = f"received {_minute(received_at)}, by its word"
    if issued_at is not None and logged_at - issued_at > SLACK:
        return (
            f"{received}; logged {_minute(logged_at)}, a time that had not come when this was"
            f" issued, {_minute(issued_at)}: the publisher's clock has gone back"
        )
    if logged_at - received_at > LATE:
        return f"{received}; in the log only since {_minute(logged_at)}"
    return ""


def _minute(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M}Z"


def complete(made: Iterable[Check], why: str) -> tuple[Check, ...]:
    """All checks in their order, those not *made* as not checked, for the reason *why*."""
    found = {check.name: check for check in made}
    return tuple(found.get(name) or Check(name, "not checked", why) for name in CHECKS)
