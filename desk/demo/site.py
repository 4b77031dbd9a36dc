"""The agency's site: from a request and a moment to an answer. No sockets here, and no clock.

Feeds carry both validators and honour both (RFC 9110 §13), If-None-Match before If-Modified-Since.
Their bytes and their ETag change exactly when what stands on the wire does.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from hashlib import blake2b

from desk.demo import feeds, news_xml, newswire, pages, signing
from desk.demo.delivery import delivery
from desk.demo.formats import FORMATS, XML
from desk.demo.items import Standing, instant
from desk.demo.newswire import WIRES, Script
from wirecopy.custody import KEYS

HTML = "text/html; charset=utf-8"
_ROWS = 100
"""Happenings listed on the front page."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer; ``headers`` come without Date, Content-Length and Connection."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Validators:
    """ETag (without its quotes) and Last-Modified of a wire's feeds as it stands."""

    tag: str
    modified: str

    def match(self, headers: Mapping[str, str]) -> bool:
        """Whether a request of these headers (names in lower case) is answered 304."""
        if (asked := headers.get("if-none-match")) is not None:
            # Weak comparison, as RFC 9110 §13.1.2 has it: one state, compressed or not.
            ours = (f'"{self.tag}"', f'"{self.tag}-gzip"', "*")
            return any(tag.strip().removeprefix("W/") in ours for tag in asked.split(","))
        asked = headers.get("if-modified-since")
        if asked is None or asked == self.modified:
            return asked is not None
        try:
            return parsedate_to_datetime(asked) >= parsedate_to_datetime(self.modified)
        except (ValueError, TypeError, OverflowError):
            return False  # RFC 9110 §13.1.3: a date that cannot be read is no condition.


def validators(seed: int, epoch: datetime, wire: int, standing: Standing) -> Validators:
    """The validators of what stands on *wire*."""
    material = repr((seed, wire, standing.editions)).encode()
    changed = instant(epoch, standing.since).astimezone(UTC)
    return Validators(
        blake2b(material, digest_size=12).hexdigest(), format_datetime(changed, usegmt=True)
    )


def answer(script: Script, target: str, headers: Mapping[str, str], moment: float) -> Answer:
    """The answer to a GET at *moment* (0 or more); header names in lower case."""
    path = target.partition("?")[0]
    stem, _, ending = path.rpartition(".")
    name = stem.removeprefix("/wires/")
    if ending in (*FORMATS, "json") and stem != name and name in WIRES:
        return _feed(script, WIRES.index(name), ending, headers, moment)
    if path == KEYS:
        return Answer(200, (("Content-Type", "application/jwk-set+json"),), signing.key_set(script))
    html = (("Content-Type", HTML),)
    if path == "/":
        return Answer(200, html, _front(script, moment))
    if path.startswith("/stories/"):
        seed, _, index = path[9:].removesuffix(".nitf").partition("-")
        story = number(index) if seed == str(script.seed) else None
        item = None if story is None else newswire.story_at(script, story - 1, moment)
        if item is not None and path.endswith(".nitf"):
            return _document(news_xml.nitf(delivery(item)).encode(), headers)
        if item is not None:
            return Answer(200, html, pages.story(item))
    return picture(path) or not_found()


def _feed(
    script: Script, wire: int, ending: str, headers: Mapping[str, str], moment: float
) -> Answer:
    standing = newswire.standing(script, wire, moment)
    known = validators(script.seed, script.epoch, wire, standing)
    fields = (("ETag", f'"{known.tag}"'), ("Last-Modified", known.modified))
    if known.match(headers):
        return Answer(304, fields)
    address = f"{script.site}/wires/{WIRES[wire]}.{ending}"
    changed = instant(script.epoch, standing.since)
    channel = feeds.Channel(WIRES[wire], address, script.site, changed, script.ttl)
    if ending == "json":
        media_type, body = signing.TYPE, signing.feed(script, channel, standing.editions)
    else:
        media_type, write = FORMATS[ending]
        body = write(channel, [newswire.item(script, each) for each in standing.editions])
    return Answer(200, (*fields, ("Content-Type", media_type)), body)


def _document(body: bytes, headers: Mapping[str, str]) -> Answer:
    tag = f'"{blake2b(body, digest_size=12).hexdigest()}"'
    if headers.get("if-none-match") == tag:
        return Answer(304, (("ETag", tag),))
    return Answer(200, (("Content-Type", XML), ("ETag", tag)), body)


def _front(script: Script, moment: float) -> bytes:
    note = f"Seed {script.seed}, second {int(moment)}; feeds show the last {script.items} stories."
    # No further back than _ROWS stories at the slower pace, so that the page stays cheap.
    since = max(-1.0, moment - _ROWS * max(script.pace, script.slow))
    happened = newswire.happenings(script, since, moment)[::-1][:_ROWS]
    rows = [(f"{h.moment:.0f} s", h.kind, f"/stories/{h.key}", h.headline) for h in happened]
    wires = [(name, f"/wires/{name}") for name in WIRES]
    forms = (*FORMATS, "json")
    return pages.front(wires, forms, rows, newswire.newest(script, moment) + 1, note)


def picture(path: str) -> Answer | None:
    """The picture or tracking pixel at *path*; None for any other path."""
    if path == "/pixel.gif":
        return Answer(200, (("Content-Type", "image/gif"),), pages.PIXEL)
    if path.startswith("/pictures/") and path.endswith(".svg"):
        found = number(path[10:-4])
        if found is not None:
            return Answer(200, (("Content-Type", "image/svg+xml"),), pages.picture(found))
    return None


def not_found() -> Answer:
    """404."""
    return Answer(404, (("Content-Type", HTML),), message("No such page, or not yet"))


def message(text: str) -> bytes:
    """A page that says *text* and nothing else."""
    return pages.page(text, f"<h1>{text}</h1>")


def number(text: str) -> int | None:
    """*text* as a number of at most nine digits; None when it is none."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None
