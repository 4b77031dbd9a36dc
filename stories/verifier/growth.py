"""Whether a log only grew: all checkpoints at hand are heads of one and the same tree."""

from collections.abc import Sequence
from itertools import pairwise

from .memory import Memory
from .merkle import check_consistency, consistency_proof
from .note import Checkpoint, LogKey, checkpoint, known_checkpoint
from .problem import Missing, Refused
from .result import Check
from .tiles import FetchTile, Tiles


def check_growth(
    proved_by: Sequence[Checkpoint],
    key: LogKey | None,
    head: str | None,
    memory: Memory,
    fetch: FetchTile | None,
) -> tuple[Check, dict[str, str]]:
    """The check ``log`` of a feed, and the checkpoints to remember, by origin.

    :param proved_by: the checkpoints of the receipts that hold.
    :param head: the log's present checkpoint, as it is served.
    :param fetch: gives the log's tiles; without it only forks at one size can be seen.
    """
    if key is None:
        return Check("log", "not checked", "the key set has no log key"), {}
    try:
        known = _by_size(proved_by, key, head, memory)
    except Refused as error:
        return Check("log", "failed", str(error)), {}
    if not known:
        return Check("log", "not checked", "there is no checkpoint to look at"), {}
    found = _compared(known, fetch, seen=key.name in memory.checkpoints)
    learnt = found.state == "ok" or (
        found.state == "not checked" and key.name not in memory.checkpoints
    )
    return found, {key.name: known[-1].note} if learnt else {}


def _compared(known: Sequence[Checkpoint], fetch: FetchTile | None, *, seen: bool) -> Check:
    """Whether *known* heads, by size, continue each other. *seen*: one of them was seen before."""
    newest = known[-1]
    if len(known) == 1:
        return Check("log", "ok", f"one head, of {newest.size} receipts")
    if fetch is None:
        return Check("log", "not checked", f"{len(known)} heads, but no tiles to compare them by")
    tiles = Tiles(newest.size, fetch)
    for old, new in pairwise(known):
        try:
            proof = consistency_proof(old.size, new.size, tiles.node)
            check_consistency(old.size, old.root, new.size, new.root, proof)
        except Missing as error:
            # A log has to serve its tiles: withheld, they may hide that what was seen is gone.
            why = f"{error}, so nobody can tell whether it only grew from {old.size} to {new.size}"
            return Check("log", "failed" if seen else "not checked", why)
        except Refused as error:
            return Check("log", "failed", f"from {old.size} to {new.size}: {error}")
    why = f"{len(known)} heads of one log, the last of {newest.size} receipts"
    return Check("log", "ok", why)


def _by_size(
    proved_by: Sequence[Checkpoint], key: LogKey, head: str | None, memory: Memory
) -> list[Checkpoint]:
    heads = list(proved_by)
    if key.name in memory.checkpoints:
        heads.append(known_checkpoint(memory.checkpoints[key.name]))
    if head is not None:
        # It may be older than the receipts: caches stand between. What matters is that all agree.
        heads.append(checkpoint(head, key))
    found: dict[int, Checkpoint] = {}
    for one in heads:
        if found.setdefault(one.size, one).root != one.root:
            raise Refused(f"it was forked: two different heads of size {one.size} are signed")
    return [found[size] for size in sorted(found)]
