"""The agency's site: from a request and a moment to an answer. No sockets here, and no clock.

Feeds carry both validators and honour both (RFC 9110 §13), If-None-Match before If-Modified-Since.
Their bytes and their ETag change exactly when what stands on the wire does.
"""

import gzip
import json
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from hashlib import blake2b
from urllib.parse import unquote

from desk.demo import feeds, load, newswire, pages, writing
from desk.demo.items import NAME, Standing, WireItem, instant
from desk.demo.load import Fault, Load
from desk.demo.newswire import Script

Show = Script | Load
"""What is being performed."""

_BODIES = 512
"""Rendered feeds kept; about 40 KB each, so some 20 MB."""
_KNOWN = 200_000
"""Wires whose validators are kept; about 400 bytes each."""
_ROWS = 100
_HTML = "text/html; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer before it meets a socket.

    ``headers`` come without Date, Content-Length and Connection. ``delay`` is in seconds;
    ``cut`` is how many bytes of the body are sent before the connection breaks off (None: all);
    ``reset`` means that nothing is sent at all and the connection is reset.
    """

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    delay: float = 0.0
    cut: int | None = None
    reset: bool = False


@dataclass(frozen=True, slots=True)
class _Known:
    """The validators of a wire for as long as it stands still."""

    since: float
    until: float
    tag: str
    modified: str


@dataclass(slots=True)
class Site:
    """Answers for one show. Keeps validators and rendered feeds only to save work: what it answers
    follows from the show, the moment, the request, and how many requests its wire had before."""

    show: Show
    requests: int = 0
    _asked: dict[int, int] = field(default_factory=dict)
    _known: dict[int, _Known] = field(default_factory=dict)
    _bodies: OrderedDict[tuple[int, str], tuple[str, bytes]] = field(default_factory=OrderedDict)

    def answer(self, method: str, target: str, headers: Mapping[str, str], moment: float) -> Answer:
        """The answer at *moment* (0 or more); header names in lower case. HEAD is as GET."""
        self.requests += 1
        if method not in ("GET", "HEAD"):
            return Answer(
                405, (("Allow", "GET, HEAD"), ("Content-Type", _HTML)), _sorry("Only GET")
            )
        path = target.partition("?")[0]
        wire, ending = self._wire(path)
        if wire is not None:
            return self._feed(wire, ending, headers, moment)
        return self._page(unquote(path), moment)

    def tag(self, wire: int, moment: float) -> str:
        """What the ETag of *wire*'s feeds is made of at *moment*, without writing the feed."""
        return self._remember(wire, self._standing(wire, moment)).tag

    def _wire(self, path: str) -> tuple[int | None, str]:
        stem, _, ending = path.rpartition(".")
        if ending not in feeds.FORMATS:
            return None, ""
        if isinstance(self.show, Load):
            number = stem.removeprefix("/w/")
            if number != stem and number.isascii() and number.isdecimal() and len(number) < 10:
                wire = int(number)
                return (wire if wire < self.show.wires else None), ending
        elif (name := stem.removeprefix("/wires/")) in newswire.WIRES and name != stem:
            return newswire.WIRES.index(name), ending
        return None, ""

    def _feed(self, wire: int, ending: str, headers: Mapping[str, str], moment: float) -> Answer:
        show = self.show
        fault: Fault | None = None
        unchanged = True
        if isinstance(show, Load):
            request = self._asked.get(wire, 0)
            self._asked[wire] = request + 1
            fault = load.fault_at(show, wire, request)
            unchanged = load.not_modified_at(show, wire, request)
            if fault in ("500", "503", "html", "reset"):
                return _failure(fault, show.retry_after)
        known = self._known.get(wire)
        standing = None
        if known is None or not known.since <= moment < known.until:
            standing = self._standing(wire, moment)
            known = self._remember(wire, standing)
        zipped = _takes_gzip(headers.get("accept-encoding", ""))
        fields: tuple[tuple[str, str], ...] = (
            ("ETag", f'"{known.tag}-gzip"' if zipped else f'"{known.tag}"'),
            ("Last-Modified", known.modified),
            ("Vary", "Accept-Encoding"),
        )
        delay = show.slow_seconds if isinstance(show, Load) and fault == "slow" else 0.0
        if unchanged and fault != "truncated" and _matches(headers, known):
            return Answer(304, fields, delay=delay)
        plain = self._rendered(wire, ending, known.tag, standing, moment)
        fields += (("Content-Type", feeds.FORMATS[ending][0]),)
        body = plain
        if zipped:
            body = self._packed(wire, ending, known.tag, plain)
            fields += (("Content-Encoding", "gzip"),)
        return Answer(
            200, fields, body, delay, cut=len(body) // 2 if fault == "truncated" else None
        )

    def _standing(self, wire: int, moment: float) -> Standing:
        if isinstance(self.show, Load):
            return load.standing(self.show, wire, moment)
        return newswire.standing(self.show, wire, moment)

    def _remember(self, wire: int, standing: Standing) -> _Known:
        material = (self.show.seed, wire, standing.editions)
        changed = instant(self.show.epoch, standing.since)
        known = _Known(
            standing.since,
            standing.until,
            blake2b(repr(material).encode(), digest_size=12).hexdigest(),
            _http_date(changed),
        )
        if len(self._known) >= _KNOWN:
            self._known.clear()
        self._known[wire] = known
        return known

    def _rendered(
        self, wire: int, ending: str, tag: str, standing: Standing | None, moment: float
    ) -> bytes:
        kept = self._kept(wire, ending, tag)
        if kept is None:
            kept = self._render(wire, ending, standing or self._standing(wire, moment))
            self._keep(wire, ending, tag, kept)
        return kept

    def _packed(self, wire: int, ending: str, tag: str, plain: bytes) -> bytes:
        kept = self._kept(wire, f"{ending}.gz", tag)
        if kept is None:
            kept = gzip.compress(plain, 1, mtime=0)
            self._keep(wire, f"{ending}.gz", tag, kept)
        return kept

    def _kept(self, wire: int, form: str, tag: str) -> bytes | None:
        kept = self._bodies.get((wire, form))
        return kept[1] if kept and kept[0] == tag else None

    def _keep(self, wire: int, form: str, tag: str, body: bytes) -> None:
        self._bodies.pop((wire, form), None)
        self._bodies[wire, form] = tag, body
        if len(self._bodies) > _BODIES:
            self._bodies.popitem(last=False)

    def _render(self, wire: int, ending: str, standing: Standing) -> bytes:
        show = self.show
        if isinstance(show, Load):
            name, path = f"wire {wire}", f"/w/{wire}.{ending}"
            items = [load.item(show, wire, e) for e in standing.editions]
        else:
            name = newswire.WIRES[wire]
            path = f"/wires/{name}.{ending}"
            items = [newswire.item(show, e) for e in standing.editions]
        changed = instant(show.epoch, standing.since)
        channel = feeds.Channel(name, show.site + path, show.site, changed, show.ttl)
        return feeds.FORMATS[ending][1](channel, items)

    def _page(self, path: str, moment: float) -> Answer:
        html = (("Content-Type", _HTML),)
        if path == "/":
            return Answer(200, html, self._front(moment))
        if path == "/simulation.json":
            text = json.dumps(describe(self.show, moment, self.requests), indent=1)
            return Answer(200, (("Content-Type", "application/json"),), text.encode())
        if path == "/pixel.gif":
            return Answer(200, (("Content-Type", "image/gif"),), pages.PIXEL)
        if path.startswith("/pictures/") and path.endswith(".svg"):
            number = _number(path[10:-4])
            if number is not None:
                return Answer(200, (("Content-Type", "image/svg+xml"),), pages.picture(number))
        if path.startswith("/stories/"):
            item = self._story(path[9:].removeprefix(writing.GUID), moment)
            if item is not None:
                return Answer(200, html, pages.story(item))
        return Answer(404, html, _sorry("No such page, or not yet"))

    def _story(self, key: str, moment: float) -> WireItem | None:
        show = self.show
        seed, *rest = key.removeprefix(f"{show.seed}-").split("-") if key else ("",)
        if not key.startswith(f"{show.seed}-"):
            return None
        if isinstance(show, Script):
            index = _number(seed)
            return None if index is None or rest else newswire.story_at(show, index - 1, moment)
        wire, number = _number(seed.removeprefix("w")), _number("".join(rest[:1]))
        if wire is None or number is None or len(rest) != 1:
            return None
        return load.story_at(show, wire, number, moment)

    def _front(self, moment: float) -> bytes:
        show = self.show
        if isinstance(show, Load):
            wires = [(f"wire {n}", f"/w/{n}") for n in range(min(show.wires, 20))]
            note = (
                f"{show.wires} simulated wires, seed {show.seed}, {self.requests} requests so far."
            )
            items = load.state_at(show, 0, moment)
            count = load.newest(show, 0, moment) + 1
            rows = [
                (f"{item.dated:%H:%M:%S}", "wire 0", f"/stories/{item.key}", item.headline)
                for item in items
            ]
            return pages.front(wires, rows, count, note)
        wires = [(name, f"/wires/{name}") for name in newswire.WIRES]
        note = f"Seed {show.seed}, second {int(moment)}; feeds show the last {show.items} stories."
        # No further back than _ROWS stories at the slower pace, so that the page stays cheap.
        since = max(-1.0, moment - _ROWS * max(show.pace, show.slow))
        happened = newswire.happenings(show, since, moment)[::-1][:_ROWS]
        count = newswire.newest(show, moment) + 1
        rows = [(f"{h.moment:.0f} s", h.kind, f"/stories/{h.key}", h.headline) for h in happened]
        return pages.front(wires, rows, count, note)


def describe(show: Show, moment: float, requests: int = 0) -> dict[str, object]:
    """The show as JSON values, from which :func:`recall` makes it again."""
    settings = asdict(show) | {"epoch": show.epoch.isoformat()}
    kind = "load" if isinstance(show, Load) else "script"
    return {
        "simulation": True,
        "agency": NAME,
        "kind": kind,
        "moment": moment,
        "requests": requests,
        "settings": settings,
    }


def recall(text: str | bytes) -> tuple[Show, float]:
    """The show and the moment that ``/simulation.json`` told, for a test in another process."""
    told = json.loads(text)
    settings = told["settings"] | {"epoch": datetime.fromisoformat(told["settings"]["epoch"])}
    if told["kind"] == "script":
        return Script(**settings), told["moment"]
    return Load(**settings | {"faults": tuple(settings["faults"])}), told["moment"]


def at(show: Show, site: str) -> Show:
    """*show* as performed at the address *site* (no slash at the end)."""
    return replace(show, site=site)


def _matches(headers: Mapping[str, str], known: _Known) -> bool:
    if (asked := headers.get("if-none-match")) is not None:
        # Weak comparison, as RFC 9110 §13.1.2 has it: one state, compressed or not.
        ours = (f'"{known.tag}"', f'"{known.tag}-gzip"', "*")
        return any(tag.strip().removeprefix("W/") in ours for tag in asked.split(","))
    asked = headers.get("if-modified-since")
    if asked is None or asked == known.modified:
        return asked is not None
    try:
        return parsedate_to_datetime(asked) >= parsedate_to_datetime(known.modified)
    except (ValueError, TypeError, OverflowError):
        return False  # RFC 9110 §13.1.3: a date that cannot be read is no condition.


def _takes_gzip(accepted: str) -> bool:
    for part in accepted.split(",") if "gzip" in accepted else ():
        coding, _, weight = part.partition(";")
        if coding.strip() == "gzip":
            return weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


def _failure(fault: Fault, retry_after: int) -> Answer:
    html = (("Content-Type", _HTML), ("X-Simulation-Fault", fault))
    if fault == "reset":
        return Answer(0, reset=True)
    if fault == "html":
        # Status 200 and a page for people: what many sites answer when they are down.
        return Answer(200, html, _sorry("We will be back shortly"))
    if fault == "503":
        return Answer(503, (("Retry-After", str(retry_after)), *html), _sorry("Too busy"))
    return Answer(500, html, _sorry("Something broke"))


def _sorry(what: str) -> bytes:
    return pages.page(what, f"<h1>{what}</h1>")


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None


def _http_date(moment: datetime) -> str:
    return format_datetime(moment.astimezone(UTC), usegmt=True)
