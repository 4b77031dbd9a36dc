"""The agency signs: its JSON Feed, in which each item carries a statement (``docs/statement.md``).

The agency is where the copy begins, so it received none, and claims nothing of how it was edited:
what it signs are the digests of what it publishes. It keeps no books: statements follow from script
and edition alone, as all else here does. Its key is made of the seed: anybody can have it.
"""

import hashlib
import json
from collections.abc import Sequence
from datetime import timedelta
from functools import lru_cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from desk.demo import newswire
from desk.demo.feeds import Channel
from desk.demo.items import NAME, Edition, WireItem
from desk.demo.newswire import Script
from stories.models import story_id
from wirecopy import Measurement, read_feed
from wirecopy.jose import Signer, jwk, token_digest
from wirecopy.scope import parts
from wirecopy.statement import Credit, captioned, claims, compose

TYPE = "application/feed+json; charset=utf-8"


@lru_cache(maxsize=8)
def _signer(seed: int) -> Signer:
    secret = hashlib.sha256(f"the simulated agency's key, {seed}".encode()).digest()
    return Signer.of(Ed25519PrivateKey.from_private_bytes(secret))


def key_set(script: Script) -> bytes:
    """The agency's keys as a JWK Set."""
    signer = _signer(script.seed)
    one = {**jwk(signer.key.public_key().public_bytes_raw()), "kid": signer.kid}
    begins = int((script.epoch - timedelta(days=1)).timestamp())  # copy may be older than the start
    return json.dumps({"keys": [{**one, "alg": "EdDSA", "use": "sig", "nbf": begins}]}).encode()


def feed(script: Script, channel: Channel, editions: Sequence[Edition]) -> bytes:
    """JSON Feed 1.1 of what stands."""
    values = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": channel.title,
        "description": channel.about,
        "home_page_url": f"{channel.site}/",
        "feed_url": channel.address,
        "items": [_signed(script, edition) for edition in editions],
    }
    return json.dumps(values, ensure_ascii=False).encode()


def _signed(script: Script, edition: Edition) -> dict[str, Any]:
    item = newswire.item(script, edition)
    made = _item(item)
    if item.guid:  # a statement is of something that has a name
        made["_wirecopy"]["statement"] = json.loads(_statement(script, edition))
    return made


def _item(item: WireItem) -> dict[str, Any]:
    names = [item.byline, NAME] if item.byline else [NAME]
    made: dict[str, Any] = {
        "id": item.guid,
        "url": item.link,
        "external_url": item.link,
        "title": item.headline,
        "content_html": item.body,
        "summary": item.summary,
        "date_published": item.first.isoformat(),
        "date_modified": item.dated.isoformat(),
        "authors": [{"name": name} for name in names],
        "tags": [*{tag.lower(): tag for tag in (*item.keywords, *item.categories)}.values()],
        "language": item.language,
        "_wirecopy": {"agency": NAME, "agency_id": item.guid, "rights": item.rights},
    }
    if picture := item.picture:
        own = {"medium": "image", "width": 640, "height": 360}
        own |= {"caption": picture.caption, "credit": picture.credit}
        said = captioned(picture.caption, picture.credit)
        made["attachments"] = [
            {"url": picture.url, "mime_type": "image/svg+xml", "title": said, "_wirecopy": own}
        ]
    return made if item.guid else {k: v for k, v in made.items() if k not in ("id", "_wirecopy")}


@lru_cache(maxsize=1024)
def _statement(script: Script, edition: Edition) -> str:
    """The agency's statement of *edition*. Where only a counter moves, it stays."""
    item = newswire.item(script, edition)
    before = newswire.before(script, edition)
    last = None if before is None else token_digest(_statement(script, before))
    # Read back, so that what is signed is what a verifier reads.
    [entry] = read_feed(json.dumps({"items": [_item(item)]}).encode())
    made = parts(entry.copy, rule=None).digests()
    claimed = claims(
        item.guid,
        story_id("agency", item.key),
        Credit(NAME, item.guid, ""),
        Measurement(made.rule, "unknown", (), None, made, edited_headline_only=False),
        raw=None,
        details=entry.details,
        disclosure="",
        received_at=item.dated,
        changed_at=item.dated,
    )
    said = compose(claimed, 1 if last is None else 2, last, None, item.dated)
    return _signer(script.seed).sign(said)
