"""Whether a log only grew: all its checkpoints at hand are of one and the same tree. And whether
one that follows another does so by the word of somebody who was known before."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise

from .errors import Missing, Refused
from .jose import Keys, thumbprint
from .report import Check
from .restore import Restore
from .tlog import (
    Checkpoint,
    FetchTile,
    LogKey,
    Tree,
    TreeError,
    check_consistency,
    check_inclusion,
    fetched_tiles,
    leaf_hash,
    parse_checkpoint,
    read_checkpoint,
)
from .trusted_state import TrustedState

TilesOf = Callable[[str], FetchTile]
"""The tiles of the log of a name."""


@dataclass(frozen=True, slots=True)
class LogReport:
    """The check ``log`` of a feed, the checkpoints to remember, by origin, the restores since what
    was seen before, and what of that is lost by them."""

    check: Check
    newest: Mapping[str, str] = field(default_factory=dict)
    restores: tuple[Restore, ...] = ()
    lost: tuple[str, ...] = ()


def check_log(
    keys: Keys,
    state: TrustedState,
    *,
    proved: Sequence[Checkpoint],
    fresh: Sequence[Checkpoint],
    present: str | None,
    logs: Collection[str],
    tiles_of: TilesOf | None,
) -> LogReport:
    """Check the log of *keys*, and those before it.

    :param proved: the checkpoints of proved receipts; *fresh* are those of them whose statements
        were not seen before.
    :param present: the log's present checkpoint, as it is served.
    :param logs: the logs that these keys and entries were in before.
    :param tiles_of: gives the logs' tiles; without it only forks at one size are found.
    """
    every = [*(one.former for one in keys.restores), *([] if keys.log is None else [keys.log])]
    names = [key.name for key in every]
    gone = sorted(set(logs) - set(names))
    if gone:
        reason = (
            f"the log was {gone[0]!r} before, and {become(keys.log.name if keys.log else None)}"
        )
        return LogReport(Check("log", "failed", reason))
    if keys.log is None:
        return LogReport(Check("log", "not checked", "the key set has no log key"))
    # Those after the last log that was seen.
    known_logs = [n for n, name in enumerate(names) if name in logs or name in state.checkpoints]
    new = keys.restores[known_logs[-1] :] if known_logs else ()
    checks: list[Check] = []
    newest: dict[str, str] = {}
    lost: list[str] = []
    try:
        ends = {one.former.name: one for one in keys.restores}
        for key in every:
            ended = ends.get(key.name)
            seen = _seen(key, state, ended)
            if ended is not None and seen is not None and seen.size > ended.head.size:
                if ended in new:
                    lost.append(
                        f"{key.name}: {seen.size} receipts were seen in this log, and the backup"
                        f" that was restored knows {ended.head.size}: the rest is lost"
                    )
                seen = None  # nobody can show any more how it grew to that size
            mine = [one for one in proved if one.origin == key.name]
            if ended is not None and seen is None and not mine:
                continue
            if ended is not None:
                stated = [ended.head]
            else:
                stated = [] if present is None else [read_checkpoint(present, key)]
            moved = [*stated, *(one for one in fresh if one.origin == key.name)]
            found, last = _grown([*mine, *stated], seen, moved, tiles_of and tiles_of(key.name))
            checks.append(found)
            if last and (found.state == "ok" or (found.state == "not checked" and seen is None)):
                newest[key.name] = last.note
        heads = {one.former.name: one.head.note for one in keys.restores} | newest
        _check_vouchers(new, keys, state)
        for restore in keys.restores[known_logs[0] :] if known_logs else ():
            _check_beginning(restore, heads.get(restore.log.name), tiles_of, new=restore in new)
    except Refused as error:
        return LogReport(Check("log", "failed", str(error)))
    state_of = {check.state: check for check in reversed(checks)}
    worst = state_of.get("failed") or state_of.get("not checked") or checks[-1]
    if worst.state == "failed":
        return LogReport(worst)
    told = _told(keys.restores[-1]) if keys.restores else ""
    reason = "; ".join(filter(None, (told, worst.reason)))
    return LogReport(Check("log", worst.state, reason), newest, new, tuple(lost))


def become(log: str | None) -> str:
    """What the log is now, as a clause, when it was another before."""
    return f"it is {log!r} now" if log is not None else "the key set has no log key now"


def _told(restore: Restore) -> str:
    begun = _second(restore.begun_at)
    if restore.known_until == restore.begun_at:
        return f"it began anew at {begun}, and nothing that was logged before is lost"
    return (
        f"restored from a backup: what was logged between {_second(restore.known_until)} and"
        f" {begun} cannot be known"
    )


def _second(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}Z"


def _seen(key: LogKey, state: TrustedState, ended: Restore | None) -> Checkpoint | None:
    """The checkpoint seen before of the log of *key*; of one that has *ended* it has to be by the
    key that the key set names."""
    note = state.checkpoints.get(key.name)
    if note is None:
        return None
    return parse_checkpoint(note) if ended is None else read_checkpoint(note, key)


def _check_vouchers(restores: Sequence[Restore], keys: Keys, state: TrustedState) -> None:
    """Check that each of *restores* is signed by a key that was seen before, or by that of a log
    for which such a key vouches.

    :raises Refused: when nobody vouches for one.
    """
    known = {
        kid: key.public
        for kid, key in keys.statement.items()
        if kid in state.logs and key.revoked is None
    }
    for restore in restores:
        if restore.former.name in state.checkpoints:
            known[thumbprint(restore.former.public)] = restore.former.public
        if True not in [restore.signed_by(kid, public) for kid, public in known.items()]:
            raise Refused(
                f"the log was {restore.former.name!r} before, and {restore.log.name!r} is said to"
                " follow it after a restore, but no key that was seen before vouches for that"
            )
        known[thumbprint(restore.log.public)] = restore.log.public


def _check_beginning(
    restore: Restore, note: str | None, tiles_of: TilesOf | None, *, new: bool
) -> None:
    """Check that *restore* is the first leaf of the log that it says began, whose checkpoint is in
    *note*. It is *new* when that log was not seen before; of two that were seen, too, one may be
    somebody else's.

    :raises Refused: when it is another, or that cannot be found out of a new one.
    """
    name = restore.log.name
    if note is None or tiles_of is None:
        if not new:
            return
        what = "checkpoint" if note is None else "tiles"
        raise Refused(f"no {what} of {name!r}, so nobody can tell whether it begins with a restore")
    head = parse_checkpoint(note)
    try:
        path = Tree(head.size, fetched_tiles(head.size, tiles_of(name))).inclusion(0)
        check_inclusion(leaf_hash(restore.leaf), 0, head.size, head.root, path)
    except Missing as error:
        raise Refused(
            f"{error}, so nobody can tell whether {name!r} begins with a restore"
        ) from None
    except (TreeError, Refused) as error:
        why = f"{name!r} does not begin with the restore that the key set tells of: {error}"
        raise Refused(why) from None


def _grown(
    at_hand: Sequence[Checkpoint],
    seen: Checkpoint | None,
    moved: Sequence[Checkpoint],
    fetch: FetchTile | None,
) -> tuple[Check, Checkpoint | None]:
    """Whether one log only grew, and its newest checkpoint, if there is one.

    :param seen: the checkpoint that was seen before.
    :param moved: those *at_hand* that are not of statements seen before.
    :raises Refused: when two of one size differ.
    """
    # The present one may be older than the receipts: caches stand between. What matters is that
    # all agree.
    known = _by_size(at_hand if seen is None else [*at_hand, seen])
    if not at_hand:
        return Check("log", "not checked", "there is no checkpoint to look at"), None
    any_moved = seen is not None and any(one.size != seen.size for one in moved)
    return _compared(known, fetch, seen=seen, moved=any_moved), known[-1]


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
