"""The site of a load: from a request and a moment to an answer. No sockets here, and no clock.

Its feeds and pages are those of :mod:`desk.demo`, compressed for who asks for that; some requests
fail. :func:`describe` gives a process all that another needs to know what was served.
"""

import gzip
import json
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from urllib.parse import unquote

from desk.demo import feeds, pages
from desk.demo import site as demo
from desk.demo.items import NAME, WireItem, instant
from desk.demo.site import HTML, Validators, message, number, validators
from tests.load import load as loads
from tests.load.load import Fault, Load

_BODIES = 512
"""Rendered feeds kept; about 40 KB each, so some 20 MB."""
_KNOWN = 200_000
"""Wires whose validators are kept; about 400 bytes each."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer; ``headers`` come without Date, Content-Length and Connection.

    ``delay`` is in seconds; ``cut`` is how many bytes of the body are sent before the connection
    breaks off (None: all); ``reset`` means that nothing is sent and the connection is reset.
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
    validators: Validators


@dataclass(slots=True)
class Site:
    """Answers for one load. Keeps validators and rendered feeds only to save work: what it answers
    follows from the load, the moment, the request, and how many requests its wire had before."""

    load: Load
    requests: int = 0
    _asked: dict[int, int] = field(default_factory=dict)
    _known: dict[int, _Known] = field(default_factory=dict)
    _bodies: OrderedDict[tuple[int, str], tuple[str, bytes]] = field(default_factory=OrderedDict)

    def answer(self, method: str, target: str, headers: Mapping[str, str], moment: float) -> Answer:
        """The answer at *moment* (0 or more); header names in lower case. HEAD is as GET."""
        self.requests += 1
        if method not in ("GET", "HEAD"):
            return Answer(
                405, (("Allow", "GET, HEAD"), ("Content-Type", HTML)), message("Only GET")
            )
        path = unquote(target.partition("?")[0])
        stem, _, ending = path.rpartition(".")
        if ending in feeds.FORMATS and stem.startswith("/w/"):
            wire = number(stem.removeprefix("/w/"))
            if wire is not None and wire < self.load.wires:
                return self._feed(wire, ending, headers, moment)
        return self._page(path, moment)

    def tag(self, wire: int, moment: float) -> str:
        """What the ETag of *wire*'s feeds is made of at *moment*, without writing the feed."""
        return self._validators(wire, moment).tag

    def _feed(self, wire: int, ending: str, headers: Mapping[str, str], moment: float) -> Answer:
        load = self.load
        request = self._asked.get(wire, 0)
        self._asked[wire] = request + 1
        fault = loads.fault_at(load, wire, request)
        if fault in ("500", "503", "html", "reset"):
            return _failure(fault, load.retry_after)
        known = self._validators(wire, moment)
        zipped = _takes_gzip(headers.get("accept-encoding", ""))
        fields: tuple[tuple[str, str], ...] = (
            ("ETag", f'"{known.tag}-gzip"' if zipped else f'"{known.tag}"'),
            ("Last-Modified", known.modified),
            ("Vary", "Accept-Encoding"),
        )
        delay = load.slow_seconds if fault == "slow" else 0.0
        unchanged = loads.not_modified_at(load, wire, request) and known.match(headers)
        if unchanged and fault != "truncated":
            return Answer(304, fields, delay=delay)
        media_type, _ = feeds.FORMATS[ending]
        fields += (("Content-Type", media_type),)
        body = self._rendered(wire, ending, moment, known.tag)
        if zipped:
            body = self._packed(wire, ending, body, known.tag)
            fields += (("Content-Encoding", "gzip"),)
        cut = len(body) // 2 if fault == "truncated" else None
        return Answer(200, fields, body, delay, cut)

    def _validators(self, wire: int, moment: float) -> Validators:
        known = self._known.get(wire)
        if known is None or not known.since <= moment < known.until:
            standing = loads.standing(self.load, wire, moment)
            found = validators(self.load.seed, self.load.epoch, wire, standing)
            known = _Known(standing.since, standing.until, found)
            if len(self._known) >= _KNOWN:
                self._known.clear()
            self._known[wire] = known
        return known.validators

    def _rendered(self, wire: int, ending: str, moment: float, tag: str) -> bytes:
        kept = self._kept(wire, ending, tag)
        if kept is None:
            load = self.load
            standing = loads.standing(load, wire, moment)
            changed = instant(load.epoch, standing.since)
            address = f"{load.site}/w/{wire}.{ending}"
            channel = feeds.Channel(f"wire {wire}", address, load.site, changed, load.ttl)
            items = [loads.item(load, wire, edition) for edition in standing.editions]
            kept = self._keep(wire, ending, tag, feeds.FORMATS[ending][1](channel, items))
        return kept

    def _packed(self, wire: int, ending: str, plain: bytes, tag: str) -> bytes:
        kept = self._kept(wire, f"{ending}.gz", tag)
        if kept is None:
            kept = self._keep(wire, f"{ending}.gz", tag, gzip.compress(plain, 1, mtime=0))
        return kept

    def _kept(self, wire: int, form: str, tag: str) -> bytes | None:
        kept = self._bodies.get((wire, form))
        return kept[1] if kept and kept[0] == tag else None

    def _keep(self, wire: int, form: str, tag: str, body: bytes) -> bytes:
        self._bodies.pop((wire, form), None)
        self._bodies[wire, form] = tag, body
        if len(self._bodies) > _BODIES:
            self._bodies.popitem(last=False)
        return body

    def _page(self, path: str, moment: float) -> Answer:
        if path == "/":
            return Answer(200, (("Content-Type", HTML),), self._front(moment))
        if path == "/simulation.json":
            text = json.dumps(describe(self.load, moment, self.requests), indent=1)
            return Answer(200, (("Content-Type", "application/json"),), text.encode())
        if path.startswith("/stories/") and (item := self._story(path[9:], moment)):
            return Answer(200, (("Content-Type", HTML),), pages.story(item))
        found = demo.picture(path) or demo.not_found()
        return Answer(found.status, found.headers, found.body)

    def _story(self, key: str, moment: float) -> WireItem | None:
        parts = key.removeprefix(f"{self.load.seed}-w").split("-")
        if not key.startswith(f"{self.load.seed}-w") or len(parts) != 2:
            return None
        wire, index = number(parts[0]), number(parts[1])
        if wire is None or index is None:
            return None
        return loads.story_at(self.load, wire, index, moment)

    def _front(self, moment: float) -> bytes:
        load = self.load
        wires = [(f"wire {n}", f"/w/{n}") for n in range(min(load.wires, 20))]
        note = f"{load.wires} simulated wires, seed {load.seed}, {self.requests} requests so far."
        rows = [
            (f"{item.dated:%H:%M:%S}", "wire 0", f"/stories/{item.key}", item.headline)
            for item in loads.state_at(load, 0, moment)
        ]
        return pages.front(
            wires, ("rss", "atom", "rdf"), rows, loads.newest(load, 0, moment) + 1, note
        )


def describe(load: Load, moment: float, requests: int = 0) -> dict[str, object]:
    """The load as JSON values, from which :func:`recall` makes it again."""
    settings = asdict(load) | {"epoch": load.epoch.isoformat()}
    return {
        "simulation": True,
        "agency": NAME,
        "moment": moment,
        "requests": requests,
        "settings": settings,
    }


def recall(text: str | bytes) -> tuple[Load, float]:
    """The load and the moment that ``/simulation.json`` gave, for a test in another process."""
    given = json.loads(text)
    settings = given["settings"] | {
        "epoch": datetime.fromisoformat(given["settings"]["epoch"]),
        "faults": tuple(given["settings"]["faults"]),
    }
    return Load(**settings), given["moment"]


def _takes_gzip(accepted: str) -> bool:
    for part in accepted.split(",") if "gzip" in accepted else ():
        coding, _, weight = part.partition(";")
        if coding.strip() == "gzip":
            return weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


def _failure(fault: Fault, retry_after: int) -> Answer:
    html = (("Content-Type", HTML), ("X-Simulation-Fault", fault))
    if fault == "reset":
        return Answer(0, reset=True)
    if fault == "html":
        # Status 200 and a page for people: what many sites answer when they are down.
        return Answer(200, html, message("We will be back shortly"))
    if fault == "503":
        return Answer(503, (("Retry-After", str(retry_after)), *html), message("Too busy"))
    return Answer(500, html, message("Something broke"))
