"""What a story's page tells of the statement it carries. The signature is for readers to check."""

from dataclasses import dataclass
from datetime import datetime

from stories.signing import payload_of
from stories.story import digest


@dataclass(frozen=True, slots=True)
class Signed:
    """A statement: its compact form, its digest, where all of the story stand, number and time."""

    token: str
    digest: str
    address: str
    number: int
    issued: datetime


def signed(token: str | None, address: str) -> Signed | None:
    """The statement *token*, our own, found at *address*; None for none."""
    if token is None:
        return None
    said = payload_of(token)
    issued = datetime.fromisoformat(said["issued_at"])
    return Signed(token, digest(token.encode()), address, said["version"], issued)
