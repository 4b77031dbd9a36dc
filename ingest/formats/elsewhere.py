"""An item that only leads to its text, and the document that it leads to, read as one story.

The item says all that it says, and the text what stands in it: the body, and besides what the item
has not. Which document is a text, its own bytes tell: one of a news agency's formats that holds one
story, a page, or plain text.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from lxml import etree, html

from ingest.formats import encoding
from ingest.formats.html import is_markup, mend
from ingest.formats.news_xml import markup, of_html
from ingest.integrity import Passage, Reread, UncheckedError
from ingest.item import Hints, Item, Parsed
from wirecopy.text import projection

_CODE = re.compile("[\\s\ufeff]*[\\[{\x01-\x08]")
"""How texts for machines begin that no format takes."""

Parse = Callable[[bytes, Hints], Parsed]
Rereads = Callable[[bytes, Hints], Reread]


def parsed(own: Parse, of_text: tuple[Parse, Rereads] | None, text: bytes) -> Parse:
    """How an item that *own* reads is read with its *text*, which is of a format of its own, or of
    none."""

    def parse(body: bytes, hints: Hints) -> Parsed:
        # The headers are those of the text's answer.
        found = own(body, replace(hints, headers={}))
        if not any(item.elsewhere for item in found.items):
            return found
        told, whole = _text(of_text, text, hints)
        items = (_together(item, told) if item.elsewhere else item for item in found.items)
        return replace(found, items=tuple(items), whole=found.whole and whole)

    return parse


def _text(
    of_text: tuple[Parse, Rereads] | None, text: bytes, hints: Hints
) -> tuple[Item | None, bool]:
    """The story that the *text* is, None where it is none or several; whether its end is there."""
    if of_text is None:
        charset = encoding.decide(text, hints.headers.get("content-type", ""))
        said, is_html = _page(charset.decode(text))
        doubt = charset.doubt(text)
        return Item(0, body=said, body_html=is_html, doubt=doubt) if said.strip() else None, True
    found = of_text[0](text, hints)
    [told] = found.items if len(found.items) == 1 else [None]
    good = told is not None and not told.unreadable and bool(told.body.strip())
    return told if good else None, found.whole


def _page(said: str) -> tuple[str, bool]:
    """The body of the page *said*, as markup, or *said* itself where it is plain text; nothing for
    what is neither, as a broken document."""
    if not _is_page(said):
        return "" if _CODE.match(said) or is_markup(said) else said, False
    try:
        page = html.document_fromstring(said.encode(), parser=html.HTMLParser(encoding="utf-8"))
    except (etree.ParserError, ValueError):
        return "", True
    body = page.find("body")
    return markup(page if body is None else body, of_html), True


def _is_page(said: str) -> bool:
    return said.lstrip("\ufeff \t\r\n").startswith("<")


def _together(item: Item, told: Item | None) -> Item:
    if told is None:
        return item
    return replace(
        item,
        body=told.body,
        body_html=told.body_html,
        headline=item.headline or told.headline,
        headline_html=item.headline_html if item.headline else told.headline_html,
        summary=item.summary or told.summary,
        summary_html=item.summary_html if item.summary else told.summary_html,
        authors=item.authors or told.authors,
        dateline=item.dateline or told.dateline,
        media=item.media or told.media,
        doubt=item.doubt or told.doubt,
        elsewhere="",
    )


def reread(own: Rereads, of_text: tuple[Parse, Rereads] | None, text: bytes) -> Rereads:
    """The second reading of such an item: the passages of both."""

    def both(body: bytes, hints: Hints) -> Reread:
        first = own(body, replace(hints, headers={}))
        return lambda raw: [*first(raw), *_passages(of_text, text, hints)]

    return both


def _passages(
    of_text: tuple[Parse, Rereads] | None, text: bytes, hints: Hints
) -> Sequence[Passage]:
    if of_text is None:
        charset = encoding.decide(text, hints.headers.get("content-type", ""))
        said = charset.decode(text)
        words = projection(mend(said)) if _is_page(said) else said
        return [Passage("the text", "body", said, (), partial(iter, [words]))]
    items = of_text[0](text, hints).items
    if len(items) != 1 or items[0].start < 0:
        raise UncheckedError("its text is not one story")
    return of_text[1](text, hints)(text[items[0].start : items[0].end])
