"""The agencies' messages of lines: IPTC 7901 and ANPA 1312."""

import textwrap
from collections.abc import Iterator

from lxml import etree

from desk.demo.delivery import Delivery

_WIDTH = 68
"""Characters of a line of IPTC 7901."""


def iptc_7901(sent: Delivery, encoding: str = "latin-1") -> bytes:
    """A message of IPTC 7901; characters that *encoding* lacks become question marks."""
    head = [*_wrapped(sent.headline), *([f"By {sent.byline} ="] if sent.byline else []), ""]
    blocks = [
        [*(block if is_columns else _wrapped(" ".join(block))), ""]
        for block, is_columns in _blocks(sent.body)
    ]
    said = "\r\n".join([*head, *(line for block in blocks for line in block)])
    when = sent.when
    month = when.ctime()[4:7]  # in English, whatever the locale
    return (
        f"\x16\x16\x01{sent.code.lower()}{sent.number:04} {sent.urgency} i {len(said.split())}"
        f"  {sent.code.lower()}-in {sent.number:04}\r\n\r\n{sent.slugline}\r\n\x02{said}\r\n"
        f"\x03\r\n{when:%d%H%M} GMT {month} {when:%y}\r\n\x04"
    ).encode(encoding, "replace")


def anpa_1312(sent: Delivery, encoding: str = "latin-1") -> bytes:
    """A message of ANPA 1312, likewise; later versions are write-thrus."""
    text = [
        f"^{sent.slugline}{', 1st Ld-Writethru' if sent.version != '1' else ''},416<",
        f"^{sent.headline}<",
        *([f"^Eds: {sent.ed_note}<"] if sent.ed_note else []),
        *([f"^By {sent.byline}=", f"^{sent.agency} Writer="] if sent.byline else []),
    ]
    for block, is_columns in _blocks(sent.body):
        text += ["", *block, ""] if is_columns else [f"\t   {' '.join(block)} "]
    said = "\r\n".join(text)
    when = sent.when
    return (
        f"\x16\x16\x01i{sent.number:04}\x1f-----\r\nr\x1fi\x13\x11 BC-{sent.slugline}"
        f"   {when:%m-%d} 0416\r\n\x02{said}\r\n\x03AP-WF-{when:%m-%d-%y %H%M}GMT<\r\n\x04"
    ).encode(encoding, "replace")


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH, break_long_words=False, break_on_hyphens=False)


def _blocks(body: str) -> Iterator[tuple[list[str], bool]]:
    """The paragraphs of *body*, and whether the lines of each are columns."""
    return _inside(etree.fromstring(f"<div>{body}</div>"))


def _inside(element: etree._Element) -> Iterator[tuple[list[str], bool]]:
    for one in element:
        if one.tag == "table":
            rows = ("     ".join(_text(cell) for cell in row) for row in one.iter("tr"))
            yield [*(_text(caption) for caption in one.iter("caption")), *rows], True
        elif one.tag == "pre":
            yield "".join(map(str, one.itertext())).split("\n"), True
        elif one.tag in ("ul", "ol", "figure") or one.find("p") is not None:
            yield from _inside(one)
        elif text := _text(one):
            yield [text], False


def _text(element: etree._Element) -> str:
    for one in element.iter("br"):
        one.tail = f" {one.tail or ''}"
    return " ".join("".join(map(str, element.itertext())).split())
