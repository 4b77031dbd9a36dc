"""The formats that wires come in. A new one is one file here and one line in :data:`FORMATS`."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from ingest.formats import (
    anpa_1312,
    ap_media,
    elsewhere,
    iptc_7901,
    json_feed,
    newsml_1,
    newsml_g2,
    ninjs,
    nitf,
    rss_atom,
    rss_atom_reread,
)
from ingest.formats.sniff import Sniffed, sniff
from ingest.integrity import Reread
from ingest.item import Hints, Parsed
from stories.errors import ParseError


@dataclass(frozen=True, slots=True)
class Format:
    """One wire format, as pure functions.

    ``detect`` says whether a body that looks so is of this format, ``parse`` gives the items of a
    body, ``reread`` the second reading of one item's own bytes, with which :mod:`ingest.integrity`
    compares what ``parse`` made of it.
    """

    name: str
    detect: Callable[[Sniffed], bool]
    parse: Callable[[bytes, Hints], Parsed]
    reread: Callable[[bytes, Hints], Reread]


FORMATS: tuple[Format, ...] = (
    Format("RSS or Atom", rss_atom.detect, rss_atom.parse, rss_atom_reread.reread),
    Format("NewsML-G2", newsml_g2.detect, newsml_g2.parse, newsml_g2.reread),
    Format("NewsML 1", newsml_1.detect, newsml_1.parse, newsml_1.reread),
    Format("NITF", nitf.detect, nitf.parse, nitf.reread),
    Format("IPTC 7901", iptc_7901.detect, iptc_7901.parse, iptc_7901.reread),
    Format("ANPA 1312", anpa_1312.detect, anpa_1312.parse, anpa_1312.reread),
    Format("AP Media API", ap_media.detect, ap_media.parse, ap_media.reread),
    Format("ninjs", ninjs.detect, ninjs.parse, ninjs.reread),
    Format("JSON Feed", json_feed.detect, json_feed.parse, json_feed.reread),
)  # fmt: skip


def with_text(format: Format, text: bytes, hints: Hints) -> Format:
    """*format*, as it reads an item that leads to its *text* (:mod:`ingest.formats.elsewhere`)."""
    try:
        chosen = choose(text, hints)
    except ParseError as error:
        if error.state != "not-a-feed":
            raise
        of_text = None
    else:
        of_text = chosen.parse, chosen.reread
    return replace(
        format,
        parse=elsewhere.parsed(format.parse, of_text, text),
        reread=elsewhere.reread(format.reread, of_text, text),
    )


def choose(body: bytes, hints: Hints) -> Format:
    """The first format that takes *body*. Its ``parse`` may still find it ``malformed``.

    :raises ParseError: ``empty`` (no bytes, or nothing but white space) or ``not-a-feed`` (named
        for what it looks like).
    """
    if not body.strip(b" \t\r\n\0\xef\xbb\xbf\xfe\xff"):
        raise ParseError(
            "empty", f"{hints.url}: the response is empty; ask the agency, or check the wire's url"
        )
    sniffed = sniff(body, hints.headers.get("content-type", ""), hints.charset)
    for one in FORMATS:
        if one.detect(sniffed):
            return one
    *names, last = (one.name for one in FORMATS)
    known = f"{', '.join(names)} or {last}"
    remedy = "check the wire's url and its credentials"
    if hints.url.startswith(("file:", "sftp:", "ftp:", "ftps:")):  # one of many that are there
        remedy = "take it away, or have the wire's `files` leave out its like"
    raise ParseError(
        "not-a-feed",
        f"{hints.url}: this is {sniffed}, not {known}; {remedy}",
    )
