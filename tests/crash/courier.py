"""Four wires of which what comes is brought: dropped into a folder here, or on an SFTP server, sent
to us, pushed by a hub.

A courier does not lose or repeat anything either: each version is one document, delivered until it
is taken, in the order in which they came. A file counts as delivered once it is whole in the
folder, a body that is sent or pushed once it is answered with 2xx.
"""

import time
import urllib.error
import urllib.request
from collections import deque
from dataclasses import dataclass, replace
from itertools import cycle
from pathlib import Path

from desk.demo import feeds
from desk.demo.items import WireItem, instant
from stories.db import Store
from tests.crash import clocks
from tests.crash.cluster import SECRET, SENT, Cluster
from tests.crash.watch import Thread
from tests.load.load import Load, state_at

NOVELTY = 3.3
"""So many times the new stories of the other wires: also a short run is to see many deliveries. All
wires are one agency's, whose captures are taken in one after the other, so there is a limit to
them."""

PAUSE = 0.3
"""Seconds in the middle of a file that is written in its place: less than one must have stood."""

PATIENCE = 10.0
"""Seconds until a sender gives up, and sends it again."""


Edition = tuple[int, int, int]
"""Wire, story and version, all of them numbers of the agency's."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A version that was delivered, or is being: its words; whether, and when, it was
    ``taken``."""

    headline: str
    body: str
    taken: bool = False
    at: float = 0.0


@dataclass(frozen=True, slots=True)
class _Parcel:
    """What is to be delivered, the same bytes until it is taken."""

    edition: Edition
    item: WireItem
    document: bytes


STANDING = 20
"""Stories in the feed of the wire that a hub pushes."""


class Courier(Thread):
    """Delivers, of the agency of *load* that began at *start* (seconds since 1970), the four wires
    after those that are polled: into the folders of *cluster*, and to its webs in turn."""

    def __init__(self, cluster: Cluster, load: Load, start: float) -> None:
        super().__init__(cluster.config, "courier")
        self._load, self._began = (
            replace(load, novelty_per_minute=load.novelty_per_minute * NOVELTY),
            start,
        )
        self._places, self._webs = cluster.places, cycle(cluster.web_urls)
        self._waiting: dict[int, deque[_Parcel]] = {load.wires + n: deque() for n in range(4)}
        self._standing: dict[str, WireItem] = {}
        self._closed = False
        self._show()
        self.delivered: dict[Edition, Delivery] = {}

    def close(self) -> None:
        """Let nothing new come."""
        self._closed = True

    def done(self) -> bool:
        """Whether all is delivered, and no file is left."""
        folders = (self._places.drop, self._places.fetch)
        return not any(self._waiting.values()) and not any(any(f.iterdir()) for f in folders)

    def once(self, store: Store) -> float:
        """Collect what is new, and deliver all that waits."""
        if not self._closed:
            self._collect()
        dropped, sent, fetched, pushed = self._waiting.values()
        for waiting, folder in ((dropped, self._places.drop), (fetched, self._places.fetch)):
            while waiting:
                self._drop(folder, waiting[0])
                waiting.popleft()
        while sent:
            self._send(sent[0])
            sent.popleft()
        while self._places.hub.verify(next(self._webs)) and pushed:
            self._push(pushed[0])
            pushed.popleft()
        return PAUSE

    def _collect(self) -> None:
        moment = clocks.now() - self._began
        for wire, waiting in self._waiting.items():
            for item in reversed(state_at(self._load, wire, moment)):
                edition = wire, int(item.key.rpartition("-")[2]), item.edition
                if edition not in self.delivered:
                    self.delivered[edition] = Delivery(item.headline, item.body)
                    waiting.append(_Parcel(edition, item, self._document(moment, item)))

    def _document(self, moment: float, *items: WireItem) -> bytes:
        load = self._load
        changed = instant(load.epoch, moment)
        channel = feeds.Channel("delivered", f"{load.site}/delivered", load.site, changed, 0)
        _, write = feeds.FORMATS["rss"]
        return write(channel, items)

    def _taken(self, edition: Edition) -> None:
        self.delivered[edition] = replace(self.delivered[edition], taken=True, at=time.time())

    def _drop(self, folder: Path, parcel: _Parcel) -> None:
        """Every other file is written under another name first, as it should be."""
        number = sum(one.taken for one in self.delivered.values())
        document = parcel.document
        place = folder / f"{number:06}.xml"
        if number % 2:
            new = place.with_name(f"{place.name}.part")
            new.write_bytes(document)
            new.rename(place)
        else:
            with place.open("wb") as file:
                file.write(document[: len(document) // 2])
                file.flush()
                time.sleep(PAUSE)
                file.write(document[len(document) // 2 :])
        self._taken(parcel.edition)

    def _show(self) -> None:
        items = list(self._standing.values())[::-1][:STANDING]
        self._places.hub.shows(self._document(clocks.now() - self._began, *items))

    def _push(self, parcel: _Parcel) -> None:
        """What is pushed stands in the feed first, as it should."""
        self._standing.pop(parcel.item.key, None)
        self._standing[parcel.item.key] = parcel.item
        self._show()
        self._places.hub.push(parcel.document, next(self._webs))
        self._taken(parcel.edition)

    def _send(self, parcel: _Parcel) -> None:
        request = urllib.request.Request(
            f"{next(self._webs)}/wires/{SENT}",
            parcel.document,
            {"Authorization": f"Bearer {SECRET}", "Content-Type": "application/rss+xml"},
        )
        with urllib.request.urlopen(request, timeout=PATIENCE):
            self._taken(parcel.edition)  # any other answer than 2xx is an error here
