"""What a verifier has seen, so that later it can tell that nothing was taken back."""

from collections.abc import Iterable, Mapping
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
    """The last good statement of every guid, and the last checkpoint (a note) of every log.

    ``logs`` tells in which log the receipts of statements by a key were, by the key's id: a
    publisher whose old entries have all left the feed is known again by its keys.
    """

    statements: Mapping[str, Seen] = field(default_factory=dict)
    checkpoints: Mapping[str, str] = field(default_factory=dict)
    logs: Mapping[str, str] = field(default_factory=dict)

    def logs_of(self, kids: Iterable[str], guids: Iterable[str]) -> set[str]:
        """The logs that these keys' statements, and these entries, were in."""
        by_guid = (self.statements[guid].log for guid in guids if guid in self.statements)
        by_kid = (self.logs[kid] for kid in kids if kid in self.logs)
        return {log for log in (*by_guid, *by_kid) if log is not None}

    def dump(self) -> bytes:
        """As a file holds it: JSON in UTF-8."""
        return canonical(
            {
                "type": TYPE,
                "statements": {guid: seen._asdict() for guid, seen in self.statements.items()},
                "checkpoints": dict(self.checkpoints),
                "logs": dict(self.logs),
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
        # Memories written before keys were remembered too have no such member.
        logs = dict(found.get("logs", {}))
        if not all(isinstance(log, str) for log in logs.values()):
            raise Refused("a log is kept wrongly")
    except Refused as error:
        raise Refused(f"is no memory of a verifier: {error}") from None
    except (UnicodeDecodeError, KeyError, TypeError, AttributeError, ValueError):
        raise Refused("is no memory of a verifier: members are missing or wrong") from None
    return Memory(statements, checkpoints, logs)


def _seen(value: Mapping[str, Any]) -> Seen:
    seen = Seen(value["version"], value["digest"], value["log"])
    if not isinstance(seen.version, int) or not is_digest(seen.digest):
        raise Refused("a statement is kept wrongly")
    return seen
