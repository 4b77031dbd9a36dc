"""Which files of a wire are taken, and which wait: a pure function of what is seen and was known.

A file that is still being written must wait, and nothing says so in general. So a file is taken
once nothing of it has changed for a while: by the clock of its machine where that is this one, else
where it was seen the same twice. Names by which programs mark what they are writing are passed
over; the file appears under its own when it is whole.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase

from net.errors import FetchError
from net.places import File, is_unfinished, legible
from stories.models import Sighting

SETTLED = timedelta(seconds=5)
"""For how long a file must have stood unchanged. Writers pause for less."""

UNSETTLED = timedelta(minutes=10)
"""For how long a file may be found changing at every look before somebody hears of it."""

MOST_TAKEN = 200
"""Files read in one poll; of more, the next poll follows at once."""


@dataclass(slots=True)
class Plan:
    """What to do at a place, by what is there.

    ``take`` are the files to read, the oldest first, and after them those that were taken before
    and only reading tells whether they are others, the longest known first; ``fresh`` is how many
    are none of these, and ``more`` how many of such were left out. ``waiting`` are those that may
    still be written. ``done`` were captured before. ``refused`` says why others cannot be read.
    ``seen`` is what to note of those that wait, ``gone`` what to forget, both by the names of
    :func:`stories.db.files.short`.
    """

    take: list[File] = field(default_factory=list)
    fresh: int = 0
    more: int = 0
    waiting: list[File] = field(default_factory=list)
    done: list[File] = field(default_factory=list)
    refused: list[FetchError] = field(default_factory=list)
    seen: dict[str, Sighting] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)


def sort_out(
    there: Iterable[tuple[str, File]],
    known: Mapping[str, Sighting],
    now: datetime,
    max_bytes: int,
    patterns: Sequence[str] = (),
) -> Plan:
    """What to do about the files *there*, with their short names, of which was *known* what the
    last polls noted; files whose names match none of the *patterns*, if there are any, are others'
    affair."""
    plan, unread = Plan(gone=set(known)), False
    take: list[File] = []
    again: list[tuple[datetime, File]] = []
    for short, file in there:
        plan.gone.discard(short)
        before = known.get(short)
        if file.fault is not None and file.fault.state == "folder":
            plan.refused.append(file.fault)
            unread = True
            continue
        if is_unfinished(file.name) or not _is_wanted(file.name, patterns):
            continue
        if file.fault is not None:
            plan.refused.append(file.fault)
        elif file.size > max_bytes:
            plan.refused.append(
                FetchError(
                    "too-large",
                    f"{legible(file.name)}: {file.size:,} bytes, and max_bytes is {max_bytes:,};"
                    " raise the wire's max_bytes, or take the file away",
                )
            )
        elif before is not None and before.taken and before.mark == file.mark and not file.ask:
            plan.done.append(file)
        elif file.ask and before is not None and before.taken:
            again.append((before.since, file))
        elif file.ask or _is_settled(file, before, now):
            take.append(file)
        else:
            plan.waiting.append(file)
            if before is None or before.mark != file.mark:
                plan.seen[short] = before = changed(file, before, now)
            if (fault := unsettled(file, before, now)) is not None:
                plan.refused.append(fault)
    if unread:  # what is in there, nobody can tell
        plan.gone.clear()
    take.sort(key=lambda file: (file.order, file.name))
    again.sort(key=lambda each: (each[0], each[1].order, each[1].name))
    plan.take = [*take, *(file for _, file in again)][:MOST_TAKEN]
    plan.fresh, plan.more = min(len(take), MOST_TAKEN), max(len(take) - MOST_TAKEN, 0)
    return plan


def changed(file: File, before: Sighting | None, now: datetime) -> Sighting:
    """What to note of *file*, which is another than *before*, or changed while it was read."""
    if before is None:
        return Sighting(file.mark, now)
    return Sighting(file.mark, now, digest=before.digest, unsettled=before.unsettled or now)


def unsettled(file: File, sighting: Sighting, now: datetime) -> FetchError | None:
    """What is wrong with *file* where it has been changing for long, look after look."""
    if sighting.unsettled is None or now - sighting.unsettled < UNSETTLED:
        return None
    return FetchError(
        "changing",
        f"{legible(file.name)}: has been changing since {sighting.unsettled:%d %B %H:%M} UTC,"
        " and is not taken before it stands still; have it written under another name first,"
        " or leave it out by the wire's files",
    )


def _is_wanted(name: str, patterns: Sequence[str]) -> bool:
    """Whether *name*, or the end of the address *name*, matches one of *patterns*, if there are
    any; capitals do not count, as they do not where many files come from."""
    last = name.partition("?")[0].rpartition("/")[2].lower()
    return not patterns or any(fnmatchcase(last, pattern.lower()) for pattern in patterns)


def _is_settled(file: File, before: Sighting | None, now: datetime) -> bool:
    if file.size == 0:  # as a file is before its first byte
        return False
    if file.changed is not None and now - datetime.fromtimestamp(file.changed, UTC) >= SETTLED:
        return True
    return before is not None and before.mark == file.mark and now - before.since >= SETTLED
