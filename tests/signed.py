"""Signed feeds: real stories, rendered by the real writers, with statements by a test signer."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from publish.document import frame
from publish.entry import Entry, Notice, notice
from publish.formats import WRITERS, Format
from publish.render import Rendered, render
from publish.selection import metadata
from stories.config import Config
from stories.models import Story
from tests.publish.samples import config, english, hindi, urdu
from tests.signing import Log, Signer, canonical, digest, payload_of, short, token_digest
from wirecopy.scope import Digests
from wirecopy.text import plain

FORMATS: tuple[Format, ...] = ("rss", "atom", "json")
ISSUED = datetime(2026, 11, 22, 13, 10, 0, 5, tzinfo=UTC)
WITHDRAWN = ISSUED + timedelta(minutes=20)
PARTS = ("headline", "text", "links", "media", "packaging")


def instant(moment: datetime) -> str:
    """As statements write instants."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@dataclass
class Issuer:
    """Renders and signs; one log and one key for all it prints.

    Payloads are told in full, whatever the *kind* of statement: its type's number."""

    signer: Signer = field(default_factory=Signer)
    log: Log = field(default_factory=Log)
    conf: Config = field(default_factory=config)
    chains: dict[str, list[str]] = field(default_factory=dict)
    logged_at: datetime = ISSUED - timedelta(minutes=1)
    kind: int = 3
    told: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What was signed, in full, by statement."""

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
            "previous": token_digest(chain[-1]) if chain else None,
            "receipt": None,
        }
        if self.kind == 3:
            payload |= {"details": details(entry), "index": None}
        if received is not None:
            payload["logged_at"] = instant(self.logged_at)
            payload |= self.place(self.log, self.log.add(receipt(payload)))
        return {**payload, **changes}

    def place(self, log: Log, index: int) -> dict[str, Any]:
        """What a statement says of its receipt, which is in the *log*."""
        return {"index": index} if self.kind == 3 else {"receipt": log.receipt(index)}

    def seal(self, payload: dict[str, Any], signer: Signer | None = None) -> str:
        """A *payload* told in full, signed as a statement."""
        return (signer or self.signer).sign(slim(payload) if self.kind == 3 else payload)

    def sign(self, story: Story, **changes: Any) -> Entry:
        """*story* as an entry with its statement, which is added to its chain."""
        rendered = render(story, self.conf)
        payload = self.payload(story, rendered, **changes)
        token = self.seal(payload)
        self.told[token] = payload
        self.chains.setdefault(story.id, []).append(token)
        return rendered.entry.model_copy(update={"statement": token})

    def withdraw(self, story: Story, **changes: Any) -> Notice:
        """The notice that *story* is withdrawn, with its statement, which is added to its chain."""
        chain = self.chains.setdefault(story.id, [])
        payload = {
            "guid": story.guid,
            "story": story.id,
            "version": len(chain) + 1,
            "withdrawn_at": instant(WITHDRAWN),
            "issued_at": instant(WITHDRAWN + timedelta(seconds=2)),
            **({"previous": short(token_digest(chain[-1]))} if chain else {}),
            **changes,
        }
        token = self.signer.sign(payload)
        chain.append(token)
        said = notice(story, self.conf, WITHDRAWN)
        return said.model_copy(update={"statement": token})

    def feed(self, entries: Sequence[Entry | Notice], format: Format) -> bytes:
        """The document of *entries* and notices."""
        writer = WRITERS[format]
        fragments = [
            writer.notice(each) if isinstance(each, Notice) else writer.entry(each)
            for each in entries
        ]
        about = metadata(self.conf.feeds[0], self.conf, ISSUED)
        proof = self.proof([entry.statement or "" for entry in entries])
        return frame(about, format, proof).join(fragments)

    def proof(self, tokens: Sequence[str]) -> str:
        """The proof for statements that have none of their own."""
        said = (payload_of(each) for each in tokens if each.startswith("{"))
        places = [payload["index"] for payload in said if "index" in payload]
        return self.log.proof(places) if places else ""

    def chain(self, story: Story) -> bytes:
        """The chain document of *story*."""
        return chain_of(story.guid, self.chains[story.id], self.proof(self.chains[story.id]))


def chain_of(guid: str, tokens: Sequence[str], proof: str = "") -> bytes:
    """The chain document of these statements."""
    told = [json.loads(each) if each.startswith("{") else each for each in tokens]
    return canonical({"guid": guid, **({"log": proof} if proof else {}), "statements": told})


def details(entry: Entry) -> str:
    """The digest of what a statement says besides the copy."""
    captions = []
    for medium in entry.media:
        caption, credit = plain(medium.caption or ""), plain(medium.credit or "")
        ended = "" if not caption or caption[-1] in ".!?।۔。" else "."
        captions.append(caption if credit in caption else f"{caption}{ended} {credit}".strip())
    published = entry.published.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    said = [plain(entry.byline or ""), published, captions]
    said += [plain(entry.correction)] if entry.correction else []
    told = ["wirecopy-text-1", "details", said]
    return digest(canonical(told))


EMPTY = {"headline": "", "text": [], "links": [], "media": [], "packaging": ["", []]}


def slim(payload: dict[str, Any]) -> dict[str, Any]:
    """A *payload* told in full as its statement says it: what says nothing is left out."""
    rule = payload["rule"]
    nothing = {part: digest(canonical([rule, part, value])) for part, value in EMPTY.items()}
    before = payload["received"] or {**nothing, "raw": None}
    received = {
        part: short(said)
        for part, said in before.items()
        if said is not None and said != nothing.get(part)
    }
    published = {
        part: "" if said == nothing[part] else short(said)
        for part, said in payload["published"].items()
        if said != before[part]
    }
    always = ("guid", "story", "version", "agency", "agency_id", "scope")
    found = {name: payload[name] for name in (*always, "received_at", "issued_at")}
    found["details"] = short(payload["details"])
    found |= {name: payload[name] for name in ("agency_version", "disclosure") if payload[name]}
    if rule != "wirecopy-text-1":
        found["rule"] = rule
    if payload["changed_at"] != payload["received_at"]:
        found["changed_at"] = payload["changed_at"]
    if payload["received"] is not None:
        found |= {"received": received} | {name: payload[name] for name in ("logged_at", "index")}
    if published:
        found["published"] = published
    if payload["previous"] is not None:
        found["previous"] = short(payload["previous"])
    return found


def receipt(payload: dict[str, Any]) -> dict[str, Any]:
    """What a statement's receipt holds."""
    names = ("guid", "agency", "agency_id", "agency_version", "rule", "received", "received_at")
    told = {name: payload[name] for name in (*names, "logged_at")}
    return {"type": "wirecopy-receipt-2", **told}


def earlier(payload: dict[str, Any]) -> dict[str, Any]:
    """The statement as it was before statements said when their receipt was logged."""
    left_out = ("logged_at", "details", "index")
    whole = {name: value for name, value in payload.items() if name not in left_out}
    return {**whole, "type": "wirecopy-statement-1", "receipt": payload.get("receipt") or "x"}


def samples() -> list[Story]:
    """Three stories, three languages."""
    return [english(), hindi(), urdu()]


def _digests(found: Digests) -> dict[str, str]:
    return {part: getattr(found, part) for part in PARTS}
