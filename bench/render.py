"""Story → entry → feed: Wirecopy's renderer beside plain feedgen on the same stories.

What a side needs is imported by that side alone: its memory is its own.
"""

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from bench.cost import Cost, timed
from bench.sides import Outcome, highest, in_turns, median, run
from bench.table import Table, megabytes

if TYPE_CHECKING:
    from stories.config import Config
    from stories.models import Story

STORIES = "stories.json"
CONFIG_FILE = "config.json"
ENTRIES = "entries.json"


def wirecopy(folder: str, small: int, large: int, seconds: float) -> dict[str, float]:
    """Entries rendered and measured, in three formats; feeds joined from kept entries."""
    from publish.render import render
    from publish.selection import join, metadata
    from stories.config import Config
    from stories.db.feeds import FORMATS
    from stories.models import Story

    config = Config.model_validate_json((Path(folder) / CONFIG_FILE).read_bytes())
    told = json.loads((Path(folder) / STORIES).read_bytes())
    stories = [Story.model_validate(story) for story in told[:large]]
    feed = config.feeds[0]
    rendered = [render(story, config) for story in stories]
    kept = [{"rss": r.rss, "atom": r.atom, "json": r.json} for r in rendered]
    updated = max(story.changed_at for story in stories)

    def joined(count: int) -> None:
        for format in FORMATS:
            join(metadata(feed, config, updated), format, [entry[format] for entry in kept[:count]])

    def one_changed() -> None:
        render(stories[0], config)
        joined(small)

    def every_story() -> None:
        for story in stories[:small]:
            render(story, config)

    figures = _named("story", timed(every_story, seconds).per(small))
    figures |= _named("small", timed(lambda: joined(small), seconds))
    figures |= _named("large", timed(lambda: joined(large), seconds))
    return figures | _named("changed", timed(one_changed, seconds))


def feedgen(folder: str, small: int, large: int, seconds: float) -> dict[str, float]:
    """The same stories through plain feedgen, in RSS and Atom, each feed rendered whole."""
    from bench.plain import PlainEntry, feed

    told = json.loads((Path(folder) / ENTRIES).read_bytes())
    dates = ("published", "updated")
    entries = [
        PlainEntry(**e | {d: datetime.fromisoformat(e[d]) for d in dates if e[d]})
        for e in told[:large]
    ]
    of_small = timed(lambda: feed(entries[:small]), seconds)
    figures = _named("small", of_small) | _named("story", of_small.per(small))
    figures |= _named("changed", of_small)
    return figures | _named("large", timed(lambda: feed(entries[:large]), seconds))


def _named(name: str, cost: Cost) -> dict[str, float]:
    return {f"{name} wall": cost.wall * 1e3, f"{name} cpu": cost.cpu * 1e3}


def prepare(folder: Path, count: int) -> int:
    """Write *count* stories into *folder*, for both sides; bytes of a mean entry's body."""
    from bench.inputs import stories

    config, found = stories(count)
    (folder / CONFIG_FILE).write_text(config.model_dump_json(exclude={"database_url", "redis_url"}))
    (folder / STORIES).write_text(json.dumps([s.model_dump(mode="json") for s in found]))
    (folder / ENTRIES).write_text(json.dumps([_plain(s, config) for s in found]))
    return sum(len(s.version.body.encode()) for s in found) // count


def _plain(story: "Story", config: "Config") -> dict[str, object]:
    from publish.entry import story_url

    version = story.version
    return {
        "guid": story.guid,
        "url": story_url(story, config),
        "headline": story.headline,
        "author": version.agency,
        "summary": version.summary or "",
        "body": version.body,
        "published": version.published.isoformat() if version.published else None,
        "updated": story.changed_at.isoformat(),
        "source_url": version.link,
        "categories": [category.label for category in version.categories],
    }


def table(small: int, large: int, seconds: float, turns: int) -> Table:
    """Measure both sides with feeds of *small* and of *large* entries."""
    with TemporaryDirectory(prefix="wirecopy-bench-") as name:
        size = prepare(Path(name), large)

        def side(function: str) -> Callable[[], Outcome]:
            where = f"bench.render:{function}"
            return lambda: run(where, folder=name, small=small, large=large, seconds=seconds)

        found = in_turns({"Wirecopy": side("wirecopy"), "feedgen": side("feedgen")}, turns)
    wirecopy_outcomes, feedgen_outcomes = found.values()
    made = Table(
        "render",
        f"Render: milliseconds; bodies of {size:,} bytes",
        ("", "Wirecopy wall", "Wirecopy CPU", "feedgen wall", "feedgen CPU"),
        notes=(
            "Wirecopy cleans bodies, writes RSS, Atom and JSON Feed, reads them back and measures",
            "them; feedgen writes RSS and Atom, and trusts the bodies. Wirecopy renders a story",
            "when it changes and joins feeds from kept entries; feedgen renders a feed whole.",
        ),
    )
    for title, figure in (
        ("one story, as an entry", "story"),
        (f"a feed of {small}, no story changed", "small"),
        (f"a feed of {small}, one story changed", "changed"),
        (f"a feed of {large}, no story changed", "large"),
    ):
        cells = [
            median(outcomes, f"{figure} {of}")
            for outcomes in (wirecopy_outcomes, feedgen_outcomes)
            for of in ("wall", "cpu")
        ]
        made.rows.append((title, *cells))
    peaks = [megabytes(highest(outcomes)) for outcomes in found.values()]
    made.rows.append(("peak memory, MB", peaks[0], None, peaks[1], None))
    return made
