"""What the operator's page shows, as values; whoever knows the workers fills them in."""

from dataclasses import dataclass
from typing import Literal

Tone = Literal["good", "bad", "plain"]


@dataclass(frozen=True, slots=True)
class Fact:
    """One line: a name, what stands there, and whether that is well."""

    name: str
    value: str
    tone: Tone = "plain"


@dataclass(frozen=True, slots=True)
class Listing:
    """A table of what is not well. ``more`` is how many rows there are besides those shown."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    more: int = 0


@dataclass(frozen=True, slots=True)
class Board:
    """How everything stood ``at`` an instant; ``needs`` says what waits for a person."""

    at: str
    needs: tuple[str, ...]
    facts: tuple[Fact, ...]
    listings: tuple[Listing, ...]
