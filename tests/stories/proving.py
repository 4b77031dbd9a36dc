"""Checks what was signed and logged, by the specifications alone: no code is the issuer's."""

import base64
import hashlib
import json
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint whose signature is good."""

    origin: str
    size: int
    root: bytes


def raw(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def opened(note: str, verifier: str) -> Checkpoint:
    """The checkpoint *note*, signed by the key *verifier* says (signed-note, tlog-checkpoint)."""
    name, identity, encoded = verifier.split("+", 2)
    key = base64.b64decode(encoded, validate=True)
    assert key[0] == 1
    hashed = hashlib.sha256(name.encode() + b"\n" + key).digest()[:4]
    assert hashed.hex() == identity
    text, _, signatures = note.rpartition("\n\n")
    dash, signer, signature = signatures.removesuffix("\n").split(" ")
    assert (dash, signer) == ("\u2014", name)
    blob = base64.b64decode(signature, validate=True)
    assert blob[:4] == hashed
    Ed25519PublicKey.from_public_bytes(key[1:]).verify(blob[4:], f"{text}\n".encode())
    origin, size, root = text.split("\n")
    return Checkpoint(origin, int(size), base64.b64decode(root, validate=True))


def proved(proof: str, leaf: bytes, verifier: str) -> tuple[int, Checkpoint]:
    """The index and the log that *proof* (tlog-proof) puts *leaf* into; fails when it does not."""
    head, _, note = proof.partition("\n\n")
    magic, index, *lines = head.split("\n")
    assert magic == "c2sp.org/tlog-proof@v1"
    assert index.startswith("index ")
    at = int(index.removeprefix("index "))
    path = [base64.b64decode(line, validate=True) for line in lines]
    checkpoint = opened(note, verifier)
    assert 0 <= at < checkpoint.size
    # RFC 9162 §2.1.3.2
    found, place, last = hashlib.sha256(b"\0" + leaf).digest(), at, checkpoint.size - 1
    for step in path:
        assert last > 0
        if place % 2 or place == last:
            found = hashlib.sha256(b"\1" + step + found).digest()
            while place % 2 == 0 and place:
                place, last = place >> 1, last >> 1
        else:
            found = hashlib.sha256(b"\1" + found + step).digest()
        place, last = place >> 1, last >> 1
    assert last == 0
    assert found == checkpoint.root
    return at, checkpoint


def pruned(proof: str, verifier: str) -> dict[int, bytes]:
    """The leaf hashes, by index, that a proof of many leaves shows to be in the log."""
    head, _, note = proof.strip().partition("\n\n")
    magic, listed, hashes = head.split("\n")
    assert magic == "wirecopy-proof-1"
    leaves = [int(each) for each in listed.removeprefix("leaves ").split(" ")]
    assert leaves == sorted(set(leaves))
    joined = base64.b64decode(hashes, validate=True)
    left = [joined[at : at + 32] for at in range(0, len(joined), 32)]
    checkpoint = opened(f"{note}\n", verifier)
    found = {}

    def root(start: int, end: int) -> bytes:
        inside = [at for at in leaves if start <= at < end]
        if not inside or end - start == 1:
            if inside:
                found[start] = left[0]
            return left.pop(0)
        cut = start + (1 << (end - start - 1).bit_length() - 1)
        return hashlib.sha256(b"\1" + root(start, cut) + root(cut, end)).digest()

    assert root(0, checkpoint.size) == checkpoint.root
    assert not left
    assert sorted(found) == leaves
    return found


def told(value: dict[str, Any]) -> bytes:
    """A value in canonical form: all names are ASCII, so this is RFC 8785."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def verified(token: str, jwks: dict[str, Any]) -> dict[str, Any]:
    """What a statement says that one of the keys of *jwks* signed; fails when none did."""
    if token.startswith("{"):
        whole = json.loads(token)
        assert sorted(whole) == ["key", "payload", "signature"]
        assert told(whole) == token.encode()
        kid, said, signature = whole["key"], whole["payload"], whole["signature"]
        header: dict[str, Any] = {"alg": "EdDSA", "b64": False, "crit": ["b64"], "kid": kid}
        head = base64.urlsafe_b64encode(told({**header, "typ": "wirecopy-statement-3"}))
        signed = head.rstrip(b"=") + b"." + told(said)
    else:
        text, payload, signature = token.split(".")
        kid = json.loads(raw(text))["kid"]
        header = {"alg": "EdDSA", "kid": kid, "typ": "wirecopy-statement+jws"}
        assert raw(text) == told(header)
        said, signed = json.loads(raw(payload)), f"{text}.{payload}".encode()
        assert raw(payload) == told(said)
    [key] = [k for k in jwks["keys"] if k["kid"] == kid]
    required = json.dumps({n: key[n] for n in ("crv", "kty", "x")}, separators=(",", ":"))
    thumbprint = hashlib.sha256(required.encode()).digest()
    assert base64.urlsafe_b64encode(thumbprint).rstrip(b"=").decode() == key["kid"]
    Ed25519PublicKey.from_public_bytes(raw(key["x"])).verify(raw(signature), signed)
    found: dict[str, Any] = said
    return found


NOTHING = {"headline": "", "text": [], "links": [], "media": [], "packaging": ["", []]}


def whole(said: dict[str, Any]) -> dict[str, Any]:
    """What a statement says, with what is left out of it."""
    if "type" in said:
        return said
    rule = said.get("rule", "wirecopy-text-1")
    nothing = {part: digest(told([rule, part, value])) for part, value in NOTHING.items()}  # type: ignore[arg-type]
    shorts = said.get("received")
    before = nothing | {p: long(v) for p, v in (shorts or {}).items() if p != "raw"}
    changed = {p: long(v) if v else nothing[p] for p, v in said.get("published", {}).items()}
    raw_ = long(shorts["raw"]) if shorts and "raw" in shorts else None
    return {
        "agency_version": "",
        "disclosure": "",
        "changed_at": said["received_at"],
        "previous": None,
        "logged_at": None,
        "index": None,
        **said,
        "type": "wirecopy-statement-3",
        "rule": rule,
        "received": None if shorts is None else {**before, "raw": raw_},
        "published": before | changed,
        **({"previous": long(said["previous"])} if "previous" in said else {}),
    }


def long(short: str) -> str:
    return f"sha-256=:{base64.b64encode(raw(short)).decode()}:"


def digest(data: bytes) -> str:
    return f"sha-256=:{base64.b64encode(hashlib.sha256(data).digest()).decode()}:"


def receipt(said: dict[str, Any]) -> bytes:
    """The leaf that a statement's receipt is of."""
    said = whole(said)
    names = ["agency", "agency_id", "agency_version", "guid", "received", "received_at", "rule"]
    number = said["type"].removeprefix("wirecopy-statement-")
    names += ["logged_at"] if number != "1" else []
    of = min(number, "2")
    return told({name: said[name] for name in names} | {"type": f"wirecopy-receipt-{of}"})


def digested(token: str) -> str:
    """The digest by which the next statement names *token*."""
    return digest(told(json.loads(token)["payload"]) if token.startswith("{") else token.encode())


def chained(chain: dict[str, Any], jwks: dict[str, Any]) -> list[dict[str, Any]]:
    """What the statements of a *chain* document say in full, oldest first; fails when they are no
    chain or not proved."""
    tokens = [s if isinstance(s, str) else told(s).decode() for s in chain["statements"]]
    said_all = [whole(verified(token, jwks)) for token in tokens]
    leaves = pruned(chain["log"], jwks["wirecopy_log"]) if "log" in chain else {}
    for number, said in enumerate(said_all, start=1):
        assert said["version"] == number
        assert said["previous"] == (digested(tokens[number - 2]) if number > 1 else None)
        assert said["guid"] == said_all[0]["guid"] == chain["guid"]
        assert said["issued_at"] >= said_all[max(number - 2, 0)]["issued_at"]
        if said["received"] is None:
            assert (said.get("receipt"), said.get("index")) == (None, None)
        elif "receipt" in said:
            proved(said["receipt"], receipt(said), jwks["wirecopy_log"])
        else:
            assert leaves[said["index"]] == hashlib.sha256(b"\0" + receipt(said)).digest()
    return said_all
