"""A feed that is tried out before it is configured: how many stories of the last day it selects."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from pydantic import ValidationError

from publish.selection import CRITERIA, matches
from publish.web.views import Language, language_of
from stories import clock
from stories.config import Config, Feed
from stories.db import Connection, feeds
from stories.db import stories as records
from wirecopy.scope import Scope

LATELY = timedelta(days=1)

MOST = 1000
"""Stories that are looked at, the newest."""

SHOWN = 12
"""Stories that are shown of those that it selects."""


@dataclass(frozen=True, slots=True)
class Selected:
    """A story that the feed selects."""

    id: str
    headline: str
    language: Language
    agency: str


@dataclass(frozen=True, slots=True)
class Trial:
    """What was tried, as typed, by criterion; the ``count`` that it selects ``of`` the last day's
    stories, of the newest :data:`MOST` where there are ``more``; the newest of them; and the
    ``table`` that configures it. ``error`` says which criterion means nothing."""

    given: Mapping[str, str]
    error: str = ""
    count: int = 0
    of: int = 0
    more: bool = False
    newest: Sequence[Selected] = ()
    table: str = ""


def given_in(query: Mapping[str, str]) -> dict[str, str]:
    """The criteria in an address, as they were typed."""
    return {name: query.get(name, "").replace("\0", "").strip() for name in CRITERIA}


def given_by(feed: Feed) -> dict[str, str]:
    """The criteria of a *feed* as one would type them."""
    return {name: ", ".join(map(str, getattr(feed, name))) for name in CRITERIA}


def feed_of(given: Mapping[str, str], config: Config) -> Feed:
    """The feed of the criteria *given*, values parted by commas.

    :raises ValueError: naming the criterion that means nothing, and why.
    """
    wanted = {name: _values(text) for name, text in given.items() if _values(text)}
    for wire in wanted.get("wires", ()):
        if config.wire(wire) is None:
            raise ValueError(f"wires: there is none named {wire!r}")
    try:
        return Feed.model_validate({"name": "new-feed", "title": "New feed", **wanted})
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        raise ValueError(f"{first['loc'][0]}: {first['msg']}") from error


def _values(text: str) -> list[str]:
    return [value for each in text.split(",") if (value := each.strip())]


def toml_of(feed: Feed) -> str:
    """The table of *feed* in wirecopy.toml; of JSON, TOML takes strings, numbers and lists."""
    told: dict[str, str | list[str | int]] = {"name": feed.name, "title": feed.title}
    told |= {name: list(getattr(feed, name)) for name in CRITERIA if getattr(feed, name)}
    lines = [f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in told.items()]
    # DEL, which JSON leaves as it is, TOML does not take.
    return re.sub("\x7f", "\\\\u007F", "\n".join(["[[feeds]]", *lines, ""]))


def tried(conn: Connection, config: Config, given: Mapping[str, str]) -> Trial:
    """What the criteria *given* select of the last day's stories."""
    try:
        feed = feed_of(given, config)
    except ValueError as error:
        return Trial(given, error=str(error))
    since = clock.now() - LATELY
    found = records.newest(conn, limit=MOST + 1)
    lately = [story for story in found[:MOST] if story.changed_at >= since]
    scopes: dict[str, Scope] = {}
    if feed.scopes:
        entries = feeds.entries_of(conn, [story.id for story in lately])
        scopes = {name: entry.scope for name, entry in entries.items()}
    selected = [
        story
        for story in lately
        if matches(
            feed,
            story.version,
            scopes.get(story.id, "unknown"),
            wires=(story.wire, *story.also),
        )
    ]
    return Trial(
        given,
        count=len(selected),
        of=len(lately),
        more=len(found) > len(lately) == MOST,
        newest=[
            Selected(s.id, s.headline, language_of(s.version.language), s.version.agency)
            for s in selected[:SHOWN]
        ],
        table=toml_of(feed),
    )
