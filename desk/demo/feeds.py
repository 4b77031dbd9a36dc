"""The wire's formats: RSS 2.0, Atom 1.0 (RFC 4287) and RDF Site Summary 1.0, by string building.

Kept apart from everything that writes Wirecopy's own feeds: two sides that shared a serialiser
would share its mistakes. The bytes depend on the arguments alone.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import lru_cache
from html import escape as _escape

from desk.demo.items import CODE, NAME, RIGHTS, WireItem

OWN = "tag:agency.invalid,2026:"
"""The agency's own XML namespace, for what the formats have no element for."""


@dataclass(frozen=True, slots=True)
class Channel:
    """What a feed says of itself. ``ttl`` is in minutes; ``address`` is the feed's own URL."""

    wire: str
    address: str
    site: str
    changed: datetime
    ttl: int

    @property
    def title(self) -> str:
        """The feed's title, which says that all of it is simulated."""
        return f"{NAME} — {self.wire} (simulation)"

    @property
    def about(self) -> str:
        """The feed's description."""
        return f"Invented stories of the {self.wire} wire. A simulation; nothing in it is real."


Writer = Callable[[Channel, Sequence[WireItem]], bytes]


# A load writes the same headlines, summaries and captions on many wires.
escape = lru_cache(maxsize=32768)(_escape)


def _cdata(html: str) -> str:
    return "<![CDATA[" + html.replace("]]>", "]]]]><![CDATA[>") + "]]>"


def _person(item: WireItem) -> str:
    return escape(f"{item.byline}, {CODE}" if item.byline else CODE)


def _own(item: WireItem) -> str:
    slugline = f"<sim:slugline>{escape(item.slugline)}</sim:slugline>\n"
    return f"{slugline}<sim:urgency>{item.urgency}</sim:urgency>\n"


def rss(channel: Channel, items: Sequence[WireItem]) -> bytes:
    """RSS 2.0 with content:encoded, Dublin Core and Media RSS; dates in +0530."""
    # `changed` and not the present: bytes must stand still while the wire does.
    head = f"""\
<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom" \
xmlns:content="http://purl.org/rss/1.0/modules/content/" \
xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:media="http://search.yahoo.com/mrss/" \
xmlns:slash="http://purl.org/rss/1.0/modules/slash/" xmlns:sim="{OWN}">
<channel>
<title>{escape(channel.title)}</title>
<link>{escape(channel.site)}/</link>
<description>{escape(channel.about)}</description>
<language>en-IN</language>
<copyright>{RIGHTS}</copyright>
<lastBuildDate>{format_datetime(channel.changed)}</lastBuildDate>
<ttl>{channel.ttl}</ttl>
<atom:link href="{escape(channel.address)}" rel="self" type="application/rss+xml"/>
"""
    feed = [head, *(_rss_item(channel, item) for item in items), "</channel>\n</rss>\n"]
    return "".join(feed).encode()


def _rss_item(channel: Channel, item: WireItem) -> str:
    categories = "".join(f"<category>{escape(label)}</category>\n" for label in item.categories)
    reads = f"<slash:comments>{item.reads}</slash:comments>\n" if item.reads >= 0 else ""
    media = ""
    if picture := item.picture:
        media = f"""\
<media:content url="{escape(picture.url)}" medium="image" type="image/svg+xml" \
width="640" height="360">
<media:description type="plain">{escape(picture.caption)}</media:description>
<media:credit>{picture.credit}</media:credit>
</media:content>
"""
    return f"""\
<item>
<title>{escape(item.headline)}</title>
<link>{escape(item.link)}</link>
<guid isPermaLink="false">{item.guid}</guid>
<pubDate>{format_datetime(item.dated)}</pubDate>
<dc:creator>{_person(item)}</dc:creator>
<source url="{escape(channel.address)}">{NAME}</source>
{categories}<media:keywords>{escape(", ".join(item.keywords))}</media:keywords>
<dc:language>{item.language}</dc:language>
<dc:rights>{item.rights}</dc:rights>
{_own(item)}<description>{escape(item.summary)}</description>
<content:encoded>{_cdata(item.body)}</content:encoded>
{media}{reads}</item>
"""


def atom(channel: Channel, items: Sequence[WireItem]) -> bytes:
    """Atom 1.0 (RFC 4287); ``published`` is the first date, ``updated`` the date now carried."""
    head = f"""\
<?xml version="1.0" encoding="UTF-8"?>
<feed xmlns="http://www.w3.org/2005/Atom" xmlns:sim="{OWN}">
<id>tag:agency.invalid,2026:wire:{escape(channel.wire)}</id>
<title>{escape(channel.title)}</title>
<subtitle>{escape(channel.about)}</subtitle>
<updated>{channel.changed.isoformat()}</updated>
<link rel="self" type="application/atom+xml" href="{escape(channel.address)}"/>
<link rel="alternate" type="text/html" href="{escape(channel.site)}/"/>
<author><name>{NAME}</name><uri>{escape(channel.site)}/</uri></author>
<rights>{RIGHTS}</rights>
"""
    return "".join([head, *map(_atom_entry, items), "</feed>\n"]).encode()


def _atom_entry(item: WireItem) -> str:
    terms = "".join(f'<category term="{escape(c)}"/>\n' for c in item.categories)
    picture = ""
    if item.picture:
        address = escape(item.picture.url)
        picture = f'<link rel="enclosure" type="image/svg+xml" href="{address}"/>\n'
    return f"""\
<entry xml:lang="{item.language}">
<id>{item.guid}</id>
<title type="text">{escape(item.headline)}</title>
<link rel="alternate" type="text/html" href="{escape(item.link)}"/>
<published>{item.first.isoformat()}</published>
<updated>{item.dated.isoformat()}</updated>
<author><name>{_person(item)}</name></author>
{terms}<rights>{item.rights}</rights>
{_own(item)}<summary type="text">{escape(item.summary)}</summary>
<content type="html">{escape(item.body)}</content>
{picture}</entry>
"""


def rdf(channel: Channel, items: Sequence[WireItem]) -> bytes:
    """RDF Site Summary 1.0 with Dublin Core and content; dates in UTC, as W3C-DTF."""
    listed = "".join(f'<rdf:li rdf:resource="{escape(item.link)}"/>\n' for item in items)
    head = f"""\
<?xml version="1.0" encoding="UTF-8"?>
<rdf:RDF xmlns="http://purl.org/rss/1.0/" xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" \
xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/">
<channel rdf:about="{escape(channel.address)}">
<title>{escape(channel.title)}</title>
<link>{escape(channel.site)}/</link>
<description>{escape(channel.about)}</description>
<dc:rights>{RIGHTS}</dc:rights>
<dc:date>{_dtf(channel.changed)}</dc:date>
<items><rdf:Seq>
{listed}</rdf:Seq></items>
</channel>
"""
    return "".join([head, *map(_rdf_item, items), "</rdf:RDF>\n"]).encode()


def _rdf_item(item: WireItem) -> str:
    subjects = "".join(f"<dc:subject>{escape(label)}</dc:subject>\n" for label in item.categories)
    return f"""\
<item rdf:about="{escape(item.link)}">
<title>{escape(item.headline)}</title>
<link>{escape(item.link)}</link>
<description>{escape(item.summary)}</description>
<dc:identifier>{item.guid}</dc:identifier>
<dc:date>{_dtf(item.dated)}</dc:date>
<dc:creator>{_person(item)}</dc:creator>
<dc:language>{item.language}</dc:language>
<dc:rights>{item.rights}</dc:rights>
{subjects}<content:encoded>{_cdata(item.body)}</content:encoded>
</item>
"""


def _dtf(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


FORMATS: dict[str, tuple[str, Writer]] = {
    "rss": ("application/rss+xml; charset=utf-8", rss),
    "atom": ("application/atom+xml; charset=utf-8", atom),
    "rdf": ("application/rdf+xml; charset=utf-8", rdf),
}
"""By the ending of a feed's path: its media type and its writer."""
