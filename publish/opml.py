"""``/feeds.opml``: all feeds in one file, to subscribe to at once (OPML 2.0)."""

from lxml import etree

from publish.selection import metadata
from stories.config import Config
from wirecopy.encoding import xml_chars

TYPE = "text/x-opml; charset=utf-8"
"""By custom: none is registered."""


def document(config: Config) -> bytes:
    """Every public feed of *config*, as RSS, in the order in which they are configured."""
    opml = etree.Element("opml", version="2.0")
    head, body = etree.SubElement(opml, "head"), etree.SubElement(opml, "body")
    for name in ("title", "ownerName"):
        etree.SubElement(head, name).text = xml_chars(config.publisher.name)
    etree.SubElement(head, "ownerId").text = config.publisher.url
    for feed in config.public_feeds:
        of = metadata(feed, config, None)
        told = {
            "type": "rss",
            "text": of.title,
            "title": of.title,
            "description": of.description,
            "xmlUrl": f"{of.page}.rss",
            "htmlUrl": of.page,
            "language": of.language,
            # Commas part them, so a category with one in it would be two.
            "category": ",".join(xml_chars(each) for each in feed.categories if "," not in each),
        }
        etree.SubElement(body, "outline", {name: value for name, value in told.items() if value})
    document: bytes = etree.tostring(
        opml, xml_declaration=True, encoding="UTF-8", pretty_print=True
    )
    return document
