"""Every format of a wire but the signed one, by the ending of its address."""

from collections.abc import Callable, Sequence

from desk.demo import feeds, news_json, news_xml
from desk.demo.delivery import Delivery, delivery
from desk.demo.feeds import Channel, Writer
from desk.demo.items import WireItem
from desk.demo.news_json import as_json
from desk.demo.news_lines import anpa_1312, iptc_7901

XML = "application/xml"
JSON = "application/json"
LINES = "text/plain; charset=utf-8"


def _delivered(write: Callable[[Sequence[Delivery]], str | bytes]) -> Writer:
    """A document of all that stands on a wire."""

    def written(channel: Channel, items: Sequence[WireItem]) -> bytes:
        made = write([delivery(item) for item in items])
        return made if isinstance(made, bytes) else made.encode()

    return written


def _listed(channel: Channel, items: Sequence[WireItem]) -> bytes:
    """The addresses of the stories' documents, one a line: a document of NITF holds one story."""
    return "".join(f"{item.link}.nitf\n" for item in items).encode()


def _message(sent: Sequence[Delivery]) -> str:
    return news_xml.g2_message(*map(news_xml.g2_item, sent), sent=sent[0].changed.isoformat())


# Lines in UTF-8, as agencies of India send them: Latin 1 has no sign of the rupee.
FORMATS: dict[str, tuple[str, Writer]] = {
    **feeds.FORMATS,
    "newsml-g2": (XML, _delivered(_message)),
    "newsml-1": (XML, _delivered(lambda sent: news_xml.newsml_1(*sent))),
    "nitf": (LINES, _listed),
    "ninjs": (JSON, _delivered(lambda sent: as_json([*map(news_json.ninjs_3, sent)]))),
    "ap": (JSON, _delivered(lambda sent: as_json(news_json.ap(sent)))),
    "iptc-7901": (LINES, _delivered(lambda sent: b"".join(iptc_7901(d, "utf-8") for d in sent))),
    "anpa-1312": (LINES, _delivered(lambda sent: b"".join(anpa_1312(d, "utf-8") for d in sent))),
}
"""The media type of each, and its writer."""
