"""The log of the desk: who did what, when, what stood before and after; as a page and as CSV."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from urllib.parse import urlencode

from publish.web.wording import Moment, moment
from stories import clock
from stories.db import Connection, log
from stories.db import stories as records
from stories.db.log import START, Done, Place

PAGE = 50
"""Lines on a page."""

MOST = 10_000
"""Lines of CSV, the newest."""

COLUMNS = (
    *("at", "by", "story", "wire", "person", "headline"),
    *("what", "before", "after", "reason"),
)

_FORMULAS = ("=", "+", "-", "@", "\t", "\r")
"""How a cell begins that a spreadsheet would compute."""


@dataclass(frozen=True, slots=True)
class Line:
    """Something that was done; to a story, with the headline that it has now."""

    done: Done
    at: Moment
    headline: str


@dataclass(frozen=True, slots=True)
class LogPage:
    """A page of the log, only *by* one person if given; ``older`` is the address of the next."""

    lines: tuple[Line, ...]
    by: str
    older: str | None


def log_page(conn: Connection, by: str, after: Place | None, zone: tzinfo | None) -> LogPage:
    """The page of the log behind that which ends *after* there, with times in *zone*."""
    done = log.newest(conn, after, by or None, PAGE + 1)
    shown = done[:PAGE]
    now = clock.now()
    names = _headlines(conn, shown)
    older = None
    if len(done) > PAGE:
        last = shown[-1].place
        asked = {"by": by} if by else {}
        older = f"/log?{urlencode({**asked, 'before': '.'.join(map(str, last))})}"
    lines = (Line(each, moment(each.at, zone, beside=now), names[each.story_id]) for each in shown)
    return LogPage(tuple(lines), by, older)


def place_of(text: str) -> Place | None:
    """The place that an address names; None for none, or for nonsense."""
    numbers = text.split(".")
    if len(numbers) != len(START) or not all(
        n.isascii() and n.isdigit() and len(n) < 19 for n in numbers
    ):
        return None
    return tuple(map(int, numbers))


def as_csv(conn: Connection, by: str) -> str:
    """The log as CSV (RFC 4180), the newest first: a line for all that was done."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    writer.writerows(map(_cells, _lines(conn, by)))
    return out.getvalue()


def _lines(conn: Connection, by: str) -> Iterator[tuple[Done, str]]:
    after, left = None, MOST
    while left > 0 and (done := log.newest(conn, after, by or None, min(left, 500))):
        names = _headlines(conn, done)
        yield from ((each, names[each.story_id]) for each in done)
        after, left = done[-1].place, left - len(done)


def _headlines(conn: Connection, done: Sequence[Done]) -> dict[str, str]:
    ids = sorted({each.story_id for each in done})
    found = {story.id: story.headline for story in records.get(conn, ids)}
    return {name: found.get(name, "") for name in ids}


def _cells(line: tuple[Done, str]) -> list[str]:
    done, headline = line
    wires = "(the wire's)" if done.kind == "headline" else ""
    cells = (
        moment(done.at).iso,
        done.by,
        done.story_id,
        done.wire,
        done.person,
        headline,
        done.kind,
        wires if done.before is None else done.before,
        wires if done.after is None else done.after,
        done.reason,
    )
    return [f"'{cell}" if cell.startswith(_FORMULAS) else cell for cell in cells]
