"""What a verifier has seen, so that later it can tell that nothing was taken back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from .encoding import canonical, is_digest, parse
from .note import known_checkpoint
from .problem import Refused

TYPE = "wirecopy-memory-1"


class Seen(NamedTuple):
    """The last statement seen of a guid: its version and digest, and the log it was in."""

    version: int
    digest: str
    log: str | None


@dataclass(frozen=True, slots=True)
class Memory:
    """The last good statement of every guid, and the last checkpoint (a note) of every log."""

    statements: Mapping[str, Seen] = field(default_factory=dict)
    checkpoints: Mapping[str, str] = field(default_factory=dict)

    def dump(self) -> bytes:
        """As a file holds it: JSON in UTF-8."""
        return canonical(
            {
                "type": TYPE,
                "statements": {guid: seen._asdict() for guid, seen in self.statements.items()},
                "checkpoints": dict(self.checkpoints),
            }
        )


def load(document: bytes) -> Memory:
    """The memory in a file.

    :raises Refused: when it is none: forgetting in silence would be worse.
    """
    try:
        found = parse(document.decode())
        if not isinstance(found, dict) or found.get("type") != TYPE:
            raise Refused(f"its type is not {TYPE!r}")
        statements = {guid: _seen(value) for guid, value in found["statements"].items()}
        checkpoints = dict(found["checkpoints"])
        for origin, note in checkpoints.items():
            if known_checkpoint(note).origin != origin:
                raise Refused(f"the checkpoint of {origin} is another's")
    except Refused as error:
        raise Refused(f"is no memory of a verifier: {error}") from None
    except (UnicodeDecodeError, KeyError, TypeError, AttributeError, ValueError):
        raise Refused("is no memory of a verifier: members are missing or wrong") from None
    return Memory(statements, checkpoints)


def _seen(value: Mapping[str, Any]) -> Seen:
    seen = Seen(value["version"], value["digest"], value["log"])
    if not isinstance(seen.version, int) or not is_digest(seen.digest):
        raise Refused("a statement is kept wrongly")
    return seen
