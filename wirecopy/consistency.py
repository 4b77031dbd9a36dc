"""Whether a log only grew: all its checkpoints at hand are of one and the same tree."""

from collections.abc import Collection, Sequence
from itertools import pairwise

from .errors import Missing, Refused
from .report import Check
from .tlog import (
    Checkpoint,
    FetchTile,
    LogKey,
    Tree,
    check_consistency,
    fetched_tiles,
    parse_checkpoint,
    read_checkpoint,
)
from .trusted_state import TrustedState


def check_log(
    key: LogKey | None,
    state: TrustedState,
    *,
    proved: Sequence[Checkpoint],
    fresh: Sequence[Checkpoint],
    present: str | None,
    logs: Collection[str],
    fetch: FetchTile | None,
) -> tuple[Check, dict[str, str]]:
    """The check ``log`` of a feed, and the checkpoints to remember, by origin.

    :param proved: the checkpoints of proved receipts; *fresh* are those of them whose statements
        were not seen before.
    :param present: the log's present checkpoint, as it is served.
    :param logs: the logs that these keys and entries were in before.
    :param fetch: gives the log's tiles; without it only forks at one size are found.
    """
    gone = sorted(name for name in logs if key is None or name != key.name)
    if gone:
        reason = f"the log was {gone[0]!r} before, and {become(key.name if key else None)}"
        return Check("log", "failed", reason), {}
    if key is None:
        return Check("log", "not checked", "the key set has no log key"), {}
    before = state.checkpoints.get(key.name)
    try:
        seen = None if before is None else parse_checkpoint(before)
        served = [] if present is None else [read_checkpoint(present, key)]
        # The present one may be older than the receipts: caches stand between. What matters is
        # that all agree.
        at_hand = [*proved, *served]
        known = _by_size(at_hand if seen is None else [*at_hand, seen])
    except Refused as error:
        return Check("log", "failed", str(error)), {}
    if not at_hand:
        return Check("log", "not checked", "there is no checkpoint to look at"), {}
    moved = any(seen is not None and one.size != seen.size for one in (*fresh, *served))
    found = _compared(known, fetch, seen=seen, moved=moved)
    learnt = found.state == "ok" or (found.state == "not checked" and seen is None)
    return found, {key.name: known[-1].note} if learnt else {}


def become(log: str | None) -> str:
    """What the log is now, as a clause, when it was another before."""
    return f"it is {log!r} now" if log is not None else "the key set has no log key now"


def _compared(
    known: Sequence[Checkpoint], fetch: FetchTile | None, *, seen: Checkpoint | None, moved: bool
) -> Check:
    """Whether *known* checkpoints, sorted by size, continue each other.

    :param seen: the one of them that was seen before.
    :param moved: whether some of them are neither that one nor of statements seen before.
    """
    newest = known[-1]
    if len(known) == 1:
        return Check("log", "ok", f"one head, of {newest.size} receipts")
    if fetch is None:
        why = f"{len(known)} heads, but no tiles to compare them by"
        if seen is None or not moved:
            return Check("log", "not checked", why)
        why += f": nobody can tell whether the log of {seen.size} receipts seen before only grew"
        return Check("log", "failed", why)
    tiles = fetched_tiles(newest.size, fetch)
    for old, new in pairwise(known):
        try:
            proof = Tree(new.size, tiles).consistency(old.size)
            check_consistency(old.size, old.root, new.size, new.root, proof)
        except Missing as error:
            # A log has to serve its tiles: withheld, they may hide that what was seen is gone.
            why = f"{error}, so nobody can tell whether it only grew from {old.size} to {new.size}"
            return Check("log", "not checked" if seen is None else "failed", why)
        except Refused as error:
            return Check("log", "failed", f"from {old.size} to {new.size}: {error}")
    why = f"{len(known)} heads of one log, the last of {newest.size} receipts"
    return Check("log", "ok", why)


def _by_size(heads: Sequence[Checkpoint]) -> list[Checkpoint]:
    found: dict[int, Checkpoint] = {}
    for one in heads:
        if found.setdefault(one.size, one).root != one.root:
            raise Refused(f"it was forked: two different heads of size {one.size} are signed")
    return [found[size] for size in sorted(found)]
