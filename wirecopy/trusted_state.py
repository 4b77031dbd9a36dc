"""What a verifier has seen, so that it finds out later if something was taken back.

``docs/statement.md`` §7, "What was seen before" and "Places and times".
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from .encoding import canonical, from_instant, is_digest, parse_json, to_instant
from .errors import Refused
from .tlog import parse_checkpoint

TYPE = "wirecopy-memory-1"


class Seen(NamedTuple):
    """The last statement seen of a guid: its version and digest, the log of the key set that proved
    its receipt, and when it was issued, None where an earlier verifier did not keep that."""

    version: int
    digest: str
    log: str | None
    issued_at: datetime | None = None


@dataclass(frozen=True, order=True, slots=True)
class LeafTime:
    """A leaf's place in the log, and when, by its own account, it got that place."""

    index: int
    logged_at: datetime

    def __str__(self) -> str:
        return f"leaf {self.index} was logged at {to_instant(self.logged_at)}"


@dataclass(frozen=True, slots=True)
class TrustedState:
    """The last good statement of every guid, and the last checkpoint (a note) of every log.

    ``logs`` has, by key id, the log of the receipts of statements by that key: a publisher whose
    old entries have all left the feed is recognized by its keys. ``leaves`` has, by log, the last
    leaf that was seen.
    """

    statements: Mapping[str, Seen] = field(default_factory=dict)
    checkpoints: Mapping[str, str] = field(default_factory=dict)
    logs: Mapping[str, str] = field(default_factory=dict)
    leaves: Mapping[str, LeafTime] = field(default_factory=dict)

    def logs_of(self, kids: Iterable[str], guids: Iterable[str]) -> set[str]:
        """The logs that these keys' statements, and these entries, were in."""
        by_guid = (self.statements[guid].log for guid in guids if guid in self.statements)
        by_kid = (self.logs[kid] for kid in kids if kid in self.logs)
        return {log for log in (*by_guid, *by_kid) if log is not None}

    def dump(self) -> bytes:
        """The state as a file: JSON in UTF-8."""
        return canonical(
            {
                "type": TYPE,
                "statements": {guid: _kept(seen) for guid, seen in self.statements.items()},
                "checkpoints": dict(self.checkpoints),
                "logs": dict(self.logs),
                "leaves": {
                    log: {"index": leaf.index, "logged_at": to_instant(leaf.logged_at)}
                    for log, leaf in self.leaves.items()
                },
            }
        )

    @classmethod
    def load(cls, document: bytes) -> "TrustedState":
        """The state in a file.

        :raises Refused: when it is none; to begin anew in silence would be to forget.
        """
        try:
            found = parse_json(document.decode())
            if not isinstance(found, dict) or found.get("type") != TYPE:
                raise Refused(f"its type is not {TYPE!r}")
            statements = {guid: _seen(value) for guid, value in found["statements"].items()}
            checkpoints = dict(found["checkpoints"])
            for origin, note in checkpoints.items():
                if parse_checkpoint(note).origin != origin:
                    raise Refused(f"the checkpoint of {origin} is another's")
            # Members that files written by earlier verifiers do not have.
            logs = dict(found.get("logs", {}))
            leaves = {log: _leaf_time(value) for log, value in found.get("leaves", {}).items()}
            if not all(isinstance(log, str) for log in logs.values()):
                raise Refused("a log is kept wrongly")
        except Refused as error:
            raise Refused(f"is no memory of a verifier: {error}") from None
        except (UnicodeDecodeError, KeyError, TypeError, AttributeError, ValueError):
            raise Refused("is no memory of a verifier: members are missing or wrong") from None
        return cls(statements, checkpoints, logs, leaves)


def _leaf_time(value: Mapping[str, Any]) -> LeafTime:
    leaf = LeafTime(value["index"], from_instant(value["logged_at"]))
    if not isinstance(leaf.index, int) or isinstance(leaf.index, bool):
        raise Refused("a leaf is kept wrongly")
    return leaf


def _kept(seen: Seen) -> dict[str, Any]:
    issued_at = None if seen.issued_at is None else to_instant(seen.issued_at)
    return {**seen._asdict(), "issued_at": issued_at}


def _seen(value: Mapping[str, Any]) -> Seen:
    issued_at = value.get("issued_at")
    when = None if issued_at is None else from_instant(issued_at)
    seen = Seen(value["version"], value["digest"], value["log"], when)
    if not isinstance(seen.version, int) or not is_digest(seen.digest):
        raise Refused("a statement is kept wrongly")
    return seen


# Times in the log


def misplaced(leaves: Iterable[LeafTime], newest: LeafTime | None) -> dict[LeafTime, str]:
    """Those of *leaves*, all of one log, whose time does not fit their place, and why not.

    :param newest: the last leaf of the log that was seen before.
    """
    found: dict[LeafTime, str] = {}
    last = None
    for leaf in sorted(set(leaves)):
        if why := _out_of_order(leaf, last, newest):
            found[leaf] = why
        if last is None or leaf.logged_at >= last.logged_at:
            last = leaf
    return found


def _out_of_order(leaf: LeafTime, last: LeafTime | None, newest: LeafTime | None) -> str:
    for other in (last, newest):
        if other is None:
            continue
        # The log itself writes the times, in the order of places: clocks have no say in it.
        before, after = sorted((leaf, other))
        same = leaf.index == other.index and leaf != other
        if same or before.logged_at > after.logged_at:
            return f"{leaf}, by its word, but {other}"
    return ""
