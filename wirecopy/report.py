"""What a verification found: checks of entries, and of the feed as a whole."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from .trusted_state import TrustedState

LATE = timedelta(hours=1)
"""From receipt to log it takes seconds; a receipt later than this is told of."""

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
    "disclosure",
    "scope",
    "claim",
    "appearance",
    "times",
    "receipt",
    "chain",
    "continuity",
)
"""The names of an entry's checks, in the order of docs/statement.md §7."""


@dataclass(frozen=True, slots=True)
class Check:
    """One check: its name, how it ended, and why, for a person."""

    name: str
    state: State
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """What was found of one entry: every check of :data:`CHECKS`, in that order.

    ``scope`` and all after it are the statement's, None without a good one.
    """

    guid: str
    headline: str
    checks: tuple[Check, ...]
    scope: str | None = None
    version: int | None = None
    disclosure: str | None = None
    received_at: datetime | None = None
    logged_at: datetime | None = None

    @property
    def late(self) -> str:
        """What to say of a receipt that came into the log long after the copy is said to have come;
        empty when it did not, or when nothing shows since when it was there."""
        proved = any(c.name == "receipt" and c.state == "ok" for c in self.checks)
        return late(self.received_at, self.logged_at) if proved else ""

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
    """What was found of a feed; ``state`` is what to remember of it."""

    entries: tuple[Result, ...]
    log: Check
    state: TrustedState

    @property
    def ok(self) -> bool:
        """Whether every entry is verified: of an unsigned one nothing is shown."""
        return self.log.state != "failed" and all(e.verdict == "verified" for e in self.entries)


def late(received_at: datetime | None, logged_at: datetime | None) -> str:
    """What to say when *logged_at* is long after *received_at*; empty when it is not.

    It is no fault: what waited in quarantine for a person was received long before.
    """
    if received_at is None or logged_at is None or logged_at - received_at <= LATE:
        return ""
    return (
        f"received {_minute(received_at)}, by its word; in the log only since {_minute(logged_at)}"
    )


def _minute(moment: datetime) -> str:
    """*moment* to the minute, for a person."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M}Z"


def complete(made: Iterable[Check], why: str) -> tuple[Check, ...]:
    """All checks in their order; those not *made* were not, for the reason *why*."""
    found = {check.name: check for check in made}
    return tuple(found.get(name) or Check(name, "not checked", why) for name in CHECKS)
