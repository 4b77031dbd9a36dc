"""A story as the agency delivers it, before it is written in one of the formats for that."""

from dataclasses import KW_ONLY, dataclass
from datetime import UTC, datetime

from lxml import etree, html

from desk.demo.items import CODE, IST, NAME, WireItem


@dataclass(frozen=True, slots=True)
class Photo:
    """A picture beside a story; *small* is the address of a smaller one, empty for none."""

    url: str
    caption: str
    credit: str
    type: str = "image/jpeg"
    width: int = 800
    small: str = ""


@dataclass(frozen=True)
class Delivery:
    """A story with all that an agency says of it.

    ``body`` is XHTML without a root. ``key`` is the agency's own name of the story, ``number``
    that of the message; ``subjects`` are codes of IPTC and names, one of the two perhaps empty.
    ``status`` is ``usable``, ``withheld`` or ``canceled``; ``embargo`` a date as it is written.
    """

    headline: str
    _: KW_ONLY
    body: str = ""
    guid: str = ""
    key: str = ""
    number: int = 42
    link: str = ""
    version: str = "1"
    title: str = ""
    subheadline: str = ""
    slugline: str = ""
    byline: str = ""
    dateline: str = ""
    ed_note: str = ""
    usage_terms: str = ""
    urgency: str = "4"
    agency: str = NAME
    code: str = CODE
    credit: str = NAME
    language: str = "en"
    status: str = "usable"
    embargo: str = ""
    subjects: tuple[tuple[str, str], ...] = ()
    photos: tuple[Photo, ...] = ()
    created: datetime = datetime(2026, 11, 22, 6, 0, tzinfo=IST)
    changed: datetime = datetime(2026, 11, 22, 7, 0, tzinfo=IST)

    @property
    def when(self) -> datetime:
        """``created`` in UTC."""
        return self.created.astimezone(UTC)


def delivery(item: WireItem) -> Delivery:
    """*item* as it is delivered: under a name of NewsML's form, whatever it states."""
    photos = []
    if picture := item.picture:
        photos.append(Photo(picture.url, picture.caption, picture.credit, "image/svg+xml", 640))
    return Delivery(
        item.headline,
        body=_xhtml(item.body),
        guid=f"urn:newsml:agency.invalid:{item.first:%Y%m%d}:{item.key}",
        key=item.key,
        number=int(item.key.rpartition("-")[2]) % 10_000,
        link=item.link,
        version=str(item.edition),
        title=item.headline,
        slugline=item.slugline,
        byline=item.byline,
        dateline=item.dateline,
        usage_terms=item.rights,
        urgency=str(item.urgency),
        language=item.language,
        subjects=tuple(("", label) for label in item.categories),
        photos=tuple(photos),
        created=item.first,
        changed=item.dated,
    )


def _xhtml(body: str) -> str:
    root = html.fragment_fromstring(body, create_parent="div")
    return "".join(etree.tostring(one, encoding="unicode") for one in root)
