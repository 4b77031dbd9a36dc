"""What an editor is shown of a headline while writing it: how long it is, what it leaves out of the
wire's, what odd it has, and the entry and the line below it as they would be published.

Nothing is decided here for a second time: the headline is read as it is when it is saved, and the
entry is rendered and measured by what publishes. Nothing here refuses a headline.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from desk.headline import HeadlineError, checked, typed
from desk.newsroom.length import characters, lines
from desk.newsroom.missing import Missing, missing
from publish.entry import Entry
from publish.render import render
from publish.selection import selected_by, text_of
from publish.web.views import Language, language_of
from publish.web.wording import Badge, badge
from stories.config import Config, Feed
from stories.errors import RenderError
from stories.models import HeadlineEdit, Story, Version
from wirecopy.text import plain, shows


@dataclass(frozen=True, slots=True)
class Limit:
    """The characters that a feed's house style allows a headline, and how many there are more."""

    feed: str
    most: int
    over: int


@dataclass(frozen=True, slots=True)
class Preview:
    """The entry as a subscriber would see it, in *feeds*, and what would be measured of it."""

    entry: Entry
    badge: Badge
    disclosure: str
    disclosure_language: Language
    feeds: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Draft:
    """A headline that is being written. ``headline`` is as it would be kept, ``odd`` what was odd
    about its text, ``refused`` why it would not be taken, empty if it would, ``same`` whether it is
    the wire's. ``lines`` are of a phone. ``preview`` is None where nothing would be published, and
    ``unrendered`` says why."""

    headline: str
    odd: tuple[str, ...]
    refused: str
    same: bool
    characters: int
    lines: int
    limits: tuple[Limit, ...] = ()
    missing: tuple[Missing, ...] = ()
    preview: Preview | None = None
    unrendered: str = ""


def drafted(
    story: Story, text: str, config: Config, at: datetime, ends: datetime | None = None
) -> Draft:
    """The headline *text*, as it is typed over *story* by somebody *at* a time. *ends* is when the
    story's licence does."""
    meant, odd = typed(text)
    refused = ""
    try:
        line = checked(meant, "headline")
    except HeadlineError as error:
        line, refused = plain(meant), str(error)
        if not shows(line):
            line, refused = "", "the headline is empty; write one, or put the wire's back"
    version = story.version
    length = len(characters(line))
    same = plain(line) == plain(version.headline)
    if refused:
        return Draft(line, tuple(odd), refused, same, length, lines(line))
    preview, unrendered = _preview(story, line, config, at, ends)
    return Draft(
        headline=line,
        odd=tuple(odd),
        refused="",
        same=same,
        characters=length,
        lines=lines(line),
        limits=limits(length, [config.feed(name) for name in preview.feeds] if preview else ()),
        missing=lacking(version, line),
        preview=preview,
        unrendered=unrendered,
    )


def lacking(version: Version, line: str) -> tuple[Missing, ...]:
    """What the headline of *version* says and *line* does not."""
    return missing(
        version.headline,
        line,
        language=version.language,
        paragraphs=text_of(version),
        subjects=(*version.keywords, *(version.dateline or "").split(",")),
    )


def limits(length: int, feeds: Sequence[Feed | None]) -> tuple[Limit, ...]:
    """The limits of *feeds* for a headline of that *length*, the strictest first."""
    given = [(f.headline_limit, f.title) for f in feeds if f is not None and f.headline_limit]
    return tuple(Limit(title, most, max(0, length - most)) for most, title in sorted(given))


def _preview(
    story: Story, line: str, config: Config, at: datetime, ends: datetime | None
) -> tuple[Preview | None, str]:
    edit = HeadlineEdit(text=line, by="draft", at=at, against=story.number)
    as_if = story.model_copy(update={"edits": (*story.edits, edit), "another_text": False})
    try:
        rendered = render(as_if, config, ends)
    except RenderError as error:
        return None, str(error)
    entry, measured = rendered.entry, rendered.measurement
    return (
        Preview(
            entry=entry,
            badge=badge(measured.scope, entry.agency, measured.changed),
            disclosure=entry.disclosure,
            disclosure_language=language_of(entry.disclosure_language),
            feeds=tuple(selected_by(config, as_if, measured.scope)),
        ),
        "",
    )
