"""Which of the headlines that a page gives is its story's."""

import re
from collections.abc import Iterator

from desk.article.page import Page
from wirecopy.scope import folded
from wirecopy.text import plain

_PARTING = re.compile(r"\s+[|·•»:–—-]{1,2}\s+|\s*[|»]\s*")
_FEW = 3


def headline(page: Page, first: int, received: str) -> str:
    """The headline of the story whose first paragraph is block *first*; "" when there is none.

    The last ``h1`` above it, else the first below, else what the page gives to be shared, else its
    title; these two without the site's name. *received* is the headline received: an ``h1`` or
    title that says it is the story's, and where it ends, the site's name begins.
    """
    tops: list[tuple[int, str]] = []
    for n, block in enumerate(page.blocks):
        if page.elements[block.home].tag == "h1" and not block.unseen:
            joined = tops and n and page.blocks[n - 1].home == block.home
            if joined:  # a line break within
                tops[-1] = (tops[-1][0], f"{tops[-1][1]} {block.text}")
            else:
                tops.append((n, block.text))
    wanted = folded([received])
    # Above a plain text a caption, byline or date may stand first, and nothing tells them apart.
    lines = [(n, block.text) for n, block in enumerate(page.blocks[: first * page.is_text])]
    for _, text in (*tops, *lines):
        if wanted and folded([text]) == wanted:
            return text
    proper = [(n, text) for n, text in tops if plain(text) != page.site]
    above = [text for n, text in proper if n < first]
    long = [text for text in above if len(text.split()) >= _FEW]
    for text in (*long[::-1], *(text for n, text in proper if n > first), *above[::-1]):
        return text
    stated = (page.shared_title, *_stated(page), page.title)
    for title in stated:
        if title:
            return _without_site(title, page, wanted)
    return ""


def _stated(page: Page) -> Iterator[str]:
    for one in page.data:
        said = one.get("headline")
        if isinstance(said, str) and said.strip():
            yield plain(said)


def _without_site(title: str, page: Page, wanted: list[str]) -> str:
    """*title* without the site's name at its end."""
    parts = list(_PARTING.finditer(title))
    for part in parts:
        if wanted and folded([title[: part.start()]]) == wanted:
            return title[: part.start()]
    if page.shared_title and title.startswith(page.shared_title):
        title = page.shared_title
        parts = list(_PARTING.finditer(title))
    for part in parts:
        if page.site and title[part.end() :].casefold().startswith(page.site.casefold()):
            return title[: part.start()]
    if parts and not page.site and "|" in parts[-1][0]:
        return title[: parts[-1].start()]
    return title
