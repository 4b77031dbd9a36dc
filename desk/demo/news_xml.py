"""The agencies' XML: NITF 3.6, NewsML 1.2 and NewsML-G2 2.35, by string building."""

from collections.abc import Sequence
from xml.sax.saxutils import escape, quoteattr

from lxml import etree

from desk.demo.delivery import Delivery, Photo

NAR = 'xmlns="http://iptc.org/std/nar/2006-10-01/"'
"""NewsML-G2's namespace, as an attribute."""

_HEAD = '<?xml version="1.0" encoding="utf-8"?>\n'
_NITF = {
    **dict.fromkeys(("h1", "h2", "h3", "h4", "h5", "h6"), "hl2"),
    **dict.fromkeys(("b", "i", "strong"), "em"),
    **{"blockquote": "bq", "figure": "block", "figcaption": "p"},
}
"""By the names of HTML, what NITF calls otherwise."""


def nitf(sent: Delivery) -> str:
    """A NITF document."""
    subjects = "".join(
        "<tobject.subject"
        + (f" tobject.subject.refnum={quoteattr(code)}" if code else "")
        + f" tobject.subject.type={quoteattr(name)}/>"
        for code, name in sent.subjects
    )
    release = f"<date.release norm={quoteattr(sent.embargo)}/>" if sent.embargo else ""
    by = f"<byline>By {escape(sent.byline)}<byttl>{escape(sent.agency)} Writer</byttl></byline>"
    return (
        f'{_HEAD}<!DOCTYPE nitf SYSTEM "nitf-3-6.dtd">\n<nitf version="-//IPTC//DTD NITF 3.6//EN">'
        f"<head><title>{escape(sent.title)}</title>"
        f'<meta name="slug" content={quoteattr(sent.slugline)}/><tobject>{subjects}</tobject>'
        f"<docdata management-status={quoteattr(sent.status)}>"
        f"<doc-id id-string={quoteattr(sent.guid)}/><urgency ed-urg={quoteattr(sent.urgency)}/>"
        f'<date.issue norm="{_compact(sent)}"/>{release}<ed-msg info={quoteattr(sent.ed_note)}/>'
        f"<du-key key='{sent.key}' version={quoteattr(sent.version)}/>"
        f'<doc.copyright year="{sent.when:%Y}" holder={quoteattr(sent.agency)}/></docdata></head>'
        f"<body><body.head><hedline><hl1>{escape(sent.headline)}</hl1>"
        f"{_maybe('hl2', sent.subheadline)}</hedline><rights>{escape(sent.usage_terms)}</rights>"
        f"{by if sent.byline else ''}<distributor>{escape(sent.agency)}</distributor>"
        f"<dateline><location>{escape(sent.dateline)}</location></dateline></body.head>"
        f"{nitf_body(sent.body, sent.photos)}</body></nitf>"
    )


def nitf_body(body: str, photos: Sequence[Photo] = ()) -> str:
    """What NITF holds of *body* in its own elements; pictures are beside the text."""
    media = "".join(
        f'<media media-type="image"><media-reference source={quoteattr(photo.url)}'
        f' mime-type="{photo.type}" width="{photo.width}"/>'
        f"<media-caption><p>{escape(photo.caption)}</p></media-caption>"
        f"<media-producer>{escape(photo.credit)}</media-producer></media>"
        for photo in photos
    )
    block = etree.fromstring(f"<block>{body}</block>")
    etree.strip_elements(block, "img", with_tail=False)
    for one in block.iter():
        one.tag = _NITF.get(str(one.tag), one.tag)
    return f"<body.content>{etree.tostring(block, encoding='unicode')}{media}</body.content>"


def newsml_1(*sent: Delivery) -> str:
    """A NewsML document of one item or more."""
    return (
        f'{_HEAD}<!DOCTYPE NewsML PUBLIC "urn:newsml:iptc.org:20021018:NewsMLv1.2:1"'
        ' "http://www.iptc.org/NewsML_1.2.dtd"><NewsML><NewsEnvelope>'
        f"<DateAndTime>{_compact(sent[0])}</DateAndTime></NewsEnvelope>"
        f"{''.join(map(_newsml_1_item, sent))}</NewsML>"
    )


def _newsml_1_item(sent: Delivery) -> str:
    change = (
        f"<StatusWillChange><FutureStatus FormalName='Usable'/><DateAndTime>{sent.embargo}"
        "</DateAndTime></StatusWillChange>"
        if sent.embargo
        else ""
    )
    status = "Embargoed" if sent.embargo else sent.status.title()
    provider, date, name = sent.guid.removeprefix("urn:newsml:").split(":", 2)
    subjects = "".join(
        f"<Subject FormalName={quoteattr(code or name)}/>" for code, name in sent.subjects
    )
    by = f"<ByLine>By {escape(sent.byline)}</ByLine>" if sent.byline else ""
    return (
        f"<NewsItem><Identification><NewsIdentifier><ProviderId>{escape(provider)}</ProviderId>"
        f"<DateId>{escape(date)}</DateId><NewsItemId>{escape(name)}</NewsItemId>"
        f"<RevisionId PreviousRevision='0' Update='N'>{sent.version}</RevisionId>"
        f"<PublicIdentifier>{escape(sent.guid)}:{sent.version}N</PublicIdentifier></NewsIdentifier>"
        "</Identification><NewsManagement><NewsItemType FormalName='News'/>"
        f"<FirstCreated>{_compact(sent)}</FirstCreated>"
        f"<ThisRevisionCreated>{sent.changed:%Y%m%dT%H%M%S%z}</ThisRevisionCreated>"
        f"<Status FormalName='{status}'/>{change}<Urgency FormalName='{sent.urgency}'/>"
        f"</NewsManagement><NewsComponent><NewsLines><HeadLine>{escape(sent.headline)}</HeadLine>"
        f"{_maybe('SubHeadLine', sent.subheadline)}{by}<DateLine>{escape(sent.dateline)}</DateLine>"
        f"<CreditLine>{escape(sent.credit)}</CreditLine>"
        f"<RightsLine>{escape(sent.usage_terms)}</RightsLine>"
        f"<SlugLine>{escape(sent.slugline)}</SlugLine></NewsLines><AdministrativeMetadata><Provider>"
        f"<Party FormalName={quoteattr(sent.agency)}/></Provider></AdministrativeMetadata>"
        f"<DescriptiveMetadata><Language FormalName='{sent.language}'/><SubjectCode>{subjects}"
        "</SubjectCode></DescriptiveMetadata><NewsComponent><Role FormalName='Main'/><ContentItem>"
        "<MediaType FormalName='Text'/><DataContent><nitf><body>"
        f"{nitf_body(sent.body)}</body></nitf></DataContent></ContentItem></NewsComponent>"
        f"{''.join(map(_newsml_1_photo, sent.photos))}</NewsComponent></NewsItem>"
    )


def _newsml_1_photo(photo: Photo) -> str:
    def form(role: str, url: str, told: str = "") -> str:
        return (
            f"<NewsComponent><Role FormalName='{role}'/><ContentItem Href={quoteattr(url)}>"
            f"<MediaType FormalName='Photo'/>{told}</ContentItem></NewsComponent>"
        )

    told = (
        f"<MimeType FormalName='{photo.type}'/><Characteristics><Property FormalName='Width'"
        f" Value='{photo.width}'/></Characteristics>"
    )
    return (
        "<NewsComponent><Role FormalName='Supporting'/><NewsLines><HeadLine>A picture</HeadLine>"
        f"<CreditLine>{escape(photo.credit)}</CreditLine></NewsLines>"
        f"{form('Quicklook', photo.small) if photo.small else ''}{form('Main', photo.url, told)}"
        "<NewsComponent><Role FormalName='Caption'/><ContentItem><MediaType FormalName='Text'/>"
        f"<DataContent><p>{escape(photo.caption)}</p></DataContent></ContentItem></NewsComponent>"
        "</NewsComponent>"
    )


def g2_item(sent: Delivery, content: str = "", attributes: str = NAR) -> str:
    """A newsItem of NewsML-G2; *content* stands in place of the body as XHTML. Of its pictures it
    has the first, as such an item is about one thing."""
    content = content or (
        '<inlineXML contenttype="application/xhtml+xml">'
        '<html xmlns="http://www.w3.org/1999/xhtml"><head>'
        f"<title>{escape(sent.title)}</title></head><body>{sent.body}</body></html></inlineXML>"
    )
    embargo = f"<embargoed>{escape(sent.embargo)}</embargoed>" if sent.embargo else ""
    pictures = caption = ""
    for photo in sent.photos[:1]:
        forms = [(photo.small, 200, "thumbnail")] if photo.small else []
        pictures = "".join(
            f"<remoteContent href={quoteattr(url)} contenttype='{photo.type}' width='{width}'"
            f" rendition='rnd:{rendition}'/>"
            for url, width, rendition in [*forms, (photo.url, photo.width, "highRes")]
        )
        caption = f'<description role="drol:caption">{escape(photo.caption)}</description>'
    subjects = "".join(
        ("<subject " + (f"qcode='medtop:{code}'" if code else f"literal={quoteattr(name)}") + ">")
        + f"{_maybe('name', name)}</subject>"
        for code, name in sent.subjects
    )
    creator = f"<creator><name>{escape(sent.byline)}</name></creator>" if sent.byline else ""
    subheadline = (
        f"<headline role='hld:subHeadline'>{escape(sent.subheadline)}</headline>"
        if sent.subheadline
        else ""
    )
    by = f"<by>By {escape(sent.byline)}</by>" if sent.byline else ""
    return (
        f"<newsItem {attributes} guid={quoteattr(sent.guid)} version={quoteattr(sent.version)}"
        ' standard="NewsML-G2" standardversion="2.35" conformance="power"'
        f' xml:lang="{sent.language}"><catalogRef href="https://agency.example/catalog.xml"/>'
        f"<rightsInfo><copyrightHolder><name>{escape(sent.agency)}</name></copyrightHolder>"
        f"<copyrightNotice>(c) {escape(sent.agency)}</copyrightNotice>"
        f"<usageTerms>{escape(sent.usage_terms)}</usageTerms></rightsInfo><itemMeta>"
        f"<itemClass qcode='ninat:text'/><provider literal={quoteattr(sent.agency)}/>"
        f"<versionCreated>{sent.changed.isoformat()}</versionCreated>"
        f"<firstCreated>{sent.created.isoformat()}</firstCreated>{embargo}"
        f"<pubStatus qcode='stat:{sent.status}'/><title>{escape(sent.title)}</title>"
        f"{_maybe('edNote', sent.ed_note)}</itemMeta><contentMeta>"
        f"<urgency>{sent.urgency}</urgency>{creator}<language tag='{sent.language}'/>{subjects}"
        f"{_maybe('slugline', sent.slugline)}<headline>{escape(sent.headline)}</headline>"
        f"{subheadline}{_maybe('dateline', sent.dateline)}{by}"
        f"<creditline>{escape(sent.credit)}</creditline>{caption}</contentMeta>"
        f"<contentSet>{content}{pictures}</contentSet></newsItem>"
    )


def g2_message(*items: str, sent: str = "2026-11-22T06:00:00Z") -> str:
    """A newsMessage of *items*, without namespaces of their own or with."""
    return (
        f"{_HEAD}<newsMessage {NAR}><header><sent>{sent}</sent></header>"
        f"<itemSet>{''.join(items)}</itemSet></newsMessage>"
    )


def _maybe(name: str, text: str) -> str:
    return f"<{name}>{escape(text)}</{name}>" if text else ""


def _compact(sent: Delivery) -> str:
    """The date as ISO 8601 writes it without marks."""
    return f"{sent.created:%Y%m%dT%H%M%S%z}"
