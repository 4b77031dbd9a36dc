"""Renders one story: ``compose | write | read back | measure | disclose``.

No claim is set here: what an entry says of itself is what was measured in its own bytes, read back.
"""

import re
from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from lxml import etree

from publish import jsonfeed, xml
from publish.entry import Entry, compose
from publish.formats import WRITERS, Format
from stories.config import Config
from stories.errors import NO_HEADLINE, ParseError, RenderError
from stories.models import Story, Version, received_copy
from wirecopy.encoding import shown_chars
from wirecopy.feed import read_copies
from wirecopy.scope import Copy, Measurement, Part, Scope, measure, widest
from wirecopy.text import plain, shows

_AS_FEED: dict[Format, bytes] = {
    "rss": (
        b'<rss xmlns:atom="http://www.w3.org/2005/Atom"'
        b' xmlns:content="http://purl.org/rss/1.0/modules/content/"'
        b' xmlns:dc="http://purl.org/dc/elements/1.1/"'
        b' xmlns:dcterms="http://purl.org/dc/terms/"'
        b' xmlns:media="http://search.yahoo.com/mrss/"'
        b' xmlns:wirecopy="urn:uuid:679fde77-ca8f-4c3a-b072-c5b02e8fa5e1">%b</rss>'
    ),
    "atom": (
        b'<feed xmlns="http://www.w3.org/2005/Atom"'
        b' xmlns:dcterms="http://purl.org/dc/terms/"'
        b' xmlns:media="http://search.yahoo.com/mrss/"'
        b' xmlns:wirecopy="urn:uuid:679fde77-ca8f-4c3a-b072-c5b02e8fa5e1">%b</feed>'
    ),
    "json": b'{"items":[%b]}',
}
"""The least that makes a feed of one entry. It is written here again, and not asked of the writers,
so that what they declare wrongly is found."""

_TRIES = 3
"""A guess of what differs, what is measured then, and once more if that disclosure changed it."""

_BEGINNING = 1_000
"""Characters of a body that show in which script it is written."""

_FILM = re.compile(r"<(?:audio|video|iframe|embed|object|source)\b", re.IGNORECASE)
"""Media in a body that are no pictures, or may be none."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """One entry in each format, ready to be joined, and the measurement that it carries."""

    story_id: str
    rss: bytes
    atom: bytes
    json: bytes
    entry: Entry
    measurement: Measurement

    def with_statement(self, statement: str) -> "Rendered":
        """The same entry with *statement* added to its bytes.

        A statement is made from what was measured in the bytes, so they are written before it; to
        write them again would cost as much as the first time.
        """
        entry = self.entry.model_copy(update={"statement": statement})
        return replace(
            self,
            entry=entry,
            rss=xml.with_statement(self.rss, statement),
            atom=xml.with_statement(self.atom, statement),
            json=jsonfeed.with_statement(self.json, statement),
        )


def render(story: Story, config: Config, ends: datetime | None = None) -> Rendered:
    """*story* as an entry of every format, with the disclosure that its measurement supports.

    *ends* is when it may no longer be published, None for never.
    The bytes depend on nothing but the arguments.

    :raises RenderError: when there is no headline to publish, or a writer refuses a value.
    """
    [found] = render_together([(story, ends)], config)
    if isinstance(found, Exception):
        raise found
    return found


def render_together(
    stories: Sequence[tuple[Story, datetime | None]], config: Config
) -> list[Rendered | Exception]:
    """What :func:`render` makes of each story and the end of its licence, or raises.

    Each stage is carried out for all of them before the next: so its code is at hand in the
    processor, and many stories take a quarter less time than as many single ones.
    """
    found: dict[int, Rendered | Exception] = {}
    works = {at: _rendering(story, config, ends) for at, (story, ends) in enumerate(stories)}
    while works:
        for at, work in [*works.items()]:
            try:
                next(work)
                continue
            except StopIteration as done:
                found[at] = done.value
            except (ValueError, OverflowError, ParseError, etree.LxmlError) as error:
                found[at] = _refused(stories[at][0], error)
            except Exception as error:  # one story must not stop the others, whatever it raises
                found[at] = error
            del works[at]
    return [found[at] for at in range(len(stories))]


def _refused(story: Story, error: Exception) -> RenderError:
    refused = RenderError(
        f"story {story.id}: cannot be rendered: {error}; it stays out of its feeds:"
        f" look at `wirecopy story {story.id} --raw`"
    )
    refused.__cause__ = error
    return refused


def as_published(story: Story, config: Config) -> Story:
    """*story* with the headline that is published: the wire's where that of the desk is held until
    somebody has looked at it again (``desk.on_update``), if the wire has one."""
    held = config.desk.on_update == "hold-headline" and story.second_look
    if not (held and shows(story.version.headline)):
        return story
    return story.model_copy(update={"another_text": True})


def _rendering(
    story: Story, config: Config, ends: datetime | None
) -> Generator[None, None, Rendered]:
    """The rendering of one story; it yields between its stages."""
    story = as_published(story, config)
    composed = compose(story, config, ends)
    yield
    if not shows(composed.headline):
        raise RenderError(
            f"story {story.id}: {NO_HEADLINE}, and no feed takes it without one;"
            f' write one: wirecopy headline {story.id} "…" --by NAME'
        )
    # Without digests made on receipt, this copy is not known to be what the agency sent.
    received = received_copy(story.version) if story.received is not None else None
    same = plain(story.headline) == plain(story.version.headline)
    scope: Scope = "unknown" if received is None else "verbatim" if same else "headline-only"
    changed: tuple[Part, ...] = ("headline",) if scope == "headline-only" else ()
    for _ in range(_TRIES):
        entry = _disclosing(composed, scope, changed, story.version, config)
        written, measured = yield from _measured(entry, received, story, entry.disclosure)
        if measured.scope == scope and measured.changed == changed:
            return Rendered(story.id, entry=entry, measurement=measured, **written)
        scope, changed = measured.scope, measured.changed
    # What it claims and what it measures do not come to agree, so it claims nothing.
    entry = composed.model_copy(update={"scope": "unknown"})
    written, measured = yield from _measured(entry, received, story, disclosure="")
    measured = replace(measured, scope="unknown", edited_headline_only=False)
    return Rendered(story.id, entry=entry, measurement=measured, **written)


def read_back(format: Format, entry: bytes) -> Copy:
    """The copy in one rendered *entry*, read as every verifier of a feed reads it.

    :raises ValueError: when it cannot be read.
    """
    (found,) = read_copies(_AS_FEED[format] % entry)
    return found


def _disclosing(
    entry: Entry, scope: Scope, changed: tuple[Part, ...], version: Version, config: Config
) -> Entry:
    film = any(m.medium != "image" for m in version.media) or bool(_FILM.search(version.body))
    beside = f"{version.headline} {version.body[:_BEGINNING]}"
    line = config.disclosure(scope, entry.agency, changed, entry.language, film=film, beside=beside)
    return entry.model_copy(
        update={
            "scope": scope,
            "edited_headline_only": scope == "headline-only",
            "disclosure": shown_chars(line.text),
            "disclosure_language": line.language,
        }
    )


def _measured(
    entry: Entry, received: Copy | None, story: Story, disclosure: str
) -> Generator[None, None, tuple[dict[Format, bytes], Measurement]]:
    """*entry* as written, and what is measured in that."""
    written: dict[Format, bytes] = {}
    for name, writer in WRITERS.items():
        written[name] = writer.entry(entry)
        yield
    # Nearly always the three formats carry the same copy; then measuring one measures all.
    copies: dict[Copy, None] = {}
    for name, each in written.items():
        copies[read_back(name, each)] = None
        yield
    return written, widest(
        measure(received, copy, received_digests=story.received, disclosure=disclosure, stored=True)
        for copy in copies
    )
