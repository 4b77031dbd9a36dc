"""What an entry shows, and what a feed says of itself, before either is written in any format.

:func:`compose` makes an entry of a story. Its edit scope and disclosure are set afterwards by
:mod:`publish.render`, from what was measured in the entry as written.
"""

import re
import uuid
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from html import escape
from typing import Literal
from urllib.parse import quote, urlsplit

from publish.clean import absolute, clean, embeds
from stories.config import Config, Kind
from stories.desk_marks import trimmed
from stories.models import NAMESPACE, Category, Instant, Media, Story, Value, Version, credit_of
from wirecopy import statement
from wirecopy.encoding import shown_chars, xml_chars
from wirecopy.form import FORM, letters, runs
from wirecopy.scope import Scope
from wirecopy.statement import Details
from wirecopy.text import UNSIGNED, one_line, paragraphs, project
from wirecopy.urls import resolve

_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{1,8})*", re.ASCII)
_TWO_LETTERS = re.compile(
    "aa|ab|ae|af|ak|am|an|ar|as|av|ay|az|ba|be|bg|bh|bi|bm|bn|bo|br|bs|ca|ce|ch|co|cr|cs|cu"
    "|cv|cy|da|de|dv|dz|ee|el|en|eo|es|et|eu|fa|ff|fi|fj|fo|fr|fy|ga|gd|gl|gn|gu|gv|ha|he|hi"
    "|ho|hr|ht|hu|hy|hz|ia|id|ie|ig|ii|ik|in|io|is|it|iu|iw|ja|ji|jv|jw|ka|kg|ki|kj|kk|kl|km"
    "|kn|ko|kr|ks|ku|kv|kw|ky|la|lb|lg|li|ln|lo|lt|lu|lv|mg|mh|mi|mk|ml|mn|mo|mr|ms|mt|my|na"
    "|nb|nd|ne|ng|nl|nn|no|nr|nv|ny|oc|oj|om|or|os|pa|pi|pl|ps|pt|qu|rm|rn|ro|ru|rw|sa|sc|sd"
    "|se|sg|sh|si|sk|sl|sm|sn|so|sq|sr|ss|st|su|sv|sw|ta|te|tg|th|ti|tk|tl|tn|to|tr|ts|tt|tw"
    "|ty|ug|uk|ur|uz|ve|vi|vo|wa|wo|xh|yi|yo|za|zh|zu"
)
"""ISO 639-1, with those that it has withdrawn. Countries' codes are often sent for languages:
``jp``, ``cn``, ``cz``."""
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"{}|\\^`]+|[^\s/:\\#?<>\"{}|^`]+")
_RTL_LANGUAGES = re.compile(
    "ae|arc?|arz|azb|bal|bcc|bgn|bqi|ckb|dv|fa|glk|he|iw|khw|ks|lrc|mzn|nqo|pes|pnb|prs|ps|sd|skr"
    "|syr|ug|ur|yi|ara|div|fas|heb|kas|per|pus|snd|uig|urd|yid"
)
_RTL_SCRIPTS = re.compile("adlm|arab|aran|hebr|mand|mend|nkoo|rohg|samr|syrc|thaa|yezi")
_NO_TYPE = re.compile(r"octet-stream|force-download|unknown", re.IGNORECASE)
"""Types that servers give to what they do not know."""
_MEDIA_TYPE = re.compile(r"[a-z]+/[a-z0-9][a-z0-9!#$&^_.+-]*", re.ASCII | re.IGNORECASE)


class Embed(Value):
    """What the agency embedded and no entry can: its address, and its title if that is stated."""

    url: str
    title: str | None = None


class Entry(Value):
    """Everything one entry shows.

    No text has characters that XML 1.0 does not allow, every URL is absolute, every instant is in
    UTC and whole seconds. ``body`` is clean HTML without the disclosure; ``summary`` and
    ``disclosure`` are plain text; ``first_words`` begin the text of a story without a summary.
    ``embeds`` are what the body had to lose. ``link`` is the story at the agency, ``source_url``
    the site of its wire, the same for every story of one, and ``source_updated`` when its current
    version was received. ``valid_until`` is when its licence ends, ``correction`` what the agency
    says to readers of the correction that this version is.
    """

    guid: str
    url: str
    headline: str
    wire_headline: str
    agency: str
    agency_id: str
    agency_version: str | None = None
    byline: str | None = None
    published: Instant
    updated: Instant
    summary: str | None = None
    first_words: str = ""
    body: str = ""
    disclosure: str = ""
    disclosure_language: str = ""
    media: tuple[Media, ...] = ()
    embeds: tuple[Embed, ...] = ()
    categories: tuple[Category, ...] = ()
    keywords: tuple[str, ...] = ()
    language: str | None = None
    rights: str | None = None
    credit: str | None = None
    link: str | None = None
    source_id: str
    source_title: str
    source_url: str | None = None
    source_updated: Instant
    valid_until: Instant | None = None
    correction: str | None = None
    about: str
    scope: Scope = "unknown"
    edited_headline_only: bool = False
    statement: str | None = None

    @property
    def authors(self) -> tuple[str, ...]:
        """Who is named as author: who wrote it, where that is known, and the agency."""
        return (self.byline, self.agency) if self.byline else (self.agency,)

    @property
    def details(self) -> Details:
        """What its statement covers besides the copy."""
        captions = tuple(captioned(medium) or "" for medium in self.media)
        published = self.published.replace(tzinfo=None).isoformat(timespec="seconds")
        return Details(self.byline or "", f"{published}Z", captions, self.correction or "")

    @property
    def html(self) -> str:
        """The body as published. The disclosure, if there is one, is its last paragraph."""
        if not self.disclosure:
            return self.body
        sentence = escape(self.disclosure, quote=False)
        tag = self.disclosure_language
        way = direction(tag or None)
        # Of words of another script it would not be true.
        if not (way == "ltr" and self.disclosure.isascii()):
            way = way if runs(way, *letters(self.disclosure)) else "auto"
        spoken = f'lang="{tag}" dir="{way}"' if tag else 'dir="auto"'
        return f"{self.body}<p {spoken}><i>{sentence}</i></p>"


def without_disclosure(html: str, disclosure: str) -> tuple[str, str | None]:
    """The body in :attr:`Entry.html`, and the language of the *disclosure* below it; None where
    there is none, or the entry was rendered before its language was stated."""
    sentence = re.escape(escape(disclosure, quote=False))
    found = re.search(rf'<p(?: lang="([^"]*)")?(?: dir="[a-z]+")?><i>{sentence}</i></p>\Z', html)
    return (html[: found.start()], found[1]) if found and disclosure else (html, None)


class Notice(Value):
    """What stands in a feed in place of a story that was killed ``at`` a time: words of our own,
    the same for every story, and nothing of its copy. Programs are told in any case, readers where
    it is ``shown``."""

    guid: str
    title: str
    text: str
    at: Instant
    about: str
    shown: bool = True
    statement: str | None = None


def notice(story: Story, config: Config, at: datetime) -> Notice:
    """The notice that *story* was killed *at* a time, in its language if there are words in it."""
    spoken = (language(story.version.language) or "").partition("-")[0].lower()
    words = FORM["notice"]["words"]
    title, text = words.get(spoken, words["en"])
    about = f"{config.site.url}/"
    return Notice(
        guid=xml_chars(story.guid),
        title=title,
        text=text,
        at=utc(at) or EPOCH,
        about=about,
        shown=config.publisher.withdrawn == "notice",
    )


GENERATOR = "Wirecopy"
"""Without a version: a new release must not change the bytes of every feed."""


class FeedMetadata(Value):
    """What a feed says of itself.

    ``page`` is the feed's HTML page; with the name of a format after a dot, it is the document. The
    page ``about`` explains our extension. ``icon`` and ``logo`` are pictures of the publisher,
    the icon a square one. ``ttl`` is in minutes; ``licence`` is where it says what machines may do;
    ``updated`` is None while the feed is empty.
    ``archived`` is the number of a document of its archive (RFC 5005), 0 for the feed itself;
    ``older`` and ``newer`` those of the documents before and after, 0 where there is none. ``hub``
    is where one subscribes to be told of changes (WebSub), None for nowhere.
    A ``private`` feed does not name its own address, as each subscriber has another one, and has no
    page: then that is the site's. What its archive's addresses begin with is ``documents``, and
    ``key`` is what a subscriber's end with.
    ``query`` ends the addresses of a feed that is the answer to a question.
    """

    id: str
    title: str
    description: str | None = None
    page: str
    publisher: str
    publisher_url: str
    about: str
    icon: str
    logo: str
    ttl: int
    licence: str
    generator: str = GENERATOR
    language: str | None = None
    updated: Instant | None = None
    archived: int = 0
    older: int = 0
    newer: int = 0
    hub: str | None = None
    private: bool = False
    query: str = ""
    documents: str = ""
    key: str = ""

    def document(self, number: int, format: str) -> str:
        """Where document *number* of its archive is in *format*, 0 for the feed itself."""
        archived = f"/archive/{number}" if number else ""
        return f"{self.documents or self.page}{archived}.{format}{self.key}"


def compose(story: Story, config: Config, ends: datetime | None = None) -> Entry:
    """*story* as an entry of scope ``unknown``, without a disclosure; its licence *ends* then.

    ``published`` is the agency's date, or when the story was first received if the agency states
    none that can be (:func:`_published`). ``updated`` is when the wire or the desk last changed it:
    RFC 4287's "significant" change.
    """
    version = story.version
    base = absolute(version.base, None)
    credit = credit_of(version)
    link = _public(absolute(version.link, base))
    summary = _some(one_line(version.summary)) if version.summary else None
    # What was digested at receipt with its signature would not be the same with another.
    known = story.received is None or story.received.rule == UNSIGNED
    newest = story.addresses if known else {}
    body = clean(version.body, base, newest)
    if (wire := config.rules(story.wire)) and wire.trim:
        body = trimmed(body, wire.trim)
    categories = _categories(version)
    signals = version.signals
    labels = {category.label for category in categories}
    media = tuple(m for medium in version.media if (m := _medium(medium, base, newest)))
    return Entry(
        guid=xml_chars(story.guid),
        url=story_url(story, config),
        headline=shown_chars(story.headline).strip(),
        wire_headline=shown_chars(version.headline).strip(),
        agency=credit.agency,
        agency_id=credit.agency_id,
        agency_version=credit.agency_version or None,
        byline=_some(version.byline),
        published=published_at(story),
        updated=utc(story.changed_at) or EPOCH,
        summary=summary,
        first_words="" if summary else first_words(body),
        body=body,
        media=media,
        embeds=_embeds(version.body, base, newest, body, (link, *(m.url for m in media))),
        categories=categories,
        keywords=tuple(
            kept
            for keyword in dict.fromkeys(version.keywords)
            if (kept := _some(keyword)) and kept not in labels
        ),
        language=language(version.language),
        rights=_some(version.rights) or (_some(wire.rights) if wire else None),
        credit=_some(version.credit),
        link=link,
        source_id=urn(config, "wire", version.wire),
        source_title=credit.agency,
        source_url=_origin(config, story.wire),
        source_updated=utc(story.received_at) or EPOCH,
        valid_until=utc(ends),
        correction=_some(signals.corrected) if signals and signals.corrected else None,
        about=f"{config.site.url}/",
    )


def published_at(story: Story) -> datetime:
    """The date that the agency states: its ``published``, else its ``updated`` if that was before
    the story came; when it came, where that is none, or one after the last change that is shown.
    """
    received, changed = utc(story.first_received) or EPOCH, utc(story.changed_at) or EPOCH
    stated = utc(story.version.published)
    if stated is None and (updated := utc(story.version.updated)):
        stated = min(updated, received)
    # A clock that was put right may have said that the first version came after the last.
    return stated if stated and stated != EPOCH and stated <= changed else min(received, changed)


FIRST_WORDS = 240
"""Characters that stand for a summary where the agency sent none."""

_TURNS = re.compile("[\u202a-\u202e\u2066-\u2069]")
_READ = 8_000
"""Characters of HTML in which the first words are looked for."""

_ENOUGH = 700
"""Characters of HTML in which mostly there are more words than that."""


def first_words(body: str) -> str:
    """The beginning of the text of *body*, cut between words; empty when it has none."""
    turns = _TURNS.search(body, 0, _READ) is not None
    words = " ".join(paragraphs(body[:_ENOUGH]))
    if turns or (len(words) <= 2 * FIRST_WORDS and len(body) > _ENOUGH):
        words = " ".join(paragraphs(body[:_READ]))
    if turns and _TURNS.search(words):  # cut, it could turn the direction of what follows
        return ""
    if len(words) <= FIRST_WORDS and len(body) <= _READ:
        return words
    # A script without spaces is cut where there is room, and so is one endless word.
    cut = words[:FIRST_WORDS]
    return f"{cut.rpartition(' ')[0] or cut}…" if cut else ""


MOST_EMBEDS = 10
"""Of what an entry had to lose, how much it leads to."""


def _embeds(
    received: str,
    base: str | None,
    newest: Mapping[str, str],
    body: str,
    shown: Iterable[str | None],
) -> tuple[Embed, ...]:
    """What *received* embeds, but for what the *body* as published or what is *shown* beside it
    leads to."""
    found = embeds(received, base, newest)
    if not found:
        return ()
    inside = project(body)
    known = {reference.url for reference in (*inside.links, *inside.media)}
    known.update(resolve(url, None) or "" for url in shown if url)
    kept: dict[str, Embed] = {}
    for spelt, title in found.items():
        if (url := _public(spelt)) and resolve(url, None) not in known:
            kept.setdefault(url, Embed(url=url, title=_some(title)))
    return tuple(kept.values())[:MOST_EMBEDS]


def _categories(version: Version) -> tuple[Category, ...]:
    """The categories, each with its scheme if that is one: an IRI, or the name of a vocabulary,
    which RSS allows."""
    found = (
        Category(label=label, scheme=scheme if _SCHEME.fullmatch(scheme) else None)
        for category in version.categories
        if (label := _some(category.label))
        for scheme in [_some(category.scheme) or ""]
    )
    return tuple(dict.fromkeys(found))


def story_url(story: Story, config: Config) -> str:
    """Where people read *story*: by ``publisher.story_url``, else its page on our own site."""
    pattern = config.publisher.story_url or f"{config.site.url}/stories/{{id}}"
    values = {"id": quote(story.id, safe=""), "slug": quote(story.slug, safe="")}
    return re.sub(r"\{(id|slug)\}", lambda hole: values[hole[1]], pattern)


def urn(config: Config, kind: Kind | Literal["search"], first_name: str) -> str:
    """The id of the wire or feed that began as *first_name*, or of a search for that: the same when
    the site moves."""
    return _urn(f"{config.publisher.authority}\0{kind}\0{first_name}")


@lru_cache(maxsize=1024)  # one for all stories of a wire
def _urn(name: str) -> str:
    return uuid.uuid5(NAMESPACE, name).urn


def language(tag: str | None) -> str | None:
    """*tag* as a language tag (RFC 5646 §2.1), None when it is none, as ``english`` or ``jp``."""
    tidy = (tag or "").strip().replace("_", "-")
    first = tidy.partition("-")[0].lower()
    known = len(first) == 3 or _TWO_LETTERS.fullmatch(first) is not None
    return tidy if known and _LANGUAGE.fullmatch(tidy) else None


@lru_cache(maxsize=256)
def direction(language: str | None) -> Literal["ltr", "rtl", "auto"]:
    """The direction of text in *language* (RFC 5646); ``auto`` when the language is not known."""
    if not language:
        return "auto"
    first, *rest = language.lower().split("-")
    for part in rest:
        if len(part) == 1:  # an extension or private use follows
            break
        if len(part) == 4 and part.isalpha():
            return "rtl" if _RTL_SCRIPTS.fullmatch(part) else "ltr"
    return "rtl" if _RTL_LANGUAGES.fullmatch(first) else "ltr"


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
"""In place of an instant that ``datetime`` cannot hold in UTC (year 1, east of Greenwich)."""


def utc(instant: datetime | None) -> datetime | None:
    """*instant* in UTC and whole seconds; None for None, and when ``datetime`` cannot hold it."""
    if instant is None:
        return None
    try:
        return instant.astimezone(UTC).replace(microsecond=0)
    except OverflowError:
        return None


def rfc3339(instant: datetime) -> str:
    """*instant* as RFC 3339 §5.6 writes it, to the second."""
    return instant.isoformat(timespec="seconds")


def _some(text: str | None) -> str | None:
    return shown_chars(text or "").strip() or None


def _medium(medium: Media, base: str | None, newest: Mapping[str, str]) -> Media | None:
    url = absolute(medium.url, base, newest)
    if url is None:
        return None
    kind = (medium.type or "").strip()
    return Media(
        url=url,
        medium=medium.medium,
        type=kind.lower() if _MEDIA_TYPE.fullmatch(kind) and not _NO_TYPE.search(kind) else None,
        width=_positive(medium.width),
        height=_positive(medium.height),
        length=_positive(medium.length),
        caption=_some(medium.caption),
        credit=_some(medium.credit),
    )


_TYPES = {
    "aac": "audio/aac",
    "flac": "audio/flac",
    "m4a": "audio/mp4",
    "mp3": "audio/mpeg",
    "oga": "audio/ogg",
    "ogg": "audio/ogg",
    "opus": "audio/ogg",
    "wav": "audio/wav",
    "m4v": "video/mp4",
    "mov": "video/quicktime",
    "mp4": "video/mp4",
    "webm": "video/webm",
    "avif": "image/avif",
    "gif": "image/gif",
    "jpeg": "image/jpeg",
    "jpg": "image/jpeg",
    "png": "image/png",
    "webp": "image/webp",
}
"""Not from the mimetypes module, which reads the machine's own files: the bytes of a feed depend
on the story alone."""


def type_of(medium: Media) -> str:
    """The media type that the name of *medium* says where the agency states none; at last
    ``application/octet-stream``, the type of what is of unknown type (RFC 2046 §4.5.1)."""
    name = medium.url.partition("?")[0].partition("#")[0]
    return _TYPES.get(name.rpartition(".")[2].lower(), "application/octet-stream")


def captioned(medium: Media) -> str | None:
    """Caption and credit of *medium* in one line, None when it has neither."""
    return statement.captioned(medium.caption or "", medium.credit or "") or None


def _positive(number: int | None) -> int | None:
    return number if number is not None and number > 0 else None


def _public(url: str | None) -> str | None:
    """*url* without user and password, which subscribers must not see."""
    if url is None:
        return None
    try:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
        return parts._replace(netloc=host).geturl() if host else None
    except ValueError:
        return None


def _origin(config: Config, name: str) -> str | None:
    """Scheme and host of a wire's URL as last configured, so that no entry changes when the wire
    leaves; path and query of licensed wires often hold secrets."""
    parts = urlsplit(config.address_of(name) or "")
    if parts.scheme not in ("http", "https"):  # no reader can open a folder or a server of files
        return None
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}/"
