"""Custody: the agency's own statement of a copy, held against what was received."""

from .scope import PARTS, Digests
from .statement import Credit, Statement
from .text import plain


def unlike(theirs: Statement, received: Digests, credit: Credit) -> str:
    """What the copy that was *received*, of that *credit*, has otherwise than the agency's
    statement says that it published, as a clause; empty where it is that copy."""
    if theirs.published.rule != received.rule:
        return f"its digests are by {theirs.published.rule}, those received by {received.rule}"
    for part in PARTS:
        if getattr(theirs.published, part) != getattr(received, part):
            return f"its {part} is not what was received"
    for name, mine in credit._asdict().items():
        stated = getattr(theirs, name)
        if plain(stated) != plain(mine) and (stated or name != "agency_version"):
            return f"its {name} is {stated[:80]!r}, not {mine[:80]!r}"
    return ""
