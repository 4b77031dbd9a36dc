"""What a story's page tells of the statement it carries. The signature is for readers to check."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from wirecopy.encoding import digest
from wirecopy.token import payload_of

LATE = timedelta(hours=1)
"""From receipt to log it takes seconds; one that took longer than this is told of."""


@dataclass(frozen=True, slots=True)
class Signed:
    """A statement: its compact form, its digest, where all of the story stand, number and time.

    ``logged`` is when its receipt came into the log, told only when that was long after the copy is
    said to have come.
    """

    token: str
    digest: str
    address: str
    number: int
    issued: datetime
    logged: datetime | None


def signed(token: str | None, address: str) -> Signed | None:
    """The statement *token*, our own, found at *address*; None for none."""
    if token is None:
        return None
    said = payload_of(token)
    issued = datetime.fromisoformat(said["issued_at"])
    return Signed(token, digest(token.encode()), address, said["version"], issued, _late(said))


def _late(said: dict[str, Any]) -> datetime | None:
    if said.get("logged_at") is None:
        return None
    logged = datetime.fromisoformat(said["logged_at"])
    return logged if logged - datetime.fromisoformat(said["received_at"]) > LATE else None
