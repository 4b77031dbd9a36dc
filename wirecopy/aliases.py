"""What lenient readers take for an entry's headline, body, summary or picture besides its own.

feedparser, and whoever reads feeds by prefixes or without regard to case, shows the last ``title``
it meets, be it Dublin Core's, and the first of all bodies. So none of these may say anything else
(docs/statement.md §4).
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from lxml import etree

from .encoding import names
from .html import TangleError
from .text import paragraphs, plain

MEDIA = "http://search.yahoo.com/mrss/"

_SPACES = frozenset(
    (
        "",
        "http://www.w3.org/2005/atom",
        "http://purl.org/atom/ns#",
        "http://purl.org/rss/1.0/",
        "http://purl.org/net/rss1.1#",
        "http://my.netscape.com/rdf/simple/0.9/",
        "http://channel.netscape.com/rdf/simple/0.9/",
        "http://backend.userland.com/rss",
        "http://backend.userland.com/rss2",
        "http://purl.org/dc/elements/1.1/",
        "http://purl.org/dc/terms/",
        "http://purl.org/rss/1.0/modules/content/",
        "http://www.itunes.com/dtds/podcast-1.0.dtd",
        "http://www.w3.org/1999/xhtml",
        MEDIA,
    )
)
_PREFIXES = names("atom content dc dcterms itunes media rss xhtml")
_VALUES = {
    "guid": names("guid id"),
    "headline": names("title"),
    "body": names("encoded content body fullitem"),
    "summary": names("description summary abstract tagline subtitle"),
}
_MEMBERS = names(
    "id url external_url title content_html content_text summary image banner_image"
    " attachments tags items _wirecopy edit_scope edited_headline_only agency agency_id"
    " agency_version statement"
)


def known(element: etree._Element) -> str:
    """The local name of *element* in lower case if readers may know it, else empty."""
    name = etree.QName(element)
    if (
        element.prefix is None  # to feedparser an unknown default namespace is none at all
        or element.prefix.lower() in _PREFIXES
        or (name.namespace or "").lower() in _SPACES
    ):
        return name.localname.lower()
    return ""


def differing(
    entry: etree._Element, own: Iterable[etree._Element | None], values: Mapping[str, str]
) -> Iterator[str]:
    """What stands in *entry* besides its *own* elements and says other words, as clauses.

    :param values: guid, headline, body (HTML) and summary as they were read.
    """
    mine = {id(element) for element in own if element is not None}
    may: dict[str, set[str]] = {}  # made once: there may be many others
    for name, element in _within(entry, mine):
        for value, aliases in _VALUES.items():
            if name in aliases:
                said = "".join(map(str, element.itertext()))
                allowed = may.get(value) or may.setdefault(value, _allowed(value, values))
                if not allowed & {_squeezed(said), _words(said)}:
                    yield f"another {name!r}, which some readers show, says something else"


def pictures(entry: etree._Element) -> Iterator[str | None]:
    """The addresses of enclosures and pictures of *entry*, whatever format they are of."""
    for element in entry.iter(etree.Element):
        name = known(element)
        if name == "enclosure":
            yield element.get("url")
        elif name == "link" and (element.get("rel") or "").lower() == "enclosure":
            yield element.get("href")
        elif name == "image":
            yield element.get("href")
            yield from ("".join(map(str, e.itertext())) for e in element if known(e) == "url")


def respelt(members: Mapping[str, Any]) -> str:
    """A member of JSON that differs from one of the format in case alone; empty for none.

    Go's decoder, for one, takes ``Title`` for ``title``.
    """
    for name in members:
        if name not in _MEMBERS and name.lower() in _MEMBERS:
            return name
    return ""


def _within(parent: etree._Element, mine: set[int]) -> Iterator[tuple[str, etree._Element]]:
    """Descendants, each with what it is known as, without those of the entry's own elements and of
    a feed's ``source``."""
    for element in parent.iterchildren(etree.Element):
        name = known(element)
        if id(element) in mine or name == "source":
            continue
        # media:title and media:description of one medium are its own; media:content is no body.
        if not (_of_media(element) and (name == "content" or _of_media(parent))):
            yield name, element
        yield from _within(element, mine)


def _of_media(element: etree._Element) -> bool:
    return etree.QName(element).namespace == MEDIA


def _allowed(value: str, values: Mapping[str, str]) -> set[str]:
    """What an alias of *value* may say: a summary or a body may stand for the other."""
    if value in ("body", "summary"):
        return {_squeezed(values["summary"]), _words(values["summary"]), _words(values["body"])}
    return {_squeezed(values[value])}


def _words(markup: str) -> str:
    try:
        return _squeezed("".join(paragraphs(markup)))
    except TangleError:
        return "\0"


def _squeezed(text: str) -> str:
    return "".join(plain(text).split())
