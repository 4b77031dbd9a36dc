"""The proof that a receipt stands in the log (C2SP tlog-proof; docs/statement.md §5)."""

from dataclasses import dataclass

from .encoding import from_base64
from .errors import Refused
from .merkle import check_inclusion, leaf
from .note import LONGEST, Checkpoint, LogKey, checkpoint, number, too_long

_FIRST = "c2sp.org/tlog-proof@v1"


@dataclass(frozen=True, slots=True)
class Proved:
    """Where in the log a receipt stands, and the head by which that was proved."""

    index: int
    head: Checkpoint


def check(text: str, found: bytes, key: LogKey) -> Proved:
    """Check that the leaf whose bytes are *found* stands in the log, and where.

    :raises Refused: when the proof is none, or does not hold.
    """
    if too_long(text):
        raise Refused(f"is longer than {LONGEST} bytes")
    head, gap, note = text.partition("\n\n")
    lines = head.split("\n")
    if not gap or len(lines) < 2 or lines[0] != _FIRST or not lines[1].startswith("index "):
        raise Refused("is no proof: its first lines have to be the format, and 'index N'")
    index = number(lines[1].removeprefix("index "))
    path = [from_base64(line) for line in lines[2:]]
    if len(path) > 63 or any(len(hash_) != 32 for hash_ in path):
        raise Refused("its lines are no path of SHA-256 hashes")
    head_ = checkpoint(note, key)
    check_inclusion(leaf(found), index, head_.size, head_.root, path)
    return Proved(index, head_)
