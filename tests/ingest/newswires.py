"""Stories made by Hypothesis, and a writer of them for each format that news agencies deliver in.

The writers share no code with the parsers, and none with each other but the spelling of text.
"""
# ruff: noqa: E501 - documents are easier to read with their lines unbroken

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from xml.sax.saxutils import escape, quoteattr

from hypothesis import strategies as st

NAR = 'xmlns="http://iptc.org/std/nar/2006-10-01/"'
MEDTOP = "http://cv.iptc.org/newscodes/mediatopic/"

Inline = list[tuple[str, str]]
"""Pieces of a paragraph: the kind (``""``, ``em``, ``a``), and the words."""


@dataclass(frozen=True)
class Block:
    """A paragraph, heading, list or table: ``rows`` of cells, each of which is inline text."""

    kind: str
    rows: list[list[Inline]]

    @property
    def words(self) -> str:
        return " ".join(text for row in self.rows for cell in row for _, text in cell)


@dataclass(frozen=True)
class Story:
    """A story with all that an agency says of it."""

    headline: str
    blocks: list[Block]
    guid: str = "urn:newsml:agency.example:20261122:rain-4"
    version: str = "3"
    slugline: str = "INDIA-RAIN/"
    byline: str = "Asha Rao"
    dateline: str = "MUMBAI"
    ed_note: str = "Adds quotes"
    usage_terms: str = "Not for resale"
    urgency: str = "4"
    credit: str = "Agency Service"
    status: str = "usable"
    embargo: str = ""
    captions: list[str] = field(default_factory=list)

    @property
    def words(self) -> str:
        return " ".join(block.words for block in self.blocks)


def letters(text: str) -> str:
    """*text* as it is compared: without white space."""
    return "".join(text.split())


WORDS = st.text(
    st.sampled_from("abcdefghij klmnopqrstuvwxyzABC 0123456789éüßñ—“”’&<>\"'%;,.:!?/वर्षा مطر 雨"),
    min_size=1,
    max_size=60,
).map(lambda t: f"x{' '.join(t.split())}x")
LATIN = st.text(
    st.sampled_from("abcdefghijklmnopqrstuvwxyz ABC 0123456789 éüßñ %;,.:!?/&"),
    min_size=1,
    max_size=60,
).map(lambda t: f"x{' '.join(t.split())}x")


@st.composite
def inline(draw: st.DrawFn, words: st.SearchStrategy[str] = WORDS) -> Inline:
    return draw(
        st.lists(st.tuples(st.sampled_from(["", "em", "a"]), words), min_size=1, max_size=4)
    )


@st.composite
def block(draw: st.DrawFn, words: st.SearchStrategy[str] = WORDS) -> Block:
    kind = draw(st.sampled_from(["p", "p", "p", "h", "ul", "table"]))
    cell = inline(words)
    wide, high = {"p": (1, 1), "h": (1, 1), "ul": (1, 3), "table": (3, 3)}[kind]
    rows = draw(
        st.lists(st.lists(cell, min_size=wide, max_size=wide), min_size=high, max_size=high)
    )
    return Block(kind, rows)


@st.composite
def stories(draw: st.DrawFn, words: st.SearchStrategy[str] = WORDS) -> Story:
    return Story(
        headline=draw(words),
        blocks=draw(st.lists(block(words), min_size=1, max_size=6)),
        captions=draw(st.lists(words, max_size=2)),
    )


def html(story: Story, *, names: dict[str, str] | None = None) -> str:
    """The body as XHTML, or with other *names* as NITF."""
    said = {"em": "em", "a": "a", "h": "h2", "ul": "ul", **(names or {})}

    def spelt(cell: Inline) -> str:
        pieces = []
        for kind, text in cell:
            if kind == "a":
                pieces.append(f'<a href="https://agency.example/?a=1&amp;b=2">{escape(text)}</a>')
            elif kind:
                pieces.append(f"<{said[kind]}>{escape(text)}</{said[kind]}>")
            else:
                pieces.append(escape(text))
        return " ".join(pieces)

    found = []
    for one in story.blocks:
        if one.kind in ("p", "h"):
            name = said.get(one.kind, one.kind)
            found.append(f"<{name}>{spelt(one.rows[0][0])}</{name}>")
        elif one.kind == "ul":
            found.append(
                "<ul>" + "".join(f"<li>{spelt(row[0])}</li>" for row in one.rows) + "</ul>"
            )
        else:
            rows = ("".join(f"<td>{spelt(c)}</td>" for c in row) for row in one.rows)
            found.append("<table>" + "".join(f"<tr>{row}</tr>" for row in rows) + "</table>")
    return "\n".join(found)


def nitf_body(story: Story) -> str:
    media = "".join(
        f'<media media-type="image"><media-reference source="https://agency.example/{n}.jpg"'
        f' mime-type="image/jpeg" width="800"/><media-caption><p>{escape(caption)}</p>'
        f"</media-caption><media-producer>A. Sen</media-producer></media>"
        for n, caption in enumerate(story.captions)
    )
    return f"<body.content><block>{html(story, names={'h': 'hl2'})}</block>{media}</body.content>"


def nitf(story: Story) -> str:
    release = f"<date.release norm={quoteattr(story.embargo)}/>" if story.embargo else ""
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<!DOCTYPE nitf SYSTEM "nitf-3-6.dtd">\n'
        '<nitf version="-//IPTC//DTD NITF 3.6//EN"><head><title>A title</title>'
        '<meta name="slug" content="' + story.slugline + '"/>'
        "<tobject><tobject.subject tobject.subject.refnum='04000000'"
        " tobject.subject.type='Economy'/></tobject>"
        f"<docdata management-status={quoteattr(story.status)}>"
        f"<doc-id id-string={quoteattr(story.guid)}/><urgency ed-urg={quoteattr(story.urgency)}/>"
        f'<date.issue norm="20261122T060000+0530"/>{release}'
        f"<ed-msg info={quoteattr(story.ed_note)}/><du-key key='rain' version={quoteattr(story.version)}/>"
        "<doc.copyright year='2026' holder='Agency'/></docdata></head><body><body.head><hedline>"
        f"<hl1>{escape(story.headline)}</hl1><hl2>A second line</hl2></hedline>"
        f"<rights>{story.usage_terms}</rights>"
        f"<byline>By {story.byline}<byttl>Agency Writer</byttl></byline>"
        f"<distributor>Agency</distributor><dateline><location>{story.dateline}</location></dateline>"
        f"</body.head>{nitf_body(story)}</body></nitf>"
    )


def xhtml(story: Story) -> str:
    return (
        '<html xmlns="http://www.w3.org/1999/xhtml"><head><title>A title</title></head><body>'
        f"{html(story)}</body></html>"
    )


def g2_item(story: Story, content: str = "", attributes: str = NAR) -> str:
    content = (
        content or f'<inlineXML contenttype="application/xhtml+xml">{xhtml(story)}</inlineXML>'
    )
    embargo = f"<embargoed>{story.embargo}</embargoed>" if story.embargo else ""
    pictures = "".join(
        f'<remoteContent href="https://agency.example/{n}.jpg" contenttype="image/jpeg" width="{w}"'
        f' rendition="rnd:{r}"/>'
        for n, _ in enumerate(story.captions[:1])
        for w, r in ((200, "thumbnail"), (800, "highRes"))
    )
    caption = "".join(
        f'<description role="drol:caption">{escape(c)}</description>' for c in story.captions[:1]
    )
    return (
        f"<newsItem {attributes} guid={quoteattr(story.guid)} version={quoteattr(story.version)}"
        ' standard="NewsML-G2" standardversion="2.35" conformance="power" xml:lang="en-IN">'
        '<catalogRef href="https://agency.example/catalog.xml"/>'
        "<rightsInfo><copyrightHolder><name>Agency</name></copyrightHolder>"
        f"<copyrightNotice>(c) Agency</copyrightNotice><usageTerms>{story.usage_terms}</usageTerms>"
        "</rightsInfo><itemMeta><itemClass qcode='ninat:text'/><provider literal='Agency'/>"
        f"<versionCreated>2026-11-22T07:00:00+05:30</versionCreated>"
        f"<firstCreated>2026-11-22T06:00:00+05:30</firstCreated>{embargo}"
        f"<pubStatus qcode='stat:{story.status}'/><title>A title</title>"
        f"<edNote>{story.ed_note}</edNote></itemMeta><contentMeta><urgency>{story.urgency}</urgency>"
        f"<creator><name>{story.byline}</name></creator><language tag='en'/>"
        f"<subject qcode='medtop:04000000'/><subject qcode='medtop:20000344'><name>economy</name>"
        f"</subject><slugline>{story.slugline}</slugline>"
        f"<headline>{escape(story.headline)}</headline>"
        f"<headline role='hld:subHeadline'>Another line</headline>"
        f"<dateline>{story.dateline}</dateline><by>By {story.byline}</by>"
        f"<creditline>{story.credit}</creditline>{caption}</contentMeta>"
        f"<contentSet>{content}{pictures}</contentSet></newsItem>"
    )


def g2_message(*items: str) -> str:
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><newsMessage {NAR}><header><sent>2026-11-22T06:00:00Z'
        f"</sent></header><itemSet>{''.join(items)}</itemSet></newsMessage>"
    )


def newsml_1(story: Story) -> str:
    change = (
        f"<StatusWillChange><FutureStatus FormalName='Usable'/><DateAndTime>{story.embargo}"
        "</DateAndTime></StatusWillChange>"
        if story.embargo
        else ""
    )
    status = "Embargoed" if story.embargo else story.status.title()
    pictures = "".join(
        "<NewsComponent><Role FormalName='Supporting'/><NewsLines><HeadLine>A picture</HeadLine>"
        "</NewsLines><NewsComponent><Role FormalName='Quicklook'/><ContentItem"
        f" Href='https://agency.example/{n}s.jpg'><MediaType FormalName='Photo'/></ContentItem>"
        f"</NewsComponent><NewsComponent><Role FormalName='Main'/><ContentItem Href='https://agency.example/{n}.jpg'>"
        "<MediaType FormalName='Photo'/><MimeType FormalName='image/jpeg'/><Characteristics>"
        "<Property FormalName='Width' Value='800'/></Characteristics></ContentItem></NewsComponent>"
        "<NewsComponent><Role FormalName='Caption'/><ContentItem><MediaType FormalName='Text'/>"
        f"<DataContent><p>{escape(caption)}</p></DataContent></ContentItem></NewsComponent></NewsComponent>"
        for n, caption in enumerate(story.captions)
    )
    provider, date, name = story.guid.split(":")[2:]
    return (
        '<?xml version="1.0" encoding="utf-8"?><!DOCTYPE NewsML PUBLIC "urn:newsml:iptc.org:20021018:'
        'NewsMLv1.2:1" "http://www.iptc.org/NewsML_1.2.dtd">'
        "<NewsML><NewsEnvelope><DateAndTime>20261122T060000+0530</DateAndTime></NewsEnvelope><NewsItem>"
        f"<Identification><NewsIdentifier><ProviderId>{provider}</ProviderId><DateId>{date}</DateId>"
        f"<NewsItemId>{name}</NewsItemId><RevisionId PreviousRevision='0' Update='N'>{story.version}"
        f"</RevisionId><PublicIdentifier>{story.guid}:{story.version}N</PublicIdentifier>"
        "</NewsIdentifier></Identification><NewsManagement><NewsItemType FormalName='News'/>"
        "<FirstCreated>20261122T060000+0530</FirstCreated>"
        "<ThisRevisionCreated>20261122T070000+0530</ThisRevisionCreated>"
        f"<Status FormalName='{status}'/>{change}<Urgency FormalName='{story.urgency}'/></NewsManagement>"
        "<NewsComponent><NewsLines>"
        f"<HeadLine>{escape(story.headline)}</HeadLine><SubHeadLine>A second line</SubHeadLine>"
        f"<ByLine>By {story.byline}</ByLine><DateLine>{story.dateline}</DateLine>"
        f"<CreditLine>{story.credit}</CreditLine><RightsLine>{story.usage_terms}</RightsLine>"
        f"<SlugLine>{story.slugline}</SlugLine></NewsLines>"
        "<AdministrativeMetadata><Provider><Party FormalName='Agency'/></Provider>"
        "</AdministrativeMetadata><DescriptiveMetadata><Language FormalName='en'/><SubjectCode>"
        "<Subject FormalName='04000000'/></SubjectCode></DescriptiveMetadata>"
        "<NewsComponent><Role FormalName='Main'/><ContentItem><MediaType FormalName='Text'/>"
        f"<DataContent><nitf><body>{nitf_body(Story('', story.blocks))}</body></nitf></DataContent>"
        f"</ContentItem></NewsComponent>{pictures}</NewsComponent></NewsItem></NewsML>"
    )


def ninjs_1(story: Story) -> dict[str, object]:
    return {
        "uri": story.guid,
        "type": "text",
        "version": story.version,
        "versioncreated": "2026-11-22T07:00:00+05:30",
        "firstcreated": "2026-11-22T06:00:00+05:30",
        "pubstatus": story.status,
        **({"embargoed": story.embargo} if story.embargo else {}),
        "urgency": int(story.urgency),
        "language": "en",
        "headline": story.headline,
        "slugline": story.slugline,
        "byline": f"By {story.byline}",
        "located": story.dateline,
        "ednote": story.ed_note,
        "usageterms": story.usage_terms,
        "copyrightnotice": "(c) Agency",
        "infosource": [{"name": "Agency"}],
        "subject": [
            {"code": "04000000", "scheme": MEDTOP},
            {"code": "medtop:20000344", "name": "economy"},
        ],
        "body_html": html(story),
        "body_text": "\n\n".join(block.words for block in story.blocks),
        "associations": {
            f"picture{n}": {
                "uri": f"{story.guid}:{n}",
                "type": "picture",
                "description_text": caption,
                "byline": "A. Sen",
                "renditions": {
                    "thumbnail": {"href": f"https://agency.example/{n}s.jpg", "width": 900},
                    "main": {
                        "href": f"https://agency.example/{n}.jpg",
                        "mimetype": "image/jpeg",
                        "width": 800,
                    },
                },
            }
            for n, caption in enumerate(story.captions)
        },
    }


def ninjs_3(story: Story) -> dict[str, object]:
    return {
        "uri": story.guid,
        "type": "text",
        "version": story.version,
        "versionCreated": "2026-11-22T07:00:00+05:30",
        "firstCreated": "2026-11-22T06:00:00+05:30",
        "pubStatus": story.status,
        **({"embargoedUntil": story.embargo} if story.embargo else {}),
        "urgency": int(story.urgency),
        "language": "en",
        "headlines": [
            {"role": "short", "value": "Another line"},
            {"role": "main", "value": story.headline},
        ],
        "slugline": story.slugline,
        "by": f"By {story.byline}",
        "located": story.dateline,
        "edNote": story.ed_note,
        "usageTerms": story.usage_terms,
        "copyrightNotice": "(c) Agency",
        "infoSources": [{"name": "Agency"}],
        "subjects": [{"uri": f"{MEDTOP}04000000"}, {"uri": f"{MEDTOP}20000344", "name": "economy"}],
        "bodies": [{"role": "main", "contentType": "text/html", "value": html(story)}],
        "renditions": [],
        "associations": [
            {
                "name": f"picture{n}",
                "uri": f"{story.guid}:{n}",
                "type": "picture",
                "descriptions": [
                    {"role": "caption", "value": caption, "contentType": "text/plain"}
                ],
                "by": "A. Sen",
                "renditions": [
                    {
                        "name": "main",
                        "href": f"https://agency.example/{n}.jpg",
                        "contentType": "image/jpeg",
                        "width": 800,
                    }
                ],
            }
            for n, caption in enumerate(story.captions)
        ],
    }


def ap(story: Story) -> dict[str, object]:
    one = ninjs_1(story)
    one["altids"] = {"itemid": story.guid, "etag": "x", "friendlykey": "1"}
    one["uri"] = "https://api.agency.example/media/v/content/1?qt=x&et=y"
    one["usageterms"] = [story.usage_terms]
    one["provider"] = "Agency"
    one["bylines"] = [{"by": one.pop("byline")}]
    return {
        "api_version": "2.2",
        "data": {"current_item_count": 1, "items": [{"meta": {}, "item": one}]},
    }


def lines(text: str, width: int = 69) -> list[str]:
    """*text* in lines of at most *width* characters."""
    found = [""]
    for word in text.split():
        if len(found[-1]) + len(word) < width:
            found[-1] = f"{found[-1]} {word}".strip()
        else:
            found.append(word)
    return found


def table_lines(one: Block) -> list[str]:
    return ["     ".join(" ".join(t for _, t in cell) for cell in row) for row in one.rows]


def iptc_7901(story: Story, encoding: str = "latin-1") -> bytes:
    text = ["", *lines(story.headline), f"By {story.byline} =", ""]
    for one in story.blocks:
        text += [*(table_lines(one) if one.kind == "table" else lines(one.words)), ""]
    said = "\r\n".join(text[1:])
    return (
        f"\x16\x16\x01agy0042 {story.urgency} i {len(story.words.split())}  agy-in 0042\r\n\r\n"
        f"{story.slugline}\r\n\x02{said}\r\n\x03\r\n220030 GMT Nov 26\r\n\x04"
    ).encode(encoding, "replace")


def anpa_1312(story: Story, encoding: str = "latin-1") -> bytes:
    text = [
        f"^{story.slugline}, 1st Ld-Writethru,416<",
        f"^{story.headline}<",
        f"^Eds: {story.ed_note}<",
        f"^By {story.byline}=",
        "^Agency Writer=",
    ]
    for one in story.blocks:
        if one.kind == "table":
            text += ["", *table_lines(one), ""]
        else:
            text.append(f"\t   {one.words} ")
    said = "\r\n".join(text)
    return (
        f"\x16\x16\x01i0042\x1f-----\r\nr\x1fi\x13\x11 BC-{story.slugline}   11-22 0416\r\n"
        f"\x02{said}\r\n\x03AP-WF-11-22-26 0030GMT<\r\n\x04"
    ).encode(encoding, "replace")


def even_parity(body: bytes) -> bytes:
    return bytes(byte | (0x80 if byte.bit_count() % 2 else 0) for byte in body)


def as_json(value: object) -> bytes:
    return json.dumps(value).encode()


WRITERS: dict[str, Callable[[Story], bytes]] = {
    "nitf": lambda s: nitf(s).encode(),
    "g2 xhtml": lambda s: g2_message(g2_item(s, attributes="")).encode(),
    "g2 bare": lambda s: ('<?xml version="1.0" encoding="utf-8"?>' + g2_item(s)).encode("utf-8"),
    "g2 nitf": lambda s: g2_message(
        g2_item(
            s,
            '<inlineXML contenttype="application/nitf+xml">'
            '<nitf xmlns="http://iptc.org/std/NITF/2006-10-18/"><body><body.head><hedline><hl1>'
            f"{escape(s.headline)}</hl1></hedline></body.head>"
            f"{nitf_body(Story('', s.blocks))}</body></nitf></inlineXML>",
        )
    ).encode("utf-16"),
    "g2 cdata": lambda s: g2_item(
        s,
        "<inlineData contenttype='text/html'><![CDATA["
        + html(s).replace("]]>", "]]]]><![CDATA[>")
        + "]]></inlineData>",
    ).encode(),
    "newsml 1": lambda s: newsml_1(s).encode(),
    "ninjs 1": lambda s: as_json(ninjs_1(s)),
    "ninjs 3": lambda s: as_json([ninjs_3(s)]),
    "ap": lambda s: as_json(ap(s)),
}
"""By name, the formats that hold any text."""

LINES: dict[str, Callable[[Story], bytes]] = {
    "iptc 7901": iptc_7901,
    "iptc 7901 utf-8": lambda s: iptc_7901(s, "utf-8"),
    "anpa 1312": anpa_1312,
    "anpa 1312 utf-8": lambda s: anpa_1312(s, "utf-8"),
}
"""By name, those that are made of lines."""
