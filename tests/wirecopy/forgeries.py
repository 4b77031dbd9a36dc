"""What is done to statements, and to the proof of the log, by who has no key of the publisher's."""

import json
import re
from random import Random
from typing import Any

from tests.signing import Log, Signer, b64url, canonical, digest, short
from tests.wirecopy.mutations import OWN, Document, Item, JsonItem, Mutation, XmlItem, on_item
from wirecopy import jose

FORGER = Signer("a forger")
OTHERS = short(digest(b"something else"))
SIGNATURES = (b64url(bytes(64)), b64url(bytes([1, *bytes(63)])), b64url(bytes([255] * 64)))


def _pieces(item: Item) -> jose.Pieces:
    """Key, payload and signature of the statement of *item*, whatever its format."""
    text = item.get("statement").strip()
    token = jose.from_xml(text) if isinstance(item, XmlItem) else jose.as_text(json.loads(text))
    return jose.pieces_of(token)


def _put(item: Item, key: str, payload: str, signature: str) -> None:
    if isinstance(item, XmlItem):
        item.set("statement", f"{key}.{signature}.{payload}")
    else:
        said = {"key": key, "payload": json.loads(payload), "signature": signature}
        item.set("statement", json.dumps(said))


def payload_changed(text: str, random: Random) -> str:
    """The payload *text* with one member that says something else, or none."""
    payload = json.loads(text)
    published, received = payload.get("published") or {}, payload.get("received") or {}
    changes: list[dict[str, Any]] = [
        {"scope": "edited" if payload["scope"] == "verbatim" else "verbatim"},
        {"guid": "urn:x"},
        {"story": "a" * 13},
        {"version": payload["version"] + 1},
        {"agency": "Reuters"},
        {"agency_version": "99"},
        {"disclosure": "Nobody edited this."},
        {"received": {**received, "headline": OTHERS}},
        {"received": {**received, **published}, "published": None},
        {"received": None, "logged_at": None, "index": None},
        {"published": {**published, "headline": OTHERS}},
        {"published": {**published, "links": ""}},
        {"details": OTHERS},
        {"received_at": "2020-01-01T00:00:00.000000Z"},
        {"logged_at": "2020-01-01T00:00:00.000000Z"},
        {"changed_at": None if "changed_at" in payload else "2026-11-22T13:09:00.000000Z"},
        {"issued_at": "2026-11-22T13:10:01.000000Z"},
        {"index": payload.get("index", 0) + 1},
        {"previous": OTHERS},
        {"rule": "wirecopy-text-2"},
        {"custody": {"digest": OTHERS, "key": FORGER.kid}},
        {"note": "x"},
    ]
    changed = {**payload, **random.choice(changes)}
    return canonical({name: said for name, said in changed.items() if said is not None}).decode()


@on_item
def statement_rewritten(item: Item, random: Random) -> bool:
    """Another payload under the same signature."""
    key, payload, signature = _pieces(item)
    changed = payload_changed(payload, random)
    _put(item, key, changed, signature)
    return changed != payload


@on_item
def statement_forged(item: Item, random: Random) -> bool:
    """Signed anew by a stranger: under his key's name or the publisher's, or of an earlier type."""
    key, payload, _ = _pieces(item)
    if random.random() < 0.5:
        payload = payload_changed(payload, random)
    changes: dict[str, Any] = random.choice(
        [{}, {"kid": key}, {"kid": key, "alg": "none"}, {"jwk": FORGER.jwk()}, {"typ": "JWT"}]
    )
    if random.random() < 0.8:
        named = random.choice([key, FORGER.kid])
        _put(item, named, payload, FORGER.signature(payload.encode(), **changes))
    else:
        header = {**FORGER.header(), **changes}
        token = FORGER.token(canonical(header), payload.encode())
        item.set("statement", token if isinstance(item, XmlItem) else json.dumps(token))
    return True


@on_item
def statement_unsigned(item: Item, random: Random) -> bool:
    """The signature of nothing, one cut short or spelt otherwise, or somebody else's key."""
    key, payload, signature = _pieces(item)
    odd = [*SIGNATURES, "", signature[:-2], f"{signature}==", f"{signature[:-1]}B", f" {signature}"]
    if random.random() < 0.2:
        _put(item, random.choice([FORGER.kid, "", key[:-1], f"{key}="]), payload, signature)
    else:
        _put(item, key, payload, random.choice([each for each in odd if each != signature]))
    return True


@on_item
def statement_spelt(item: Item, random: Random) -> bool:
    """The same payload in another spelling, which another reader could read otherwise."""
    key, payload, signature = _pieces(item)
    said = json.loads(payload)
    if isinstance(item, JsonItem):  # there any spelling is form, but nothing more may be said
        more: dict[str, Any] = random.choice([{"note": "x"}, {"previous": None}, {"published": {}}])
        _put(item, key, json.dumps({**said, **more}), signature)
        return True
    spelt = [
        json.dumps(said),
        json.dumps(said, indent=1),
        payload.replace("/", "\\/", 1),
        payload.replace("urn:", "\\u0075rn:"),
        f'{payload[:-1]},"guid":"urn:x"}}',
        f'{{"guid":"urn:x",{payload[1:]}',
        payload.replace(f'"version":{said["version"]}', f'"version":{said["version"]}.0'),
        payload.replace(":", ": ", 1),
        f"{payload}x",
    ]
    changed = random.choice(spelt)
    _put(item, key, changed, signature)
    return changed != payload


FORGERIES: tuple[Mutation, ...] = (
    statement_rewritten,
    statement_rewritten,
    statement_forged,
    statement_unsigned,
    statement_spelt,
)


# The proof of the log, in the feed's head


def proof(data: bytes, random: Random) -> bytes | None:
    """A feed whose proof is another, or was harmed, or is gone; None where it has none."""
    document = Document(data)
    if document.xml:
        found = next(document.root.iter(f"{{{OWN}}}log"), None)
        if found is None or found.text is None:
            return None
        found.text = _another(found.text.strip(), random)
    else:
        own = document.json.get("_wirecopy", {})
        if "log" not in own:
            return None
        own["log"] = _another(own["log"].strip(), random)
    return document.bytes()


def _another(text: str, random: Random) -> str:
    while (harmed := _harmed(text, random)).strip() == text:
        pass
    return harmed


def _harmed(text: str, random: Random) -> str:
    head, note = text.split("\n\n", 1)
    kind, leaves, hashes = head.split("\n")
    _, *listed = leaves.split(" ")
    each = [hashes[at : at + 43] for at in range(0, len(hashes), 43)]
    at, other = random.randrange(len(listed)), random.randrange(len(text))
    size = int(note.split("\n")[1])
    foreign = Log(note.split("\n")[0], "a forger", [b"x"] * size)
    how = random.randrange(9)
    if how == 0:
        listed[at] = str(int(listed[at]) + random.choice((-1, 1, size)))
    elif how == 1:
        del listed[at]
    elif how == 2:
        listed.insert(at, str(int(listed[at])))
    elif how == 3:
        place = random.randrange(len(each))
        each[place] = each[place][::-1] if random.random() < 0.5 else ""
    elif how == 4:
        return foreign.proof(map(int, listed))
    elif how == 5:
        note = foreign.checkpoint(size)
    elif how == 6:
        note = re.sub(r"^(.*\n)\d+", rf"\g<1>{size + 1}", note, count=1)
    elif how == 7:
        return random.choice(("", "x", text.replace("-1", "-2", 1), note))
    else:
        letter = "A" if text[other] != "A" else "B"
        return f"{text[:other]}{letter}{text[other + 1 :]}"
    return f"{kind}\nleaves {' '.join(listed)}\n{''.join(each)}\n\n{note}"
