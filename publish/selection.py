"""Which feeds a version belongs to, and what a feed says of itself."""

import re
import unicodedata
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from functools import cache, lru_cache
from typing import Any

from publish import licence
from publish.entry import FeedMetadata, language, urn, utc
from stories.config import Config, Feed
from stories.models import Story, Version
from wirecopy.encoding import xml_chars
from wirecopy.html import TangleError
from wirecopy.scope import Scope, folded
from wirecopy.text import paragraphs, plain

FRESHEST = timedelta(minutes=1)
STALEST = timedelta(minutes=30)
"""The least and the most that :func:`lifetime` gives."""


def matches(
    feed: Feed,
    version: Version,
    scope: Scope | None = None,
    text: Callable[[], str] | None = None,
    wires: Collection[str] = (),
) -> bool:
    """Whether *version*, published with the edit *scope* (None: not yet), belongs to *feed*: every
    criterion given, any value within one. *wires* are those that carry it, if it is not its own
    alone.

    Names are compared without regard to case; a language covers its regions (``hi``: ``hi-IN``). An
    agency goes by its name or its code. A keyword is one of the agency's, or stands as a whole word
    in headline, summary or body; so does a place in the dateline, or it is a category.
    """
    labels = [category.label for category in version.categories]
    return (
        (not feed.wires or any(wire in feed.wires for wire in wires or (version.wire,)))
        and (not feed.agencies or bool(_all(feed.agencies) & _all(_names_of_agency(version))))
        and (not feed.categories or bool(_all(feed.categories) & _all(labels)))
        and (not feed.places or _comes_from(version, feed.places, labels))
        and (not feed.languages or _speaks(version.language, feed.languages))
        and (not feed.keywords or _speaks_of(version, feed.keywords, text))
        and (not feed.urgency or version.urgency in feed.urgency)
        and (not feed.scopes or scope is None or scope in feed.scopes)
    )


CRITERIA = (
    "wires",
    "agencies",
    "categories",
    "places",
    "languages",
    "keywords",
    "urgency",
    "scopes",
)
"""The settings of a feed by which it selects."""


def excluded_by(feed: Feed, story: Story, scope: Scope | None) -> list[str]:
    """Those of :data:`CRITERIA` by which *feed* does not select *story*; none where it does.

    Each is asked by itself, of :func:`matches`: so this can say nothing else than that does.
    """
    version, wires = story.version, (story.wire, *story.also)
    text = cache(lambda: _text(version))
    alone = {
        name: feed.model_copy(update=dict.fromkeys(set(CRITERIA) - {name}, ())) for name in CRITERIA
    }
    return [name for name, one in alone.items() if not matches(one, version, scope, text, wires)]


def selected_by(config: Config, story: Story, scope: Scope) -> list[str]:
    """The names of the feeds that *story*, published with the edit *scope*, belongs to."""
    version, wires = story.version, (story.wire, *story.also)  # as they are called today
    text = cache(lambda: _text(version))  # read once for all feeds, and for none without need
    return [feed.name for feed in config.outgoing if matches(feed, version, scope, text, wires)]


def lifetime(feed: Feed, config: Config) -> timedelta:
    """How long a copy of *feed* is fresh: its ``ttl`` in RSS, its ``max-age`` in HTTP."""
    every = [w.every for w in config.wires if not feed.wires or w.name in feed.wires]
    return min(max(min(every, default=STALEST), FRESHEST), STALEST)


def metadata(feed: Feed, config: Config, updated: datetime | None, older: int = 0) -> FeedMetadata:
    """What *feed* says of itself; *older* is the document of its archive that it leads to.

    *updated* is when its newest entry changed, None when there is none: an empty feed is valid.
    """
    told = _told(feed, _This(config))
    # What a configuration takes from the store (its ``recall``) is asked for each time.
    itself = urn(config, "feed", config.first_name("feed", feed.name))
    return told.model_copy(update={"id": itself, "updated": utc(updated), "older": older})


class _This:
    """An object as a key that is equal to itself alone: to compare two configurations, or to look
    at all wires of one, takes milliseconds where there are thousands."""

    __slots__ = ("it",)

    def __init__(self, it: Any) -> None:
        self.it = it

    def __hash__(self) -> int:
        return id(self.it)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _This) and self.it is other.it


@lru_cache(maxsize=256)
def _told(feed: Feed, this_config: _This) -> FeedMetadata:
    """What of :func:`metadata` neither a story changes nor the store, without the id.

    A feed goes by its value: where none is configured, :attr:`Config.outgoing` makes one each time.
    """
    config: Config = this_config.it
    site, publisher = config.site.url, config.publisher
    return FeedMetadata(
        id="",
        title=xml_chars(feed.title),
        description=xml_chars(feed.description) or None,
        page=f"{site}/" if feed.private else f"{site}/feeds/{feed.name}",
        publisher=xml_chars(publisher.name),
        publisher_url=publisher.url,
        icon=publisher.icon or f"{site}/icon.png",
        logo=publisher.logo or publisher.icon or f"{site}/icon.png",
        about=f"{site}/",
        ttl=int(lifetime(feed, config).total_seconds()) // 60,
        licence=licence.address_of(config, feed),
        language=_language(feed, config),
        documents=f"{site}/feeds/{feed.name}" if feed.private else "",
        private=feed.private,
        hub=None if feed.private else config.hub_address,
    )


def _language(feed: Feed, config: Config) -> str | None:
    """The language that everything in *feed* is in by configuration, None unless there is one."""
    wires = [w for w in config.wires if not feed.wires or w.name in feed.wires]
    said = set(feed.languages or [wire.language or "" for wire in wires])
    return language(said.pop()) if len(said) == 1 else None


def _speaks(tag: str | None, wanted: Sequence[str]) -> bool:
    spoken = same(language(tag) or "")
    tags = [same(want.replace("_", "-")) for want in wanted]
    return any(spoken == tag or spoken.startswith(f"{tag}-") for tag in tags)


_UNSEEN = re.compile("[\u00ad\u034f\u0640\u200b-\u200f\u2060\ufe00-\ufe0f\ufeff]")
"""Soft hyphens, joiners, stretched letters: how a word is set, and no part of it."""


def same(name: str) -> str:
    """*name* without what differs between two ways to write it: case, spaces, marks, form."""
    small = unicodedata.normalize("NFC", _UNSEEN.sub("", name).casefold().replace("i\u0307", "i"))
    return " ".join(folded([small]))


def _names_of_agency(version: Version) -> list[str]:
    return [version.agency, *([version.agency_code] if version.agency_code else [])]


def _comes_from(version: Version, places: Sequence[str], labels: Sequence[str]) -> bool:
    wanted, dateline = _all(places), same(version.dateline or "")
    return bool(wanted & _all(labels)) or any(_says(dateline, place) for place in wanted)


def _speaks_of(version: Version, keywords: Sequence[str], text: Callable[[], str] | None) -> bool:
    wanted = _all(keywords)
    if wanted & _all(version.keywords):
        return True
    words = text() if text is not None else _text(version)
    return any(_says(words, keyword) for keyword in wanted)


def _text(version: Version) -> str:
    """The words of *version* as :func:`same` has them."""
    return same(" ".join((version.headline, *text_of(version))))


def text_of(version: Version) -> list[str]:
    """The summary of *version* and the paragraphs of its body; without the latter where that is
    built to burst a parser."""
    try:
        body = paragraphs(version.body)
    except TangleError:
        body = ()
    return [plain(version.summary or ""), *body]


def _says(text: str, keyword: str) -> bool:
    """Whether *keyword* stands in *text* and not as part of a longer word."""
    at = text.find(keyword) if keyword else -1
    while at >= 0:
        end = at + len(keyword)
        before, after = text[at - 1 : at] if at else "", text[end : end + 1]
        if not (_joined(before, keyword[0]) or _joined(keyword[-1], after)):
            return True
        at = text.find(keyword, at + 1)
    return False


def _joined(before: str, after: str) -> bool:
    """Whether two characters beside each other belong to one word.

    A mark belongs to the letter before it: ``\\w`` of ``re`` does not know the vowel signs of
    Indian scripts. Scripts that put no space between words have no whole words to look for.
    """
    if not before or not after:
        return False
    if unicodedata.category(after)[0] == "M":
        return True
    if UNSPACED.match(before) or UNSPACED.match(after):
        return False
    return all(unicodedata.category(c)[0] in "LMN" for c in (before, after))


UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
    "\uf900-\ufaff\U00020000-\U0003ffff]"
)
"""Thai, Lao, Burmese, Khmer, Japanese, Chinese; and Korean, whose words take endings."""


def _all(names: Sequence[str]) -> set[str]:
    return {same(name) for name in names}
