"""A subscriber: fetches every feed in every format from every web, and checks every answer.

    python -m tests.crash.reader '{"webs": […], "feeds": […], "seed": 1, "told": "FILE"}'

It knows Wirecopy by HTTP alone. Each line of the file is one JSON object: ``{"asked", "at", "web",
"what", "about"}`` for what it found wrong or missing, with when it asked and when it knew that, and
at the end ``{"counts": {…}}``.
"""

import gzip
import hashlib
import http.client
import json
import random
import re
import signal
import sys
import time
from collections import Counter, OrderedDict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from lxml import etree

from tests.publish.checks import NAMES, check_atom, check_json, check_rss

FORMATS = ("rss", "atom", "json")
TIMEOUT = 12.0
"""Seconds an answer may take; a web gives what it has in memory after half a second."""

REMEMBERED = 50
"""Documents whose entries are kept, since the other web will soon serve the same."""

HIDDEN_WITHIN = 30.0
"""Seconds after which no web may show what the desk was told is hidden: each looks every second,
but while the database is away it shows what it has."""

_EDITION = re.compile(r"This is story (\d+) of simulated wire (\d+), version (\d+)\.")


@dataclass(frozen=True, slots=True)
class Read:
    """What a feed says of one story: which of the agency's, which version, and under what guid."""

    guid: str
    agency_id: str
    story: tuple[int, int]
    version: int
    title: str
    claim: bool


def entries(format: str, body: bytes) -> list[Read]:
    """The entries of a feed that is valid in every respect that can be checked.

    :raises Exception: AssertionError, or whatever a parser raises, when it is not.
    """
    if format == "json":
        return [_of_json(item) for item in check_json(body) if "withdrawn" not in item["_wirecopy"]]
    if format == "rss":
        paths = ("guid", "content:encoded", "title")
        found = check_rss(body)
    else:
        paths = ("atom:id", "atom:content", "atom:title")
        found = check_atom(body)
    return [_of_xml(one, *paths) for one in found if one.find("wc:withdrawn", NAMES) is None]


def withdrawn(body: bytes) -> set[str]:
    """The guids of stories in whose place an RSS feed has a notice."""
    items = check_rss(body)
    return {i.findtext("guid") or "" for i in items if i.find("wc:withdrawn", NAMES) is not None}


def _of_json(item: dict[str, Any]) -> Read:
    ours = item["_wirecopy"]
    return _read(
        item["id"],
        ours["agency_id"],
        item["content_html"],
        item["title"],
        ours["edited_headline_only"],
    )


def _of_xml(element: etree._Element, guid: str, body: str, title: str) -> Read:
    def text(path: str) -> str:
        return element.findtext(path, namespaces=NAMES) or ""

    claim = text("wc:editedHeadlineOnly") == "true"
    return _read(text(guid), text("wc:agencyId"), text(body), text(title), claim)


def _read(guid: str, agency_id: str, body: str, title: str, claim: bool) -> Read:
    found = _EDITION.search(body)
    assert found, f"an entry is not whole: {title!r}"
    return Read(guid, agency_id, (int(found[2]), int(found[1])), int(found[3]), title, claim)


@dataclass(slots=True)
class Memory:
    """What a subscriber remembers, and what contradicts it."""

    guids: dict[tuple[int, int], str] = field(default_factory=dict)
    stories: dict[str, tuple[int, int]] = field(default_factory=dict)
    bodies: dict[tuple[str, str], str] = field(default_factory=dict)
    tags: dict[tuple[str, str], str] = field(default_factory=dict)
    versions: dict[tuple[str, str, tuple[int, int]], int] = field(default_factory=dict)

    def body(self, document: str, tag: str, body: bytes) -> list[str]:
        """Entity tag and bytes go together one to one (RFC 9110 §8.8.3)."""
        name = hashlib.sha256(body).hexdigest()
        said = []
        if self.bodies.setdefault((document, tag), name) != name:
            said.append(f"ETag {tag} stands on different bytes")
        if self.tags.setdefault((document, name), tag) != tag:
            said.append(f"the same bytes under ETag {tag} and {self.tags[document, name]}")
        return said

    def entries(self, web: str, document: str, found: list[Read]) -> list[str]:
        """Guids stay, versions do not go back, nothing stands twice, the claim is true."""
        said = []
        for one in found:
            if self.guids.setdefault(one.story, one.guid) != one.guid:
                said.append(f"{one.story}: guid was {self.guids[one.story]}, is {one.guid}")
            if self.stories.setdefault(one.guid, one.story) != one.story:
                said.append(f"guid {one.guid} is of {self.stories[one.guid]} and of {one.story}")
            place = (web, document, one.story)
            if one.version < self.versions.get(place, 0):
                said.append(f"{one.story}: version {self.versions[place]} went to {one.version}")
            self.versions[place] = one.version
            if one.claim != one.title.startswith("Desk "):
                said.append(f"{one.story}: claim {one.claim} under the title {one.title!r}")
        if len({one.story for one in found}) != len(found):
            said.append("a story stands twice")
        return said


class Reader:
    """One subscriber of everything."""

    def __init__(self, order: dict[str, Any]) -> None:
        self._chance = random.Random(order["seed"])
        self._documents = [
            (web, f"{feed}.{format}", format)
            for web in order["webs"]
            for feed in order["feeds"]
            for format in FORMATS
        ]
        self._passing = tuple(order["passing"])
        self._told = Path(order["told"])
        self._desk = Path(order["hidden"]).open(encoding="utf-8")  # noqa: SIM115 - to the end
        self._hidden: dict[str, float] = {}
        self._shown: dict[tuple[str, str], set[str]] = {}
        self._memory = Memory()
        self._lost_at = float("-inf")
        self._last: dict[tuple[str, str], str] = {}
        self._known: OrderedDict[tuple[str, str], list[Read]] = OrderedDict()
        self.counts: Counter[str] = Counter()
        self.stopped = False

    def run(self) -> None:
        """Until told to stop; then one more round, whole."""
        while not self.stopped:
            self.round()
        self.round()
        self._tell({"counts": dict(self.counts)})

    def round(self) -> None:
        """Every document once, in random order."""
        self._chance.shuffle(self._documents)
        for web, document, format in self._documents:
            self._one(web, document, format)
            time.sleep(0.01)

    def _one(self, web: str, document: str, format: str) -> None:
        asked = {"Accept-Encoding": "gzip"} if self._chance.random() < 0.5 else {}
        known = self._last.get((web, document))
        if known and self._chance.random() < 0.5:
            asked["If-None-Match"] = known
        host = urlsplit(web)
        connection = http.client.HTTPConnection(host.netloc, timeout=TIMEOUT)
        began, asked_at = False, time.time()
        try:
            connection.request("GET", f"/feeds/{document}", headers=asked)
            answer = connection.getresponse()
            began = True
            told = {name.lower(): value for name, value in answer.getheaders()}
            body = answer.read()
        except TimeoutError:
            self._say(asked_at, web, "no answer in time", document)
            return
        except (OSError, http.client.HTTPException) as error:
            # Half an answer is told as half by its length; it counts, and is judged by when it was.
            what = "broken off" if began else "away"
            self._say(asked_at, web, what, f"{document}: {type(error).__name__}")
            return
        finally:
            connection.close()
        self.counts[str(answer.status)] += 1
        for what in self._wrong(web, document, format, asked, answer.status, told, body):
            self._say(asked_at, web, "wrong", f"{document}: {what}")
        self._hear()  # before a story is shown again, it is told
        if answer.status in (200, 304):
            for guid in self._shown.get((web, document), set()) & self._hidden.keys():
                if asked_at > self._hidden[guid] + HIDDEN_WITHIN:
                    since = asked_at - self._hidden[guid]
                    about = f"{document}: {guid} is hidden for {since:.0f} s"
                    self._say(asked_at, web, "wrong", about)

    def _hear(self) -> None:
        """What the desk was told is hidden, and what no longer."""
        for line in self._desk:
            one = json.loads(line)
            if "restored" in one:  # what came after that is no more
                self._hidden = {g: t for g, t in self._hidden.items() if t < one["restored"]}
                self._shown.clear()
                self._lost_at = time.time()
                continue
            self._hidden.pop(one["guid"], None)
            if "at" in one:
                self._hidden[one["guid"]] = one["at"]
                self.counts["hidden by the desk"] += 1

    def _wrong(
        self,
        web: str,
        document: str,
        format: str,
        asked: dict[str, str],
        status: int,
        told: dict[str, str],
        body: bytes,
    ) -> list[str]:
        if status in (404, 410) and document.startswith(self._passing):
            return []
        if status == 503:
            return [] if "retry-after" in told else ["503 without Retry-After"]
        tag, wanted = told.get("etag", ""), asked.get("If-None-Match")
        if status == 304:
            return [] if wanted and tag == wanted else [f"304 with ETag {tag} to {wanted}"]
        if status != 200 or told.get("content-length") != str(len(body)) or wanted == tag:
            length = f"{len(body)} bytes, announced {told.get('content-length')}"
            return [f"status {status}, {length}, ETag {tag} to {wanted}"]
        packed = told.get("content-encoding") == "gzip"
        said = self._memory.body(f"{document}+gzip" if packed else document, tag, body)
        new = self._last.get((web, document)) != tag
        self._last[web, document] = tag
        if new:
            try:
                found = self._entries(document, format, packed, body)
            except Exception as error:
                return [*said, f"not valid: {type(error).__name__}: {str(error)[:300]}"]
            if time.time() < self._lost_at + HIDDEN_WITHIN:  # webs go back one by one
                self._memory.versions.clear()
            said += self._memory.entries(web, document, found)
            self._shown[web, document] = {one.guid for one in found}
        return said

    def _entries(self, document: str, format: str, packed: bool, body: bytes) -> list[Read]:
        """The entries of *body*; every coding is unpacked, and every document read once."""
        plain = gzip.decompress(body) if packed else body
        name = document, hashlib.sha256(plain).hexdigest()
        if name not in self._known:
            self._known[name] = entries(format, plain)
            self.counts["documents read"] += 1
            self.counts["entries read"] += len(self._known[name])
            if len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        return self._known[name]

    def _say(self, asked: float, web: str, what: str, about: str) -> None:
        self.counts[what] += 1
        at = time.time()
        self._tell({"asked": asked, "at": at, "web": web, "what": what, "about": about})

    def _tell(self, line: dict[str, Any]) -> None:
        with self._told.open("a", encoding="utf-8") as told:
            told.write(json.dumps(line, ensure_ascii=False) + "\n")


def main(order: str) -> int:
    """Read until SIGTERM."""
    reader = Reader(json.loads(order))

    def stop(*_: object) -> None:
        reader.stopped = True

    signal.signal(signal.SIGTERM, stop)
    reader.run()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
