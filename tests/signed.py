"""Signed feeds: real stories, rendered by the real writers, with statements by a test signer."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from publish import jsonfeed, xml
from publish.document import frame
from publish.entry import Entry
from publish.formats import Format
from publish.render import Rendered, render
from publish.selection import metadata
from stories.config import Config
from stories.models import Story
from tests.publish.samples import config, english, hindi, urdu
from tests.signing import Log, Signer, canonical, digest
from wirecopy.scope import Digests
from wirecopy.text import plain

FORMATS: tuple[Format, ...] = ("rss", "atom", "json")
WRITERS: dict[Format, Callable[[Entry], bytes]] = {
    "rss": xml.rss_item,
    "atom": xml.atom_entry,
    "json": jsonfeed.item,
}
ISSUED = datetime(2026, 11, 22, 13, 10, 0, 5, tzinfo=UTC)
PARTS = ("headline", "text", "links", "media", "packaging")


def instant(moment: datetime) -> str:
    """As statements write instants."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@dataclass
class Issuer:
    """Renders and signs; one log and one key for all it prints."""

    signer: Signer = field(default_factory=Signer)
    log: Log = field(default_factory=Log)
    conf: Config = field(default_factory=config)
    chains: dict[str, list[str]] = field(default_factory=dict)
    logged_at: datetime = ISSUED - timedelta(minutes=1)

    def payload(self, story: Story, rendered: Rendered, **changes: Any) -> dict[str, Any]:
        """The payload of the next statement of *story*, its receipt in the log."""
        entry, measured = rendered.entry, rendered.measurement
        received = None
        if measured.received is not None:
            raw = digest(f"raw of {story.id}".encode())
            received = {**_digests(measured.received), "raw": raw}
        chain = self.chains.get(story.id, [])
        payload: dict[str, Any] = {
            "type": "wirecopy-statement-2",
            "guid": entry.guid,
            "story": story.id,
            "version": len(chain) + 1,
            "agency": entry.agency,
            "agency_id": entry.agency_id,
            "agency_version": entry.agency_version or "",
            "rule": "wirecopy-text-1",
            "scope": measured.scope,
            "disclosure": plain(entry.disclosure),
            "received": received,
            "published": _digests(measured.published),
            "received_at": instant(story.received_at),
            "logged_at": None,
            "changed_at": instant(story.changed_at),
            "issued_at": instant(ISSUED + timedelta(minutes=len(chain))),
            "previous": digest(chain[-1].encode()) if chain else None,
            "receipt": None,
        }
        if received is not None:
            payload["logged_at"] = instant(self.logged_at)
            payload["receipt"] = self.log.receipt(self.log.add(receipt(payload)))
        return {**payload, **changes}

    def sign(self, story: Story, **changes: Any) -> Entry:
        """*story* as an entry with its statement, which is added to its chain."""
        rendered = render(story, self.conf)
        token = self.signer.sign(self.payload(story, rendered, **changes))
        self.chains.setdefault(story.id, []).append(token)
        return rendered.entry.model_copy(update={"statement": token})

    def feed(self, entries: Sequence[Entry], format: Format) -> bytes:
        """The document of *entries*."""
        fragments = [WRITERS[format](entry) for entry in entries]
        return frame(metadata(self.conf.feeds[0], self.conf, ISSUED), format).join(fragments)

    def chain(self, story: Story) -> bytes:
        """The chain document of *story*."""
        return canonical({"guid": story.guid, "statements": self.chains[story.id]})


def receipt(payload: dict[str, Any]) -> dict[str, Any]:
    """What a statement's receipt holds."""
    names = ("guid", "agency", "agency_id", "agency_version", "rule", "received", "received_at")
    told = {name: payload[name] for name in (*names, "logged_at")}
    return {"type": "wirecopy-receipt-2", **told}


def earlier(payload: dict[str, Any]) -> dict[str, Any]:
    """The statement as it was before statements said when their receipt was logged."""
    whole = {**payload, "type": "wirecopy-statement-1"}
    del whole["logged_at"]
    return whole


def samples() -> list[Story]:
    """Three stories, three languages."""
    return [english(), hindi(), urdu()]


def _digests(found: Digests) -> dict[str, str]:
    return {part: getattr(found, part) for part in PARTS}
